"""Many at once give back what the insurer settled: one effect, here, at the insurer and at the payment provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, update

from app.insurance import taking_back
from app.insurance.states import SettlementState
from app.kernel.errors import VisitError
from app.kernel.uow import Units
from app.payment import parts, refunds, sql
from app.payment.models import Bill, BillLine, Refund, RefundLine
from app.prescription.models import Prescription
from tests.conftest import SetClock
from tests.factories_refunds import give_all_back, paid, refunds_of, sent, states, step
from tests.factories_settlement import House, house
from tests.sandbox.fixtures import RunningSandbox


@pytest.fixture
def home(units: Units, clock: SetClock, sandbox: RunningSandbox) -> House:
    return house(units, clock, sandbox)


def race(home: House, made: Prescription) -> list[str]:
    """Twenty give the second line back at once: what each of them was told."""
    bill_id = home.bill(made).id

    def give(_: int) -> str:
        try:
            with home.units.open() as uow:
                refunds.give_back_lines(uow, uow.session.get_one(Bill, bill_id), {2: 1}, reason="by_staff")
        except VisitError as refusal:
            return refusal.code
        return "given"

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(give, range(20)))


def assert_given_once(home: House, made: Prescription, answers: list[str]) -> None:
    assert (answers.count("given"), set(answers) - {"given"}) == (1, {"refund_exceeds_paid"})
    assert len(refunds_of(home, made)) == 1


def test_twenty_who_give_back_the_same_insured_line_at_once_give_it_back_once(home: House) -> None:
    made = paid(home)

    answers = race(home, made)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: step(home), range(8)))
    home.work()
    home.finish_refunds()

    assert_given_once(home, made, answers)
    assert (states(home), sent(home, "begin_reverse")) == (["cancelled", "settled"], 1)
    assert [back.amount_fen for back in refunds_of(home, made)] == [10_30]
    assert len(home.till.refunds) == 1


def test_control_looking_first_and_taking_later_gives_the_line_back_many_times(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without lock and condition, whoever looked before the others took gives it back as well."""
    made = paid(home)
    with home.units.open(reads_only=True) as uow:
        looked = parts.wanted(uow, home.bill(made).id, {2: 1})
    with monkeypatch.context() as off:
        off.setattr(parts, "wanted", lambda *_: looked)
        off.setattr(parts, "are_all", lambda *_: False)
        off.setattr(refunds, "with_insurer", lambda *_: None)
        off.setattr(sql, "take_back_line", lambda *_: True)
        answers = race(home, made)

    with pytest.raises(AssertionError):
        assert_given_once(home, made, answers)
    with home.units.open() as uow:
        first = refunds_of(home, made)[0].id
        uow.session.execute(delete(RefundLine).where(RefundLine.refund_id > first))
        uow.session.execute(delete(Refund).where(Refund.id > first))
        uow.session.execute(update(BillLine).where(BillLine.line_no == 2).values(refunded_quantity=1))


def test_several_workers_send_one_2208(home: House) -> None:
    made = paid(home)
    give_all_back(home, made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: taking_back.take_back(home.units, home.insurer, home.case(made).id, None), range(8)))

    assert (home.case(made).state, sent(home, "begin_reverse")) == (SettlementState.REVERSED, 1)
    assert states(home) == ["cancelled"]
