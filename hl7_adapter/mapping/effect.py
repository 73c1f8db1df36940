"""What a message may do here, and what it may be answered beside its acknowledgement."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.kernel.uow import Uow
from hl7_adapter.ack import Reply
from hl7_adapter.er7 import Message


class Answered(NamedTuple):
    """A message that had its effect and is answered by one of its own kind; `subject` refers to what it touched.

    `is_as_agreed`: only a sender with whom that was agreed gets such an answer, others an ACK.
    """

    subject: str
    reply: Reply
    is_as_agreed: bool = False


Effect = Callable[[Uow, Message, str], str | Answered | None]
"""`effect(uow, message, peer)`: done to the open unit; gives a reference to what it touched, None for no effect.

Raises MessageRefused, or a VisitError of the application.
"""
