"""A day is laid beside the provider's statement: each difference is found as what it is, one kind is mended."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.kernel.moves import IllegalMove
from app.kernel.uow import Units, Uow
from app.ledger import proving
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.states import BillState, RefundState
from app.reconciliation import service
from app.reconciliation.errors import NoteMissing
from app.reconciliation.models import Case, Run, StatementRow
from app.reconciliation.ports import StatementNotReady
from app.reconciliation.states import CaseKind, CaseState, RunState, Source, Subject
from app.registration import service as registration
from app.registration.models import Registration
from tests.conftest import SetClock
from tests.unit.reconciliation.planted import Day, asked_yesterday, begun, plant, plant_funds
from tests.unit.reconciliation.statements import Provider, content, funds_lines, payment, trade_lines


@pytest.fixture
def day(units: Units, clock: SetClock) -> Day:
    clock.step(hours=3)  # half past twelve: yesterday's statement can be had
    return begun(units)


def today(units: Units) -> date:
    with units.open(reads_only=True) as uow:
        return uow.today()


def provider(day: Day) -> Provider:
    yesterday = today(day.units) - timedelta(days=1)
    trade = {yesterday: content(trade_lines(day.trade)), today(day.units): content(trade_lines(day.trade_of_next))}
    return Provider(trade, {yesterday: content(funds_lines(day.funds))})


def reconcile(day: Day, told: Provider, *sources: Source) -> int:
    return service.reconcile(day.units, dict.fromkeys(sources or (Source.WECHAT,), told))


def found(units: Units, source: Source = Source.WECHAT) -> dict[tuple[Subject, str], tuple[CaseKind, CaseState]]:
    with units.open(reads_only=True) as uow:
        cases = uow.session.scalars(select(Case).join(Run, Run.id == Case.run_id).where(Run.source == source)).all()
    assert len({(case.subject, case.number) for case in cases}) == len(cases)
    return {(case.subject, case.number): (case.kind, case.state) for case in cases}


def run_of(units: Units, source: Source = Source.WECHAT, back: int = 1) -> Run:
    with units.open(reads_only=True) as uow:
        run = service.run_of(uow, source, uow.today() - timedelta(days=back))
        assert run
        return run


def case_of(units: Units, number: str) -> Case:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Case).where(Case.number == number)).one()


def refunds(uow: Uow) -> dict[RefundState, int]:
    return {
        row.state: row.count
        for row in uow.session.execute(select(Refund.state, func.count().label("count")).group_by(Refund.state))
    }


def test_a_day_both_sides_know_alike_leaves_no_case(units: Units, day: Day) -> None:
    day.trade = list(day.ordinary(40))

    assert reconcile(day, provider(day)) == 1

    run = run_of(units)
    assert found(units) == {}
    assert (run.state, run.rows_there, run.rows_here) == (RunState.MATCHED, 40, 40)
    assert run.sum_there_fen == run.sum_here_fen > 0
    assert reconcile(day, provider(day)) == 0


def test_every_kind_of_difference_is_found_as_what_it_is_and_one_is_mended(
    units: Units, day: Day, clock: SetClock
) -> None:
    open_here, bills = asked_yesterday(units, clock, 2)
    day.trade = list(day.ordinary(40))
    plant(day, open_here=open_here)
    with units.open(reads_only=True) as uow:
        paid_before = uow.session.execute(select(func.sum(PaymentOrder.paid_fen))).scalar_one()
        refunds_before = refunds(uow)

    reconcile(day, provider(day))

    assert found(units) == day.cases
    assert {kind for kind, _ in day.cases.values()} == set(CaseKind) - {CaseKind.DISPUTED}
    with units.open(reads_only=True) as uow:
        paid_fen = uow.session.execute(select(func.sum(PaymentOrder.paid_fen))).scalar_one()
        assert paid_fen - paid_before == sum(fen for _, fen in open_here)
        assert refunds(uow) == refunds_before
        mended = [uow.session.get_one(Bill, bill.id) for bill in bills]
        assert {bill.state for bill in mended} == {BillState.PAID}
        flawed = {flaw.bill_id for flaw in proving.flaws(uow)}
        assert flawed.isdisjoint(bill.id for bill in mended)
    assert {case_of(units, number).note for number, _ in open_here} == {"booked"}


def test_the_next_days_statement_explains_what_midnight_divided(units: Units, day: Day, clock: SetClock) -> None:
    plant(day)
    told = provider(day)
    reconcile(day, told)
    waits = [
        number
        for (_, number), (kind, state) in day.cases.items()
        if (kind, state) == (CaseKind.OTHER_DAY, CaseState.WAITING)
    ]

    clock.step(days=1)
    reconcile(day, told)

    assert sorted((case_of(units, number).kind, case_of(units, number).state) for number in waits) == [
        (CaseKind.ONLY_HERE, CaseState.OPEN),
        (CaseKind.OTHER_DAY, CaseState.EXPLAINED),
    ]
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Case.kind).where(Case.run_id == run_of(units).id)).all() == []


def test_a_refund_under_way_is_explained_once_it_has_arrived(units: Units, day: Day, clock: SetClock) -> None:
    plant(day)
    told = provider(day)
    reconcile(day, told)
    (number,) = [number for (_, number), (kind, _) in day.cases.items() if kind == CaseKind.IN_PROGRESS_THERE]
    with units.open() as uow:
        waits = uow.session.scalars(select(Refund).where(Refund.out_refund_no == number)).one()
        waits.state, waits.finished_at = RefundState.SUCCEEDED, uow.now()

    reconcile(day, told)

    assert case_of(units, number).state == CaseState.EXPLAINED


def test_late_money_found_by_the_statement_goes_back(units: Units, day: Day, clock: SetClock) -> None:
    ((number, fen),), (bill,) = asked_yesterday(units, clock, 1)
    with units.open() as uow:
        kept = uow.session.get_one(Registration, bill.subject_id)
        registration.give_back(uow, kept, by_hospital=True, why="session_stopped")
    day.trade = [payment(number, fen, day.ends - timedelta(hours=3))]

    reconcile(day, provider(day))

    assert found(units) == {(Subject.PAYMENT, number): (CaseKind.OPEN_HERE, CaseState.REPAIRED)}
    assert case_of(units, number).note == "late"
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Refund.amount_fen).where(Refund.bill_id == bill.id)).all() == [fen]
        assert proving.flaws(uow) == []


def test_money_is_recorded_even_when_what_follows_from_it_fails(units: Units, day: Day, clock: SetClock) -> None:
    number = day.order(None)  # of a registration that is nowhere
    day.trade = [payment(number, 2500, day.ends - timedelta(hours=3))]

    reconcile(day, provider(day))

    assert case_of(units, number).state == CaseState.REPAIRED
    with units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.out_trade_no == number)).one()
        assert (order.paid_fen, order.settles_bill) == (2500, False)


def test_what_moved_the_account_is_laid_beside_the_trade_bill(units: Units, day: Day) -> None:
    plant_funds(day)
    told = provider(day)

    assert reconcile(day, told, Source.WECHAT_FUNDS) == 0, "the trade bill goes first"
    assert reconcile(day, told, Source.WECHAT_FUNDS, Source.WECHAT) == 2

    assert found(units, Source.WECHAT_FUNDS) == day.funds_cases
    assert found(units) == {}


def test_a_day_without_a_statement_has_all_of_ours_as_cases(units: Units, day: Day) -> None:
    number = day.order(day.begins + timedelta(hours=5))

    reconcile(day, Provider({}, {}))

    assert found(units) == {(Subject.PAYMENT, number): (CaseKind.ONLY_HERE, CaseState.OPEN)}


def test_a_statement_that_is_being_made_is_asked_for_again_in_half_an_hour(
    units: Units, day: Day, clock: SetClock
) -> None:
    class Busy(Provider):
        def fetch(self, *_: object) -> str:
            raise StatementNotReady

    day.trade = list(day.ordinary(3))
    reconcile(day, Busy({}, {}))
    waits = run_of(units)
    assert (waits.state, waits.code, reconcile(day, provider(day))) == (RunState.DUE, "statement_creating", 0)

    clock.step(minutes=31)

    assert reconcile(day, provider(day)) == 1
    assert run_of(units).state == RunState.MATCHED


def test_days_on_which_nobody_compared_are_compared_later(units: Units, day: Day, clock: SetClock) -> None:
    told = provider(day)
    reconcile(day, told)
    first = today(units)
    number = day.order(day.ends + timedelta(hours=5))  # on a day that was slept through

    clock.step(days=3)

    assert reconcile(day, told) == 3
    with units.open(reads_only=True) as uow:
        runs = uow.session.scalars(select(Run).order_by(Run.day)).all()
    assert [run.day for run in runs] == [first + timedelta(days=back) for back in (-1, 0, 1, 2)]
    assert {run.state for run in runs} == {RunState.MATCHED}
    assert found(units) == {(Subject.PAYMENT, number): (CaseKind.ONLY_HERE, CaseState.OPEN)}


def test_before_ten_nothing_is_asked_for(units: Units, day: Day, clock: SetClock) -> None:
    clock.step(hours=-3)

    assert reconcile(day, provider(day)) == 0


def test_a_flawed_statement_is_refused_with_its_code_and_nothing_of_it_stays(units: Units, day: Day) -> None:
    day.trade = list(day.ordinary(5))
    told = provider(day)
    whole = dict(told.trade)
    told.trade = {key: plain[: len(plain) // 2] for key, plain in whole.items()}

    reconcile(day, told)

    refused = run_of(units)
    assert (refused.state, refused.code) == (RunState.REFUSED, "cut_short")
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(StatementRow)) == 0
        service.fetch_again(uow, public_id=refused.public_id)
    told.trade = whole
    assert reconcile(day, told) == 1
    assert (run_of(units).state, run_of(units).code, found(units)) == (RunState.MATCHED, "", {})


def test_a_load_that_was_killed_half_way_begins_again(units: Units, day: Day, clock: SetClock) -> None:
    day.trade = list(day.ordinary(5))
    told = provider(day)

    class Killed(Provider):
        def fetch(self, *_: object) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile(day, Killed({}, {}))
    with units.open() as uow:
        run = service.run_of(uow, Source.WECHAT, uow.today() - timedelta(days=1))
        assert run
        uow.session.add(
            StatementRow(
                run_id=run.id,
                row_no=1,
                subject="payment",
                number="left",
                foreign_no="x",
                amount_fen=1,
                at=uow.now(),
                outcome="done",
            )
        )
    assert reconcile(day, told) == 0, "its lease is not over"

    clock.step(minutes=31)

    assert reconcile(day, told) == 1
    assert (run_of(units).rows_there, found(units)) == (5, {})


def test_a_case_is_closed_once_with_a_note(units: Units, day: Day) -> None:
    number = day.order(day.begins + timedelta(hours=5))
    reconcile(day, Provider({}, {}))
    case = case_of(units, number)

    with units.open() as uow, pytest.raises(NoteMissing):
        service.close(uow, public_id=case.public_id, note="  ")
    with units.open() as uow:
        service.close(uow, public_id=case.public_id, note="已与微信支付核实，次日补单")
    with units.open() as uow, pytest.raises(IllegalMove):
        service.close(uow, public_id=case.public_id, note="又一次")

    closed = case_of(units, number)
    assert (closed.state, closed.note) == (CaseState.CLOSED, "已与微信支付核实，次日补单")
