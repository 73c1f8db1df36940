"""Tells the hospital system what happened: one message at a time per patient, the same bytes until it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.kernel import outbox, peers
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.er7 import parse
from hl7_adapter.mapping.appointments import TOPIC
from hl7_adapter.mapping.outbound import write
from hl7_adapter.mllp import MllpClient, NoAnswer
from hl7_adapter.recoding import in_charset
from hl7_adapter.search_keys import note_written

AT_ONCE = 8
POLL_SECONDS = 0.5
OUTAGE_SECONDS = 3
UNREACHABLE = "unreachable"
_ACCEPTED = frozenset({"AA", "CA"})
_REFUSED = frozenset({"AE", "AR", "CE", "CR"})
_US = Actor("peer", "hl7-sender")
_log = logging.getLogger("hl7_adapter.sender")


class Sender:
    """Sends what waits for the hospital system until it is told to stop.

    Two senders at once do no harm: each message is leased to one of them. One whose sender died is sent again, under
    the same control id, when its lease is over.
    """

    def __init__(self, units: Units, settings: Hl7Settings) -> None:
        """Remembers whom to tell; nothing is connected yet."""
        self.stopping = asyncio.Event()
        self._units = units
        self._settings = settings
        self._is_away = False
        self._peer = Peer()
        self._address = ("", 0, False)
        self._client: MllpClient | None = None
        self._lease_seconds = AT_ONCE * settings.answer_timeout_seconds + 30

    async def run(self) -> None:
        """Sends round after round until `stopping` is set; the message under way is finished first."""
        while not self.stopping.is_set():
            try:
                told = await self.round()
            except Exception as failure:  # noqa: BLE001 - the database may be away for a while; the sender stays
                _log.warning("nothing could be told", extra={"code": type(failure).__name__})
                told = 0
            if not told:
                with contextlib.suppress(TimeoutError):
                    wait_seconds = OUTAGE_SECONDS if self._is_away else POLL_SECONDS
                    await asyncio.wait_for(self.stopping.wait(), wait_seconds)
        await self._connect(("", 0, False))

    async def round(self) -> int:
        """Sends what is due, at most one message per patient; returns how many were answered or had nothing to tell.

        While nobody can be reached only one message is tried, so that the others keep their patience. Nothing is sent
        while the receiver is paused or has no address. What is agreed with it is read anew each round.
        """
        self._peer = await asyncio.to_thread(self._agreed)
        address = self._address_of(self._peer)
        await self._connect(address)
        if self._peer.is_paused or not (address[0] and address[1]):
            return 0
        ids = await asyncio.to_thread(self._claim, 1 if self._is_away else AT_ONCE)
        told = 0
        for place, item_id in enumerate(ids):
            if place and self._is_away:
                await asyncio.to_thread(self._failed, item_id, UNREACHABLE)
            else:
                told += await self._deliver(item_id)
        return told

    async def _deliver(self, item_id: int) -> int:
        raw = await asyncio.to_thread(self._letter, item_id)
        return 1 if raw is None else await self._tell(item_id, raw)

    async def _tell(self, item_id: int, raw: bytes) -> int:
        assert self._client is not None
        try:
            answer = await self._client.send(raw)
        except NoAnswer as failure:
            await asyncio.to_thread(self._failed, item_id, type(failure).__name__)
            return 0
        except OSError as failure:
            if not self._is_away:
                _log.warning("the hospital system cannot be reached", extra={"code": type(failure).__name__})
            self._is_away = True
            await asyncio.to_thread(self._failed, item_id, UNREACHABLE)
            return 0
        except ValueError:
            await asyncio.to_thread(self._failed, item_id, "not_sendable", is_final=True)
            return 1
        await asyncio.to_thread(self._answered, item_id, answer)
        if self._is_away:
            self._is_away = False
            await asyncio.to_thread(self._wake)
        return 1

    def _agreed(self) -> Peer:
        with self._units.open(_US, reads_only=True) as uow:
            return peers.peer_for(uow, self._settings.his_application, self._settings.his_facility)

    def _address_of(self, peer: Peer) -> tuple[str, int, bool]:
        """Host, port and whether by TLS: as agreed with the receiver, else as the settings say."""
        if peer.out_host:
            return peer.out_host, peer.out_port, peer.out_tls
        return self._settings.his_host, self._settings.his_port, self._settings.his_tls

    async def _connect(self, address: tuple[str, int, bool]) -> None:
        """The client is one of `address`; the line to another one is closed."""
        if address == self._address:
            return
        if self._client is not None:
            await self._client.close()
        host, port, is_tls = self._address = address
        context = secured.sending(self._settings) if is_tls else None
        self._client = MllpClient(host, port, self._settings.answer_timeout_seconds, ssl=context) if host else None

    def _claim(self, limit: int) -> list[int]:
        with self._units.open(_US) as uow:
            items = outbox.claim(uow, TOPIC, limit=limit, lease_seconds=self._lease_seconds)
            return [item.id for item in items]

    def _letter(self, item_id: int) -> bytes | None:
        """The message's bytes, written at the first try and kept; None when there is nothing (more) to send."""
        try:
            with self._units.open(_US) as uow:
                item = uow.session.get_one(OutboxItem, item_id)
                if item.body is None:
                    body = write(uow, self._settings, item.payload, f"MZ{item.id:010d}")
                    item.body = in_charset(body, self._peer.out_charset) if body else None
                    note_written(uow, item)
                if item.body is None:
                    outbox.mark_sent(uow, item_id)
                return item.body
        except OperationalError:
            raise
        except Exception as failure:  # noqa: BLE001 - one event that cannot be written must not hold up the others
            _log.exception("a message could not be written", extra={"item": item_id, "code": type(failure).__name__})
            self._failed(item_id, f"not_writable {type(failure).__name__}", is_final=True)
            return None

    def _answered(self, item_id: int, answer: bytes) -> None:
        message = parse(answer)
        code = message.get("MSA-1").strip().upper()
        if code in _ACCEPTED:
            with self._units.open(_US) as uow:
                outbox.mark_sent(uow, item_id, answer=answer)
            return
        reason = (message.get("ERR-3.1") or message.get("ERR-1.4.1")).strip()
        is_final = code in _REFUSED and reason not in self._peer.retry_codes
        self._failed(item_id, f"{code[:2]} {reason[:8]}".strip(), is_final=is_final, answer=answer)

    def _failed(self, item_id: int, error: str, *, is_final: bool = False, answer: bytes | None = None) -> None:
        with self._units.open(_US) as uow:
            outbox.mark_failed(uow, item_id, error, is_final=is_final, answer=answer)
        if is_final:
            _log.error("a message needs a person", extra={"item": item_id, "topic": TOPIC, "code": error})

    def _wake(self) -> None:
        """What waited only because nobody could be reached is due now."""
        with self._units.open(_US) as uow:
            uow.session.execute(
                update(OutboxItem)
                .where(
                    OutboxItem.topic == TOPIC,
                    OutboxItem.state == OutboxState.WAITING,
                    OutboxItem.last_error == UNREACHABLE,
                )
                .values(due_at=uow.now()),
                execution_options={"synchronize_session": False},
            )
