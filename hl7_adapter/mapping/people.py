"""Patients as we tell of them: ADT^A04, A08 at a visit, A28 and A31 as persons, A10 and A11 for who is in the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel import peers
from app.kernel.peers import PatientLevel
from app.kernel.uow import Uow
from app.queueing.models import Ticket
from app.queueing.shared_lines import rooms_of
from app.registration.by_hospital import visit_under_way
from app.registration.models import Registration
from config import Hl7Settings
from hl7_adapter.er7 import segment
from hl7_adapter.mapping.coverage import insured
from hl7_adapter.mapping.writing import Rows, evn, pid, pv1

Told = tuple[tuple[str, str, str], Rows]
"""Type, event and structure of a message, and its segments after MSH."""
_NEW = {PatientLevel.VISIT: ("ADT", "A04", "ADT_A01"), PatientLevel.PERSON: ("ADT", "A28", "ADT_A05")}
_CHANGED = {PatientLevel.VISIT: ("ADT", "A08", "ADT_A01"), PatientLevel.PERSON: ("ADT", "A31", "ADT_A05")}


def filed(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """ADT^A04 or A28 for a patient from the phone; one whom the hospital system knows, or merged, needs no telling."""
    patient = uow.session.get_one(Patient, payload["patient_id"])
    if patient.merged_into_id or identity.identifier_of(uow, patient.id, "his"):
        return None
    kind = _NEW[_level(uow, settings)]
    return kind, [evn(uow, kind[1]), pid(uow, settings, patient), pv1(uow, settings, None)]


def changed(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """ADT^A08 with the visit that is under way or ahead, without one A08 or A31, as agreed; None for a merged record.

    It tells how the patient is insured, too.
    """
    patient = uow.session.get_one(Patient, payload["patient_id"])
    if patient.merged_into_id:
        return None
    visit = visit_under_way(uow, patient.id)
    kind = _CHANGED[PatientLevel.VISIT if visit else _level(uow, settings)]
    rows = [evn(uow, kind[1]), pid(uow, settings, patient), pv1(uow, settings, visit)]
    return kind, [*rows, *insured(uow, patient)]


def checked_in(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told:
    """ADT^A10; our segment ZQN holds queue number and room, the latter unless several doctors may call."""
    ticket = uow.session.get_one(Ticket, payload["ticket_id"])
    rooms = rooms_of(uow, uow.session.get_one(Registration, payload["registration_id"]), ticket)
    arrival = segment("ZQN", {1: ticket.number, 2: rooms[0] if len(rooms) == 1 else None})
    return ("ADT", "A10", "ADT_A09"), [*_at_the_visit(uow, settings, payload, "A10"), arrival]


def check_in_taken_back(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told:
    """ADT^A11: the patient is not in the house after all."""
    return ("ADT", "A11", "ADT_A09"), _at_the_visit(uow, settings, payload, "A11")


def _at_the_visit(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any], event: str) -> Rows:
    visit = uow.session.get_one(Registration, payload["registration_id"])
    patient = uow.session.get_one(Patient, visit.patient_id)
    return [evn(uow, event), pid(uow, settings, patient), pv1(uow, settings, visit)]


def _level(uow: Uow, settings: Hl7Settings) -> PatientLevel:
    return peers.peer_for(uow, settings.his_application, settings.his_facility).patient_level
