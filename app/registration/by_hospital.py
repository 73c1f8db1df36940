"""What the hospital itself does with a patient's place: books it at its own desk, moves it, takes it back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, select

from app import events
from app.identity.models import Patient
from app.kernel import audit, moves
from app.kernel.hot_rows import spelled_for
from app.kernel.uow import Uow
from app.registration import service, sql
from app.registration.errors import AlreadyRegistered, CannotCancel
from app.registration.models import Registration, RegistrationNumber
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession
from app.scheduling.service import Wanted

CANCELLED_THERE = "cancelled_in_hospital_system"
_GONE = (RegistrationState.CANCELLED, RegistrationState.EXPIRED)


def book(uow: Uow, *, session: ClinicSession, patient: Patient, not_before: datetime) -> Registration:
    """The patient has the session's first free place from `not_before` on; its fee is the hospital's own affair.

    So nothing is to be paid here (`fee_fen` 0) and there is no bill. A place that the patient has with this doctor in
    this half-day already is the one; one that waits for its payment on the phone refuses `already_registered`.
    Refuses also `sold_out`, `session_closed`, `places_busy`.
    """
    standing = service.standing_with(uow, patient, session)
    if standing is None:
        return service.place(uow, session, patient, fee_fen=0, wanted=_wanted(not_before))
    if standing.state == RegistrationState.HELD:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    return standing


def move_to(uow: Uow, registration: Registration, *, session: ClinicSession, not_before: datetime) -> None:
    """The booked place is given up for the session's first free one from `not_before` on; what was paid stays paid.

    Quiet when that is where the patient has it. Refuses `cannot_cancel` for a place that is not booked, or used
    already, `already_registered`, `sold_out`, `session_closed`, `places_busy`.
    """
    slot = service.slot_of(uow, registration)
    if slot is not None and slot.session_id == session.id and slot.starts_at == not_before:
        return
    if registration.state != RegistrationState.BOOKED:
        raise CannotCancel(state=registration.state.value)
    patient = uow.session.get_one(Patient, registration.patient_id)
    standing = service.standing_with(uow, patient, session)
    if standing is not None and standing.id != registration.id:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    scheduling.let_stand(uow, session)
    service.free_place(uow, registration)
    sit_in(uow, registration, session, wanted=_wanted(not_before))
    uow.publish(events.RegistrationMoved(registration.id, registration.patient_id))


def sit_in(uow: Uow, registration: Registration, session: ClinicSession, *, wanted: Wanted, nth: int = 0) -> None:
    """The booked registration has a place of the session instead of the one it had.

    What becomes of the former place is the caller's affair; `nth` counts the patient's own moves. Refuses `sold_out`,
    `kept_for_others`, `session_closed`, `places_busy`.
    """
    slot_id, place_no = scheduling.claim_slot(
        uow, session_id=session.id, registration_id=registration.id, wanted=wanted
    )
    scheduling.take_slot(uow, slot_id=slot_id, registration_id=registration.id)
    moves.move(
        uow,
        REGISTRATION,
        registration,
        RegistrationAction.RESCHEDULE,
        session_id=session.id,
        slot_id=slot_id,
        place_no=place_no,
        practitioner_id=session.practitioner_id,
        visit_day=session.visit_day,
        half_day=session.half_day,
        times_moved=nth or registration.times_moved,
    )
    audit.record(uow, "registration.move", "registration", registration.public_id, place_no=place_no)


def booked_it(uow: Uow, registration: Registration) -> bool:
    """True for a place that the hospital system booked itself."""
    booked = moves.first_to(uow, REGISTRATION, registration.id, RegistrationState.BOOKED)
    return booked is not None and booked.by_kind == "peer"


def _wanted(not_before: datetime) -> Wanted:
    """The hospital's own appointments are a fact: it does not matter for whom it had kept the place."""
    return Wanted(channel=None, not_before=not_before)


def take_back(uow: Uow, registration: Registration) -> None:
    """The hospital system cancelled the place; what was paid goes back. Quiet for one that is gone already.

    Refuses `cannot_cancel` once the patient is in the house.
    """
    if registration.state in _GONE:
        return
    if not REGISTRATION.may(registration.state, RegistrationAction.CANCEL):
        raise CannotCancel(state=registration.state.value)
    service.give_back(uow, registration, by_hospital=True, why=CANCELLED_THERE)


def mark_missed(uow: Uow, registration: Registration) -> None:
    """The hospital says that the patient did not come; told twice, once. Refuses `illegal_move` for any other state."""
    if registration.state != RegistrationState.NO_SHOW:
        service.miss(uow, registration)


def known_as(uow: Uow, registration: Registration, *, system: str, value: str) -> None:
    """`system` knows the appointment by `value` from now on; a number that named another one names this one."""
    facts = {"system": system, "value": value, "registration_id": registration.id}
    spelled_for(uow, sql.KNOWN_AS).later(uow, facts)


def number_at(uow: Uow, registration: Registration, *, system: str) -> str:
    """The number by which `system` knows the appointment, the newest of several; '' without one."""
    return (
        uow.session.scalars(
            select(RegistrationNumber.value)
            .where(RegistrationNumber.registration_id == registration.id, RegistrationNumber.system == system)
            .order_by(RegistrationNumber.id.desc())
        ).first()
        or ""
    )


def registration_known_as(uow: Uow, *, system: str, value: str) -> Registration | None:
    """The registration that `system` knows by `value`."""
    return uow.session.scalars(
        select(Registration)
        .join(RegistrationNumber, RegistrationNumber.registration_id == Registration.id)
        .where(RegistrationNumber.system == system, RegistrationNumber.value == value)
    ).first()


def visit_under_way(uow: Uow, patient_id: int) -> Registration | None:
    """The visit at which the patient is, or the next one that is booked; None without either."""
    stands = (RegistrationState.BOOKED, RegistrationState.CHECKED_IN, RegistrationState.IN_CONSULTATION)
    is_ahead = case((Registration.state == RegistrationState.BOOKED, 1), else_=0)
    return uow.session.scalars(
        select(Registration)
        .where(Registration.patient_id == patient_id, Registration.state.in_(stands))
        .order_by(is_ahead, Registration.visit_day, Registration.id)
        .limit(1)
    ).first()


def registration_called(uow: Uow, *, system: str, number: str) -> Registration | None:
    """The registration with this visit number of ours, or else the one that `system` knows by it."""
    found: Registration | None = sql.BY_A_NUMBER.row(uow, {"p_system": system, "p_number": number})
    return found


def active_of(uow: Uow, patient_id: int) -> list[Registration]:
    """The places that the patient has or waits to pay for, locked; for whoever is not bound to an account's scope."""
    return [visit for (visit,) in sql.ACTIVE_OF.all(uow, {"p_patient_id": patient_id})]
