"""Keeps the books of what is sent: takes what is due under a lease, writes it, and notes what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

from app.kernel import lines, outbox, peers
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer
from app.kernel.unit_session import CannotTurnBack
from app.kernel.uow import Actor, Units, Uow
from config import Hl7Settings
from hl7_adapter.mapping import asking
from hl7_adapter.mapping.appointments import TOPIC
from hl7_adapter.mapping.outbound import write
from hl7_adapter.recoding import in_charset
from hl7_adapter.search_keys import note_written
from hl7_adapter.sender import answers
from hl7_adapter.sender.crew import Fate, Letter, Outcome

UNREACHABLE = "unreachable"
OUTAGE = (UNREACHABLE, "Timeout", "PeerClosed")
RETRY_AT_MOST_SECONDS = 60
"""A message that an outage held up waits no longer than this: the line's own rests spare the receiver."""
_US = Actor("peer", "hl7-sender")
_log = logging.getLogger("hl7_adapter.sender")


@dataclass(frozen=True)
class Turn:
    """What the desk gave out: the letters, how many items needed none, and what is agreed with the receiver."""

    peer: Peer
    letters: tuple[Letter, ...]
    silent: int


class Desk:
    """The sender's half that knows the database; its methods block, and each is one unit of work."""

    def __init__(self, units: Units, settings: Hl7Settings) -> None:
        """Nothing is read yet."""
        self._units = units
        self._settings = settings
        self._lease_seconds = 2 * settings.answer_timeout_seconds + 2

    def agreed(self) -> Peer:
        """What is agreed with the hospital system now."""
        with self._units.open(_US, reads_only=True) as uow:
            return self._peer(uow)

    def turn(self, outcomes: Sequence[Outcome], wanted: int) -> Turn:
        """Notes the `outcomes`, then takes and writes up to `wanted` letters, the first of each patient, if it may.

        One commit for all of it. Nothing is taken while the receiver is paused.
        """
        try:
            return self._turn(outcomes, wanted, in_one_piece=True)
        except CannotTurnBack:
            return self._turn(outcomes, wanted, in_one_piece=False)

    def _turn(self, outcomes: Sequence[Outcome], wanted: int, *, in_one_piece: bool) -> Turn:
        with self._units.open(_US) as uow:
            uow.session.in_one_piece = in_one_piece
            peer = self._peer(uow)
            self._note(uow, peer, outcomes)
            items = self._take(uow, peer, wanted) if wanted and not peer.is_paused else []
            until = time.monotonic() + self._lease_seconds - self._settings.answer_timeout_seconds
            bodies = [(item, self._written(uow, item, peer)) for item in items]
            letters = tuple(
                Letter(item.id, str(item.payload.get("event", "")), body, until) for item, body in bodies if body
            )
            if bodies and not letters:
                lines.call_off_trial(uow, lines.name_of(peer.application, peer.facility))
        return Turn(peer, letters, len(bodies) - len(letters))

    def _peer(self, uow: Uow) -> Peer:
        return peers.peer_for(uow, self._settings.his_application, self._settings.his_facility)

    def _take(self, uow: Uow, peer: Peer, wanted: int) -> list[OutboxItem]:
        name = lines.name_of(peer.application, peer.facility)
        allowed = lines.may_send(uow, name, wanted)
        items = self._claimed(uow, allowed) if allowed else []
        if items and not lines.begin_trial(uow, name, seconds=self._lease_seconds):
            outbox.release(uow, [item.id for item in items], UNREACHABLE)
            return []
        return items

    def _claimed(self, uow: Uow, allowed: int) -> list[OutboxItem]:
        """What somebody waits for first, then the rest."""
        urgent = outbox.claim(uow, TOPIC, limit=allowed, lease_seconds=self._lease_seconds, only_urgent=True)
        left = allowed - len(urgent)
        rest = outbox.claim(uow, TOPIC, limit=left, lease_seconds=self._lease_seconds) if left else []
        return [*urgent, *rest]

    def _written(self, uow: Uow, item: OutboxItem, peer: Peer) -> bytes | None:
        """The message's bytes, written at the first try and kept; None when nothing (more) is to be sent."""
        try:
            if item.body is None and (peer.is_asked_first or item.payload.get("event") != asking.EVENT):
                with uow.session.part():
                    body = write(uow, self._settings, item.payload, item.control_id)
                    if body:
                        note_written(uow, item, in_charset(body, peer.out_charset))
        except (OperationalError, CannotTurnBack):
            raise
        except Exception as failure:  # noqa: BLE001 - one event that cannot be written must not hold up the others
            _log.exception("a message could not be written", extra={"item": item.id, "code": type(failure).__name__})
            answers.fail(uow, item.id, f"not_writable {type(failure).__name__}", is_final=True)
            return None
        if item.body is None:
            outbox.mark_sent(uow, item.id)
        return item.body

    def _note(self, uow: Uow, peer: Peer, outcomes: Sequence[Outcome]) -> None:
        name = lines.name_of(peer.application, peer.facility)
        for outcome in outcomes:
            if outcome.fate == Fate.ANSWERED:
                answers.note(uow, peer, outcome)
            elif outcome.fate == Fate.NO_ANSWER:
                outbox.mark_failed(uow, outcome.item_id, outcome.error, at_most_seconds=RETRY_AT_MOST_SECONDS)
            elif outcome.fate == Fate.NOT_SENDABLE:
                answers.fail(uow, outcome.item_id, outcome.error, is_final=True)
        kept = [each.item_id for each in outcomes if each.fate in {Fate.UNREACHABLE, Fate.KEPT}]
        if kept:
            outbox.release(uow, kept, UNREACHABLE)
        self._note_line(uow, name, outcomes)

    def _note_line(self, uow: Uow, name: str, outcomes: Sequence[Outcome]) -> None:
        answered = any(each.fate == Fate.ANSWERED for each in outcomes)
        failures = [each for each in outcomes if each.fate in {Fate.NO_ANSWER, Fate.UNREACHABLE}]
        if answered and lines.note_answer(uow, name):
            outbox.wake(uow, TOPIC, OUTAGE)
            _log.warning("the hospital system answers again", extra={"code": "hl7_peer_back"})
        if failures and not answered and lines.note_failure(uow, name, failures[-1].error, count=len(failures)):
            extra = {"code": "hl7_peer_away", "error": failures[-1].error}
            _log.warning("the hospital system cannot be reached", extra=extra)
