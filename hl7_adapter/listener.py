"""Listens for the hospital system: what waits at once is taken in a worker thread, and answered when committed."""

from __future__ import annotations

from collections.abc import Sequence

from app.kernel.ids import new_digits
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.ack import each_of
from hl7_adapter.filing import Filing
from hl7_adapter.gate import Door
from hl7_adapter.letters import letter
from hl7_adapter.mllp import Address, Handler, HangUp, MllpServer, serve
from hl7_adapter.taking import Went, take
from hl7_adapter.transports import Batch, HttpServer, read_batch, serve_http
from hl7_adapter.turns import Turns

Frame = tuple[bytes, Door]


async def listen(units: Units, settings: Hl7Settings) -> MllpServer:
    """A listener that is up and takes messages until its `close`; OSError when the port is taken.

    When the database is away the connection is closed without an answer, so that the sender keeps its message.
    """
    return await serve(settings.host, settings.port, _handler(units, settings), ssl=secured.listening(settings))


async def listen_http(units: Units, settings: Hl7Settings) -> HttpServer:
    """The same by HTTP; when the database is away the sender is told to try later."""
    context = secured.listening(settings)
    return await serve_http(settings.host, settings.http_port, _handler(units, settings), ssl=context)


def _handler(units: Units, settings: Hl7Settings) -> Handler:
    filing = Filing(units)
    turns: Turns[Frame, list[bytes]] = Turns(lambda frames: answered(units, filing, frames))

    async def handle(raw: bytes, address: str) -> list[bytes]:
        names = address.names if isinstance(address, Address) else frozenset()
        return await turns.take((raw, Door(address, settings.is_strict, settings.contact, names=names)))

    return handle


def answered(units: Units, filing: Filing, frames: Sequence[Frame]) -> list[list[bytes] | Exception]:
    """The answers to each frame, a message's one or two, or a batch's in one text; HangUp, or why nothing was kept."""
    batches = {index: batch for index, (raw, _) in enumerate(frames) if (batch := read_batch(raw)) is not None}
    singles = [index for index in range(len(frames)) if index not in batches]
    went = take(units, filing, [letter(*frames[index]) for index in singles])
    told = {index: _as_answers(each) for index, each in zip(singles, went, strict=True)}
    for index, batch in batches.items():
        told[index] = _batch_answer(units, filing, batch, frames[index][1])
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
