"""A person's registrations as a list shows them: each with who, where and when, in one question however many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.registration.states import ACTIVE
from app.scheduling.models import ClinicSession, Department, Practitioner, Slot


@dataclass(frozen=True)
class Listed:
    """A registration with its patient, its session and its place; `slot` is None after the place went back."""

    registration: Registration
    patient: Patient
    clinic_session: ClinicSession
    department: Department
    practitioner: Practitioner
    slot: Slot | None

    @property
    def starts_at(self) -> datetime:
        """When the patient is expected."""
        return self.slot.starts_at if self.slot else self.clinic_session.starts_at


def listed_of_account(uow: Uow, *, limit: int = 20) -> list[Listed]:
    """The newest registrations of the patients the asking account may act for."""
    query = (
        _listed()
        .where(Registration.patient_id.in_(identity.linked_patient_ids(uow)))
        .order_by(Registration.visit_day.desc(), Registration.id.desc())
        .limit(limit)
    )
    return [Listed(*row) for row in uow.session.execute(query)]


def count_standing(uow: Uow, patient: Patient) -> int:
    """How many places the patient has, or waits to pay for."""
    standing = select(func.count()).select_from(Registration)
    which = (Registration.patient_id == patient.id, Registration.state.in_(ACTIVE))
    return uow.session.scalar(standing.where(*which)) or 0


@dataclass(frozen=True)
class Sought:
    """Which registrations another system of the hospital asks for; None and '' are any."""

    patient_id: int | None = None
    from_day: date | None = None
    to_day: date | None = None
    visit_number: str = ""


def listed_named(uow: Uow, public_id: str) -> Listed:
    """The registration named `public_id`, whoever it is for; else NotFound. The caller writes the look down."""
    row = uow.session.execute(_listed().where(Registration.public_id == public_id)).first()
    if row is None:
        raise NotFound
    return Listed(*row)


def listed(uow: Uow, sought: Sought, page: Page) -> list[Listed]:
    """A page of the registrations that fit; the caller writes the look down."""
    query = _listed()
    if sought.patient_id is not None:
        query = query.where(Registration.patient_id == sought.patient_id)
    if sought.from_day:
        query = query.where(Registration.visit_day >= sought.from_day)
    if sought.to_day:
        query = query.where(Registration.visit_day <= sought.to_day)
    if sought.visit_number:
        query = query.where(Registration.visit_number == sought.visit_number)
    return [Listed(*row) for row in uow.session.execute(page.of(query, Registration.id))]


def _listed() -> Select[Registration, Patient, ClinicSession, Department, Practitioner, Slot]:
    return (
        select(Registration, Patient, ClinicSession, Department, Practitioner, Slot)
        .join(Patient, Patient.id == Registration.patient_id)
        .join(ClinicSession, ClinicSession.id == Registration.session_id)
        .join(Department, Department.id == ClinicSession.department_id)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
        .outerjoin(Slot, Slot.id == Registration.slot_id)
    )
