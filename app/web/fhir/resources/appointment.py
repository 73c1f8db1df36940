"""A registration as FHIR Appointment."""

from __future__ import annotations

from collections.abc import Collection

from app.registration.listing import Listed
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


def appointment(listed: Listed, here: Here, own_numbers: Collection[str] = ()) -> Json:
    """The resource; `own_numbers` are the asking client's identifiers for it as `system|value`.

    While it is `pending`, the extension held-until says when the place goes back unless the fee is paid.
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
            "status": STATUS[row.state],
            "specialty": [concept(department.name, (here.system("department"), department.code))],
            "start": here.instant(listed.starts_at),
            "end": here.instant(ends_at),
            "slot": _slot(listed),
            "created": here.instant(row.held_at),
            "participant": [
                {"actor": patient, "status": "accepted"},
                {"actor": practitioner, "status": "accepted"},
            ],
        }
    )


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
