"""Looks again at parked messages every few seconds: whose patient is on file by now has its effect."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from app.kernel.uow import Actor, Units
from hl7_adapter import parking

EVERY_SECONDS = 5.0
_US = Actor("peer", "hl7-sweeper")
_log = logging.getLogger("hl7_adapter.sweeping")


class Sweeper:
    """Sweeps until it is told to stop; two at once do no harm, since each message is claimed before it is tried."""

    def __init__(self, units: Units) -> None:
        """Nothing is looked at yet."""
        self.stopping = asyncio.Event()
        self._units = units
        self._after = 0

    async def run(self) -> None:
        """One look every few seconds until `stopping` is set; the message in hand is finished first."""
        while not self.stopping.is_set():
            try:
                await asyncio.to_thread(self.look)
            except Exception as failure:  # noqa: BLE001 - the database may be away for a while; the sweeper stays
                _log.warning("parked messages could not be looked at", extra={"code": type(failure).__name__})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), EVERY_SECONDS)

    def look(self) -> int:
        """Tries those of the next 500 parked messages that can have their effect now; returns how many were tried.

        Each is a unit of its own. After the last message the next look begins with the first again.
        """
        with self._units.open(_US, reads_only=True) as uow:
            found, self._after = parking.ready(uow, self._after)
        tried = 0
        for item_id in found:
            with self._units.open(_US) as uow:
                tried += parking.take(uow, item_id)
        return tried
