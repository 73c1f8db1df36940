"""Listens for the hospital system: each message is taken in a worker thread and answered after it is committed."""

from __future__ import annotations

import asyncio

from app.kernel.ids import new_digits
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.ack import each_of
from hl7_adapter.gate import Door
from hl7_adapter.intake import receive
from hl7_adapter.mllp import Handler, HangUp, MllpServer, serve
from hl7_adapter.transports import Batch, HttpServer, read_batch, serve_http


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
    async def handle(raw: bytes, address: str) -> list[bytes]:
        door = Door(address, settings.is_strict, settings.contact)
        return await asyncio.to_thread(answers, units, raw, door)

    return handle


def answers(units: Units, raw: bytes, door: Door) -> list[bytes]:
    """The answers to one frame, whatever it holds: a message's one or two, or a batch's in one text.

    Raises what `receive` raises; a sender that is turned away in the middle of a batch stands in its answers.
    """
    batch = read_batch(raw)
    if batch is None:
        return each_of(receive(units, raw, door) or b"")
    return [_batch_answer(units, batch, door)]


def _batch_answer(units: Units, batch: Batch, door: Door) -> bytes:
    told = [[answer for raw in part.messages for answer in _one(units, raw, door)] for part in batch.parts]
    now = units.clock.now().astimezone(units.zone)
    return batch.answer(told, control_id=f"MB{new_digits(10)}", now=now)


def _one(units: Units, raw: bytes, door: Door) -> list[bytes]:
    try:
        return each_of(receive(units, raw, door) or b"")
    except HangUp as turned_away:
        if not turned_away.answers:
            raise
        return list(turned_away.answers)
