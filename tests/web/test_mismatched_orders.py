"""An order whose money differs blocks its bill until the finance office has looked at it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.payment import asking
from app.payment.errors import PaymentUnclear
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.receipts import receive_paid
from app.payment.states import OrderState
from tests import factories
from tests.web.work_fixtures import House, house

__all__ = ["house"]


@pytest.fixture
def mismatched(house: House) -> tuple[factories.Person, Bill, PaymentOrder]:
    who, written = house.prescribed()
    house.approve(written)
    with house.units.open(reads_only=True) as uow:
        bill = uow.session.scalars(select(Bill).where(Bill.subject_id == written.id, Bill.state == "open")).one()
    number = asking.start(house.units, house.till, who.actor, bill.public_id, PayMethod.NATIVE).out_trade_no
    with house.units.open() as uow:
        receive_paid(
            uow, out_trade_no=number, transaction_id="42001", amount_fen=1, paid_at=house.clock.now(), payer_ref="o"
        )
    with house.units.open(reads_only=True) as uow:
        found = select(PaymentOrder).where(PaymentOrder.out_trade_no == number)
        return who, bill, uow.session.scalars(found).one()


def test_the_finance_office_closes_it_and_the_bill_can_be_paid(house: House, mismatched) -> None:
    who, bill, order = mismatched
    with pytest.raises(PaymentUnclear):
        asking.start(house.units, house.till, who.actor, bill.public_id, PayMethod.NATIVE)
    browser = house.browser("finance")

    where = f"/staff/payments/orders/{order.public_id}/close"
    assert where in browser.get("/staff/payments?list=cases").text
    assert browser.post(where).status_code == 302

    with house.units.open(reads_only=True) as uow:
        assert uow.session.get_one(PaymentOrder, order.id).state == OrderState.CLOSED
    again = asking.start(house.units, house.till, who.actor, bill.public_id, PayMethod.NATIVE)
    assert again.out_trade_no != order.out_trade_no
    assert browser.post(where).status_code == 409


@pytest.mark.parametrize("role", ["cashier", "operations", "auditor"])
def test_nobody_else_closes_it(house: House, mismatched, role: str) -> None:
    browser = house.browser(role)
    where = f"/staff/payments/orders/{mismatched[2].public_id}/close"

    assert where not in browser.get("/staff/payments?list=cases").text
    assert browser.post(where).status_code == 403
