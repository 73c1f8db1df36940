"""What the waiting room puts right at a visit: a step that was a slip, and another doctor than the one booked."""

from __future__ import annotations

from app.identity.models import Patient
from app.kernel import moves
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.registration.service import standing_with
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling.models import ClinicSession


def step_back(uow: Uow, registration: Registration) -> None:
    """The consultation's last step, its beginning or its end, was a slip and is taken back."""
    moves.move(uow, REGISTRATION, registration, RegistrationAction.STEP_BACK)


def undo_check_in(uow: Uow, registration: Registration) -> int:
    """The patient is not in the house after all and the place is booked as before; which check-in it was."""
    nth = moves.times_to(uow, REGISTRATION, registration.id, RegistrationState.CHECKED_IN)
    moves.move(uow, REGISTRATION, registration, RegistrationAction.UNDO_CHECK_IN)
    return nth


def has_place_with(uow: Uow, registration: Registration, session: ClinicSession) -> bool:
    """True when the registration's patient has another active place with the session's doctor in its half-day."""
    standing = standing_with(uow, uow.session.get_one(Patient, registration.patient_id), session)
    return standing is not None and standing.id != registration.id


def see_another(uow: Uow, registration: Registration, session: ClinicSession) -> None:
    """The patient in the house sees the session's doctor instead; the place that was paid for stays theirs."""
    registration.session_id, registration.practitioner_id = session.id, session.practitioner_id
    registration.half_day = session.half_day
    uow.session.flush()
