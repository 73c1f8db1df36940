"""An order whose money differs blocks its bill until the finance office has looked at it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.payment import asking
from app.payment.errors import PaymentUnclear
from app.payment.models import Bill, MixedOrder, PaymentOrder, PayMethod
from app.payment.receipts import receive_paid
from app.payment.states import MixedOrderState, OrderState
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


def test_a_mixed_order_settled_otherwise_is_listed_with_what_to_do_and_asked_about_or_given_back(
    house: House, mismatched
) -> None:
    _, bill, order = mismatched
    with house.units.open() as uow:
        mixed = MixedOrder(
            payment_order_id=order.id,
            split_id=bill.split_id,
            state=MixedOrderState.MISMATCH,
            flaw="figures_changed",
            tries=6,
            query_due_at=house.clock.now() + timedelta(hours=1),
        )
        uow.session.add(mixed)
    finance, auditor = house.browser("finance"), house.browser("auditor")

    page, home = finance.get("/staff/payments?list=cases").text, finance.get("/staff/").text
    where = f"/staff/payments/orders/{order.public_id}"
    assert [word for word in ("医保结算的金额与报价不同", "没有按这些金额入账", "其中自付") if word not in page] == []
    assert [deed for deed in ("ask-again", "give-back") if f"{where}/{deed}" not in page] == []
    assert f"{where}/close" not in page
    assert "有 1 笔支付的金额与对方不符" in home
    assert where not in auditor.get("/staff/payments?list=cases").text
    assert auditor.post(f"{where}/give-back").status_code == 403
    assert finance.post(f"{where}/close").status_code == 409

    assert finance.post(f"{where}/ask-again").status_code == 302
    with house.units.open(reads_only=True) as uow:
        assert uow.session.get_one(MixedOrder, mixed.id).query_due_at == house.clock.now()
    assert finance.post(f"{where}/give-back").status_code == 302
    assert "没有记录" in finance.get("/staff/payments?list=cases").text
    assert finance.post(f"{where}/give-back").status_code == 409
    assert finance.post(f"{where}/burn").status_code == 404
