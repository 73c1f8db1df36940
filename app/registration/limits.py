"""Whether the hospital's rules let whoever asks book this session for this patient now; else why not."""

from __future__ import annotations

from datetime import time, timedelta

from sqlalchemy import ColumnElement, func, select

from app.identity import guardians, proofs
from app.identity import service as identity
from app.identity.models import Patient, Relation
from app.kernel.clock import at_hospital
from app.kernel.uow import Uow
from app.registration import conduct
from app.registration.errors import (
    BookingIsOver,
    NotReleasedYet,
    OnlyOwnRecord,
    TooManyBookings,
    TooManyHolds,
    TooManyInDepartment,
    TooManyOfAccount,
)
from app.registration.models import Registration
from app.registration.states import ACTIVE, RegistrationState
from app.rulebook.service import rules_for
from app.rulebook.terms import Rules
from app.scheduling import release
from app.scheduling import rules as scheduling_rules
from app.scheduling.models import ClinicSession, Department
from app.scheduling.rules import closes_at, released_at, where_of

_STANDS = (*ACTIVE, RegistrationState.COMPLETED, RegistrationState.NO_SHOW)


def rules_of_session(uow: Uow, session: ClinicSession) -> Rules:
    """The rules that hold now in the session's department."""
    return rules_for(uow, where_of(uow.session.get_one(Department, session.department_id)))


def refuse_against_the_rules(
    uow: Uow, rules: Rules, patient: Patient, session: ClinicSession, *, instead_of: Registration | None = None
) -> None:
    """Quiet when the rules allow it; each refusal names what to wait for or to do instead.

    A place that is booked `instead_of` another takes up that one's share of every limit. A program of another system
    acts for everybody, so what is counted by account is counted by patient for it.
    Refuses `patient_suspended`, `guardian_consent_needed`, `identity_not_verified`, `not_released_yet`,
    `booking_is_over`, `wait_your_turn`, `only_own_record`, `too_many_holds`, `too_many_bookings`,
    `too_many_in_department`, `too_many_of_account`.
    """
    conduct.refuse_suspended(uow, patient)
    _refuse_too_many_holds(uow, rules, patient)
    refuse_by_day_and_number(uow, rules, patient, session, instead_of=instead_of)


def refuse_by_day_and_number(
    uow: Uow, rules: Rules, patient: Patient, session: ClinicSession, *, instead_of: Registration | None = None
) -> None:
    """What `refuse_against_the_rules` refuses of somebody who is not suspended and has few unpaid holds."""
    if instead_of is None:
        refuse_by_person(uow, rules, patient)
    refuse_outside_the_window(uow, rules, session)
    release.refuse_out_of_turn(uow, session, rules)
    if rules.only_own_record and uow.actor.kind == "patient":
        _refuse_for_others(uow, patient)
    _refuse_too_many(uow, rules, patient, session, instead_of)


def refuse_by_person(uow: Uow, rules: Rules, patient: Patient) -> None:
    """Quiet for whom something new may be booked: with a guardian's consent for a child, verified where that is asked.

    What was booked already is no part of it. Refuses `guardian_consent_needed`, `identity_not_verified`.
    """
    guardians.refuse_without(uow, patient)
    if rules.verified_only and uow.actor.kind != "staff":
        proofs.refuse_unproven(patient)


def is_released(uow: Uow, rules: Rules, session: ClinicSession) -> bool:
    """True while the rules let the session be booked."""
    return scheduling_rules.is_released(rules, session, uow.now(), uow.zone)


def refuse_outside_the_window(uow: Uow, rules: Rules, session: ClinicSession) -> None:
    """Quiet while the session can be booked; refuses `not_released_yet`, `booking_is_over`."""
    opens, closes = released_at(rules, session, uow.zone), closes_at(rules, session.visit_day, uow.zone)
    if uow.now() < opens:
        raise NotReleasedYet(opens_at=opens.isoformat())
    if uow.now() >= closes:
        raise BookingIsOver(closes_at=closes.isoformat())


def _refuse_for_others(uow: Uow, patient: Patient) -> None:
    own = [one.id for one, relation in identity.patients_of(uow) if relation == Relation.SELF]
    if patient.id not in own:
        raise OnlyOwnRecord


def _counted_for(uow: Uow, patient: Patient) -> ColumnElement[bool]:
    by_account = uow.actor.kind == "patient"
    return Registration.account_id == uow.actor.id if by_account else Registration.patient_id == patient.id


def _refuse_too_many_holds(uow: Uow, rules: Rules, patient: Patient) -> None:
    unpaid = _count(uow, _counted_for(uow, patient), Registration.state == RegistrationState.HELD)
    if unpaid >= rules.unpaid_holds_at_most:
        raise TooManyHolds(at_most=rules.unpaid_holds_at_most)


def _refuse_too_many(
    uow: Uow, rules: Rules, patient: Patient, session: ClinicSession, instead_of: Registration | None
) -> None:
    if rules.patient_bookings_at_most:
        within = timedelta(days=rules.patient_bookings_within_days)
        is_recent = Registration.held_at > uow.now() - within
        recent = _standing(uow, instead_of, Registration.patient_id == patient.id, is_recent)
        if recent >= rules.patient_bookings_at_most:
            raise TooManyBookings(at_most=rules.patient_bookings_at_most, within_days=within.days)
    if rules.patient_department_day_at_most:
        same_day = select(ClinicSession.id).where(
            ClinicSession.department_id == session.department_id, ClinicSession.visit_day == session.visit_day
        )
        is_there = Registration.session_id.in_(same_day)
        there = _standing(uow, instead_of, Registration.patient_id == patient.id, is_there)
        if there >= rules.patient_department_day_at_most:
            raise TooManyInDepartment(at_most=rules.patient_department_day_at_most)
    if rules.account_bookings_per_day_at_most:
        midnight = at_hospital(uow.today(), time(0), uow.zone)
        today = _standing(uow, instead_of, _counted_for(uow, patient), Registration.held_at >= midnight)
        if today >= rules.account_bookings_per_day_at_most:
            raise TooManyOfAccount(at_most=rules.account_bookings_per_day_at_most)


def _standing(uow: Uow, instead_of: Registration | None, *which: ColumnElement[bool]) -> int:
    is_another = Registration.id != (instead_of.id if instead_of else 0)
    return _count(uow, Registration.state.in_(_STANDS), is_another, *which)


def _count(uow: Uow, *which: ColumnElement[bool]) -> int:
    return uow.session.scalar(select(func.count()).select_from(Registration).where(*which)) or 0


def fee_fen(uow: Uow, rules: Rules, patient: Patient, session: ClinicSession) -> int:
    """What the place costs the patient: nothing when they were seen in the department a few days before (复诊免费)."""
    if not rules.free_return_days:
        return session.fee_fen
    since = session.visit_day - timedelta(days=rules.free_return_days)
    there = select(ClinicSession.id).where(ClinicSession.department_id == session.department_id)
    seen = _count(
        uow,
        Registration.patient_id == patient.id,
        Registration.state == RegistrationState.COMPLETED,
        Registration.visit_day >= since,
        Registration.session_id.in_(there),
    )
    return 0 if seen else session.fee_fen
