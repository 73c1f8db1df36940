"""One message as it came in: its bytes, the door it came by, and what its head says of it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from functools import cached_property

from app.kernel.inbox import digest_of
from app.kernel.peer_rules import system_name
from hl7_adapter.ack import Header, HeaderProblem, read_header
from hl7_adapter.gate import Door

ANYWHERE = Door()


@dataclass(frozen=True)
class Letter:
    """A message in hand: `read` is its head as far as it could be read, `began` when that was (seconds, monotonic)."""

    raw: bytes
    door: Door
    read: Header | HeaderProblem
    began: float = field(default_factory=time.perf_counter)

    @cached_property
    def head(self) -> Header:
        """What could be read of the head."""
        return head_of(self.read)

    @cached_property
    def sender(self) -> str:
        """Whom the inbox and the audit trail name as the sender."""
        return peer_name(self.head)

    @property
    def key(self) -> str:
        """What tells the message from the sender's others: its control id; without one, the hash of its bytes."""
        return printable(self.head.control_id, 200) or digest_of(self.raw)

    @property
    def kind(self) -> str:
        """Type and event."""
        return printable(f"{self.head.message_type}^{self.head.event}", 30)

    @property
    def request_id(self) -> str:
        """The control id, as far as a log line holds it."""
        return printable(self.head.control_id, 40)

    def took_ms(self) -> int:
        """How long it has been in hand."""
        return round((time.perf_counter() - self.began) * 1000)


def letter(raw: bytes, door: Door = ANYWHERE) -> Letter:
    """The message in these bytes; never raises."""
    return Letter(raw, door, read_header(raw))


def head_of(read: Header | HeaderProblem) -> Header:
    """The head, also of a message that cannot be taken."""
    return read.header if isinstance(read, HeaderProblem) else read


def peer_name(head: Header) -> str:
    """The sender as `application|facility` of MSH-3 and MSH-4, shortened to what fits, still one for each sender."""
    return system_name(*head.sender)


def printable(text: str, at_most: int) -> str:
    """What a database column and a log line can hold of somebody else's text."""
    if text.isprintable():
        return text[:at_most]
    return "".join(char if char.isprintable() else "?" for char in text)[:at_most]


def answer_number() -> str:
    """A control id for an answer, which no other answer has."""
    return f"MA{secrets.randbelow(10**16):016d}"
