"""Where the hospital takes Alipay too the patient chooses, and each app of a provider pays by that provider alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from app.couriers.chosen import Couriers
from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.ports import Asking
from app.payment.states import BillState
from tests import factories_payment
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


class AlipayTill(factories_payment.Till):
    """Alipay in memory, with its page."""

    def page_url(self, asking: Asking, return_url: str) -> str:
        return f"https://alipay.example/{asking.out_trade_no}"


@pytest.fixture
def couriers(app: Flask) -> Couriers:
    """The hospital takes WeChat Pay and Alipay."""
    chosen = replace(
        app.extensions["menzhen"].couriers,
        alipay=AlipayTill(name="alipay"),
        alipay_keys=factories_payment.alipay_keys(),
    )
    app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=chosen)
    return chosen


@pytest.fixture
def bill(zhang: Phone, clinic, units: Units) -> str:
    hold(zhang, clinic)
    with units.open() as uow:
        return uow.session.scalars(select(Bill.public_id)).one()


def order_of(units: Units) -> PaymentOrder:
    with units.open() as uow:
        return uow.session.scalars(select(PaymentOrder)).one()


def test_the_bill_offers_both_and_each_app_its_own(zhang: Phone, bill: str):
    path = f"/bills/{bill}"

    assert "用支付宝支付" in zhang.open(path).text
    assert "用支付宝支付" not in zhang.open(path, **{"User-Agent": "MicroMessenger/8.0"}).text
    assert "用支付宝支付" not in zhang.open(path, **{"User-Agent": "AlipayClient/10.5"}).text


def test_at_a_desk_alipays_code_is_shown(zhang: Phone, bill: str, units: Units):
    page = zhang.follow(zhang.send(f"/bills/{bill}/pay", way="alipay")).text

    assert "支付宝扫码支付" in page
    assert (order_of(units).provider, order_of(units).method) == ("alipay", PayMethod.NATIVE)


def test_on_a_phone_the_way_leads_to_alipays_own_page(zhang: Phone, bill: str, units: Units):
    zhang.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone) Mobile Safari"

    page = zhang.follow(zhang.send(f"/bills/{bill}/pay", way="alipay")).text

    assert f'href="https://alipay.example/{order_of(units).out_trade_no}"' in page
    assert order_of(units).method == PayMethod.WAP
    assert "支付结果还不明确" not in page


def test_a_way_that_is_not_offered_is_the_usual_one(zhang: Phone, bill: str, units: Units):
    zhang.send(f"/bills/{bill}/pay", way="bitcoin")

    assert order_of(units).provider == "wechat"


def test_the_notification_settles_the_bill_and_is_answered_by_one_word(
    app: Flask, couriers: Couriers, zhang: Phone, bill: str, units: Units
):
    zhang.send(f"/bills/{bill}/pay", way="alipay")
    number = order_of(units).out_trade_no
    client = app.test_client()
    true = factories_payment.alipay_form(factories_payment.alipay_facts(number, total_amount="25.00"))

    strange = client.post("/callbacks/alipay", data=b"a=1", headers=FORM)
    large = client.post("/callbacks/alipay", data=b"a=" + b"1" * 2**20, headers=FORM)
    told = [client.post("/callbacks/alipay", data=true, headers=FORM) for _ in range(2)]

    assert (strange.status_code, strange.text) == (401, "failure")
    assert large.status_code == 413
    assert [(each.status_code, each.text) for each in told] == [(200, "success")] * 2
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Bill.state)).one() == BillState.PAID


def test_whoever_says_they_paid_has_both_providers_asked(
    zhang: Phone, bill: str, couriers: Couriers, units: Units, clock
):
    zhang.send(f"/bills/{bill}/pay", way="alipay")
    couriers.alipay.pay(order_of(units).out_trade_no, clock.now())

    answer = zhang.send(f"/bills/{bill}/look-up")

    assert answer.location.rpartition("/")[0].endswith("/visits")
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Bill.state)).one() == BillState.PAID


def test_a_hospital_without_alipay_has_no_address_for_it(app: Flask) -> None:
    assert app.test_client().post("/callbacks/alipay", data=b"a=1", headers=FORM).status_code == 404
