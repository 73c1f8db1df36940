"""The payer's side: the payment sheet on the phone (收银台) and what makes a patient pay."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now
from sandbox.deliveries import post
from sandbox.drive import done, orders, wanted
from sandbox.errors import ApiError
from sandbox.world import World
from sandbox.wxpay import ledger, notify

DEMO_OPENID = "oSandboxDemoUser000000000001"


def blueprint(world: World) -> Blueprint:
    """The payment sheet, and the drive that pays and that sends single notifications."""
    web = Blueprint("wxpay_phone", __name__)
    _sheet(web, world)
    _drive(web, world)
    return web


def pay(world: World, reference: str, openid: str) -> dict[str, Any]:
    """The patient pays; afterwards the order is paid and the merchant is to be told. Paying twice is refused."""
    with world.store.write() as db:
        order = ledger.pay_order(db, reference, openid)
        notify.tell_paid(db, world, order)
    return ledger.transaction(order, world.keys.appid, world.keys.mchid)


def _check_call_up(world: World) -> None:
    """The page's `paySign` over appId, timeStamp, nonceStr and package, when the page gives one."""
    given = request.args
    if "paySign" not in given:
        return
    package = given.get("package", f"prepay_id={given.get('prepay_id', '')}")
    lines = (given.get("appId", ""), given.get("timeStamp", ""), given.get("nonceStr", ""), package)
    message = "".join(f"{line}\n" for line in lines).encode()
    try:
        world.keys.merchant_public.verify(base64.b64decode(given["paySign"]), message, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature):
        raise ApiError(400, "PAY_SIGN_ERROR", "支付验证签名失败") from None


def _sheet(web: Blueprint, world: World) -> None:
    @web.get("/wxpay/cashier")
    def cashier() -> ResponseReturnValue:
        _check_call_up(world)
        asked = request.args.get("prepay_id") or request.args.get("code_url", "")
        return_url = request.args.get("return_url", "/")
        prepay = world.store.one(
            "SELECT out_trade_no, prepay_id FROM wxpay_prepay WHERE ? IN (prepay_id, code_url)", asked
        )
        if prepay is None or not world.may_return_to(return_url):
            raise ApiError(404, "ORDER_NOT_EXIST", "没有这个支付会话，或返回地址不可用")
        with world.store.write() as db:
            order = ledger.find_order(db, prepay["out_trade_no"])
        return render_template("cashier.html", order=order, prepay_id=prepay["prepay_id"], return_url=return_url)

    @web.post("/wxpay/cashier")
    def confirm() -> ResponseReturnValue:
        return_url = request.form.get("return_url", "/")
        if not world.may_return_to(return_url):
            raise ApiError(400, "PARAM_ERROR", "return_url")
        if request.form.get("choice") == "pay":
            pay(world, request.form.get("prepay_id", ""), DEMO_OPENID)
        return redirect(return_url, 303)


def _drive(web: Blueprint, world: World) -> None:
    @web.post("/sandbox/wxpay/pay")
    def patient_pays() -> ResponseReturnValue:
        """Pay one order named by out_trade_no, prepay_id or code_url."""
        order = orders()
        names = ("out_trade_no", "prepay_id", "code_url")
        reference = next((str(order[name]) for name in names if order.get(name)), "")
        return done(pay(world, reference, wanted(order, "openid", DEMO_OPENID)))

    @web.get("/sandbox/wxpay/books")
    def books() -> ResponseReturnValue:
        """The platform's own ledger, newest first: {orders, refunds}."""
        orders_now = "SELECT out_trade_no, trade_type, description, total_fen, state, transaction_id FROM wxpay_order"
        refunds_now = "SELECT out_refund_no, out_trade_no, refund_fen, state FROM wxpay_refund"
        return jsonify(
            orders=[dict(row) for row in world.store.rows(f"{orders_now} ORDER BY created_at DESC LIMIT 1000")],
            refunds=[dict(row) for row in world.store.rows(f"{refunds_now} ORDER BY created_at DESC LIMIT 1000")],
        )

    @web.post("/sandbox/wxpay/notify")
    def notify_once() -> ResponseReturnValue:
        """Send one notification now, without retry, and answer what the hospital said.

        Fields: out_trade_no; mode (empty, signtest, altered, old, wrong_key); event_id; url; changes (merged into
        the sealed facts, e.g. `{"amount": {"total": 1}}`).
        """
        order = orders()
        found = world.store.one("SELECT * FROM wxpay_order WHERE out_trade_no = ?", wanted(order, "out_trade_no"))
        if found is None:
            raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
        changes, mode = order.get("changes") or {}, str(order.get("mode") or "")
        url = wanted(order, "url", found["notify_url"])
        if not isinstance(changes, dict) or mode not in {"", *notify.SPOILERS} or not world.may_return_to(url):
            raise ApiError(400, "PARAM_ERROR", "changes: an object; mode: a kind of spoiling; url: the hospital's")
        row = {
            "event_type": "TRANSACTION.SUCCESS",
            "event_id": wanted(order, "event_id", str(uuid.uuid4())),
            "created_at": now(),
            "url": url,
        }
        facts = ledger.transaction(found, world.keys.appid, world.keys.mchid) | changes
        status, body = post(notify.compose(world, row, facts, mode))
        return done({"status": status, "body": body.decode(errors="replace")})
