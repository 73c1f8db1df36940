"""A person's registrations as a list shows them: each with who, where and when, in one question however many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel.uow import Uow
from app.registration.models import Registration
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
    rows = uow.session.execute(
        select(Registration, Patient, ClinicSession, Department, Practitioner, Slot)
        .join(Patient, Patient.id == Registration.patient_id)
        .join(ClinicSession, ClinicSession.id == Registration.session_id)
        .join(Department, Department.id == ClinicSession.department_id)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
        .outerjoin(Slot, Slot.id == Registration.slot_id)
        .where(Registration.patient_id.in_(identity.linked_patient_ids(uow)))
        .order_by(Registration.visit_day.desc(), Registration.id.desc())
        .limit(limit)
    )
    return [Listed(*row) for row in rows]
