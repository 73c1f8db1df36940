"""Listens for the hospital system: each frame is taken in a worker thread and answered after it is committed."""

from __future__ import annotations

import asyncio

from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter.intake import receive
from hl7_adapter.mllp import MllpServer, serve


async def listen(units: Units, settings: Hl7Settings) -> MllpServer:
    """A listener that is up and takes messages until its `close`; OSError when the port is taken.

    When the database is away the connection is closed without an answer, so that the sender keeps its message.
    """

    async def handle(raw: bytes, _address: str) -> bytes | None:
        return await asyncio.to_thread(receive, units, raw)

    return await serve(settings.host, settings.port, handle)
