"""A patient as other systems of the hospital read the record; whoever hands it on writes that down."""

from __future__ import annotations

from dataclasses import dataclass

from app.identity import service
from app.identity.for_staff import patient_by_public_id
from app.identity.models import Patient
from app.kernel.uow import Uow

IDENTITY_CARD = "id_card"


@dataclass(frozen=True)
class PatientRecord:
    """The row with what is sealed in it, opened; `merged_into` names the record that holds in its place, or ''.

    The identity number is not among it: one may search by it, and is not told it.
    """

    patient: Patient
    name: str
    phone: str
    mrn: str
    merged_into: str


def patient_named(uow: Uow, public_id: str) -> PatientRecord:
    """The patient named `public_id`; else NotFound."""
    return _record(uow, patient_by_public_id(uow, public_id))


def patients_with(uow: Uow, system: str, value: str) -> list[PatientRecord]:
    """Whoever has the number `value` in `system` (his, insurance, or id_card for the identity number): one or none."""
    if system == IDENTITY_CARD:
        found = service.patient_by_id_number(uow, value.upper())
    else:
        found = service.patient_by_identifier(uow, system, value)
    return [] if found is None else [_record(uow, found)]


def _record(uow: Uow, patient: Patient) -> PatientRecord:
    heir = uow.session.get_one(Patient, patient.merged_into_id) if patient.merged_into_id else None
    return PatientRecord(
        patient,
        name=service.name_of(uow, patient),
        phone=service.phone_of(uow, patient),
        mrn=service.identifier_of(uow, patient.id, "his"),
        merged_into=heir.public_id if heir else "",
    )
