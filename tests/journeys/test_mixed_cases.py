"""A mixed payment was settled with other sums than were quoted: nothing is booked, and the finance office decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.insurance import by_order
from app.insurance.models import Settlement
from app.insurance.ports import AnswerFlawed, PayFact, PayOrder, Sums
from app.insurance.states import SettlementState
from app.kernel.moves import IllegalMove
from app.kernel.uow import Actor
from app.payment import for_staff, mixed_cases, mixed_querying, mixing
from app.payment.models import Bill
from app.payment.states import BillState, MixedOrderState, OrderState
from tests.journeys.test_mixed_alone import newest_bill
from tests.journeys.test_mixed_payment import Home, home, post

__all__ = ["home", "post"]


class OtherSums:
    """The insurer's centre, whose settlement is never of the sums that were quoted."""

    def __init__(self, home: Home) -> None:
        self.asked = 0
        self.refund = home.partners.centre.refund
        self.revoke = home.partners.centre.revoke

    def query(self, _order: PayOrder, _quoted: Sums) -> PayFact:
        self.asked += 1
        raise AnswerFlawed("figures_changed")


def settled_otherwise(home: Home) -> tuple[Bill, OtherSums]:
    """Both parts are paid, and the insurer tells other sums of its own."""
    bill = home.billed()
    home.pay(home.start(bill))
    centre = OtherSums(home)
    home.partners = replace(home.partners, centre=centre)  # type: ignore[arg-type]
    home.after(seconds=25)
    return bill, centre


def test_it_is_a_case_and_asked_about_ever_more_rarely_until_the_insurer_puts_it_right(home: Home):
    right = home.partners
    bill, centre = settled_otherwise(home)

    with home.units.open(reads_only=True) as uow:
        (found,) = for_staff.differing_mixed(uow)
        assert for_staff.unclear_orders(uow) == []
        assert for_staff.count_differing(uow) == 1
    mixed, order, listed = found
    assert (mixed.state, mixed.flaw, listed.id) == (MixedOrderState.MISMATCH, "figures_changed", bill.id)
    assert (order.state, order.settles_bill) == (OrderState.PAID, False)
    for _ in range(3600 // 20):
        home.house.clock.step(seconds=20)
        mixed_querying.query_due(home.units, home.partners)
    assert 4 <= centre.asked <= 7
    assert home.bill(bill).state is BillState.OPEN

    home.partners = right
    with home.units.open(Actor("staff", "s1")) as uow:
        mixed_cases.ask_again(uow, public_id=order.public_id)
    mixed_querying.query_due(home.units, home.partners)

    assert home.bill(bill).state is BillState.PAID
    assert home.order()[1].state is MixedOrderState.PAID
    assert home.settled() == ["settled"]


def test_given_back_by_the_finance_office_neither_part_stays_and_the_bill_is_made_anew(home: Home):
    before, right = home.house.used(), home.partners
    bill, _ = settled_otherwise(home)
    order, _ = home.order()

    with home.units.open(Actor("staff", "s1")) as uow:
        mixed_cases.give_back(uow, public_id=order.public_id)
    home.partners = right
    home.jobs()
    home.jobs()

    assert home.settled() == ["cancelled"]
    assert home.house.used() == before
    assert home.order()[1].state is MixedOrderState.FAILED
    assert home.order()[0].state in {OrderState.REFUND_DUE, OrderState.REFUNDED}
    assert home.bill(bill).state is BillState.VOID
    again = newest_bill(home, bill)
    assert (again.state, again.cash_fen) == (BillState.OPEN, bill.cash_fen)
    with pytest.raises(IllegalMove), home.units.open(Actor("staff", "s1")) as uow:
        mixed_cases.give_back(uow, public_id=order.public_id)


def test_sums_of_the_provider_that_differ_are_a_case_too(home: Home):
    bill = home.billed()
    home.pay(home.start(bill))
    mixed = home.partners.mixed

    class Dearer:
        """The provider's mixed orders, a fen dearer than they were placed."""

        def query(self, out_trade_no: str, mix_trade_no: str = "") -> object:
            fact = mixed.query(out_trade_no, mix_trade_no)
            assert fact.sums
            return replace(fact, sums=replace(fact.sums, cash_fen=fact.sums.cash_fen + 1))

    home.partners = replace(home.partners, mixed=Dearer())  # type: ignore[arg-type]
    home.after(seconds=25)

    with home.units.open(reads_only=True) as uow:
        assert [found.flaw for found, _, _ in for_staff.differing_mixed(uow)] == [mixed_cases.PROVIDER_SUMS]
    assert home.case().state is SettlementState.PRESETTLED
    assert home.bill(bill).state is BillState.OPEN


@pytest.mark.long
def test_what_the_insurers_office_took_back_by_hand_does_not_get_stuck(home: Home):
    right = home.partners
    bill, _ = settled_otherwise(home)
    order, mixed = home.order()
    with home.units.open(reads_only=True) as uow:
        pay_order = mixing.pay_order_of(uow, mixed)
        quoted = by_order.quoted_of_split(uow, mixed.split_id)
    assert pay_order
    assert quoted
    right.centre.refund(pay_order, "of-their-office", quoted.sums)

    home.partners = right
    with home.units.open(Actor("staff", "s1")) as uow:
        mixed_cases.ask_again(uow, public_id=order.public_id)
    for _ in range(3):
        home.jobs()

    assert home.order()[1].state is MixedOrderState.FAILED
    assert home.order()[0].state in {OrderState.REFUND_DUE, OrderState.REFUNDED}
    with home.units.open(reads_only=True) as uow:
        found = uow.session.scalars(select(Settlement.state).where(Settlement.split_id == mixed.split_id)).one()
    assert found is SettlementState.REVERSED
    assert home.settled() == ["cancelled"]
    assert newest_bill(home, bill).state is BillState.OPEN
