"""One of a mixed payment's two parts was taken alone, or twice: what cannot stand goes back, the insurer's too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.insurance import by_order, settling
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.payment import cashier, mixed_querying, mixing, shifts
from app.payment.errors import PaymentUnclear
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.ports import ProviderAway
from app.payment.rules import Tender
from app.payment.states import BillState, MixedOrderState
from app.prescription.models import Prescription
from tests import factories
from tests.journeys.test_mixed_payment import Home, home, post

__all__ = ["home", "post"]


def newest_bill(home: Home, bill: Bill) -> Bill:
    """The latest bill of what this one was for."""
    with home.units.open(reads_only=True) as uow:
        return home.house.bill(uow.session.get_one(Prescription, bill.subject_id))


def test_cash_at_the_window_and_the_phone_at_once_leave_nothing_with_the_insurer(home: Home):
    bill = home.billed()
    before = home.house.used()
    asked = home.start(bill)
    with home.units.open() as uow:
        clerk = factories.staff(uow, "cashier")
    with home.units.open(clerk) as uow:
        shifts.open_shift(uow, float_fen=0)
    home.pay(asked)
    cashier.take(home.units, clerk, bill.public_id, Tender(PayMethod.CASH, bill.cash_fen))
    assert home.bill(bill).state is BillState.SETTLING

    home.jobs()
    home.after(seconds=25)
    home.jobs()

    assert home.settled() == ["cancelled"]
    assert home.house.used() == before
    assert home.bill(bill).state is BillState.VOID
    with home.units.open(reads_only=True) as uow:
        paid = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.bill_id == bill.id)).all()
    assert [order.refunded_fen for order in paid] == [bill.cash_fen] * 2


def test_insurances_part_taken_while_the_cash_was_not_goes_back_and_the_bill_is_made_anew(home: Home):
    bill = home.billed()
    before = home.house.used()
    home.start(bill)
    case = home.case()
    with home.units.open(reads_only=True) as uow:
        order = mixing.pay_order_of(uow, home.order()[1])
        basis = by_order.quoted_of_split(uow, case.split_id or 0)
    assert order is not None
    assert basis is not None
    home.partners.centre.pay(order, basis.sums)
    home.house.clock.step(minutes=31)

    mixed_querying.query_due(home.units, home.partners)
    with home.units.open() as uow:
        uow.session.get_one(Settlement, case.id).due_at = uow.now() + timedelta(seconds=20)
    settling.work_due(home.units, home.house.insurer, home.partners.centre)
    with home.units.open(reads_only=True) as uow:
        anew = uow.session.scalars(select(Settlement).where(Settlement.id != case.id)).one()
        assert anew.state is SettlementState.WANTED  # by what the first one used its figures would be others
    home.after(seconds=20)
    home.jobs()
    home.jobs()

    assert home.settled() == ["cancelled"]
    assert home.house.used() == before
    assert home.order()[1].state is MixedOrderState.FAILED
    assert home.bill(bill).state is BillState.VOID
    again = newest_bill(home, bill)
    assert (again.state, again.cash_fen) == (BillState.OPEN, bill.cash_fen)


def test_a_mixed_order_that_never_arrived_can_be_asked_for_again_at_once(home: Home):
    bill = home.billed()
    working = home.partners

    class Unreachable:
        """The provider's mixed orders, which the placing never reaches."""

        def place(self, _asking: object) -> object:
            raise ProviderAway("timed out")

    home.partners = replace(working, mixed=Unreachable())  # type: ignore[arg-type]
    with pytest.raises(PaymentUnclear):
        home.start(bill)
    home.partners = working
    home.after(seconds=25)

    asked = home.start(bill)
    home.pay(asked)
    home.after(seconds=25)

    assert home.bill(bill).state is BillState.PAID
    assert home.settled() == ["settled"]
