"""A hospital without a text gateway or a payment provider: what cannot be done is said first, with what can."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from app.cli.doctor import LIMPS, WELL, Finding, examine
from app.couriers.chosen import Couriers
from tests.web.test_patient_paying import bill

__all__ = ["bill"]


def leave_alone(app: Flask) -> None:
    """Nobody outside can be reached."""
    app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=Couriers(None, None, None, None))


def found(app: Flask, name: str) -> Finding:
    return next(each for each in examine(app.extensions["menzhen"]) if each.name == name)


def test_nobody_waits_for_a_code_that_cannot_be_sent(app, phone):
    assert 'name="phone"' in phone.open("/login").text
    leave_alone(app)

    page = phone.open("/login").text
    assert 'name="phone"' not in page
    assert "请到窗口办理" in page

    refused = phone.send("/login", phone="13800000101")
    assert refused.status_code == 409
    assert "no_text_messages" in refused.text


def test_without_texts_but_with_wechat_the_way_in_is_wechat(app, phone, couriers):
    app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=replace(couriers, texts=None))

    page = phone.open("/login").text

    assert "请用微信登录" in page
    assert 'href="/login/wechat' in page


def test_a_bill_that_no_phone_can_pay_sends_its_patient_to_the_window(app, zhang, bill):
    leave_alone(app)

    page = zhang.open(f"/bills/{bill}").text
    assert "请到收费窗口付款" in page
    assert f'action="/bills/{bill}/pay"' not in page

    refused = zhang.send(f"/bills/{bill}/pay")
    assert "payment_unavailable" in refused.text
    assert "到窗口缴费" in refused.text


def test_the_installation_says_what_a_hospital_without_partners_cannot_do(app):
    leave_alone(app)

    assert found(app, "logins").state == LIMPS
    assert "SMS_BASE_URL" in found(app, "logins").fix
    assert found(app, "payments").state == WELL
    assert "window" in found(app, "payments").seen


def test_the_installation_names_who_takes_payments(app):
    assert found(app, "logins").state == WELL
    assert found(app, "payments").seen == "wechat"
