"""The statements that find places, and who waits for one, as often as the hospital system tells of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from app.kernel.hot import Found, Hot
from app.kernel.hot_rows import insert_or_change
from app.registration.models import Registration, RegistrationNumber, WaitlistEntry
from app.registration.states import ACTIVE, IN_USE, EntryState
from app.scheduling.models import ClinicSession, Department


def fits() -> ColumnElement[bool]:
    """A place of the session is what the entry waits for; to join the two tables by."""
    return and_(
        WaitlistEntry.department_id == ClinicSession.department_id,
        or_(WaitlistEntry.practitioner_id.is_(None), WaitlistEntry.practitioner_id == ClinicSession.practitioner_id),
        WaitlistEntry.from_day <= ClinicSession.visit_day,
        WaitlistEntry.to_day >= ClinicSession.visit_day,
        or_(WaitlistEntry.half_day.is_(None), WaitlistEntry.half_day == ClinicSession.half_day),
    )


def _by_a_number(visits: Select[Any]) -> Select[Any]:
    """By our own number, else by the one that another system gave it, which is its own if both name one."""
    ours = select(Registration.id).where(Registration.visit_number == bindparam("p_number")).correlate(None)
    theirs = select(RegistrationNumber.registration_id).where(
        RegistrationNumber.system == bindparam("p_system"), RegistrationNumber.value == bindparam("p_number")
    )
    return (
        visits.join(ClinicSession, ClinicSession.id == Registration.session_id)
        .join(Department, Department.id == ClinicSession.department_id)
        .where(Registration.id == func.coalesce(ours.scalar_subquery(), theirs.scalar_subquery()))
    )


BY_A_NUMBER = Found(Registration, ClinicSession, Department, which=_by_a_number)
ACTIVE_OF = Found(
    Registration,
    which=lambda visits: (
        visits.where(Registration.patient_id == bindparam("p_patient_id"), Registration.state.in_(ACTIVE))
        .order_by(Registration.id)
        .with_for_update()
    ),
    anew=True,
)
STANDING = Found(
    Registration,
    which=lambda visits: visits.where(
        Registration.patient_id == bindparam("p_patient_id"),
        Registration.practitioner_id == bindparam("p_practitioner_id"),
        Registration.visit_day == bindparam("p_visit_day"),
        Registration.half_day == bindparam("p_half_day", type_=Registration.half_day.type),
        Registration.state.in_(ACTIVE),
    ),
)
# The place that took another's and is in use.
TAKER_OF = Found(
    Registration,
    which=lambda visits: (
        visits.where(Registration.replaces_id == bindparam("p_registration_id"), Registration.state.in_(IN_USE))
        .order_by(Registration.id.desc())
        .limit(1)
    ),
)
WAITING = Hot(
    select(func.count())
    .select_from(WaitlistEntry)
    .join(ClinicSession, fits())
    .where(ClinicSession.id == bindparam("p_session_id"), WaitlistEntry.state == EntryState.WAITING)
)
# The entries of a patient who has found such a place.
ANSWERED = Found(
    WaitlistEntry,
    which=lambda entries: entries.join(ClinicSession, fits()).where(
        ClinicSession.id == bindparam("p_session_id"),
        WaitlistEntry.patient_id == bindparam("p_patient_id"),
        WaitlistEntry.state.in_((EntryState.WAITING, EntryState.OFFERED)),
    ),
)
# The number names this registration from now on, whatever it named before.
KNOWN_AS = insert_or_change(RegistrationNumber, "registration_id", key=("system", "value"))
