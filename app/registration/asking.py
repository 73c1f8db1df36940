"""What must be known of whoever asks for a place, in one question: many ask at the same instant."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from app.identity.models import Patient, PatientLink
from app.kernel.hot import Found
from app.kernel.uow import Uow
from app.registration.models import Registration, Suspension
from app.registration.states import ACTIVE, RegistrationState
from app.rulebook.remembered import mark, rules_marked
from app.rulebook.terms import Rules
from app.scheduling.models import ClinicSession, Department
from app.scheduling.rules import where_of


@dataclass(frozen=True)
class Asked:
    """The patient and the session, and what may stand in the way: looked at again by whoever has to say no."""

    patient: Patient
    session: ClinicSession
    has_standing: bool
    has_suspension: bool
    unpaid_holds: int
    rules: Rules


def asked(uow: Uow, patient_public_id: str, session_public_id: str) -> Asked | None:
    """What an account asks for on behalf of a patient; None when it may not, or when there is no such session."""
    now = uow.now()
    facts = {
        "p_patient": patient_public_id,
        "p_session": session_public_id,
        "p_account_id": uow.actor.id if uow.actor.kind == "patient" else None,
        "p_now": now,
    }
    found = _ASKED.first(uow, facts)
    if found is None:
        return None
    patient, session, department, standing, suspensions, unpaid, marked = found
    rules = rules_marked(uow, where_of(department), marked, at=now)
    return Asked(patient, session, bool(standing), bool(suspensions), unpaid, rules)


_account_id = bindparam("p_account_id", type_=PatientLink.account_id.type)
_now = bindparam("p_now", type_=Suspension.ends_at.type)
_STANDING = (
    select(func.count())
    .select_from(Registration)
    .where(
        Registration.patient_id == Patient.id,
        Registration.practitioner_id == ClinicSession.practitioner_id,
        Registration.visit_day == ClinicSession.visit_day,
        Registration.half_day == ClinicSession.half_day,
        Registration.state.in_(ACTIVE),
    )
)
_SUSPENSIONS = (
    select(func.count()).select_from(Suspension).where(Suspension.patient_id == Patient.id, Suspension.ends_at > _now)
)
_UNPAID = (
    select(func.count())
    .select_from(Registration)
    .where(Registration.account_id == _account_id, Registration.state == RegistrationState.HELD)
)
_ASKED = Found(
    Patient,
    ClinicSession,
    Department,
    also=(_STANDING.scalar_subquery(), _SUSPENSIONS.scalar_subquery(), _UNPAID.scalar_subquery(), mark(_now)),
    which=lambda everything: (
        everything.select_from(Patient)
        .join(PatientLink, PatientLink.patient_id == Patient.id)
        .join(ClinicSession, ClinicSession.public_id == bindparam("p_session"))
        .join(Department, Department.id == ClinicSession.department_id)
        .where(
            Patient.public_id == bindparam("p_patient"),
            PatientLink.account_id == _account_id,
            PatientLink.ended_at.is_(None),
        )
    ),
)
