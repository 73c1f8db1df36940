"""A place in a session as an appointment: SRM^S01 asks the hospital system to book it, S02 to move, S04 to cancel.

S03 says that another doctor sits (替诊).
"""

from __future__ import annotations

from sqlalchemy import select

from app.identity.models import Patient
from app.kernel import moves
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peer_rules import system_name
from app.kernel.uow import Uow
from app.registration import by_hospital
from app.registration import service as registration
from app.registration.by_hospital import CANCELLED_THERE
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationState
from app.revisit import service as revisit
from app.scheduling import service as scheduling
from app.scheduling.models import Slot
from app.scheduling.service import SessionCard
from config import Hl7Settings
from hl7_adapter.er7 import Field, Part, parse, segment
from hl7_adapter.mapping.writing import Rows, pid, pv1, stamp

TOPIC = "hospital"
_SAID_NO = frozenset({"AE", "AR", "CE", "CR"})
FOLLOW_UP = "FOLLOWUP"  # HL7 table 0276


def appointment(uow: Uow, settings: Hl7Settings, visit: Registration, *, reason: str) -> Rows:
    """ARQ, PID, PV1 and the resources: department (AIS), doctor (AIP), room (AIL); our number is the visit's."""
    card = scheduling.card_by_id(uow, visit.session_id)
    slot = registration.slot_of(uow, visit)
    patient = uow.session.get_one(Patient, visit.patient_id)
    return [
        _arq(uow, settings, visit, (reason, slot)),
        pid(uow, settings, patient),
        pv1(uow, settings, visit),
        segment("RGS", {1: 1, 2: "A"}),
        *_resources(uow, card, slot),
    ]


def was_booked(uow: Uow, visit: Registration) -> bool:
    """True when the place was the patient's at some time, so that the hospital system was told of it."""
    return moves.first_to(uow, REGISTRATION, visit.id, RegistrationState.BOOKED) is not None


def was_cancelled_there(uow: Uow, visit: Registration) -> bool:
    """True when it was the hospital system that cancelled the place."""
    cancelled = moves.first_to(uow, REGISTRATION, visit.id, RegistrationState.CANCELLED)
    return cancelled is not None and cancelled.why == CANCELLED_THERE


def was_refused_there(uow: Uow, visit: Registration) -> bool:
    """True when the hospital system said no to the booking and that was that, so that it has nothing to be cancelled.

    The patient may have given the place back while that answer was out. A no that waits for a person is no answer yet.
    """
    answer = uow.session.scalars(
        select(OutboxItem.answer).where(
            OutboxItem.topic == TOPIC,
            OutboxItem.key == f"RegistrationBooked:{visit.id}",
            OutboxItem.state == OutboxState.SENT,
        )
    ).first()
    return answer is not None and parse(answer).get("MSA-1").strip().upper() in _SAID_NO


def _arq(uow: Uow, settings: Hl7Settings, visit: Registration, why: tuple[str, Slot | None]) -> list[Field]:
    reason, slot = why
    us, them = settings.our_application, settings.his_application
    filler, before = _filler_number(uow, settings, visit), revisit.visit_before(uow, visit.id)
    filler_before = _filler_number(uow, settings, before) if before else ""
    times = (stamp(slot.starts_at, uow.zone), stamp(slot.ends_at, uow.zone)) if slot else None
    return segment(
        "ARQ",
        {
            1: (visit.visit_number, us),
            2: (filler, them) if filler else None,
            6: (reason, None, us),
            7: (FOLLOW_UP, None, "HL70276") if before else None,
            11: times,
            15: (us,),
            19: (us,),
            22: (before.visit_number, us) if before else None,
            23: (filler_before, them) if filler_before else None,
        },
    )


def _filler_number(uow: Uow, settings: Hl7Settings, visit: Registration) -> str:
    """The hospital system's own number of the appointment (SCH-2), '' before it gave one."""
    return by_hospital.number_at(uow, visit, system=system_name(settings.his_application, settings.his_facility))


def _resources(uow: Uow, card: SessionCard, slot: Slot | None) -> Rows:
    department, doctor, room = card.department, card.practitioner, card.session.room
    starts = stamp(slot.starts_at if slot else card.session.starts_at, uow.zone)
    minutes = int((slot.ends_at - slot.starts_at).total_seconds()) // 60 if slot else None
    unit: Part = ("min", "minute", "UCUM") if minutes else None
    kind = ("DOCTOR", None, "99MENZHEN")
    place = (department.code, room, *[None] * 6, department.name)
    return [
        segment("AIS", {1: 1, 2: "A", 3: (department.code, department.name), 4: starts, 7: minutes, 8: unit}),
        segment("AIP", {1: 1, 2: "A", 3: (doctor.code, doctor.name), 4: kind, 6: starts, 9: minutes, 10: unit}),
        segment("AIL", {1: 1, 2: "A", 3: place, 6: starts, 9: minutes, 10: unit}),
    ]
