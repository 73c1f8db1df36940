"""Other ways for a message to come in than one MLLP frame: an HTTPS body, text in a SOAP envelope, a batch of messages.

Each ends at the same handler as a frame does. Knows nothing of the application.
"""

from hl7_adapter.transports.batch import Batch, begins_as_batch, read_batch
from hl7_adapter.transports.http_server import HttpServer, serve_http

__all__ = ["Batch", "HttpServer", "begins_as_batch", "read_batch", "serve_http"]
