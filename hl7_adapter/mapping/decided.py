"""What the hospital system's answer to SRM^S01 or S02 (SRR, or a plain ACK) means for the place that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.kernel.code_tables import Codes
from app.kernel.errors import VisitError
from app.kernel.peer_rules import system_name
from app.kernel.peers import Peer, RefusedBooking
from app.kernel.uow import Uow
from app.registration import by_hospital, deciding
from app.registration.models import Registration
from hl7_adapter.er7 import Message

EVENTS = frozenset({"RegistrationBooked", "RegistrationRescheduled"})
_NUMBER_CHARS = 75


def is_declined(uow: Uow, peer: Peer, answer: Message) -> bool:
    """True for an answer that took the question and says no: AA with SCH-25 cancelled."""
    return _status(uow, peer, answer) == "cancelled"


def accepted(uow: Uow, peer: Peer, payload: Mapping[str, Any], answer: Message) -> None:
    """The place has the hospital system's number (SCH-2) and is confirmed; not yet while SCH-25 says pending."""
    visit = uow.session.get_one(Registration, payload["registration_id"])
    number = answer.get("SCH-2.1").strip()
    if 0 < len(number) <= _NUMBER_CHARS:
        by_hospital.known_as(uow, visit, system=system_name(peer.application, peer.facility), value=number)
    if _status(uow, peer, answer) != "pending":
        deciding.accepted(uow, visit, nth=payload.get("nth", 0))


def refused(uow: Uow, peer: Peer, payload: Mapping[str, Any], reason: str) -> bool:
    """True when the place is given back, as agreed; False where a person decides, or the patient is in the house."""
    if not peer.decides_bookings and peer.refused_booking is not RefusedBooking.GIVE_BACK:
        return False
    visit = uow.session.get_one(Registration, payload["registration_id"])
    try:
        with uow.session.begin_nested():
            deciding.refused(uow, visit, nth=payload.get("nth", 0), reason=reason)
            uow.settle()
    except VisitError:
        return False
    return True


def _status(uow: Uow, peer: Peer, answer: Message) -> str:
    told = answer.get("SCH-25.1").strip() or answer.get("SCH-25.2").strip()
    return Codes(uow, peer.codes).ours("appointment_status", told) or "" if told else ""
