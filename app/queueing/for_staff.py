"""The waiting room in figures."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from app.kernel.uow import Uow
from app.queueing.models import Ticket
from app.queueing.states import TicketState


def waiting_count(uow: Uow, day: date) -> int:
    """How many patients wait on that day in the whole house."""
    asked = select(func.count()).where(Ticket.visit_day == day, Ticket.state == TicketState.WAITING)
    return uow.session.scalar(asked) or 0
