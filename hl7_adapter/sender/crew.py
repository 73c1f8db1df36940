"""Carries letters to one receiver over a few connections, one at a time on each, and says what came of them."""

from __future__ import annotations

import asyncio
import enum
import ssl
import time
from collections import deque
from dataclasses import dataclass

from hl7_adapter.mllp import MllpClient, NoAnswer

FAILURES_TO_STOP = 3


@dataclass(frozen=True)
class Letter:
    """A written message, the event it tells, and until when (by the monotonic clock) it may set out under its lease."""

    item_id: int
    event: str
    raw: bytes
    until: float


class Fate(enum.Enum):
    """`ANSWERED`; `NO_ANSWER`: it may have arrived; `UNREACHABLE`: nobody there; `KEPT`: not tried; `NOT_SENDABLE`."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    KEPT = "kept"
    NOT_SENDABLE = "not_sendable"


@dataclass(frozen=True)
class Outcome:
    """What came of one letter; `error` is a code, `answer` the receiver's bytes."""

    item_id: int
    event: str
    fate: Fate
    error: str = ""
    answer: bytes | None = None


class Crew:
    """Up to `connections` lines to one address, opened as they are needed and kept open.

    After three failures in a row whatever still waits for a connection is kept, so that a silent receiver costs a few
    time-outs and not one for each message.
    """

    def __init__(
        self, host: str, port: int, timeout_seconds: float, *, connections: int, tls: ssl.SSLContext | None = None
    ) -> None:
        """Remembers the receiver; nothing is connected yet."""
        self._clients = [MllpClient(host, port, timeout_seconds, ssl=tls) for _ in range(connections)]
        self._idle = deque(self._clients)
        self._turn = asyncio.Semaphore(connections)
        self._failures = 0

    @property
    def has_given_up(self) -> bool:
        """True after the failures, until `rested`: every further letter would be kept."""
        return self._failures >= FAILURES_TO_STOP

    def rested(self) -> None:
        """The receiver is worth trying again."""
        self._failures = 0

    async def carry(self, letter: Letter) -> Outcome:
        """What came of the letter, once a connection was free; never raises for what a receiver can do."""
        async with self._turn:
            if self.has_given_up or time.monotonic() > letter.until:
                return Outcome(letter.item_id, letter.event, Fate.KEPT)
            client = self._idle.popleft()
            try:
                return await self._told(client, letter)
            finally:
                self._idle.appendleft(client)  # the one used last is the one that is connected

    async def close(self) -> None:
        """Every connection is closed; a later letter opens a new one."""
        await asyncio.gather(*(client.close() for client in self._clients))

    async def _told(self, client: MllpClient, letter: Letter) -> Outcome:
        try:
            answer = await client.send(letter.raw)
        except NoAnswer as silence:
            self._failures += 1
            return Outcome(letter.item_id, letter.event, Fate.NO_ANSWER, type(silence).__name__)
        except OSError as failure:
            self._failures += 1
            return Outcome(letter.item_id, letter.event, Fate.UNREACHABLE, type(failure).__name__)
        except ValueError:
            return Outcome(letter.item_id, letter.event, Fate.NOT_SENDABLE, "not_sendable")
        self._failures = 0
        return Outcome(letter.item_id, letter.event, Fate.ANSWERED, answer=answer)
