"""What the clinic's side does with appointments and its doctors' time: SIU^S12 to S17, S23, S24 and S26."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from app.kernel.errors import NotFound, VisitError
from app.kernel.uow import Uow
from app.queueing import service as queueing
from app.registration import by_hospital, closing, deciding
from app.registration.models import Registration
from app.registration.states import ACTIVE
from app.scheduling import by_hospital as agenda
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession
from app.scheduling.states import SessionState
from hl7_adapter.er7 import Message
from hl7_adapter.mapping.patients import patient_of
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import from_visit, refuse

_Deed = Callable[[Uow, Message, str], str | None]


class DoctorsTime(NamedTuple):
    """A time of one doctor in one room; 0 `minutes` when its length is not told."""

    doctor: str
    starts_at: datetime
    minutes: int
    room: str = ""


_ACTIONS = frozenset({"A", "D", "U", "X", ""})  # HL7 table 0206; anything else in the second field is an id
_STARTS = ("AIS-4", "AIP-6", "AIL-6", "SCH-11.4", "TQ1-7")
_LENGTHS = ("AIS-7", "AIP-9", "AIL-9", "SCH-9")
_IN_MINUTES = {"": 1, "M": 1, "MIN": 1, "MINUTE": 1, "MINUTES": 1, "H": 60, "HR": 60, "HOUR": 60, "HOURS": 60}


def _placed(deed: _Deed) -> _Deed:
    """The deed, with its refusals at a place in the message: the appointment's own number where there is no better."""

    def done(uow: Uow, message: Message, peer: str) -> str | None:
        try:
            return deed(uow, message, peer)
        except VisitError as refusal:
            told = from_visit(refusal)
            words = told.fault.text.removeprefix(f"{told.code}: ")
            raise refuse(told.code, told.fault.code, told.fault.location or "SCH-1", words) from refusal

    return done


@_placed
def book(uow: Uow, message: Message, peer: str) -> str:
    """SIU^S12: the patient has a place at that doctor and time, which the hospital was paid for or will be."""
    reader = Reader(message)
    number = reader.needed("SCH-2.1", "SCH-1.1", at_most=75)
    patient = patient_of(uow, message)
    known = _known(uow, message, peer)
    if known is not None and known.state in ACTIVE:
        return _confirmed(uow, _of_the_patient(uow, message, known), (peer, number))
    session, starts_at = _session(uow, reader)
    visit = by_hospital.book(uow, session=session, patient=patient, not_before=starts_at)
    by_hospital.known_as(uow, visit, system=peer, value=number)
    return visit.public_id


def _confirmed(uow: Uow, visit: Registration, name: tuple[str, str]) -> str:
    """A place that waited for the hospital's word has it; `name` is the system and its number ('' for none)."""
    peer, number = name
    if number and number != visit.visit_number:
        by_hospital.known_as(uow, visit, system=peer, value=number)
    deciding.accepted(uow, visit)
    return visit.public_id


@_placed
def move(uow: Uow, message: Message, peer: str) -> str:
    """SIU^S13: the appointment has another time, or another doctor."""
    visit = _visit(uow, message, peer)
    session, starts_at = _session(uow, Reader(message))
    by_hospital.move_to(uow, visit, session=session, not_before=starts_at)
    return visit.public_id


@_placed
def change(uow: Uow, message: Message, peer: str) -> str | None:
    """SIU^S14: the patient arrived or did not come, the appointment is cancelled or stands (SCH-25); else filed."""
    reader = Reader(message)
    status = reader.coded("appointment_status", "SCH-25.1", "SCH-25.2", "AIS-10.1")
    if status == "cancelled":
        return take_back(uow, message, peer)
    if status == "missed":
        return miss(uow, message, peer)
    if status == "booked":
        known = _known(uow, message, peer)
        return _confirmed(uow, known, (peer, reader.text("SCH-2.1", at_most=75))) if known else None
    if status != "arrived":
        return None
    visit = _visit(uow, message, peer)
    queueing.check_in(uow, registration=visit)
    return visit.public_id


@_placed
def take_back(uow: Uow, message: Message, peer: str) -> str:
    """SIU^S15, S17: the hospital cancelled the appointment; what was paid here goes back."""
    visit = _visit(uow, message, peer)
    by_hospital.take_back(uow, visit)
    return visit.public_id


@_placed
def miss(uow: Uow, message: Message, peer: str) -> str:
    """SIU^S26: the patient did not come."""
    visit = _visit(uow, message, peer)
    by_hospital.mark_missed(uow, visit)
    return visit.public_id


@_placed
def block(uow: Uow, message: Message, _peer: str) -> str | None:
    """SIU^S23: the doctor's sessions in that time are stopped and their patients told; filed when there is none."""
    return block_time(uow, time_of(uow, Reader(message)))


@_placed
def open_time(uow: Uow, message: Message, _peer: str) -> str:
    """SIU^S24: the doctor sits at that time; a session that was stopped opens again."""
    return open_doctors_time(uow, time_of(uow, Reader(message)))


def block_time(uow: Uow, time: DoctorsTime) -> str | None:
    """The doctor's sessions in that time are stopped and their patients told; None when there is none.

    Refuses `block_is_partial` (207): places of a session cannot be blocked one by one.
    """
    first, last = agenda.span(time.starts_at, time.minutes)
    stopped = []
    for session in agenda.sessions_within(uow, practitioner_code=time.doctor, starts_at=first, ends_at=last):
        if time.minutes and not (first <= session.starts_at and session.ends_at <= last):
            words = "only whole sessions can be stopped; nothing was"
            raise refuse("block_is_partial", 207, "AIS-7", words)
        if session.state == SessionState.OPEN:
            closing.stop_session(uow, public_id=session.public_id, why="blocked_in_hospital_system")
        stopped.append(session.public_id)
    return " ".join(stopped) or None


def open_doctors_time(uow: Uow, time: DoctorsTime) -> str:
    """The doctor sits at that time; a session that was stopped opens again, one that is open is quiet.

    Refuses `doctor_unknown` (204), `time_not_usable` (207), and what the schedule does.
    """
    try:
        practitioner = scheduling.practitioner_by_code(uow, time.doctor)
    except NotFound as unknown:
        raise refuse("doctor_unknown", 204, "AIP-3", "no doctor has this code here") from unknown
    first, last = agenda.span(time.starts_at, time.minutes)
    for session in agenda.sessions_within(uow, practitioner_code=time.doctor, starts_at=first, ends_at=last):
        agenda.reopen(uow, session)
        return session.public_id
    made = agenda.open_extra(
        uow, practitioner=practitioner, starts_at=time.starts_at, minutes=time.minutes, room=time.room
    )
    if made is None:
        raise refuse(
            "time_not_usable", 207, "AIS-7", "the doctor has no weekly shift, or the time holds no place of it"
        )
    return made.public_id


def time_of(uow: Uow, reader: Reader) -> DoctorsTime:
    """The doctor's time that a message, or a part of one, tells of; refuses `field_missing` (101) and the like."""
    starts_at, minutes = _start(uow, reader), _minutes(reader)
    return DoctorsTime(_doctor(reader), starts_at, minutes, reader.text("AIL-3.2", at_most=24))


def _visit(uow: Uow, message: Message, peer: str) -> Registration:
    visit = _known(uow, message, peer)
    if visit is None:
        raise refuse("appointment_unknown", 204, "SCH-1", "neither SCH-1 nor SCH-2 is an appointment known here")
    return _of_the_patient(uow, message, visit)


def _of_the_patient(uow: Uow, message: Message, visit: Registration) -> Registration:
    if "PID" in message and patient_of(uow, message).id != visit.patient_id:
        raise refuse("appointment_of_another_patient", 205, "PID-3", "the appointment is another patient's")
    return visit


def _known(uow: Uow, message: Message, peer: str) -> Registration | None:
    """The registration by our number (SCH-1) or by theirs (SCH-2), also when that came in an answer to our booking."""
    reader = Reader(message)
    ours, theirs = reader.text("SCH-1.1", at_most=75), reader.text("SCH-2.1", at_most=75)
    for number in filter(None, (ours, theirs)):
        found = by_hospital.registration_called(uow, system=peer, number=number)
        if found is not None:
            return found
    return None


def _session(uow: Uow, reader: Reader) -> tuple[ClinicSession, datetime]:
    """The one session that the message means: by the doctor and the time, or by the department where it is clear."""
    starts_at = _start(uow, reader)
    department = _resource(reader, "AIS")
    doctor = _resource(reader, "AIP") or reader.text("PV1-7.1", at_most=40)
    if not doctor and not department:
        raise refuse("field_missing", 101, "AIP-3", "the doctor is required")
    first, last = agenda.span(starts_at, 0)
    found = agenda.sessions_within(
        uow, practitioner_code=doctor, department_code=department, starts_at=first, ends_at=last
    )
    if len(found) != 1:
        place = "AIP-3" if doctor else "AIS-3"
        raise refuse("session_unknown", 204, place, "not one session of this doctor (department) at this time")
    return found[0], starts_at


def _doctor(reader: Reader) -> str:
    doctor = _resource(reader, "AIP") or reader.text("PV1-7.1", at_most=40)
    if not doctor:
        raise refuse("field_missing", 101, "AIP-3", "the doctor is required")
    return doctor


def _resource(reader: Reader, segment: str) -> str:
    """The resource's id from the third field, or from the second, where some senders write it."""
    second = reader.text(f"{segment}-2.1", at_most=40)
    return reader.text(f"{segment}-3.1", at_most=40) or ("" if second.upper() in _ACTIONS else second)


def _start(uow: Uow, reader: Reader) -> datetime:
    for path in _STARTS:
        starts_at = reader.instant(path, uow.zone)
        if starts_at is not None:
            return starts_at
    raise refuse("field_missing", 101, "AIS-4", "the time is required")


def _minutes(reader: Reader) -> int:
    """How long it takes, in minutes; 0 when that is not told."""
    for path in _LENGTHS:
        if not reader.text(path):
            continue
        name, _, field = path.partition("-")
        unit_place = f"{name}-{int(field) + 1}"
        unit = reader.text(f"{unit_place}.1").upper()
        if unit not in _IN_MINUTES:
            raise refuse("unit_not_valid", 103, unit_place, "a length is in minutes (min) or hours (h)")
        return min(reader.whole(path), 1440) * _IN_MINUTES[unit]
    return 0
