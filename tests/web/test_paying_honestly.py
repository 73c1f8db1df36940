"""The pages say what has become of the money: none asks for it twice, none is silent about its way back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.identity.models import Account, Patient, PatientLink
from app.kernel.uow import Units
from app.payment import receipts, refunds
from app.payment.models import Bill, PaymentOrder
from app.payment.ports import Paid
from app.payment.receiving import process_notifications
from app.registration.models import Registration
from tests import factories
from tests.web.test_patient_paying import bill, order_of, tell_paid

__all__ = ["bill"]


@pytest.fixture
def cancelled(zhang, bill: str, units: Units) -> str:
    """The bill of a place that was given back while its code was on another phone's screen."""
    zhang.send(f"/bills/{bill}/pay")
    with units.open() as uow:
        place = uow.session.scalars(select(Registration.public_id)).one()
    zhang.send(f"/registrations/{place}/cancel")
    return bill


def test_a_bill_that_is_void_asks_for_nothing_and_leads_to_what_it_was_for(zhang, cancelled):
    page = zhang.open(f"/bills/{cancelled}").text

    assert "这张账单已作废，不用付款" in page
    assert 'class="button button-primary" href="/registrations/' in page
    assert "您要付" not in page


def test_money_that_came_too_late_is_seen_on_its_way_back(app, zhang, cancelled, units: Units, couriers):
    assert tell_paid(app, units, order_of(units)).status_code == 204
    process_notifications(units)

    page = zhang.open(f"/bills/{cancelled}").text
    assert "等待退款" in page
    assert "付款晚于取消" in page

    refunds.send_refunds(units, couriers.payments)
    assert "退款中" in zhang.open(f"/bills/{cancelled}").text


def test_while_what_follows_from_the_money_fails_nobody_is_asked_for_it_again(zhang, bill, units: Units):
    zhang.send(f"/bills/{bill}/pay")

    order = order_of(units)
    with units.open() as uow:
        receipts.record_money(uow, Paid(order.out_trade_no, "4200001", order.amount_fen, units.clock.now()))

    for path in (f"/bills/{bill}", f"/bills/{bill}/paying"):
        page = zhang.open(path).text
        assert "已收到您的付款" in page, path
        assert "等待支付结果" not in page, path
        assert "待支付" not in page, path
        assert "<path stroke" not in page, path
        assert f'action="/bills/{bill}/pay"' not in page, path
    assert "等待支付结果" not in zhang.open(f"/bills/{bill}/paying/live").text


def test_a_code_is_not_shown_for_an_order_that_can_no_longer_be_paid(zhang, bill, units: Units, couriers):
    zhang.send(f"/bills/{bill}/pay")
    with units.open() as uow:
        order = uow.session.scalars(select(PaymentOrder)).one()
        order.state = "mismatch"

    page = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text

    assert "<path stroke" not in page
    assert "不要重复付款" in page


def test_a_code_whose_time_is_over_is_not_shown_any_more(zhang, hospital, couriers, units: Units, clock):
    with units.open() as uow:
        link = uow.session.scalars(select(PatientLink)).one()
        who = factories.Person(
            uow.session.get_one(Account, link.account_id), uow.session.get_one(Patient, link.patient_id)
        )
    _, held = hospital.booked(who=who)
    written = hospital.prescribe(who, held)
    hospital.approve(written)
    with units.open() as uow:
        bill_id = uow.session.scalars(select(Bill.public_id).where(Bill.state == "open")).one()
    zhang.send(f"/bills/{bill_id}/pay")
    assert "<path stroke" in zhang.open(f"/bills/{bill_id}/paying").text

    clock.step(minutes=31)
    page = zhang.open(f"/bills/{bill_id}/paying").text
    assert "<path stroke" not in page
    assert "付款码已过期" in page

    couriers.payments.calls.clear()
    again = zhang.follow(zhang.send(f"/bills/{bill_id}/pay")).text
    assert "<path stroke" in again
