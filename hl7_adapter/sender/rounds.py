"""The process that sends: notes what was answered and sets the next messages out, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from app.kernel.peers import Peer
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.sender.crew import Crew, Fate, Outcome
from hl7_adapter.sender.desk import Desk

AT_ONCE = 32
CONNECTIONS = 4
POLL_SECONDS = 0.5
_log = logging.getLogger("hl7_adapter.sender")
_Address = tuple[str, int, bool]
_NOWHERE: _Address = ("", 0, False)


_OVER = frozenset({Fate.ANSWERED, Fate.NOT_SENDABLE})


class Sender:
    """Sends what waits for the hospital system until it is told to stop.

    Two senders at once do no harm: each message is leased to one of them. One whose sender died is sent again, under
    the same control id, when its lease is over.
    """

    def __init__(self, units: Units, settings: Hl7Settings) -> None:
        """Remembers whom to tell; nothing is connected yet."""
        self.stopping = asyncio.Event()
        self._settings = settings
        self._desk = Desk(units, settings)
        self._address = _NOWHERE
        self._crew: Crew | None = None

    async def run(self) -> None:
        """Sends round after round until `stopping` is set; the messages under way are finished first."""
        while not self.stopping.is_set():
            try:
                told = await self.round()
            except Exception as failure:  # noqa: BLE001 - the database may be away for a while; the sender stays
                _log.warning("nothing could be told", extra={"code": type(failure).__name__})
                told = 0
            if not told:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), POLL_SECONDS)
        await self._connect(_NOWHERE)

    async def round(self) -> int:
        """Sends until nothing is due or nobody answers; returns how many were answered or had nothing to tell.

        One message at a time for each patient, several patients' at once. Nothing is sent while the receiver is paused
        or has no address. What is agreed with it is read anew each round.
        """
        peer = await asyncio.to_thread(self._desk.agreed)
        address = self._address_of(peer)
        await self._connect(address)
        if peer.is_paused or self._crew is None:
            return 0
        self._crew.rested()
        under_way: set[asyncio.Task[Outcome]] = set()
        try:
            return await self._send_all(self._crew, under_way)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _send_all(self, crew: Crew, under_way: set[asyncio.Task[Outcome]]) -> int:
        """Whatever was answered while the last commit ran is noted with the next one, so that commits are shared.

        A crew that has given up gets no letter more, though the line may be whole because others were answered just
        now: what it keeps would be due again at once, and the round never end.
        """
        told, goes_on, outcomes = 0, True, list[Outcome]()
        while goes_on or under_way:
            goes_on = goes_on and not crew.has_given_up and not self.stopping.is_set()
            wanted = AT_ONCE - len(under_way) if goes_on else 0
            turn = await asyncio.to_thread(self._desk.turn, outcomes, wanted)
            told += turn.silent + sum(1 for each in outcomes if each.fate in _OVER)
            under_way |= {asyncio.create_task(crew.carry(letter)) for letter in turn.letters}
            goes_on = bool(turn.letters or turn.silent or under_way) and self._address_of(turn.peer) == self._address
            outcomes = await _first_of(under_way)
        return told

    def _address_of(self, peer: Peer) -> _Address:
        """Host, port and whether by TLS: as agreed with the receiver, else as the settings say."""
        if peer.out_host:
            return peer.out_host, peer.out_port, peer.out_tls
        return self._settings.his_host, self._settings.his_port, self._settings.his_tls

    async def _connect(self, address: _Address) -> None:
        """The crew goes to `address`; the lines to another one are closed."""
        if address == self._address:
            return
        if self._crew is not None:
            await self._crew.close()
        host, port, is_tls = self._address = address
        timeout, context = self._settings.answer_timeout_seconds, secured.sending(self._settings) if is_tls else None
        is_somewhere = bool(host and port)
        self._crew = Crew(host, port, timeout, connections=CONNECTIONS, tls=context) if is_somewhere else None


async def _first_of(under_way: set[asyncio.Task[Outcome]]) -> list[Outcome]:
    """What has come of those that are done, as soon as one is; they are under way no longer."""
    if not under_way:
        return []
    done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    under_way -= done
    return [task.result() for task in done]
