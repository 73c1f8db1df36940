"""The bank's statement of the card terminals 银行刷卡: a file that the office brings, laid beside the window's slips.

A slip is known by its terminal, its day and its number, as our own books know it; where the bank's clock puts it on the
other side of midnight, by our day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select

from app.kernel import audit
from app.kernel.clock import hospital_day
from app.kernel.ids import new_public_id
from app.kernel.inserts import insert_into
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.payment.models import CashierEntry, PayMethod
from app.payment.rules import Tender, slip_reference
from app.reconciliation import matching, reading_pos
from app.reconciliation.books import ONE_DAY, bounds
from app.reconciliation.errors import DayNotOver, StatementFlawed, StatementRefused
from app.reconciliation.models import Run, StatementRow
from app.reconciliation.reading_pos import Form, SlipRow
from app.reconciliation.states import RUN, Outcome, RunAction, RunState, Source

# A slip is ours when we took it within this much of when the bank did; slips of a terminal begin anew each day.
SAME_SLIP = timedelta(hours=12)


def take_in(uow: Uow, *, day: date, content: bytes, form: Form) -> Run:
    """The day's statement is on file and compared, and the day before anew; brought again, the last file counts.

    Refuses `day_not_over`, and `statement_refused` with flaw, line and column: nothing of such a file is kept.
    """
    if day >= uow.today():
        raise DayNotOver(day=day.isoformat())
    try:
        slips = reading_pos.rows_of(content, form)
        _refuse_other_days(uow, day, slips, form)
    except StatementFlawed as error:
        raise StatementRefused(flaw=error.flaw, line=error.row_no, column=error.column) from None
    run = _run_of(uow, day)
    if run.state == RunState.MATCHED:
        move(uow, RUN, run, RunAction.COMPARE_AGAIN, due_at=uow.now(), code="")
    uow.session.execute(delete(StatementRow).where(StatementRow.run_id == run.id))
    rows = list(_rows(uow, day, slips, run))
    if rows:
        uow.session.execute(insert(StatementRow), rows)
    move(uow, RUN, run, RunAction.LOAD, rows_there=len(rows), sum_there_fen=sum(row["amount_fen"] for row in rows))
    matching.match(uow, run)
    before = uow.session.scalars(_named(day - ONE_DAY).where(Run.state == RunState.MATCHED)).first()
    if before is not None:  # a bank's day may end at eleven: what this file tells of its evening is missing no longer
        compare_again(uow, before)
    digest = hashlib.sha256(content).hexdigest()
    audit.record(uow, "reconciliation.bring", "reconciliation_run", run.public_id, sha256=digest, rows=len(rows))
    return run


def compare_again(uow: Uow, run: Run) -> None:
    """The rows that were brought are laid beside our books once more; refuses `illegal_move`."""
    move(uow, RUN, run, RunAction.COMPARE_AGAIN, due_at=uow.now(), code="")
    move(uow, RUN, run, RunAction.LOAD)
    matching.match(uow, run)


def _refuse_other_days(uow: Uow, day: date, slips: Iterable[SlipRow], form: Form) -> None:
    """A bank's day may end at another hour than ours, but not a day away."""
    for slip in slips:
        if abs(hospital_day(slip.at, uow.zone) - day) > ONE_DAY:
            raise StatementFlawed("other_day", slip.line, form.columns["at"][0])


def _run_of(uow: Uow, day: date) -> Run:
    """The day's run, made when there is none, locked: of two files brought at once one comes after the other."""
    counts = dict.fromkeys(("rows_there", "sum_there_fen", "rows_here", "sum_here_fen"), 0)
    uow.session.execute(
        insert_into(uow, Run)
        .values(
            public_id=new_public_id(),
            source=Source.POS,
            day=day,
            state=RUN.initial,
            due_at=uow.now(),
            code="",
            **counts,
        )
        .on_conflict_do_nothing(index_elements=["source", "day"])
    )
    return uow.session.scalars(_named(day)).one()


def _named(day: date) -> Select[Run]:
    wanted = select(Run).where(Run.source == Source.POS, Run.day == day)
    return wanted.with_for_update().execution_options(populate_existing=True)


def _rows(uow: Uow, day: date, slips: Iterable[SlipRow], run: Run) -> Iterator[dict[str, Any]]:
    ours = _taken_around(uow, day)
    for row_no, slip in enumerate(slips, 1):
        known = [at for at in ours.get(_key(slip.terminal_no, slip.slip_no), ()) if abs(at - slip.at) <= SAME_SLIP]
        at = min(known, key=lambda taken: abs(taken - slip.at), default=slip.at)
        tender = Tender(PayMethod.CARD, 0, slip.terminal_no, slip.slip_no)
        number = slip_reference(tender, hospital_day(at, uow.zone))
        yield {
            "run_id": run.id,
            "row_no": row_no,
            "subject": slip.subject,
            "number": number,
            "foreign_no": slip.reference or f"{slip.terminal_no}-{slip.slip_no}",
            "amount_fen": slip.amount_fen,
            "at": slip.at,
            "outcome": Outcome.DONE,
        }


def _key(terminal_no: str, slip_no: str) -> tuple[str, int]:
    return terminal_no, int(slip_no)


def _taken_around(uow: Uow, day: date) -> dict[tuple[str, int], list[datetime]]:
    """When each slip was entered at the window on the day and those beside it."""
    begins, ends = bounds(uow, day)
    rows = uow.session.execute(
        select(CashierEntry.terminal_no, CashierEntry.slip_no, CashierEntry.made_at)
        .where(
            CashierEntry.method == PayMethod.CARD,
            CashierEntry.made_at >= begins - ONE_DAY,
            CashierEntry.made_at < ends + ONE_DAY,
        )
        .order_by(CashierEntry.id)
    )
    found: dict[tuple[str, int], list[datetime]] = {}
    for terminal_no, slip_no, made_at in rows:
        found.setdefault(_key(terminal_no, slip_no), []).append(made_at)
    return found
