"""The trace that an account's visits have left so far: it changes whenever there is something new to show of them.

Thousands of phones ask every few seconds what is new, and mostly nothing is. That nothing is, is one question here,
however long the queue: the last row and the last move of everything a visit's page shows, and of the queues the
account's patients stand in. What only the clock changes is as old as the asker lets it be.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ScalarSelect, and_, bindparam, func, select

from app.identity.models import PatientLink
from app.invoice.models import Invoice
from app.invoice.states import INVOICE
from app.kernel.hot import Hot
from app.kernel.moves import Machine, Move
from app.kernel.uow import Uow
from app.payment.models import Bill
from app.payment.states import BILL
from app.pharmacy.models import Bag
from app.pharmacy.states import BAG
from app.prescription.models import Prescription
from app.prescription.states import PRESCRIPTION
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketState
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationState
from app.revisit.models import FollowUpPlan
from app.revisit.states import PLAN

SHOWN: dict[type[Any], Machine[Any, Any]] = {
    Registration: REGISTRATION,
    Ticket: TICKET,
    Prescription: PRESCRIPTION,
    Bill: BILL,
    Bag: BAG,
    Invoice: INVOICE,
    FollowUpPlan: PLAN,
}
STANDING = (TicketState.WAITING, TicketState.CALLED)
A_MINUTE, A_WHILE = timedelta(minutes=1), timedelta(minutes=3)


def of_account(uow: Uow) -> tuple[object, ...]:
    """The asking account's trace; equal ones a moment apart mean that its visits' pages show the same.

    While a place waits for its fee the trace changes each minute, as the countdown does; else every three minutes,
    since a told waiting time shrinks though nobody moves.
    """
    account_id = uow.actor.id if uow.actor.kind == "patient" else None
    row = _TRACE.first(uow, {"p_account_id": account_id, "p_today": uow.today()})
    assert row is not None
    holds, *seen = row
    step = A_MINUTE if holds else A_WHILE
    shift = (account_id or 0) % step.seconds  # so that not all phones want the same news at the same second
    return account_id, int((uow.now().timestamp() + shift) // step.seconds), holds, *seen


_PATIENTS = select(PatientLink.patient_id).where(
    PatientLink.account_id == bindparam("p_account_id", type_=PatientLink.account_id.type),
    PatientLink.ended_at.is_(None),
)


def _newest(table: type[Any]) -> ScalarSelect[Any]:
    return select(func.max(table.id)).where(table.patient_id.in_(_PATIENTS)).scalar_subquery()


def _last_move(table: type[Any], machine: Machine[Any, Any]) -> ScalarSelect[Any]:
    rows = select(table.id).where(table.patient_id.in_(_PATIENTS))
    return select(func.max(Move.id)).where(Move.machine == machine.name, Move.subject_id.in_(rows)).scalar_subquery()


_QUEUES = select(Ticket.line_id).where(
    Ticket.patient_id.in_(_PATIENTS), Ticket.visit_day == bindparam("p_today"), Ticket.state.in_(STANDING)
)
_HOLDS = select(func.count()).where(
    Registration.patient_id.in_(_PATIENTS), Registration.state == RegistrationState.HELD
)
_LAST_IN_QUEUES = select(func.max(Ticket.id)).where(Ticket.line_id.in_(_QUEUES))
_LAST_MOVE_IN_QUEUES = (
    select(func.max(Move.id))
    .select_from(Ticket)
    .join(Move, and_(Move.machine == TICKET.name, Move.subject_id == Ticket.id))
    .where(Ticket.line_id.in_(_QUEUES))
)
_TRACE = Hot(
    select(
        _HOLDS.scalar_subquery(),
        _LAST_IN_QUEUES.scalar_subquery(),
        _LAST_MOVE_IN_QUEUES.scalar_subquery(),
        *(_newest(table) for table in SHOWN),
        *(_last_move(table, machine) for table, machine in SHOWN.items()),
    )
)
