"""Paying a bill: inside WeChat by its payment sheet, elsewhere by a code to scan, and waiting for the money."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext

from app.identity import service as identity
from app.insurance import consents
from app.insurance import service as insurance
from app.insurance.errors import ConsentMissing
from app.notifications.errors import CourierAway, CourierRefused
from app.paper import qr
from app.payment import asking, mixing
from app.payment import service as payment
from app.payment.asking import Asked
from app.payment.errors import AlreadyPaid, PaymentUnavailable, PaymentUnclear
from app.payment.models import Bill, PayMethod, Purpose
from app.payment.ports import PaymentProvider
from app.payment.states import BillState
from app.runtime import runtime
from app.web import edge, live, show, wechat_sdk
from app.web.patient import blueprint, ways_to_pay
from app.web.patient.bills import received, registration_of

log = logging.getLogger("menzhen.web")
_PAGES_OF_FEE = {BillState.PAID: "patient.visit", BillState.SETTLING: "patient.registration"}
_PAGES_OF_DRUGS = {BillState.PAID: "patient.visit"}
ASKED_OF = "asked_of"
ASKED = "asked"  # what the provider answered stays with the browser that asked: {bill: [code_url, call-up]}


def _start(provider: PaymentProvider | None, bill_id: str) -> Asked:
    """The bill is asked for: all of it in one go where that was chosen and can be, else the patient's own part."""
    partners = ways_to_pay.mixing()
    if partners is not None and request.form.get("way") == ways_to_pay.MIXED:
        edge.finish_unit()
        return mixing.start(runtime().units, partners, edge.actor(), bill_id)
    method = _method(provider) if provider else PayMethod.NATIVE
    edge.finish_unit()
    return asking.start(runtime().units, provider, edge.actor(), bill_id, method)


def _method(provider: PaymentProvider) -> PayMethod:
    """Inside WeChat, for whom WeChat knows: the payment sheet. On a phone: Alipay's own page. Everyone else scans."""
    if provider.name != "wechat":
        return PayMethod.WAP if ways_to_pay.is_phone() else PayMethod.NATIVE
    if not ways_to_pay.is_inside("wechat"):
        return PayMethod.NATIVE
    with edge.fresh_unit() as uow:
        openid = identity.openid_of_account(uow, uow.actor.id or 0)
    return PayMethod.JSAPI if openid else PayMethod.NATIVE


@blueprint.post("/bills/<bill_id>/pay")
def pay(bill_id: str) -> edge.Answer:
    """The provider is asked for the bill's cash part; a second tap leads to the same order."""
    edge.limit("pay", edge.actor().ref, at_most=30, window_seconds=600)
    if request.form.get("consent") == "yes":
        with edge.fresh_unit() as uow:
            split = insurance.split_of(uow, payment.bill_of_account(uow, bill_id).split_id)
            if split is not None:
                consents.agree(uow, split)
    provider = ways_to_pay.chosen()
    try:
        asked = _start(provider, bill_id)
    except AlreadyPaid:
        return redirect(_after(bill_id))
    except PaymentUnclear:
        return redirect(url_for("patient.paying", bill_id=bill_id))
    except ConsentMissing:
        flash(gettext("请先确认医保不支付的药品"), "warn")
        return redirect(url_for("patient.bill", bill_id=bill_id))
    if asked.is_settled or provider is None:
        return redirect(_after(bill_id))
    session[ASKED] = {bill_id: [asked.code_url, dict(asked.call_up)]}
    session[ASKED_OF] = provider.name
    return redirect(url_for("patient.paying", bill_id=asked.bill_public_id))


def _after(bill_id: str) -> str:
    """Where a paid bill leads: to the visit, which says what comes next, or a fee's page while insurance settles it.

    To the bill itself where it belongs to no visit of ours.
    """
    uow = edge.current_uow()
    bill = payment.bill_of_account(uow, bill_id)
    pages = _PAGES_OF_FEE if bill.purpose == Purpose.REGISTRATION else _PAGES_OF_DRUGS
    visit = registration_of(uow, bill, pages[bill.state]) if bill.state in pages else ""
    return visit or url_for("patient.bill", bill_id=bill_id)


@blueprint.get("/bills/<bill_id>/paying")
def paying(bill_id: str) -> edge.Answer:
    """The code to scan or the payment sheet, until the money is here; then the way on."""
    bill = payment.bill_of_account(edge.current_uow(), bill_id)
    if bill.state != BillState.OPEN:
        return redirect(_after(bill_id))
    told = received(edge.current_uow(), bill)
    kept: dict[str, list[Any]] = {} if told else session.get(ASKED, {})
    is_lapsed = bill_id in kept and not asking.is_asked_for(edge.current_uow(), bill)
    code_url, call_up = ("", {}) if is_lapsed else kept.get(bill_id, ["", {}])
    facts = {
        "bill_id": bill_id,
        "amount": show.yuan(bill.cash_fen),
        "by": show.clock_time(bill.expires_at) if bill.expires_at else "",
        "minutes": show.minutes_left(bill.expires_at, edge.current_uow().now()) if bill.expires_at else 0,
        "code_url": code_url,
        "code_svg": qr.url_svg(code_url, label=gettext("支付码")) if code_url else "",
        "is_alipay": session.get(ASKED_OF) == "alipay",
        "pay_url": "" if told else _pay_url(code_url, bill_id) or _page_url(bill),
        "received": told,
        "is_lapsed": is_lapsed,
        "call_up": json.dumps(call_up) if call_up else "",
        "is_waiting": not told,
    }
    config = _js_config() if call_up.get("mixTradeNo") else ""
    page = make_response(render_template("patient/paying.html", **facts, js_config=config, sdk_url=wechat_sdk.URL))
    if config:
        page.headers["Content-Security-Policy"] = wechat_sdk.policy()
    return page


def _js_config() -> str:
    """What `wx.config` needs of this page; '' where WeChat does not say, and the sheet is tried without it."""
    courier = runtime().couriers.wechat
    if courier is None:
        return ""
    edge.finish_unit()
    try:
        config = courier.js_config(runtime().settings.base_url + request.full_path.removesuffix("?"))
    except (CourierAway, CourierRefused) as error:
        log.warning("the page cannot be made known to WeChat: %s", error)
        return ""
    return json.dumps(config)


def _pay_url(code_url: str, bill_id: str) -> str:
    """Where a browser outside WeChat can pay what the code asks for; '' when there is no such page."""
    if urlsplit(code_url).scheme in {"http", "https"}:
        return code_url
    cashier_url = runtime().settings.wxpay.cashier_url
    if not cashier_url or not code_url:
        return ""
    back = runtime().settings.base_url + url_for("patient.paying", bill_id=bill_id)
    return f"{cashier_url}?{urlencode({'code_url': code_url, 'return_url': back})}"


def _page_url(bill: Bill) -> str:
    """The provider's own page, where one was asked for; '' otherwise."""
    back = runtime().settings.base_url + url_for("patient.paying", bill_id=bill.public_id)
    uow = edge.current_uow()
    pages = (asking.page_url(uow, provider, bill, back) for provider in runtime().couriers.providers)
    return next((page for page in pages if page), "")


@blueprint.get("/bills/<bill_id>/paying/live")
def paying_live(bill_id: str) -> edge.Answer:
    """Unchanged while the money is not here; then it leads on."""
    bill: Bill = payment.bill_of_account(edge.current_uow(), bill_id)
    if bill.state != BillState.OPEN:
        return redirect(_after(bill_id))
    return live.fragment("patient/_paying.html", is_waiting=not received(edge.current_uow(), bill))


@blueprint.post("/bills/<bill_id>/look-up")
def look_up(bill_id: str) -> edge.Answer:
    """Somebody says they have paid: the provider is asked, at most six times a minute for an account."""
    edge.limit("pay.look_up", edge.actor().ref, at_most=6, window_seconds=60)
    providers = runtime().couriers.providers
    if not providers:
        raise PaymentUnavailable(bill=bill_id)
    edge.finish_unit()
    states = [asking.look_up(runtime().units, provider, edge.actor(), bill_id) for provider in providers]
    state = states[-1]
    if state == BillState.OPEN:
        flash(gettext("还没有收到支付结果。如已付款，请稍等片刻，不要重复支付"), "warn")
        return redirect(url_for("patient.paying", bill_id=bill_id))
    return redirect(_after(bill_id))
