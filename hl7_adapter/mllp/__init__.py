"""Messages over TCP in the Minimal Lower Layer Protocol: a block starts with 0x0B and ends with 0x1C 0x0D.

`frames` knows only bytes, `server` and `client` add asyncio, deadlines and limits. What a message says is not their
business, except that the client knows its answer by MSA-2.
"""

from hl7_adapter.mllp.client import MllpClient, NoAnswer, PeerClosed, Timeout, send_once
from hl7_adapter.mllp.frames import MAX_FRAME_BYTES, FrameDecoder, FrameTooLong, frame
from hl7_adapter.mllp.listening import Address, Listening, address_of
from hl7_adapter.mllp.server import Handler, HangUp, Limits, MllpServer, Reply, serve

__all__ = [
    "MAX_FRAME_BYTES",
    "Address",
    "FrameDecoder",
    "FrameTooLong",
    "Handler",
    "HangUp",
    "Limits",
    "Listening",
    "MllpClient",
    "MllpServer",
    "NoAnswer",
    "PeerClosed",
    "Reply",
    "Timeout",
    "address_of",
    "frame",
    "send_once",
    "serve",
]
