"""One day of the finance office: what came in and went back by our books, beside what each other side says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, select

from app.identity.models import Staff
from app.kernel.uow import Uow
from app.payment.models import CashierEntry, CashierShift, PayMethod
from app.payment.states import CashierShiftState
from app.reconciliation.books import OURS, bounds
from app.reconciliation.models import Case, Run, StatementRow
from app.reconciliation.states import CaseState, Outcome, RunState, Source, Subject

PENDING = (CaseState.OPEN, CaseState.WAITING)
IS_PENDING = Case.state.in_(PENDING)
SIDES = (Source.WECHAT, Source.WECHAT_FUNDS, Source.ALIPAY, Source.POS, Source.INSURER, Source.HOSPITAL)
# Whoever tells of what somebody else tells of, too (card slips are kept on paper); where it never told anything it
# keeps no day open.
SECOND_WORD = frozenset({Source.WECHAT_FUNDS, Source.POS, Source.HOSPITAL})


@dataclass(frozen=True)
class Sums:
    """How often and how much, in fen, came in and went back."""

    in_count: int = 0
    in_fen: int = 0
    back_count: int = 0
    back_fen: int = 0

    @property
    def net_fen(self) -> int:
        """What stayed."""
        return self.in_fen - self.back_fen


@dataclass(frozen=True)
class Side:
    """One side's day; `there` is None as long as it has told nothing, `run` when it was not asked about the day.

    `pending` cases are not over, `unexplained` ones of them say no reason why; `is_known`: it was ever asked about any
    day.
    """

    source: Source
    here: Sums
    there: Sums | None
    run: Run | None
    pending: int
    unexplained: int
    is_known: bool

    @property
    def is_clear(self) -> bool:
        """True when it has told all of the day and nothing is left to do, or when there is nothing to tell of."""
        return self.is_compared and not self.pending

    @property
    def is_compared(self) -> bool:
        """True when it has told all of the day, or when there is nothing to tell of."""
        if self.run is None:
            return self.here == Sums() or (self.source in SECOND_WORD and not self.is_known)
        return self.run.state == RunState.MATCHED


@dataclass(frozen=True)
class Drawer:
    """What crossed the windows in cash or by card; cash is counted when a shift ends (`shifts_open` have not)."""

    method: PayMethod
    here: Sums
    counted_off_fen: int = 0
    shifts_closed: int = 0
    shifts_open: int = 0

    @property
    def is_clear(self) -> bool:
        """True when every drawer was counted and held what it should have."""
        return not self.shifts_open and not self.counted_off_fen


def sides(uow: Uow, day: date) -> list[Side]:
    """Every other side of the day, as far as it was asked or as our books have something of it."""
    runs = {run.source: run for run in uow.session.scalars(select(Run).where(Run.day == day))}
    told = (_side(uow, day, source, runs.get(source)) for source in SIDES)
    return [side for side in told if side.run or (side.here != Sums() and side.source is not Source.WECHAT_FUNDS)]


def drawers(uow: Uow, day: date) -> list[Drawer]:
    """The day at the windows: cash with its counted drawers, then cards."""
    begins, ends = bounds(uow, day)
    rows = uow.session.execute(
        select(CashierEntry.method, *_in_and_back(CashierEntry.amount_fen, CashierEntry.amount_fen > 0))
        .where(CashierEntry.made_at >= begins, CashierEntry.made_at < ends)
        .group_by(CashierEntry.method)
    )
    found = {row[0]: Sums(*(int(figure) for figure in row[1:])) for row in rows}
    off_fen, closed, still_open = _counted(uow, begins, ends)
    cash = found.get(PayMethod.CASH, Sums())
    return [
        Drawer(PayMethod.CASH, cash, off_fen, closed, still_open),
        Drawer(PayMethod.CARD, found.get(PayMethod.CARD, Sums())),
    ]


def shifts(uow: Uow, day: date) -> list[tuple[CashierShift, str]]:
    """The cashiers' shifts that were counted on the day or, begun by then, are not counted yet; with their names."""
    begins, ends = bounds(uow, day)
    is_counted = (CashierShift.closed_at >= begins) & (CashierShift.closed_at < ends)
    is_open = (CashierShift.state == CashierShiftState.OPEN) & (CashierShift.opened_at < ends)
    rows = uow.session.execute(
        select(CashierShift, Staff.name)
        .join(Staff, Staff.id == CashierShift.staff_id)
        .where(is_counted | is_open)
        .order_by(CashierShift.id)
    )
    return [(shift, name) for shift, name in rows]


def cases(uow: Uow, day: date) -> list[tuple[Case, Run]]:
    """All cases of the day's runs, those that are not over first."""
    is_over = ~IS_PENDING
    rows = uow.session.execute(
        select(Case, Run).join(Run, Run.id == Case.run_id).where(Run.day == day).order_by(is_over, Run.source, Case.id)
    )
    return [(found, run) for found, run in rows]


def _side(uow: Uow, day: date, source: Source, run: Run | None) -> Side:
    is_told = run is not None and run.state in (RunState.LOADED, RunState.MATCHED)
    reasons = list(uow.session.scalars(select(Case.note).where(Case.run_id == run.id, IS_PENDING))) if run else []
    is_known = uow.session.scalar(select(Run.id).where(Run.source == source).limit(1)) is not None
    told = _there(uow, run) if run and is_told else None
    return Side(source, _here(uow, day, source), told, run, len(reasons), reasons.count(""), is_known)


def _here(uow: Uow, day: date, source: Source) -> Sums:
    begins, ends = bounds(uow, day)
    figures = [0, 0, 0, 0]
    for ours in OURS[source]:
        here = ours.query(day, uow).subquery()
        is_in = here.c.fen >= 0 if ours.subject is not Subject.REFUND else false()
        row = uow.session.execute(
            select(*_in_and_back(here.c.fen, is_in)).where(here.c.is_done, here.c.at >= begins, here.c.at < ends)
        ).one()
        figures = [figure + int(more) for figure, more in zip(figures, row, strict=True)]
    return Sums(*figures)


def _there(uow: Uow, run: Run) -> Sums:
    """What the other side tells as done; what it has under way, could not be read, or is nobody's, counts nothing."""
    is_in = (StatementRow.subject != Subject.REFUND) & (StatementRow.amount_fen >= 0)
    row = uow.session.execute(
        select(*_in_and_back(StatementRow.amount_fen, is_in)).where(
            StatementRow.run_id == run.id, StatementRow.outcome == Outcome.DONE, StatementRow.number != ""
        )
    ).one()
    return Sums(*(int(figure) for figure in row))


def _in_and_back(amount: Any, is_in: ColumnElement[bool]) -> tuple[ColumnElement[int], ...]:  # noqa: ANN401 - a column
    """Count and sum of what comes in, count and sum of what does not; no sum is negative."""
    return tuple(
        figure
        for side in (is_in, ~is_in)
        for figure in (
            func.coalesce(func.sum(case((side, 1), else_=0)), 0),
            func.coalesce(func.sum(case((side, func.abs(amount)), else_=0)), 0),
        )
    )


def _counted(uow: Uow, begins: datetime, ends: datetime) -> tuple[int, int, int]:
    """How far the day's drawers were off, how many were counted, and how many that were opened by then were not."""
    off = func.coalesce(func.sum(CashierShift.counted_fen - CashierShift.expected_fen), 0)
    counted = select(off, func.count()).where(CashierShift.closed_at >= begins, CashierShift.closed_at < ends)
    off_fen, closed = uow.session.execute(counted).one()
    still = select(func.count()).where(CashierShift.state == CashierShiftState.OPEN, CashierShift.opened_at < ends)
    return int(off_fen or 0), int(closed), int(uow.session.scalar(still) or 0)
