"""What an answer to one of our messages means: taken, tried again, for a person, or a deed of ours undone."""

from __future__ import annotations

import logging

from app.kernel import audit, outbox
from app.kernel.errors import VisitError
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer, RefusedBooking
from app.kernel.uow import Uow
from app.registration import by_hospital
from app.registration.models import Registration
from hl7_adapter.er7 import parse
from hl7_adapter.mapping import asking
from hl7_adapter.mapping.appointments import TOPIC

BOOKED = "RegistrationBooked"
_ACCEPTED = frozenset({"AA", "CA"})
_REFUSED = frozenset({"AE", "AR", "CE", "CR"})
_log = logging.getLogger("hl7_adapter.sender")


def note(uow: Uow, peer: Peer, item_id: int, answer: bytes) -> None:
    """The item has this answer, and what it calls for is done."""
    message = parse(answer)
    code = message.get("MSA-1").strip().upper()
    reason = (message.get("ERR-3.1") or message.get("ERR-1.4.1")).strip()
    item = uow.session.get_one(OutboxItem, item_id)
    event = item.payload.get("event")
    if code in _ACCEPTED:
        outbox.mark_sent(uow, item_id, answer=answer)
        if event == asking.EVENT:
            asking.answered(uow, item.payload, message)
        return
    is_final = code in _REFUSED and reason not in peer.retry_codes
    if is_final and (event == asking.EVENT or _gave_back(uow, peer, item, f"{code} {reason}")):
        outbox.mark_sent(uow, item_id, answer=answer)
        return
    fail(uow, item_id, f"{code[:2]} {reason[:8]}".strip(), is_final=is_final, answer=answer)


def fail(uow: Uow, item_id: int, error: str, *, is_final: bool, answer: bytes | None = None) -> None:
    """The item is tried again, or, when that is final, needs a person."""
    outbox.mark_failed(uow, item_id, error, is_final=is_final, answer=answer)
    if is_final:
        _log.error("a message needs a person", extra={"item": item_id, "topic": TOPIC, "code": error})


def _gave_back(uow: Uow, peer: Peer, item: OutboxItem, reason: str) -> bool:
    """True when the place that was refused is given back, as agreed; not for one whose patient is in the house."""
    if peer.refused_booking is not RefusedBooking.GIVE_BACK or item.payload.get("event") != BOOKED:
        return False
    visit = uow.session.get_one(Registration, item.payload["registration_id"])
    try:
        with uow.session.begin_nested():
            by_hospital.take_back(uow, visit)
            uow.settle()
    except VisitError:
        return False
    audit.record(uow, "hl7.booking_refused", "registration", visit.public_id, outcome=reason[:40].strip())
    return True
