"""How right we were: what was told of a wait at check-in, how long it was, and the errors by department and day."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import case, delete, func, select, update

from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.queueing.models import Ticket, ToldWait, WaitErrors, Walk
from app.queueing.waits import look
from app.scheduling.models import Department


def note_told(uow: Uow, ticket: Ticket) -> None:
    """What the patient of the new ticket is told of the wait is on file."""
    told = look(uow, ticket.line_id).wait_of(ticket)
    uow.session.add(
        ToldWait(
            ticket_id=ticket.id,
            department_id=ticket.department_id,
            visit_day=ticket.visit_day,
            told_at=uow.now(),
            low_seconds=round(told.low_minutes * 60),
            middle_seconds=round(told.middle_minutes * 60),
            high_seconds=round(told.high_minutes * 60),
        )
    )


def note_wait(uow: Uow, ticket: Ticket) -> None:
    """The wait is over by the first call: how long it was, and how much whoever was called back had to spare."""
    told = uow.session.scalars(
        select(ToldWait).where(ToldWait.ticket_id == ticket.id, ToldWait.waited_seconds.is_(None))
    ).first()
    if told is not None:
        told.waited_seconds = round((uow.now() - told.told_at).total_seconds())
    walk = uow.session.scalars(
        select(Walk).where(Walk.ticket_id == ticket.id, Walk.told_at.is_not(None), Walk.spare_seconds.is_(None))
    ).first()
    if walk is not None and walk.told_at is not None:
        walk.spare_seconds = round((uow.now() - walk.told_at).total_seconds()) - walk.walk_minutes * 60


def forget_wait(uow: Uow, ticket: Ticket) -> None:
    """The first call was a slip and is taken back: the wait goes on."""
    uow.session.execute(update(ToldWait).where(ToldWait.ticket_id == ticket.id).values(waited_seconds=None))
    uow.session.execute(update(Walk).where(Walk.ticket_id == ticket.id).values(spare_seconds=None))


def forget_all(uow: Uow, ticket: Ticket) -> None:
    """The check-in was a mistake: nobody waited, and nobody walks meanwhile."""
    uow.session.execute(delete(ToldWait).where(ToldWait.ticket_id == ticket.id))
    uow.session.execute(delete(Walk).where(Walk.ticket_id == ticket.id))


def count_two_days(uow: Uow) -> int:
    """Yesterday's and today's errors stand by department; how many rows."""
    return sum(count_day(uow, uow.today() - timedelta(days=back)) for back in (1, 0))


def count_day(uow: Uow, day: date) -> int:
    """The day's errors stand by department, as they are now; counted again they are the same. How many rows."""
    figures = _told(uow, day)
    for department_id, returned in _returns(uow, day).items():
        figures.setdefault(department_id, dict.fromkeys(_TOLD, 0)).update(returned)
    for department_id, counted in sorted(figures.items()):
        row = {"returns": 0, "late_returns": 0} | counted
        uow.session.execute(
            insert_into(uow, WaitErrors)
            .values(department_id=department_id, day=day, **row)
            .on_conflict_do_update(index_elements=["department_id", "day"], set_=row)
        )
    return len(figures)


_TOLD = ("told", "error_seconds", "inside", "earlier")


def _told(uow: Uow, day: date) -> dict[int, dict[str, int]]:
    is_earlier = ToldWait.waited_seconds < ToldWait.low_seconds
    is_inside = ToldWait.waited_seconds.between(ToldWait.low_seconds, ToldWait.high_seconds)
    rows = uow.session.execute(
        select(
            ToldWait.department_id,
            func.count(),
            func.sum(func.abs(ToldWait.waited_seconds - ToldWait.middle_seconds)),
            func.sum(case((is_inside, 1), else_=0)),
            func.sum(case((is_earlier, 1), else_=0)),
        )
        .where(ToldWait.visit_day == day, ToldWait.waited_seconds.is_not(None))
        .group_by(ToldWait.department_id)
    )
    return {key: dict(zip(_TOLD, map(int, counts), strict=True)) for key, *counts in rows}


def _returns(uow: Uow, day: date) -> dict[int, dict[str, int]]:
    rows = uow.session.execute(
        select(Ticket.department_id, func.count(), func.sum(case((Walk.spare_seconds < 0, 1), else_=0)))
        .join(Walk, Walk.ticket_id == Ticket.id)
        .where(Ticket.visit_day == day, Walk.spare_seconds.is_not(None))
        .group_by(Ticket.department_id)
    )
    return {key: {"returns": int(returns), "late_returns": int(late)} for key, returns, late in rows}


def errors_since(uow: Uow, day: date) -> list[tuple[WaitErrors, Department]]:
    """Every department's errors of each day since `day`, the newest first."""
    rows = uow.session.execute(
        select(WaitErrors, Department)
        .join(Department, Department.id == WaitErrors.department_id)
        .where(WaitErrors.day >= day)
        .order_by(WaitErrors.day.desc(), Department.code)
    )
    return [(errors, department) for errors, department in rows]
