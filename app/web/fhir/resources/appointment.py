"""A registration as FHIR Appointment."""

from __future__ import annotations

from collections.abc import Collection

from app.registration.listing import Listed
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.web.fhir.resources.parts import Here, Json, by_code, concept, to_patient, without_empty
from app.web.fhir.resources.schedule import slot_id

S = RegistrationState
STATUS = {
    S.HELD: "pending",
    S.BOOKED: "booked",
    S.CHECKED_IN: "checked-in",
    S.IN_CONSULTATION: "arrived",
    S.COMPLETED: "fulfilled",
    S.EXPIRED: "cancelled",
    S.CANCELLED: "cancelled",
    S.NO_SHOW: "noshow",
}
PENDING = "pending"


def appointment(listed: Listed, here: Here, own_numbers: Collection[str] = ()) -> Json:
    """The resource; `own_numbers` are the asking client's identifiers for it as `system|value`.

    While it is `pending`, whoever has still to agree is `needs-action`: the patient by paying the fee, before the
    time of the extension held-until, or the doctor, for whom the hospital system answers.
    """
    row, doctor, department = listed.registration, listed.practitioner, listed.department
    ends_at = listed.slot.ends_at if listed.slot else listed.clinic_session.ends_at
    patient = to_patient(listed.patient.public_id, listed.patient.name_masked)
    practitioner = by_code(here, "Practitioner", "practitioner", doctor.code, doctor.name)
    return without_empty(
        {
            "resourceType": "Appointment",
            "id": row.public_id,
            "extension": _held_until(listed, here),
            "identifier": [{"system": here.system("visit"), "value": row.visit_number}, *map(_own, own_numbers)],
            "status": PENDING if _is_asked(row) else STATUS[row.state],
            "specialty": [concept(department.name, (here.system("department"), department.code))],
            "start": here.instant(listed.starts_at),
            "end": here.instant(ends_at),
            "slot": _slot(listed),
            "created": here.instant(row.held_at),
            "participant": [
                _participant(patient, has_agreed=row.state != S.HELD),
                _participant(practitioner, has_agreed=not _is_asked(row)),
            ],
        }
    )


def _is_asked(row: Registration) -> bool:
    """The place is paid for, and the hospital system has not said yet whether it is to be had."""
    return row.state == S.BOOKED and row.asked_at is not None


def _participant(actor: Json, *, has_agreed: bool) -> Json:
    return {"actor": actor, "status": "accepted" if has_agreed else "needs-action"}


def _own(number: str) -> Json:
    system, _, value = number.rpartition("|")
    return without_empty({"system": system, "value": value})


def _slot(listed: Listed) -> list[Json]:
    if listed.slot is None:
        return []
    return [{"reference": f"Slot/{slot_id(listed.clinic_session.public_id, listed.slot.seq)}"}]


def _held_until(listed: Listed, here: Here) -> list[Json]:
    if listed.registration.state != S.HELD:
        return []
    return [{"url": here.system("held-until"), "valueDateTime": here.instant(listed.registration.held_until)}]
