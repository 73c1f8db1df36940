"""A doctor's session as FHIR Schedule, and a place in it as FHIR Slot."""

from __future__ import annotations

from app.scheduling.exchange import Place, Sitting
from app.scheduling.states import SessionState, SlotState
from app.web.fhir.resources.parts import Here, Json, by_code, concept, yuan

SLOT_STATUS = {
    SlotState.FREE: "free",
    SlotState.SET_ASIDE: "busy-tentative",
    SlotState.HELD: "busy-tentative",
    SlotState.TAKEN: "busy",
}


def schedule(sitting: Sitting, here: Here) -> Json:
    """The resource; `actor` is the doctor by the hospital's code, the fee and the room are extensions."""
    session, doctor, department = sitting.clinic_session, sitting.practitioner, sitting.department
    return {
        "resourceType": "Schedule",
        "id": session.public_id,
        "extension": [
            {"url": here.system("registration-fee"), "valueMoney": yuan(session.fee_fen)},
            {"url": here.system("room"), "valueString": session.room},
        ],
        "active": session.state == SessionState.OPEN,
        "specialty": [concept(department.name, (here.system("department"), department.code))],
        "actor": [by_code(here, "Practitioner", "practitioner", doctor.code, doctor.name)],
        "planningHorizon": {"start": here.instant(session.starts_at), "end": here.instant(session.ends_at)},
    }


def slot_id(session_public_id: str, seq: int) -> str:
    """The id of the session's place with the number `seq`."""
    return f"{session_public_id}-{seq}"


def slot(place: Place, here: Here) -> Json:
    """The resource; a place that nobody has and that cannot be had now is `busy-unavailable`."""
    row, session, department = place.slot, place.clinic_session, place.department
    is_shut = row.state == SlotState.FREE and not place.can_be_had
    return {
        "resourceType": "Slot",
        "id": slot_id(session.public_id, row.seq),
        "specialty": [concept(department.name, (here.system("department"), department.code))],
        "schedule": {"reference": f"Schedule/{session.public_id}"},
        "status": "busy-unavailable" if is_shut else SLOT_STATUS[row.state],
        "start": here.instant(row.starts_at),
        "end": here.instant(row.ends_at),
    }
