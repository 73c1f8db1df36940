"""What time alone does to a patient's place: an unpaid hold runs out, and a session ends without the patient."""

from __future__ import annotations

from sqlalchemy import select

from app import events
from app.kernel import moves
from app.kernel.uow import Uow
from app.registration import service
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling import service as scheduling


def expire_due(uow: Uow, *, limit: int = 100) -> int:
    """Holds whose time is over have gone back; returns how many. Two jobs at once expire each hold once."""
    due = uow.session.scalars(
        select(Registration)
        .where(Registration.state == RegistrationState.HELD, Registration.held_until <= uow.now())
        .order_by(Registration.held_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for registration in due:
        moves.move(uow, REGISTRATION, registration, RegistrationAction.EXPIRE)
        service.free_place(uow, registration, rests=True)
        uow.publish(events.RegistrationExpired(registration.id, registration.patient_id))
    return len(due)


def close_sessions(uow: Uow) -> int:
    """Sessions whose time is over are closed; whoever never came missed the visit. Returns how many sessions."""
    closed = scheduling.close_ended(uow)
    for session in closed:
        missed = uow.session.scalars(
            select(Registration).where(
                Registration.session_id == session.id, Registration.state == RegistrationState.BOOKED
            )
        ).all()
        for registration in missed:
            service.miss(uow, registration)
    return len(closed)
