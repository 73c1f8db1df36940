"""Visits for those who work in the house: the doctor's own, a patient's, and a day's in figures."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, func, select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import Department, Practitioner


def by_id(uow: Uow, registration_id: int) -> Registration:
    """The visit with this key."""
    return uow.session.get_one(Registration, registration_id)


def by_public_id(uow: Uow, public_id: str) -> Registration:
    """The visit named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Registration).where(Registration.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def of_practitioner(uow: Uow, public_id: str, practitioner_id: int) -> tuple[Registration, Patient]:
    """The visit named `public_id` with its patient, if it is with this doctor; else NotFound."""
    row = uow.session.execute(
        select(Registration, Patient)
        .join(Patient, Patient.id == Registration.patient_id)
        .where(Registration.public_id == public_id, Registration.practitioner_id == practitioner_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]


def public_ids(uow: Uow, ids: Collection[int]) -> dict[int, str]:
    """The names by which pages know the visits with these keys."""
    rows = uow.session.execute(select(Registration.id, Registration.public_id).where(Registration.id.in_(ids)))
    return dict(rows.all())


def counts_of_day(uow: Uow, day: date) -> dict[RegistrationState, int]:
    """How many visits of the day stand in each state."""
    return _counts(uow, Registration.visit_day == day)


def counts_of_session(uow: Uow, session_id: int) -> dict[RegistrationState, int]:
    """How many visits of the session stand in each state."""
    return _counts(uow, Registration.session_id == session_id)


def _counts(uow: Uow, which: ColumnElement[bool]) -> dict[RegistrationState, int]:
    rows = uow.session.execute(
        select(Registration.state, func.count()).where(which).group_by(Registration.state).order_by(Registration.state)
    )
    return dict(rows.all())


def of_patient(uow: Uow, patient_id: int, *, limit: int = 30) -> list[tuple[Registration, Department, Practitioner]]:
    """The patient's newest visits, each with its department and doctor."""
    rows = uow.session.execute(
        select(Registration, Department, Practitioner)
        .join(Practitioner, Practitioner.id == Registration.practitioner_id)
        .join(Department, Department.id == Practitioner.department_id)
        .where(Registration.patient_id == patient_id)
        .order_by(Registration.visit_day.desc(), Registration.id.desc())
        .limit(limit)
    )
    return [(visit, department, practitioner) for visit, department, practitioner in rows]
