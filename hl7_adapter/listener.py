"""Listens for the hospital system; a message is answered when it is committed.

One that changes nothing is filed from the loop itself; what else waits at once is taken together in a worker thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.kernel.ids import new_digits
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.ack import each_of
from hl7_adapter.filing import Filing
from hl7_adapter.gate import Door
from hl7_adapter.letters import Letter, letter
from hl7_adapter.mllp import Address, HangUp, MllpServer, serve
from hl7_adapter.short_way import BYTES_AT_MOST, ShortWay
from hl7_adapter.taking import Went, take
from hl7_adapter.transports import Batch, HttpServer, begins_as_batch, read_batch, serve_http
from hl7_adapter.turns import Turns


class Frame(NamedTuple):
    """What came and by which door; `letter` is the message in it, None when nobody has looked yet."""

    raw: bytes
    door: Door
    letter: Letter | None = None


async def listen(units: Units, settings: Hl7Settings) -> MllpServer:
    """A listener that is up and takes messages until its `close`; OSError when the port is taken.

    When the database is away the connection is closed without an answer, so that the sender keeps its message.
    """
    taking = _Taking(units, settings)
    server = await serve(settings.host, settings.port, taking.handle, ssl=secured.listening(settings))
    server.ends_with(taking.close)
    return server


async def listen_http(units: Units, settings: Hl7Settings) -> HttpServer:
    """The same by HTTP; when the database is away the sender is told to try later."""
    taking = _Taking(units, settings)
    server = await serve_http(settings.host, settings.http_port, taking.handle, ssl=secured.listening(settings))
    server.ends_with(taking.close)
    return server


class _Taking:
    """Takes what comes in at one port."""

    def __init__(self, units: Units, settings: Hl7Settings) -> None:
        self._settings, filing = settings, Filing(units)
        self._short_way = ShortWay(units, filing)
        self._turns: Turns[Frame, list[bytes]] = Turns(lambda frames: answered(units, filing, frames))
        self.close = self._short_way.close

    async def handle(self, raw: bytes, address: str) -> list[bytes]:
        """The answers to what came from there."""
        names = address.names if isinstance(address, Address) else frozenset()
        door = Door(address, self._settings.is_strict, self._settings.contact, names=names)
        if len(raw) > BYTES_AT_MOST or begins_as_batch(raw):
            return await self._turns.take(Frame(raw, door))
        came = letter(raw, door)
        filed = await self._short_way.file(came)
        return await self._turns.take(Frame(raw, door, came)) if filed is None else each_of(filed)


def answered(units: Units, filing: Filing, frames: Sequence[Frame]) -> list[list[bytes] | Exception]:
    """The answers to each frame, a message's one or two, or a batch's in one text; HangUp, or why nothing was kept."""
    unseen = (index for index, frame in enumerate(frames) if frame.letter is None)
    batches = {index: batch for index in unseen if (batch := read_batch(frames[index].raw)) is not None}
    singles = [index for index in range(len(frames)) if index not in batches]
    letters = [frames[index].letter or letter(frames[index].raw, frames[index].door) for index in singles]
    told = {index: _as_answers(each) for index, each in zip(singles, take(units, None, letters), strict=True)}
    for index, batch in batches.items():
        told[index] = _batch_answer(units, filing, batch, frames[index].door)
    return [told[index] for index in range(len(frames))]


def _as_answers(went: Went) -> list[bytes] | Exception:
    return went if isinstance(went, Exception) else each_of(went or b"")


def _batch_answer(units: Units, filing: Filing, batch: Batch, door: Door) -> list[bytes] | Exception:
    """A sender that is turned away in the middle of a batch stands in its answers, or is cut off without a word."""
    told: list[list[bytes]] = []
    for part in batch.parts:
        told.append([])
        for went in take(units, filing, [letter(raw, door) for raw in part.messages]):
            if isinstance(went, HangUp) and went.answers:
                told[-1] += went.answers
            elif isinstance(went, Exception):
                return went
            else:
                told[-1] += each_of(went or b"")
    now = units.clock.now().astimezone(units.zone)
    return [batch.answer(told, control_id=f"MB{new_digits(10)}", now=now)]
