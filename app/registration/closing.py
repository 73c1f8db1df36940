"""What becomes of a session's patients when it is stopped (停诊) or another doctor stands in (替诊)."""

from __future__ import annotations

from sqlalchemy import select

from app import events
from app.kernel.uow import Uow
from app.registration import offering
from app.registration.models import Registration
from app.registration.service import give_back, remember_lost
from app.registration.states import ACTIVE, RegistrationState
from app.scheduling import service as scheduling


def stop_session(uow: Uow, *, public_id: str, why: str) -> int:
    """The session is stopped by the hospital: every place not yet used is cancelled; returns how many.

    What was paid goes back in full, everybody is told, and may have another place whatever the limits say.
    """
    session = scheduling.stop_session(uow, public_id=public_id, why=why)
    offering.withdraw_of_session(uow, session)
    standing = _of_session(uow, session.id, RegistrationState.HELD, RegistrationState.BOOKED)
    for registration in standing:
        give_back(uow, registration, by_hospital=True, why="session_stopped")
        remember_lost(uow, registration)
    return len(standing)


def substitute(uow: Uow, *, public_id: str, practitioner_code: str) -> int:
    """Another doctor sits in the session; everybody keeps their place and is told; returns how many have one.

    They may cancel as long as the session lasts and get all back. Refuses `session_closed`, `slots_overlap`; NotFound
    for a doctor who is not on file.
    """
    doctor = scheduling.practitioner_by_code(uow, practitioner_code)
    session = scheduling.substitute(uow, public_id=public_id, practitioner=doctor)
    standing = _of_session(uow, session.id, *ACTIVE)
    for registration in standing:
        registration.practitioner_id = doctor.id
        uow.publish(events.DoctorSubstituted(registration.id, registration.patient_id))
    uow.session.flush()
    return len(standing)


def _of_session(uow: Uow, session_id: int, *states: RegistrationState) -> list[Registration]:
    return list(
        uow.session.scalars(
            select(Registration).where(Registration.session_id == session_id, Registration.state.in_(states))
        )
    )
