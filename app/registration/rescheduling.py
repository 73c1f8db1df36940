"""Moving a booked visit to another time (改约): the new place first, and only then is the old one given back.

For the same fee the visit itself moves: its number, its bill and its invoice stay what they are. For another fee the
new place is held as any other, its whole fee is paid within the hold, and the moment it is (where the hospital system
decides: the moment that says yes) the old place goes back and its fee with it, in full: a bill that was paid is never
changed, so what was invoiced stays true. So is a place whose fee the insurer settled, which it knows by its doctor.
"""

from __future__ import annotations

from datetime import datetime

from app import events
from app.identity.models import Patient
from app.kernel.uow import Uow
from app.registration import awaited, by_hospital, exchanges, limits, service
from app.registration.errors import (
    AlreadyRegistered,
    CannotReschedule,
    ExchangeWaits,
    MovedTooOften,
    RescheduleTooLate,
)
from app.registration.models import Registration
from app.registration.rules import reschedule_closes_at
from app.registration.states import RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import BookingChannel, ClinicSession, Practitioner
from app.scheduling.service import Wanted


def reschedule(
    uow: Uow, *, public_id: str, session_public_id: str, channel: BookingChannel = BookingChannel.ONLINE
) -> Registration:
    """The asking account's booked place is exchanged for the session's first free one; the registration that stands.

    That is the same one when the fee is the same, else a new one, held until its fee is paid. Called twice, once.
    Refuses what `to_session` does and NotFound.
    """
    registration = service.of_account(uow, public_id)
    return to_session(uow, registration, scheduling.card(uow, session_public_id).session, channel=channel)


def to_session(
    uow: Uow, registration: Registration, session: ClinicSession, *, channel: BookingChannel
) -> Registration:
    """The booked place is exchanged for the session's first free one; when there is none, nothing has changed.

    Refuses `cannot_reschedule`, `reschedule_too_late`, `moved_too_often`, `exchange_waits`, `already_registered`,
    whatever limits.refuse_against_the_rules does, `sold_out`, `kept_for_others`, `session_closed`,
    `places_busy`.
    """
    if _is_there(uow, registration, session):
        return registration
    _refuse_unless_movable(uow, registration, session)
    _refuse_late_or_often(uow, registration)
    patient = uow.session.get_one(Patient, registration.patient_id)
    rules = limits.rules_of_session(uow, session)
    limits.refuse_against_the_rules(uow, rules, patient, session, instead_of=registration)
    return _exchange(uow, registration, session, Wanted(channel))


def from_desk(uow: Uow, registration: Registration, session: ClinicSession) -> Registration:
    """The same at the window, where the phone's limits do not hold: also late, once more, or for who is suspended.

    Refuses `cannot_reschedule`, `exchange_waits`, `already_registered`, `not_released_yet`, `booking_is_over`,
    `sold_out`, `kept_for_others`, `session_closed`, `places_busy`.
    """
    if _is_there(uow, registration, session):
        return registration
    _refuse_unless_movable(uow, registration, session)
    limits.refuse_outside_the_window(uow, limits.rules_of_session(uow, session), session)
    return _exchange(uow, registration, session, Wanted(BookingChannel.WINDOW))


def _is_there(uow: Uow, registration: Registration, session: ClinicSession) -> bool:
    """True for a visit that is in the session already; it is locked from here on."""
    uow.session.refresh(registration, with_for_update=True)
    return registration.session_id == session.id and registration.state == RegistrationState.BOOKED


def _exchange(uow: Uow, registration: Registration, session: ClinicSession, wanted: Wanted) -> Registration:
    patient = uow.session.get_one(Patient, registration.patient_id)
    new_fee_fen = fee_fen(uow, registration, session)
    if new_fee_fen != registration.fee_fen or registration.fee_is_insured:
        return service.place(uow, session, patient, fee_fen=new_fee_fen, wanted=wanted, replaces=registration)
    _move(uow, registration, session, wanted)
    return registration


def fee_fen(uow: Uow, registration: Registration, session: ClinicSession) -> int:
    """What the patient of the visit would pay for a place of the session."""
    patient = uow.session.get_one(Patient, registration.patient_id)
    return limits.fee_fen(uow, limits.rules_of_session(uow, session), patient, session)


def _move(uow: Uow, registration: Registration, session: ClinicSession, wanted: Wanted) -> None:
    former, former_rules = registration.slot_id, service.rules_of(uow, registration)
    nth = registration.times_moved + 1
    scheduling.let_stand(uow, session)
    by_hospital.sit_in(uow, registration, session, wanted=wanted, nth=nth)
    if former is not None:
        free_from = service.rested_at(uow, former_rules)
        awaited.give_back(uow, slot_id=former, registration_id=registration.id, free_from=free_from)
    uow.publish(events.RegistrationRescheduled(registration.id, registration.patient_id, nth))


def _refuse_unless_movable(uow: Uow, registration: Registration, session: ClinicSession) -> None:
    if not _is_ours(uow, registration):
        raise CannotReschedule(state=registration.state.value)
    waiting = exchanges.exchange_of(uow, registration)
    if waiting is not None and waiting.session_id != session.id:
        raise ExchangeWaits(registration=waiting.public_id)
    patient = uow.session.get_one(Patient, registration.patient_id)
    standing = service.standing_with(uow, patient, session)
    if standing is not None and standing.id != registration.id:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)


def _refuse_late_or_often(uow: Uow, registration: Registration) -> None:
    at_most = service.rules_of(uow, registration).reschedules_at_most
    if 0 < at_most <= registration.times_moved:
        raise MovedTooOften(at_most=at_most)
    until = closes(uow, registration)
    if until is not None and until < uow.now():
        raise RescheduleTooLate(closes_at=until.isoformat())


def closes(uow: Uow, registration: Registration) -> datetime | None:
    """Until when the booked place can be moved by the rules that hold now; None without a place."""
    slot = service.slot_of(uow, registration)
    if slot is None:
        return None
    title = uow.session.get_one(Practitioner, registration.practitioner_id).title
    return reschedule_closes_at(service.rules_of(uow, registration), slot.starts_at, title=title, zone=uow.zone)


def may_move(uow: Uow, registration: Registration) -> bool:
    """True while the rules let the visit be moved once more."""
    until, at_most = closes(uow, registration), service.rules_of(uow, registration).reschedules_at_most
    is_left = not 0 < at_most <= registration.times_moved
    is_in_time = until is not None and until >= uow.now()
    is_free = _is_ours(uow, registration) and exchanges.exchange_of(uow, registration) is None
    return is_free and is_left and is_in_time


def _is_ours(uow: Uow, registration: Registration) -> bool:
    """True for a booked place that was taken here and does not wait to take another's."""
    is_settled = registration.asked_at is None or exchanges.former_of(uow, registration) is None
    is_booked = registration.state == RegistrationState.BOOKED
    return is_booked and is_settled and not by_hospital.booked_it(uow, registration)
