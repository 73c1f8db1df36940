"""Alipay's gateway: every request is verified, every answer signed; and the payer's page behind a code."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.alipay import bill, notify, trades
from sandbox.alipay.signing import is_signed_by, sign
from sandbox.clock import CHINA, now
from sandbox.deliveries import post
from sandbox.drive import done, orders, wanted
from sandbox.errors import ApiError
from sandbox.switches import take_switches
from sandbox.world import World

SKEW_SECONDS = 900
METHODS: dict[str, Callable[[sqlite3.Connection, Mapping[str, Any]], dict[str, str]]] = {
    "alipay.trade.query": trades.query,
    "alipay.trade.close": trades.close,
    "alipay.trade.refund": trades.refund,
    "alipay.trade.fastpay.refund.query": trades.query_refund,
}


def _unknown(_db: sqlite3.Connection, _content: Mapping[str, Any]) -> dict[str, str]:
    raise trades.Refusal("isv.invalid-method")


def blueprint(world: World) -> Blueprint:
    """The gateway at /alipay/gateway.do, the payer's page at /alipay/pay, and the drive under /sandbox/alipay."""
    web = Blueprint("alipay", __name__)

    @web.route("/alipay/gateway.do", methods=["GET", "POST"])
    def gateway() -> ResponseReturnValue:
        fields = dict(request.args.items()) | dict(request.form.items())
        if fields.get("method") == "alipay.trade.wap.pay":
            return _page(world, fields)
        return _answered(world, fields)

    @web.get("/alipay/billdownload")
    def download() -> ResponseReturnValue:
        return Response(bill.fetch_bill(world, request.args.get("token", "")), mimetype="application/zip")

    _payer(web, world)
    _drive(web, world)
    return web


def _content(world: World, fields: Mapping[str, str]) -> dict[str, Any]:
    """What is asked, by the app, now; ApiError 400 for anything else."""
    if fields.get("app_id") != world.keys.alipay_app_id or fields.get("sign_type") != "RSA2":
        raise ApiError(400, "isv.invalid-app-id", "app_id or sign_type")
    if not is_signed_by(world.keys.alipay_app_public, fields):
        raise ApiError(400, "isv.invalid-signature", "验签出错")
    try:
        stamp = datetime.strptime(fields.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        content = json.loads(fields.get("biz_content", ""))
    except ValueError:
        raise ApiError(400, "isv.invalid-timestamp", "timestamp or biz_content") from None
    if abs(now() - stamp.timestamp()) > SKEW_SECONDS or not isinstance(content, dict):
        raise ApiError(400, "isv.invalid-timestamp", "timestamp is more than fifteen minutes off")
    return content


def _answered(world: World, fields: Mapping[str, str]) -> Response:
    method, content = fields.get("method", ""), _content(world, fields)
    with world.store.write() as db:
        struck = take_switches(db, "alipay", ("api_down", "api_late"))
    told = _told(world, method, content, fields) if "api_down" not in struck else {"code": "20000", "msg": "系统繁忙"}
    time.sleep(struck.get("api_late", 0.0))
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    signature = sign(world.keys.alipay_private, text.encode())
    name = f"{method.replace('.', '_')}_response"
    return Response(f'{{"{name}":{text},"sign":"{signature}"}}', mimetype="application/json")


def _told(world: World, method: str, content: dict[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    good = {"code": "10000", "msg": "Success"}
    try:
        with world.store.write() as db:
            if method == "alipay.trade.precreate":
                trade = trades.offer(db, content, fields.get("notify_url", ""))
                code_url = f"{world.settings.public_url}/alipay/pay?code={trade['code']}"
                return good | {"out_trade_no": trade["out_trade_no"], "qr_code": code_url}
            if method == bill.METHOD:
                return good | bill.order_bill(world, db, content)
            return good | METHODS.get(method, _unknown)(db, content)
    except trades.Refusal as refusal:
        return {"code": "40004", "msg": "Business Failed", "sub_code": refusal.sub_code}


def _page(world: World, fields: Mapping[str, str]) -> ResponseReturnValue:
    """The page for phones: the order is offered and the payer looks at it."""
    content = _content(world, fields)
    return_url = fields.get("return_url", "/")
    if not world.may_return_to(return_url):
        raise ApiError(400, "isv.invalid-parameter", "return_url")
    try:
        with world.store.write() as db:
            trade = trades.offer(db, content, fields.get("notify_url", ""), return_url)
    except trades.Refusal as refusal:
        raise ApiError(400, refusal.sub_code, "交易不能支付") from None
    return redirect(f"/alipay/pay?code={trade['code']}", 303)


def _payer(web: Blueprint, world: World) -> None:
    @web.get("/alipay/pay")
    def sheet() -> ResponseReturnValue:
        try:
            with world.store.write() as db:
                trade = trades.open_by_payer(db, request.args.get("code", ""))
        except trades.Refusal:
            raise ApiError(404, "ACQ.TRADE_NOT_EXIST", "交易不存在或已过期") from None
        return render_template("alipay.html", trade=trade, return_url=trade["return_url"] or world.settings.app_url)

    @web.post("/alipay/pay")
    def confirm() -> ResponseReturnValue:
        with world.store.write() as db:
            code = request.form.get("code", "")
            trade = trades.pay(db, code) if request.form.get("choice") == "pay" else trades.open_by_payer(db, code)
            if trade["state"] == "TRADE_SUCCESS":
                notify.tell_paid(db, world, trade)
        return redirect(trade["return_url"] or world.settings.app_url, 303)


def _drive(web: Blueprint, world: World) -> None:
    @web.post("/sandbox/alipay/pay")
    def payer_pays() -> ResponseReturnValue:
        """Pay one order named by out_trade_no or by its code's address."""
        order = orders()
        reference = wanted(order, "out_trade_no", str(order.get("code_url", "")).rpartition("code=")[2])
        try:
            with world.store.write() as db:
                trade = trades.pay(db, reference)
                notify.tell_paid(db, world, trade)
        except trades.Refusal as refusal:
            raise ApiError(400, refusal.sub_code, "交易不能支付") from None
        return done({"out_trade_no": trade["out_trade_no"], "trade_status": trade["state"]})

    @web.get("/sandbox/alipay/books")
    def books() -> ResponseReturnValue:
        """Alipay's own ledger, newest first: {trades, refunds}."""
        trades_now = "SELECT out_trade_no, subject, total_fen, state, trade_no FROM alipay_trade"
        refunds_now = "SELECT out_request_no, out_trade_no, refund_fen FROM alipay_refund"
        return jsonify(
            trades=[dict(row) for row in world.store.rows(f"{trades_now} ORDER BY created_at DESC LIMIT 1000")],
            refunds=[dict(row) for row in world.store.rows(f"{refunds_now} ORDER BY created_at DESC LIMIT 1000")],
        )

    @web.post("/sandbox/alipay/notify")
    def notify_once() -> ResponseReturnValue:
        """Send one notification now, without retry, and answer what the hospital said.

        Fields: out_trade_no; mode (empty, altered, wrong_key); url; changes (merged into the fields before signing).
        """
        order = orders()
        with world.store.write() as db:
            trade = trades.find(db, wanted(order, "out_trade_no"))
        changes, url = order.get("changes") or {}, str(order.get("url") or (trade["notify_url"] if trade else ""))
        if trade is None or not trade["paid_at"] or not isinstance(changes, dict) or not world.may_return_to(url):
            raise ApiError(400, "PARAM_ERROR", "a paid trade; changes: an object; url: the hospital's")
        facts = notify.facts_of(world, trade) | {str(name): str(value) for name, value in changes.items()}
        status, body = post(notify.compose(world, url, facts, str(order.get("mode") or "")))
        return done({"status": status, "body": body.decode(errors="replace")})
