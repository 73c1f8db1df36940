"""Reconciling the day that is over: its runs are due in the morning, each is fetched, matched and mended once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, time, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import aliased

from app.kernel import audit
from app.kernel.clock import at_hospital
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.inserts import insert_into
from app.kernel.moves import move
from app.kernel.uow import Actor, Units, Uow
from app.payment import receipts
from app.payment.models import Refund
from app.payment.ports import Paid
from app.payment.states import RefundState
from app.reconciliation import letters, loading, matching, terminals
from app.reconciliation.errors import NoteMissing
from app.reconciliation.models import Case, Run
from app.reconciliation.ports import StatementSource
from app.reconciliation.states import (
    CASE,
    RUN,
    CaseAction,
    CaseKind,
    CaseState,
    RunAction,
    RunState,
    Source,
    Subject,
)

# 申请交易账单: yesterday's statement can be had from ten o'clock on.
STATEMENTS_FROM = time(10)
# Providers keep their statements for three months (申请交易账单).
DAYS_BACK = 89
LEASE = timedelta(minutes=30)
# By whose statement a payment that is open here comes in.
MENDED = frozenset({Source.WECHAT, Source.ALIPAY})
JOB = Actor("job", "reconciliation")
_log = logging.getLogger(__name__)


def reconcile(units: Units, sources: Mapping[Source, StatementSource]) -> int:
    """Every run that is due is fetched, matched, and mended where that is safe; returns how many. Job.

    Two at once take different runs; one that was killed half-way begins its run again after its lease.
    """
    with units.open(JOB) as uow:
        _make_due(uow, sources)
        letters.follow(uow)
    done = 0
    while (run := _claim(units, sources)) is not None:
        if run.state == RunState.LOADED or loading.load(units, sources[run.source], run):
            finish(units, run)
        done += 1
    with units.open(JOB) as uow:
        _follow_refunds(uow)
    return done


def finish(units: Units, run: Run) -> int:
    """The loaded run is matched, and money that the provider has and we had not is in our books; returns the cases."""
    with units.open(JOB) as uow:
        found = matching.match(uow, run)
        letters.wait_for_answers(uow, run)
    if run.source in MENDED:
        repair(units, run)
    return found


def repair(units: Units, run: Run) -> int:
    """Each payment that is paid there and open here comes in as money always does; returns how many were mended.

    Nothing else is ever mended by itself. When what follows from a payment fails, the money alone is recorded, and the
    payment query goes on from there.
    """
    with units.open(reads_only=True) as uow:
        wanted = (Case.kind == CaseKind.OPEN_HERE, Case.subject == Subject.PAYMENT, Case.state == CaseState.OPEN)
        ids = uow.session.scalars(select(Case.id).where(Case.run_id == run.id, *wanted).order_by(Case.id)).all()
    return sum(_take_in(units, case_id) for case_id in ids)


def _take_in(units: Units, case_id: int) -> bool:
    try:
        return _mend(units, case_id, is_followed=True)
    except Exception:  # noqa: BLE001 - whatever a follower met, the money is ours to record
        _log.exception("case %s: what follows from the payment failed", case_id)
        return _mend(units, case_id, is_followed=False)


def _mend(units: Units, case_id: int, *, is_followed: bool) -> bool:
    with units.open(JOB) as uow:
        found = uow.session.get_one(Case, case_id, with_for_update=True)
        if found.state != CaseState.OPEN:
            return False
        paid = Paid(found.number, found.foreign_no, found.there_fen or 0, found.at)
        receipt = receipts.receive_paid(uow, **vars(paid)) if is_followed else receipts.record_money(uow, paid)
        if receipt in {receipts.Receipt.MISMATCH, receipts.Receipt.UNKNOWN_ORDER}:
            return False
        move(uow, CASE, found, CaseAction.REPAIR, note=receipt.value)
        audit.record(uow, "reconciliation.repair", "payment_order", found.number, outcome=receipt.value)
        return True


def close(uow: Uow, *, public_id: str, note: str) -> Case:
    """A person is done with the case, as the note says; refuses NotFound, `note_required`, `illegal_move`."""
    if not note.strip():
        raise NoteMissing
    found = case_named(uow, public_id)
    move(uow, CASE, found, CaseAction.CLOSE, note=note.strip()[:200])
    audit.record(uow, "reconciliation.close", "reconciliation_case", public_id)
    return found


def leave_open(uow: Uow, *, public_id: str, note: str) -> Case:
    """The case stands as it is, and the reason with it, so that its day can be signed off.

    Refuses NotFound, `note_required`, `illegal_move`.
    """
    if not note.strip():
        raise NoteMissing
    found = case_named(uow, public_id)
    kept = note.strip()[:200]
    move(uow, CASE, found, CaseAction.LEAVE, why=kept, note=kept)
    audit.record(uow, "reconciliation.leave_open", "reconciliation_case", public_id)
    return found


def case_named(uow: Uow, public_id: str) -> Case:
    """The case named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Case).where(Case.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def fetch_again(uow: Uow, *, public_id: str) -> Run:
    """A refused statement is due again at once; refuses NotFound, `illegal_move`."""
    run = run_named(uow, public_id)
    move(uow, RUN, run, RunAction.FETCH_AGAIN, due_at=uow.now(), code="")
    audit.record(uow, "reconciliation.fetch_again", "reconciliation_run", public_id)
    return run


def compare_again(uow: Uow, *, public_id: str) -> Run:
    """A matched day is asked for and compared anew, after something was put right; NotFound, `illegal_move`.

    What the office brought is compared at once; to bring it anew is another thing (`terminals.take_in`).
    """
    run = run_named(uow, public_id)
    if run.source == Source.POS:
        terminals.compare_again(uow, run)
    else:
        move(uow, RUN, run, RunAction.COMPARE_AGAIN, due_at=uow.now(), code="")
    audit.record(uow, "reconciliation.compare_again", "reconciliation_run", public_id)
    return run


def run_named(uow: Uow, public_id: str) -> Run:
    """The run named `public_id`; else NotFound."""
    run = uow.session.scalars(select(Run).where(Run.public_id == public_id)).first()
    if run is None:
        raise NotFound
    return run


def run_of(uow: Uow, source: Source, day: date) -> Run | None:
    """The run of a source and a day; None when there is none yet."""
    return uow.session.scalars(select(Run).where(Run.source == source, Run.day == day)).first()


def _make_due(uow: Uow, sources: Mapping[Source, StatementSource]) -> None:
    """Yesterday is due of every source, and with it the days before that nobody was there to compare."""
    yesterday = uow.today() - timedelta(days=1)
    for source in sources:
        latest = uow.session.scalar(select(func.max(Run.day)).where(Run.source == source)) or yesterday
        days = min((yesterday - latest).days, DAYS_BACK)
        for day in (yesterday - timedelta(days=back) for back in range(days, -1, -1)):
            uow.session.execute(
                insert_into(uow, Run)
                .values(
                    public_id=new_public_id(),
                    source=source,
                    day=day,
                    state=RUN.initial,
                    due_at=at_hospital(uow.today(), STATEMENTS_FROM, uow.zone),
                    code="",
                    rows_there=0,
                    sum_there_fen=0,
                    rows_here=0,
                    sum_here_fen=0,
                )
                .on_conflict_do_nothing(index_elements=["source", "day"])
            )


def _claim(units: Units, sources: Mapping[Source, StatementSource]) -> Run | None:
    """The oldest run that is due, leased to the caller; a day's fund flow waits until its trade bill is matched."""
    trade = aliased(Run)
    is_traded = select(trade.id).where(
        trade.source == Source.WECHAT, trade.day == Run.day, trade.state == RunState.MATCHED
    )
    with units.open(JOB) as uow:
        wanted = (
            Run.state.in_((RunState.DUE, RunState.LOADED)),
            Run.due_at <= uow.now(),
            Run.source.in_(list(sources)),
            or_(Run.source != Source.WECHAT_FUNDS, is_traded.exists()),
        )
        due = (
            select(Run.id)
            .where(*wanted)
            .order_by(Run.day, Run.source)
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        run_id = uow.session.scalar(
            update(Run).where(Run.id.in_(select(due.c.id))).values(due_at=uow.now() + LEASE).returning(Run.id),
            execution_options={"synchronize_session": False},
        )
        return None if run_id is None else uow.session.get_one(Run, run_id)


def _follow_refunds(uow: Uow) -> None:
    """A refund that was under way there and has ended here is a case no longer, or one that failed."""
    rows = uow.session.execute(
        select(Case, Refund.state)
        .join(Refund, Refund.out_refund_no == Case.number)
        .where(
            Case.subject == Subject.REFUND,
            Case.kind == CaseKind.IN_PROGRESS_THERE,
            Case.state == CaseState.WAITING,
            Refund.state.in_((RefundState.SUCCEEDED, RefundState.FAILED)),
        )
    ).all()
    for waits, state in rows:
        if state == RefundState.SUCCEEDED:
            move(uow, CASE, waits, CaseAction.EXPLAIN)
        else:
            move(uow, CASE, waits, CaseAction.MISS, kind=CaseKind.FAILED_THERE)
