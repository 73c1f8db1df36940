"""Reconciliation as the finance office reads it: the days' runs, and the cases that need a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from app.kernel.logbook import PAGE_ROWS
from app.kernel.moves import Move
from app.kernel.uow import Uow
from app.reconciliation.models import Case, Run
from app.reconciliation.states import CASE, CaseState

PENDING = (CaseState.OPEN, CaseState.WAITING)
RUNS_SHOWN = 28


def runs(uow: Uow) -> list[tuple[Run, int]]:
    """The latest runs, newest day first, each with how many of its cases are not over."""
    pending = (
        select(func.count()).where(Case.run_id == Run.id, Case.state.in_(PENDING)).correlate(Run).scalar_subquery()
    )
    rows = uow.session.execute(select(Run, pending).order_by(Run.day.desc(), Run.source).limit(RUNS_SHOWN))
    return [(run, int(count)) for run, count in rows]


def cases(uow: Uow, state: CaseState | None, *, before_id: int | None = None) -> list[tuple[Case, Run]]:
    """A page of cases with their runs, newest first: those in `state`, or all that are not over."""
    wanted = [Case.state == state if state else Case.state.in_(PENDING)]
    if before_id is not None:
        wanted.append(Case.id < before_id)
    rows = uow.session.execute(
        select(Case, Run).join(Run, Run.id == Case.run_id).where(*wanted).order_by(Case.id.desc()).limit(PAGE_ROWS)
    )
    return [(case, run) for case, run in rows]


def run_of_case(uow: Uow, case: Case) -> Run:
    """The run that found the case."""
    return uow.session.get_one(Run, case.run_id)


def history(uow: Uow, case: Case) -> Sequence[Move]:
    """What became of the case, in order."""
    wanted = select(Move).where(Move.machine == CASE.name, Move.subject_id == case.id).order_by(Move.id)
    return uow.session.scalars(wanted).all()
