"""What an answer to one of our messages means: taken, tried again, for a person, or a deed of ours undone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from app.kernel import outbox
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer
from app.kernel.uow import Uow
from app.scheduling import asking as slots
from hl7_adapter.er7 import Message, parse
from hl7_adapter.mapping import asking, decided, timetable
from hl7_adapter.mapping.appointments import TOPIC
from hl7_adapter.sender.crew import Outcome

_ACCEPTED = frozenset({"AA", "CA"})
_REFUSED = frozenset({"AE", "AR", "CE", "CR"})
DECLINED = "declined"
_log = logging.getLogger("hl7_adapter.sender")


def note(uow: Uow, peer: Peer, outcome: Outcome) -> None:
    """The letter's item has this answer, and what it calls for is done."""
    item_id, event, answer = outcome.item_id, outcome.event, outcome.answer or b""
    message = parse(answer)
    code = message.get("MSA-1").strip().upper()
    reason = (message.get("ERR-3.1") or message.get("ERR-1.4.1")).strip()
    is_place = event in decided.EVENTS
    is_declined = code in _ACCEPTED and is_place and decided.is_declined(uow, peer, message)
    if code in _ACCEPTED and event == timetable.EVENT:
        _note_slots(uow, peer, item_id, (message, answer))
        return
    if code in _ACCEPTED and not is_declined:
        outbox.mark_sent(uow, item_id, answer=answer)
        if event == asking.EVENT:
            asking.answered(uow, _payload(uow, item_id), message)
        elif is_place:
            decided.accepted(uow, peer, _payload(uow, item_id), message)
        return
    error = f"{code[:2]} {DECLINED if is_declined else reason[:8]}".strip()
    is_final = is_declined or (code in _REFUSED and reason not in peer.retry_codes)
    if is_final and (event == asking.EVENT or (is_place and decided.refused(uow, peer, _payload(uow, item_id), error))):
        outbox.mark_sent(uow, item_id, answer=answer)
        return
    fail(uow, item_id, error, is_final=is_final, answer=answer)


def _note_slots(uow: Uow, peer: Peer, item_id: int, told: tuple[Message, bytes]) -> None:
    """The doctors' time stands here as it was told; what could not be taken over needs a person.

    Questions that came to nothing before do not any more.
    """
    message, answer = told
    untaken = timetable.taken_over(uow, peer, message)
    if untaken:
        fail(uow, item_id, f"AA {untaken}", is_final=True, answer=answer)
        return
    outbox.mark_sent(uow, item_id, answer=answer)
    outbox.let_rest(uow, TOPIC, slots.LANE, before_id=item_id)


def fail(uow: Uow, item_id: int, error: str, *, is_final: bool, answer: bytes | None = None) -> None:
    """The item is tried again, or, when that is final, needs a person."""
    outbox.mark_failed(uow, item_id, error, is_final=is_final, answer=answer)
    if is_final:
        _log.error("a message needs a person", extra={"item": item_id, "topic": TOPIC, "code": error})


def _payload(uow: Uow, item_id: int) -> Mapping[str, Any]:
    return uow.session.get_one(OutboxItem, item_id).payload
