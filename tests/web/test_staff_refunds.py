"""Part of a bill is given back on the console: with a reason, by two persons when it is much; its invoice follows."""

from __future__ import annotations

import re

from sqlalchemy import select

from app.insurance import service as insurance
from app.insurance.rules import Usage
from app.invoice.models import Invoice
from app.invoice.states import InvoiceKind, InvoiceState
from app.ledger import proving
from app.payment import refunds
from app.payment.models import Bill, Purpose, Refund
from app.payment.ports import RefundFact, RefundFactState
from app.payment.states import BillState
from app.web import show
from tests import factories
from tests.factories_prescription import line
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


def a_paid_bill(house: House, boxes: int) -> Bill:
    """The drugs of an insured patient: so many boxes of one drug, and two of another."""
    who, held = house.booked()
    with house.units.open() as uow:
        usage = Usage(deductible_used_fen=200_00, account_balance_fen=5_00)
        insurance.bind_coverage(
            uow, patient_id=who.patient.id, policy_code="employee", member_no="330106198001015", usage=usage
        )
    house.approve(house.prescribe(who, held, line("OME20", boxes), line("IBU300", 2)))
    house.pay(who)
    with house.units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Bill).where(Bill.purpose == Purpose.PRESCRIPTION)).one()


def arrive(house: House) -> None:
    with house.units.open() as uow:
        number = uow.session.scalars(select(Refund.out_refund_no).order_by(Refund.id.desc())).first()
        assert number
        refunds.finish(uow, number, RefundFact(RefundFactState.SUCCEEDED))


def test_two_boxes_come_back_and_the_invoice_tells_of_the_rest(house: House) -> None:
    bill = a_paid_bill(house, 3)
    finance = house.browser("finance")

    form = finance.get(f"/staff/refunds/bills/{bill.public_id}").text
    answer = follow(
        finance,
        finance.post(
            f"/staff/refunds/bills/{bill.public_id}", data={"line-1": "2", "line-2": "0", "reason": "包装破损"}
        ),
    )
    arrive(house)

    assert "line-1" in form
    assert "退费已发起" in answer.text
    with house.units.open(reads_only=True) as uow:
        refund = uow.session.scalars(select(Refund)).one()
        kept = uow.session.get_one(Bill, bill.id)
        blue = uow.session.scalars(
            select(Invoice).where(
                Invoice.bill_id == bill.id, Invoice.kind == InvoiceKind.BLUE, Invoice.state == InvoiceState.ISSUED
            )
        ).one()
        given_fen = refund.amount_fen + refund.fund_fen + refund.account_fen
        assert (kept.state, refund.ends_bill, blue.replaces_id is not None) == (BillState.PARTLY_REFUNDED, False, True)
        assert refund.fund_fen > 0
        assert blue.total_fen == bill.total_fen - given_fen
        assert (blue.fund_fen, blue.cash_fen) == (bill.fund_fen - refund.fund_fen, bill.cash_fen - refund.amount_fen)
        assert proving.flaws(uow) == []


def test_much_money_needs_a_second_person_of_the_finance_office(house: House) -> None:
    bill = a_paid_bill(house, 9)
    with house.units.open() as uow:
        factories.staff(uow, "finance", login="finance2")
    first, second = house.browser("finance"), house.browser("finance2")

    asked = follow(
        first, first.post(f"/staff/refunds/bills/{bill.public_id}", data={"line-1": "9", "reason": "医嘱更改"})
    ).text
    own = re.search(r'action="(/staff/refunds/\w+)"', asked)
    decided = re.search(r'action="(/staff/refunds/\w+)"', second.get("/staff/refunds").text)
    assert decided
    refused = first.post(decided.group(1), data={"deed": "grant"}).status_code
    granted = follow(second, second.post(decided.group(1), data={"deed": "grant"})).text

    assert "等待第二人复核" in asked
    assert own is None
    assert refused == 409
    assert "已同意" in granted


def test_more_than_is_left_and_no_reason_are_refused(house: House) -> None:
    bill = a_paid_bill(house, 1)
    finance = house.browser("finance")
    path = f"/staff/refunds/bills/{bill.public_id}"

    codes = [
        finance.post(path, data=data).status_code
        for data in ({"line-1": "2", "reason": "x"}, {"line-1": "1", "reason": ""}, {"line-1": "0", "reason": "x"})
    ]

    assert codes == [409, 422, 409]
    assert house.browser("operations").get(path).status_code == 403


def test_a_refund_that_waits_for_the_merchants_account_is_shown_and_tried_at_once(house: House) -> None:
    bill = a_paid_bill(house, 3)
    with house.units.open() as uow:
        refund = refunds.give_back(uow, uow.session.get_one(Bill, bill.id), reason="by_staff")
        assert refund
        amount = show.yuan(refund.amount_fen)
    house.till.refuses = "NOT_ENOUGH"
    for _ in range(6):
        house.clock.step(minutes=11)
        refunds.send_refunds(house.units, house.till)
    finance, cashier = house.browser("finance"), house.browser("cashier")

    page, home = finance.get("/staff/refunds").text, finance.get("/staff/").text
    words = (
        refund.out_refund_no,
        f"1 笔退款在等支付平台，共 {amount}",
        "商户账户余额不足",
        "66 分钟 前",
        "请为商户账户充值",
    )
    assert [word for word in words if word not in page] == []
    assert f"1 笔退款因商户余额不足在等，共 {amount}" in home
    assert "/staff/refunds/again" not in cashier.get("/staff/refunds").text
    assert cashier.post("/staff/refunds/again").status_code == 403

    house.till.refuses = ""
    refunds.send_refunds(house.units, house.till)
    before_the_click = list(house.till.refunds)
    finance.post("/staff/refunds/again")
    refunds.send_refunds(house.units, house.till)

    assert (before_the_click, list(house.till.refunds)) == ([], [refund.out_refund_no])
    assert "在等支付平台" not in finance.get("/staff/refunds").text
    assert "商户余额不足" not in finance.get("/staff/").text
