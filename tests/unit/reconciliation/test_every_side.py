"""A day with every kind of difference on every side: each is found as what it is, and only what is safe is mended."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.insurance.models import Settlement
from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder, Refund
from app.reconciliation import service
from app.reconciliation.insured import InsurerStatement
from app.reconciliation.models import Case, Run
from app.reconciliation.ports import StatementSource
from app.reconciliation.states import CaseKind, RunState, Source
from tests.conftest import SetClock
from tests.unit.reconciliation.planted import Day, Found, asked_yesterday, begun, plant
from tests.unit.reconciliation.planted_sides import Insured, plant_alipay, plant_hospital, plant_insurer
from tests.unit.reconciliation.statements import Files, Provider, alipay_file, content, trade_lines


@pytest.fixture
def day(units: Units, clock: SetClock) -> Day:
    clock.step(hours=3)  # half past twelve: yesterday's statements can be had
    return begun(units)


def found(units: Units, source: Source) -> Found:
    with units.open(reads_only=True) as uow:
        cases = uow.session.scalars(select(Case).join(Run, Run.id == Case.run_id).where(Run.source == source)).all()
    assert len({(case.subject, case.number) for case in cases}) == len(cases)
    return {(case.subject, case.number): (case.kind, case.state) for case in cases}


def run_of(units: Units, source: Source) -> Run:
    with units.open(reads_only=True) as uow:
        run = service.run_of(uow, source, uow.today() - timedelta(days=1))
        assert run
        return run


def states(units: Units) -> list[Counter[str]]:
    """How many bills, orders, refunds and settlements stand in each state, and all money that came in."""
    with units.open(reads_only=True) as uow:
        counted = []
        for kept in (Bill, PaymentOrder, Refund, Settlement):
            rows = uow.session.execute(select(kept.state, func.count()).group_by(kept.state))
            counted.append(Counter({str(state): count for state, count in rows}))
    return counted


def a_whole_day(units: Units, clock: SetClock, *, wechat: int, alipay: int, insured: int) -> dict[Source, Found]:
    """All sides tell of a day of so many ordinary transactions and every kind of difference; what must be found."""
    open_here, _ = asked_yesterday(units, clock, 3)
    by_alipay = open_here.pop()
    day = begun(units)
    with units.open() as uow:
        order = update(PaymentOrder).where(PaymentOrder.out_trade_no == by_alipay[0]).values(provider="alipay")
        uow.session.execute(order)
    day.trade = list(day.ordinary(wechat))
    plant(day, open_here=open_here)
    rows, alipay_found = plant_alipay(day, open_here=by_alipay)
    rows = [*day.ordinary(alipay, "alipay"), *rows]
    insurer = Insured(day)
    insurer_found = plant_insurer(insurer, ordinary=insured)
    booked, hospital_found = plant_hospital(day)
    before = states(units)

    with units.open(reads_only=True) as uow:
        yesterday = uow.today() - timedelta(days=1)
    sources: dict[Source, StatementSource] = {
        Source.WECHAT: Provider({yesterday: content(trade_lines(day.trade))}, {}),
        Source.ALIPAY: Files({yesterday: alipay_file(rows)}),
        Source.INSURER: InsurerStatement(units, insurer.books),
        Source.HOSPITAL: Files({yesterday: booked}),
    }
    assert service.reconcile(units, sources) == len(sources)

    after = states(units)
    # Three bills are paid by their three orders; no refund, no settlement moved.
    changes = [{key: after[i][key] - before[i][key] for key in {*after[i], *before[i]}} for i in range(4)]
    assert [{key: by for key, by in changed.items() if by} for changed in changes] == [
        {"open": -3, "paid": 3},
        {"asked": -3, "paid": 3},
        {},
        {},
    ]
    return {
        Source.WECHAT: day.cases,
        Source.ALIPAY: alipay_found,
        Source.INSURER: insurer_found,
        Source.HOSPITAL: hospital_found,
    }


def check(units: Units, expected: dict[Source, Found]) -> None:
    for source, wanted in expected.items():
        run = run_of(units, source)
        assert run.state == RunState.MATCHED, (source, run.code)
        assert found(units, source) == wanted, source
    kinds = {kind for wanted in expected.values() for kind, _ in wanted.values()}
    assert kinds == set(CaseKind)


def test_every_difference_of_every_side_is_found_as_what_it_is(units: Units, day: Day, clock: SetClock) -> None:
    check(units, a_whole_day(units, clock, wechat=30, alipay=10, insured=10))


@pytest.mark.long
def test_a_day_of_a_hundred_thousand_transactions_is_classified_to_the_last_one(
    units: Units, day: Day, clock: SetClock
) -> None:
    check(units, a_whole_day(units, clock, wechat=70_000, alipay=20_000, insured=10_000))
    with units.open(reads_only=True) as uow:
        told = uow.session.scalar(select(func.sum(Run.rows_there)))
    assert told is not None
    assert told > 190_000  # the hospital system tells of what WeChat Pay and Alipay tell, once more
