"""Laying a day's rows beside our own books: the database compares, and only what differs comes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, func, or_, select
from sqlalchemy.orm import aliased

from app.kernel.clock import at_hospital
from app.kernel.ids import new_public_id
from app.kernel.inserts import insert_into
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.reconciliation.books import OURS, Ours
from app.reconciliation.models import Case, Run, StatementRow
from app.reconciliation.states import (
    CASE,
    RUN,
    CaseAction,
    CaseKind,
    CaseState,
    Outcome,
    RunAction,
    RunState,
    Subject,
)

_Key = tuple[Subject, str, str]
PIECE = 2000
# Two clocks may disagree by this much about on which side of midnight something happened.
NEAR_MIDNIGHT = timedelta(minutes=10)


def match(uow: Uow, run: Run) -> int:
    """The loaded run is matched and its cases are on file; returns how many were found.

    Matched once more, after something was put right, a case that is found no longer is explained.
    """
    run = uow.session.get_one(Run, run.id, with_for_update=True, populate_existing=True)
    if run.state != RunState.LOADED:
        return 0
    found: set[_Key] = set()
    rows_here = sum_here_fen = 0
    for ours in OURS[run.source]:
        found |= _keep(uow, run, ours.subject, _told_otherwise(uow, run, ours))
        found |= _keep(uow, run, ours.subject, _told_nothing_of(uow, run, ours))
        count, sum_fen = _sums_here(uow, run, ours)
        rows_here, sum_here_fen = rows_here + count, sum_here_fen + sum_fen
    _settle_new(uow, run)
    _settle_standing(uow, run, found)
    _settle_waiting(uow, run)
    move(
        uow,
        RUN,
        run,
        RunAction.MATCH,
        rows_here=rows_here,
        sum_here_fen=sum_here_fen,
        matched_at=uow.now(),
    )
    return len(found)


def day_of(run: Run, uow: Uow) -> tuple[datetime, datetime]:
    """The instants at which the run's day begins and ends."""
    begins = at_hospital(run.day, time(0), uow.zone)
    return begins, at_hospital(run.day + timedelta(days=1), time(0), uow.zone)


def _told_otherwise(uow: Uow, run: Run, ours: Ours) -> Iterable[Any]:
    """What the statement names and our books know otherwise or not: (kind, number, foreign_no, here, there, at).

    Asked piece by piece along the rows' places, so that no statement runs long, whatever the planner knows of a table
    that was filled a moment ago.
    """
    here, told = ours.query(run.day, uow).subquery(), StatementRow
    kind = _kind(uow, run, ours, here)
    is_named = or_(told.number != "", told.outcome == Outcome.UNREADABLE)
    wanted = (
        select(kind, told.number, told.foreign_no, here.c.fen, told.amount_fen, told.at)
        .outerjoin(here, here.c.number == told.number)
        .where(told.run_id == run.id, told.subject == ours.subject, is_named, kind.is_not(None))
    )
    for first in range(1, run.rows_there + 1, PIECE):
        yield from uow.session.execute(wanted.where(told.row_no >= first, told.row_no < first + PIECE))


def _kind(uow: Uow, run: Run, ours: Ours, here: Subquery) -> ColumnElement[Any]:
    """What a row of the statement is found as; NULL when both sides know it alike."""
    told, earlier = StatementRow, aliased(StatementRow)
    begins, ends = day_of(run, uow)
    # The sums keep a planner without figures from going through all rows of the run before this one, for each of them.
    is_repeated = select(earlier.id).where(
        earlier.number == told.number,
        earlier.subject == told.subject,
        earlier.run_id + 0 == told.run_id,
        earlier.row_no + 0 < told.row_no,
    )
    is_known = select(Case.id).where(
        Case.subject == ours.subject, Case.number == told.number, Case.kind == CaseKind.OTHER_DAY
    )
    is_elsewhere = or_(here.c.at < begins, here.c.at >= ends) & ~is_known.exists()
    kinds: tuple[tuple[ColumnElement[bool], CaseKind], ...] = (
        (told.outcome == Outcome.UNREADABLE, CaseKind.UNREADABLE),
        (told.outcome == Outcome.DISPUTED, CaseKind.DISPUTED),
        (is_repeated.exists(), CaseKind.TWICE_THERE),
        (here.c.number.is_(None), CaseKind.ONLY_THERE),
        (here.c.fen != told.amount_fen, CaseKind.AMOUNT_DIFFERS),
        (told.outcome == Outcome.FAILED, CaseKind.FAILED_THERE),
        (told.outcome == Outcome.IN_PROGRESS, CaseKind.IN_PROGRESS_THERE),
        (here.c.is_done.is_(False), CaseKind.OPEN_HERE),
        (is_elsewhere, CaseKind.OTHER_DAY),
    )
    return case(*((condition, found.value) for condition, found in kinds), else_=None)


def _told_nothing_of(uow: Uow, run: Run, ours: Ours) -> Iterable[Any]:
    """What our books have of the day and no statement of this source names, asked piece by piece."""
    here = ours.query(run.day, uow).subquery()
    begins, ends = day_of(run, uow)
    has_next = _has_next(uow, run)
    rows = uow.session.execute(
        select(here.c.number, here.c.fen, here.c.at)
        .where(here.c.is_done, here.c.at >= begins, here.c.at < ends)
        .execution_options(yield_per=PIECE)
    )
    for piece in rows.partitions():
        named = _named(uow, run, ours, [number for number, *_ in piece])
        for number, fen, at in piece:
            if number not in named:
                is_late = at >= ends - NEAR_MIDNIGHT and not has_next
                yield CaseKind.OTHER_DAY if is_late else CaseKind.ONLY_HERE, number, "", fen, None, at


def _named(uow: Uow, run: Run, ours: Ours, numbers: Sequence[str]) -> set[str]:
    """Those of the numbers that a statement of this source names, of whatever day."""
    told = select(StatementRow.number).join(Run, Run.id == StatementRow.run_id)
    wanted = (
        StatementRow.number.in_(numbers),
        StatementRow.subject == ours.subject,
        StatementRow.outcome != Outcome.UNREADABLE,
        Run.source == run.source,
    )
    return set(uow.session.scalars(told.where(*wanted)))


def _has_next(uow: Uow, run: Run) -> bool:
    following = select(Run.id).where(
        Run.source == run.source,
        Run.day == run.day + timedelta(days=1),
        Run.state.in_((RunState.LOADED, RunState.MATCHED)),
    )
    return uow.session.scalar(following) is not None


def _keep(uow: Uow, run: Run, subject: Subject, rows: Iterable[Any]) -> set[_Key]:
    """The cases are on file; one that is open already is what it is found as now."""
    kept: set[_Key] = set()
    for kind, number, foreign_no, here_fen, there_fen, at in rows:
        now = {"kind": CaseKind(kind), "here_fen": here_fen, "there_fen": there_fen}
        uow.session.execute(
            insert_into(uow, Case)
            .values(
                public_id=new_public_id(),
                run_id=run.id,
                subject=subject,
                number=number,
                foreign_no=foreign_no,
                at=at,
                state=CASE.initial,
                found_at=uow.now(),
                note="",
                **now,
            )
            .on_conflict_do_update(
                index_elements=["run_id", "subject", "number", "foreign_no"],
                set_=now,
                where=Case.state == CaseState.OPEN,
            )
        )
        kept.add((subject, number, foreign_no))
    return kept


def _sums_here(uow: Uow, run: Run, ours: Ours) -> tuple[int, int]:
    here = ours.query(run.day, uow).subquery()
    begins, ends = day_of(run, uow)
    row = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(here.c.fen), 0)).where(
            here.c.is_done, here.c.at >= begins, here.c.at < ends
        )
    ).one()
    return int(row[0]), int(row[1])


def _cases(uow: Uow, *conditions: ColumnElement[bool]) -> list[Case]:
    return list(uow.session.scalars(select(Case).join(Run, Run.id == Case.run_id).where(*conditions).with_for_update()))


def _settle_new(uow: Uow, run: Run) -> None:
    """A pair that only the day divides is explained; what tomorrow may name, and a refund under way, wait."""
    wanted = Case.kind.in_((CaseKind.OTHER_DAY, CaseKind.IN_PROGRESS_THERE))
    for found in _cases(uow, Case.run_id == run.id, Case.state == CaseState.OPEN, wanted):
        is_pair = found.kind == CaseKind.OTHER_DAY and found.there_fen is not None
        move(uow, CASE, found, CaseAction.EXPLAIN if is_pair else CaseAction.WAIT)


def _settle_standing(uow: Uow, run: Run, found: set[_Key]) -> None:
    """What an earlier look at the same day found: gone by now, or told once more in vain."""
    pending = Case.state.in_((CaseState.OPEN, CaseState.WAITING))
    for stands in _cases(uow, Case.run_id == run.id, pending):
        if (stands.subject, stands.number, stands.foreign_no) not in found:
            move(uow, CASE, stands, CaseAction.EXPLAIN)
        elif stands.state == CaseState.WAITING and stands.kind == CaseKind.ONLY_HERE:
            move(uow, CASE, stands, CaseAction.MISS)


def _settle_waiting(uow: Uow, run: Run) -> None:
    """What waited for this day's statement is explained by it, or is missing for good."""
    before: date = run.day - timedelta(days=1)
    late = Case.kind == CaseKind.OTHER_DAY
    for waits in _cases(uow, Run.source == run.source, Run.day == before, Case.state == CaseState.WAITING, late):
        row = select(StatementRow.amount_fen).where(
            StatementRow.run_id == run.id, StatementRow.subject == waits.subject, StatementRow.number == waits.number
        )
        there_fen = uow.session.scalar(row.limit(1))
        if there_fen is None:
            move(uow, CASE, waits, CaseAction.MISS, kind=CaseKind.ONLY_HERE)
        elif there_fen == waits.here_fen:
            move(uow, CASE, waits, CaseAction.EXPLAIN, there_fen=there_fen)
        else:
            move(uow, CASE, waits, CaseAction.MISS, kind=CaseKind.AMOUNT_DIFFERS, there_fen=there_fen)
