"""What was paid in one go goes back to insurer and patient: in part, and when the insurer's answer is lost."""

from __future__ import annotations

import pytest
import requests

from app.insurance import settling
from app.insurance.ports import InsurerAway, PayOrder, Sums
from app.insurance.states import SettlementState
from app.kernel.uow import Actor
from app.payment import refunds
from app.payment.models import Bill
from app.payment.states import BillState, OrderState
from tests.journeys.test_mixed_payment import Home, home, post

__all__ = ["home", "post"]


def test_a_line_of_what_was_paid_in_one_go_goes_back_to_both_under_one_number(home: Home):
    bill = home.billed()
    home.pay(home.start(bill))
    home.after(seconds=25)
    with home.units.open(Actor("staff", "s1")) as uow:
        asked = refunds.give_back_lines(uow, uow.session.get_one(Bill, bill.id), {2: 1}, reason="by_staff")

    for _ in range(3):
        home.jobs()

    _, mixed = home.order()
    assert home.settled() == ["cancelled", "settled"]
    assert home.house.used() == (169_00, 0, 0)
    books = requests.get(f"{home.house.sandbox.http_url}/sandbox/wxpay/med-ins/books", timeout=30).json()
    told = next(row for row in books if row["mix_trade_no"] == mixed.mix_trade_no)
    assert told["refunds"] == {asked.out_refund_no: bill.fund_fen + bill.other_fen + bill.account_fen}
    cash = requests.get(f"{home.house.sandbox.http_url}/sandbox/wxpay/books", timeout=30).json()["refunds"]
    assert [row["refund_fen"] for row in cash if row["out_refund_no"] == asked.out_refund_no] == [22_40]
    assert home.bill(bill).state is BillState.PARTLY_REFUNDED


@pytest.mark.parametrize(
    "answers", [True, pytest.param(False, marks=pytest.mark.long)], ids=["6203 was done", "6203 was not done"]
)
def test_a_6203_whose_answer_is_lost_is_asked_about_and_repeated_under_its_number(home: Home, answers: bool):
    bill = home.billed()
    home.pay(home.start(bill))
    home.after(seconds=25)
    centre = home.partners.centre

    class Deaf:
        """The centre, whose answer to a refund never arrives."""

        query = staticmethod(centre.query)

        def refund(self, order: PayOrder, refund_no: str, sums: Sums) -> None:
            if answers:
                centre.refund(order, refund_no, sums)
            raise InsurerAway("timed out")

    with home.units.open(Actor("staff", "s1")) as uow:
        refunds.give_back(uow, uow.session.get_one(Bill, bill.id), reason="by_staff")
    settling.work_due(home.units, home.house.insurer, Deaf())  # type: ignore[arg-type]
    assert home.case().state is SettlementState.DOUBTFUL
    home.jobs()

    assert home.case().state is SettlementState.REVERSED
    assert home.settled() == ["cancelled"]
    assert home.order()[0].state in {OrderState.REFUND_DUE, OrderState.REFUNDED}
