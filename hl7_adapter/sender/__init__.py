"""Tells the hospital system what happened: one message at a time per patient, the same bytes until it is answered.

`desk` keeps the books (what is due, what became of it), `crew` carries messages over a few connections, `rounds` joins
both into the process that sends.
"""

from hl7_adapter.sender.rounds import Sender

__all__ = ["Sender"]
