"""Inside WeChat an insured bill offers to pay insurance's part and the patient's in one go, and opens that sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from app.couriers.chosen import Couriers
from app.insurance.ports import PayOrder
from app.kernel.uow import Units
from app.notifications.errors import CourierAway
from app.payment.mixed_ports import MixedAsking, MixedFact, MixedState
from app.payment.models import Bill, MixedOrder, PaymentOrder, PayMethod
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold

IN_WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50"


class Mixer:
    """WeChat Pay's mixed orders in memory."""

    def __init__(self) -> None:
        self.placed: list[MixedAsking] = []

    def place(self, asking: MixedAsking) -> MixedFact:
        self.placed.append(asking)
        return MixedFact(MixedState.OPEN, mix_trade_no="MIX1", sums=asking.sums)

    def call_up(self, mix_trade_no: str, prepay_id: str) -> dict[str, str]:
        return {"appid": "wx1", "mixTradeNo": mix_trade_no, "package": f"prepay_id={prepay_id}"}


class Centre:
    """The insurer's mobile payment centre in memory."""

    def upload(self, *_: object) -> PayOrder:
        return PayOrder("ORD1", "AUTH1")


@pytest.fixture
def mixer(app: Flask) -> Mixer:
    """The hospital can mix."""
    mixer = Mixer()
    chosen = replace(app.extensions["menzhen"].couriers, mixed=mixer, mobile_insurance=Centre())
    app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=chosen)
    return mixer


@pytest.fixture
def zhang_in_wechat(zhang: Phone, couriers: Couriers) -> Phone:
    couriers.wechat.people["c"] = "oZhang"
    state = zhang.open("/login/wechat").location.rpartition("state=")[2]
    zhang.open(f"/login/wechat/back?code=c&state={state}")
    zhang.client.environ_base["HTTP_USER_AGENT"] = IN_WECHAT
    zhang.log_in("13800000101")
    return zhang


@pytest.fixture
def bill(zhang_in_wechat: Phone, clinic, units: Units) -> str:
    hold(zhang_in_wechat, clinic)
    with units.open() as uow:
        return uow.session.scalars(select(Bill.public_id)).one()


def test_a_fee_without_insurance_does_not_offer_it_and_refuses_in_words(
    zhang_in_wechat: Phone, bill: str, mixer: Mixer, units: Units
):
    page = zhang_in_wechat.open(f"/bills/{bill}").text
    refused = zhang_in_wechat.send(f"/bills/{bill}/pay", way="mixed")

    assert "医保和自费一起支付" not in page
    assert (refused.status_code, mixer.placed) == (409, [])
    assert "not_mixed" in refused.text
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(MixedOrder)).all() == []


def test_outside_wechat_the_usual_way_is_taken(zhang: Phone, clinic, mixer: Mixer, units: Units):
    hold(zhang, clinic)
    with units.open() as uow:
        bill = uow.session.scalars(select(Bill.public_id)).one()

    zhang.send(f"/bills/{bill}/pay", way="mixed")

    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(PaymentOrder.method)).one() == PayMethod.NATIVE


def opens_the_sheet(phone: Phone, bill: str) -> None:
    """The browser has asked for the bill, and holds what opens the sheet."""
    phone.send(f"/bills/{bill}/pay")
    with phone.client.session_transaction() as session:
        session["asked"] = {bill: ["", {"appid": "wx1", "mixTradeNo": "MIX1"}]}


def test_the_page_of_the_sheet_is_made_known_to_wechat(
    zhang_in_wechat: Phone, bill: str, couriers: Couriers, monkeypatch: pytest.MonkeyPatch
):
    known: list[str] = []

    def js_config(url: str) -> dict[str, str]:
        known.append(url)
        return {"appId": "wx1", "signature": "f4d90daf"}

    monkeypatch.setattr(couriers.wechat, "js_config", js_config, raising=False)
    opens_the_sheet(zhang_in_wechat, bill)

    page = zhang_in_wechat.open(f"/bills/{bill}/paying")

    assert "f4d90daf" in page.text
    assert page.text.index("jweixin") < page.text.index("js/pay.js")
    assert "script-src 'self' https://res.wx.qq.com;" in page.headers["Content-Security-Policy"]
    assert known == [f"http://127.0.0.1:8000/bills/{bill}/paying"]


def test_without_wechats_word_the_sheet_is_tried_as_it_is(
    zhang_in_wechat: Phone, bill: str, couriers: Couriers, monkeypatch: pytest.MonkeyPatch
):
    def js_config(_: str) -> dict[str, str]:
        raise CourierAway(error="no_token")

    monkeypatch.setattr(couriers.wechat, "js_config", js_config, raising=False)
    opens_the_sheet(zhang_in_wechat, bill)

    page = zhang_in_wechat.open(f"/bills/{bill}/paying")

    assert page.status_code == 200
    assert "jweixin" not in page.text
    assert "js/pay.js" in page.text
    assert "res.wx.qq.com" not in page.headers["Content-Security-Policy"]
