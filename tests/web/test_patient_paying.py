"""The patient pays once, and the page knows when the money is here."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder
from app.payment.states import BillState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from tests import factories_payment
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold

IN_WECHAT = {"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50"}


@pytest.fixture
def bill(zhang: Phone, clinic, units: Units) -> str:
    """The public id of the fee's bill."""
    hold(zhang, clinic)
    with units.open() as uow:
        return uow.session.scalars(select(Bill.public_id)).one()


def order_of(units: Units) -> PaymentOrder:
    with units.open() as uow:
        return uow.session.scalars(select(PaymentOrder)).one()


def tell_paid(app, units: Units, order: PaymentOrder, *, key=None):
    body = factories_payment.envelope(
        factories_payment.seal(factories_payment.paid_facts(order.out_trade_no, order.amount_fen))
    )
    headers = factories_payment.signed(body, units.clock.wall_now(), key=key)
    return app.test_client().post("/callbacks/wechat-pay", data=body, headers=headers)


def test_outside_wechat_a_code_is_shown_and_a_second_tap_shows_the_same(zhang, bill, units: Units):
    first = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text
    second = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text

    assert "微信扫码支付" in first
    assert first.count("<path stroke") == second.count("<path stroke") == 1
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(PaymentOrder)) == 1


def test_inside_wechat_the_payment_sheet_is_called_up(zhang, bill, couriers):
    couriers.wechat.people["c"] = "oZhang"
    state = zhang.open("/login/wechat").location.rpartition("state=")[2]
    zhang.open(f"/login/wechat/back?code=c&state={state}")
    zhang.client.environ_base["HTTP_USER_AGENT"] = IN_WECHAT["User-Agent"]
    zhang.log_in("13800000101")

    page = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text

    assert "data-call-up" in page
    assert "prepay_id" in page
    assert "js/pay.js" in page


def test_the_signed_notification_settles_the_bill_and_the_page_leads_on(app, zhang, bill, units: Units):
    zhang.send(f"/bills/{bill}/pay")
    waiting = zhang.open(f"/bills/{bill}/paying/live")
    unchanged = zhang.open(f"/bills/{bill}/paying/live", **{"If-None-Match": waiting.headers["ETag"]})

    told = tell_paid(app, units, order_of(units))
    again = tell_paid(app, units, order_of(units))

    assert (waiting.status_code, unchanged.status_code) == (200, 304)
    assert (told.status_code, again.status_code) == (204, 204)
    assert zhang.open(f"/bills/{bill}/paying/live").status_code == 302
    assert "/visits/" in zhang.open(f"/bills/{bill}/paying").location
    assert "/visits/" in zhang.send(f"/bills/{bill}/pay").location
    with units.open() as uow:
        assert uow.session.scalars(select(Registration.state)).one() == RegistrationState.BOOKED
    assert "已支付" in zhang.open(f"/bills/{bill}").text


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[" * 50_000, b"x" * 70_000])
def test_what_a_stranger_tells_changes_nothing_and_breaks_nothing(app, bill, units: Units, body):
    plain = app.test_client().post("/callbacks/wechat-pay", data=body)
    signed = app.test_client().post(
        "/callbacks/wechat-pay",
        data=body,
        headers=factories_payment.signed(body, units.clock.wall_now(), key=factories_payment.foreign_key()),
    )

    assert 400 <= plain.status_code < 500
    assert 400 <= signed.status_code < 500
    with units.open() as uow:
        assert uow.session.scalars(select(Bill.state)).one() == BillState.OPEN


def test_the_official_account_is_believed_by_its_signature_only(app):
    browser = app.test_client()

    asked = browser.get("/callbacks/wechat-oa?signature=x&timestamp=1&nonce=2&echostr=3")
    told = browser.post("/callbacks/wechat-oa?signature=x&timestamp=1&nonce=2", data=b"<xml/>")

    assert (asked.status_code, told.status_code) == (404, 404)
    assert asked.json["code"] == "not_found"


def test_a_provider_that_does_not_answer_leaves_it_unclear_and_nobody_is_asked_twice(zhang, bill, couriers, units):
    couriers.payments.away = True

    page = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text

    assert "支付结果还不明确" in page
    assert "不要重复付款" in page
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(PaymentOrder)) == 1


def test_a_provider_that_refuses_takes_no_money(zhang, bill, couriers):
    couriers.payments.refuses = "PARAM_ERROR"

    answer = zhang.send(f"/bills/{bill}/pay")

    assert answer.status_code == 503
    assert "没有扣款" in answer.text


def test_who_says_they_have_paid_is_looked_up(zhang, bill, couriers, units: Units, clock):
    zhang.send(f"/bills/{bill}/pay")
    not_yet = zhang.follow(zhang.send(f"/bills/{bill}/look-up")).text
    couriers.payments.pay(order_of(units).out_trade_no, clock.now())

    found = zhang.send(f"/bills/{bill}/look-up")

    assert "还没有收到支付结果" in not_yet
    assert "/visits/" in found.location


def test_after_the_holds_time_nothing_can_be_paid(zhang, bill, clock):
    clock.step(minutes=11)

    answer = zhang.send(f"/bills/{bill}/pay")

    assert answer.status_code == 409
    assert "bill_not_open" in answer.text
    assert "已超过支付时间" in zhang.open(f"/bills/{bill}").text


def test_no_address_of_a_page_says_who_the_patient_is(zhang, bill):
    for path in ("/", "/bills", f"/bills/{bill}", "/me", "/patients", "/registrations"):
        page = zhang.open(path).text
        addresses = [part.split('"')[0] for part in page.split('href="')[1:]]
        assert not any("13800000101" in address or "张" in address or "110105" in address for address in addresses)
