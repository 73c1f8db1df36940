"""What time alone does to a patient's place: an unpaid hold runs out, and a session ends without the patient."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from app import events
from app.kernel import moves
from app.kernel.uow import Uow
from app.registration import service
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import Slot

SETTLED_BEFORE = timedelta(hours=2)
NOT_ANSWERED = "hospital_system_did_not_answer"


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


def give_up_exchanges(uow: Uow, *, deadline: timedelta, limit: int = 100) -> int:
    """Exchanges to which the hospital system says nothing are given up; returns how many.

    That is when the answer is overdue by the `deadline` and the sooner of both places is two hours ahead or less: then
    the former place is the patient's and the new one goes back with its fee. Two jobs at once do each once.
    """
    former, theirs, wanted = aliased(Registration), aliased(Slot), aliased(Slot)
    soon = uow.now() + SETTLED_BEFORE
    due = uow.session.scalars(
        select(Registration)
        .join(former, former.id == Registration.replaces_id)
        .join(theirs, theirs.id == former.slot_id)
        .join(wanted, wanted.id == Registration.slot_id)
        .where(
            Registration.asked_at <= uow.now() - deadline,
            Registration.state == RegistrationState.BOOKED,
            former.state == RegistrationState.BOOKED,
            or_(theirs.starts_at <= soon, wanted.starts_at <= soon),
        )
        .order_by(Registration.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Registration)
    ).all()
    for registration in due:
        service.give_back(uow, registration, by_hospital=True, why=NOT_ANSWERED)
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
