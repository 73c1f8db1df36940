"""Mixed orders (医保自费混合收款): the insurer settles its part and the payer's cash is taken, both or neither."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import sqlite3
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now, rfc3339
from sandbox.drive import done, orders, wanted
from sandbox.errors import ApiError
from sandbox.insurer import mobile
from sandbox.insurer.wording import Refusal
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World
from sandbox.wxpay import forms, ledger, notify

INSURED = ("pay_order_id", "pay_auth_no", "geo_location", "med_ins_order_create_time")
PARTS = ("med_ins_gov_fee", "med_ins_self_fee", "med_ins_other_fee")
TYPES = {"REG_PAY", "DIAG_PAY", "PHARMACY_PAY"}
MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)


def add_to(web: Blueprint, world: World) -> None:
    """The addresses under /v3/med-ins; their requests are verified and answers signed as the gateway's others."""

    @web.post("/med-ins/orders")
    def place() -> Response:
        form = _form()
        _check(world, form)
        with world.store.write() as db:
            return _json(told(world, _place(db, form)))

    @web.get("/med-ins/orders/<by>/<number>")
    def query(by: str, number: str) -> Response:
        column = {"mix-trade-no": "mix_trade_no", "out-trade-no": "out_trade_no"}.get(by)
        found = column and world.store.one(f"SELECT * FROM wxpay_mixed WHERE {column} = ?", number)  # noqa: S608
        if not found:
            raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
        return _json(told(world, found))

    @web.post("/med-ins/refunds/notify")
    def refunded() -> Response:
        form, number = _form(), request.args.get("mix_trade_no", "")
        with world.store.write() as db:
            _refunded(db, number, form)
        return Response(status=204)


def drive(world: World) -> Blueprint:
    """The payer's side: /sandbox/wxpay/med-ins/pay and /sandbox/wxpay/med-ins/books."""
    web = Blueprint("wxpay_med_ins", __name__, url_prefix="/sandbox/wxpay/med-ins")

    @web.post("/pay")
    def pay_both() -> ResponseReturnValue:
        """The payer types the password of the electronic insurance card: {out_trade_no}."""
        number = wanted(orders(), "out_trade_no")
        with world.store.write() as db:
            return done(told(world, pay(db, world, number)))

    @web.get("/books")
    def books() -> ResponseReturnValue:
        """The mixed orders, newest first, and what the merchant told of their refunds."""
        rows = world.store.rows("SELECT * FROM wxpay_mixed ORDER BY created_at DESC LIMIT 200")
        return jsonify([told(world, row) | {"refunds": json.loads(row["refunds"])} for row in rows])

    return web


def _form() -> dict[str, Any]:
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise ApiError(400, "PARAM_ERROR", "body: a JSON object")
    return value


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), mimetype="application/json")


def _check(world: World, form: dict[str, Any]) -> None:
    """Passes a well-formed order; ApiError `PARAM_ERROR`, or `RULE_LIMIT` when its sums do not add up."""
    kind, number = form.get("mix_pay_type"), forms.text(form, "out_trade_no", 32)
    forms.demand(forms.NUMBER.fullmatch(number), "out_trade_no")
    forms.demand(form.get("order_type") in TYPES, "order_type")
    forms.demand(form.get("appid") == world.keys.appid and form.get("openid"), "appid, openid")
    for name in ("city_id", "med_inst_name", "med_inst_no", "serial_no", "callback_url"):
        forms.text(form, name, 256)
    _check_people(world, form)
    cash, insured = _fen(form, "wechat_pay_cash_fee"), sum(_fen(form, name) for name in PARTS)
    has_cash, has_insured = kind != "INSURANCE_ONLY", kind != "CASH_ONLY"
    forms.demand(kind in {"CASH_ONLY", "INSURANCE_ONLY", "CASH_AND_INSURANCE"}, "mix_pay_type")
    forms.demand(bool(form.get("prepay_id")) == has_cash and (cash > 0) == has_cash, "prepay_id, wechat_pay_cash_fee")
    forms.demand(all(bool(form.get(name)) == has_insured for name in INSURED), "/".join(INSURED))
    added = sum(_fen(part, "cash_add_fee") for part in form.get("cash_add_detail") or ())
    reduced = sum(_fen(part, "cash_reduce_fee") for part in form.get("cash_reduce_detail") or ())
    total = _fen(form, "total_fee")
    owed = insured + _fen(form, "med_ins_cash_fee") + added
    if total != insured + cash + reduced or total != owed or (insured > 0) != has_insured:
        raise ApiError(400, "RULE_LIMIT", "自费金额校验不通过")


def _check_people(world: World, form: dict[str, Any]) -> None:
    forms.demand(bool(form.get("relative")) == bool(form.get("pay_for_relatives")), "relative, pay_for_relatives")
    for name in ("payer", "relative") if form.get("relative") else ("payer",):
        person = forms.part(form, name)
        opened = [_opened(world, person.get(field)) for field in ("name", "id_digest")]
        forms.demand(opened[0] and MD5.fullmatch(opened[1]), f"{name}: sealed name and id_digest")
        forms.demand(person.get("card_type") == "ID_CARD", f"{name}.card_type")


def _opened(world: World, sealed: object) -> str:
    """The text under our public key; '' when it is not."""
    try:
        plain = world.keys.platform_private.decrypt(
            base64.b64decode(str(sealed), validate=True),
            OAEP(MGF1(SHA1()), SHA1(), None),  # noqa: S303 - the API's
        )
        return plain.decode()
    except (binascii.Error, ValueError):
        return ""


def _fen(form: dict[str, Any], name: str) -> int:
    value = form.get(name, 0)
    forms.demand(type(value) is int and 0 <= value < 10**12, f"{name}: whole fen")
    return int(value)


def _place(db: sqlite3.Connection, form: dict[str, Any]) -> sqlite3.Row:
    # Sealing draws by chance, so that the same person never looks the same; everything else must.
    params = json.dumps({k: v for k, v in form.items() if k not in {"payer", "relative"}}, sort_keys=True)
    known: sqlite3.Row | None = db.execute(
        "SELECT * FROM wxpay_mixed WHERE out_trade_no = ?", (form["out_trade_no"],)
    ).fetchone()
    if known is not None:
        if known["params"] != params:
            raise ApiError(400, "INVALID_REQUEST", "订单已存在，参数与首次请求时不一致 (268512536)")
        return known
    if form.get("prepay_id"):
        prepay = db.execute("SELECT * FROM wxpay_prepay WHERE prepay_id = ?", (form["prepay_id"],)).fetchone()
        forms.demand(prepay and prepay["out_trade_no"] == form["out_trade_no"], "prepay_id: of the same out_trade_no")
        order = ledger.find_order(db, form["out_trade_no"])
        forms.demand(order and order["total_fen"] == form["wechat_pay_cash_fee"], "wechat_pay_cash_fee: the prepay's")
    return insert(
        db,
        "wxpay_mixed",
        mix_trade_no="MIX" + secrets.token_hex(12),
        out_trade_no=form["out_trade_no"],
        params=params,
        openid=form["openid"],
        state="MIX_PAY_CREATED",
        self_state="SELF_PAY_CREATED" if form.get("prepay_id") else "NO_SELF_PAY",
        med_state="MED_INS_PAY_CREATED" if form.get("pay_order_id") else "NO_MED_INS_PAY",
        created_at=now(),
    )


def pay(db: sqlite3.Connection, world: World, out_trade_no: str) -> sqlite3.Row:
    """Both parts are paid, the insurer's first; when the insurer says no nothing is taken (`MIX_PAY_FAIL`).

    With the switch `med_ins_fail` the cash is taken and the insurer says no afterwards.
    """
    mixed = db.execute("SELECT * FROM wxpay_mixed WHERE out_trade_no = ?", (out_trade_no,)).fetchone()
    if mixed is None or mixed["state"] != "MIX_PAY_CREATED":
        raise ApiError(400, "ORDER_PAID", "订单不存在或已处理")
    fails = "med_ins_fail" in take_switches(db, "wxpay", ("med_ins_fail",))
    if fails:
        _take_cash(db, world, mixed)
        return _end(db, mixed, "MIX_PAY_FAIL", med="MED_INS_PAY_FAIL")
    form = json.loads(mixed["params"])
    if form.get("pay_order_id"):
        try:
            mobile.pay(db, {"payOrdId": form["pay_order_id"], "payAuthNo": form["pay_auth_no"]})
        except Refusal:
            return _end(db, mixed, "MIX_PAY_FAIL", med="MED_INS_PAY_FAIL", cash="SELF_PAY_FAIL")
    if form.get("prepay_id"):
        _take_cash(db, world, mixed)
    paid = _end(db, mixed, "MIX_PAY_SUCCESS", med="MED_INS_PAY_SUCCESS" if form.get("pay_order_id") else "")
    notify.tell_mixed(db, paid["mix_trade_no"], form["callback_url"], told(world, paid))
    return paid


def _take_cash(db: sqlite3.Connection, world: World, mixed: sqlite3.Row) -> None:
    notify.tell_paid(db, world, ledger.pay_order(db, mixed["out_trade_no"], mixed["openid"]))
    db.execute(
        "UPDATE wxpay_mixed SET self_state = 'SELF_PAY_SUCCESS' WHERE mix_trade_no = ?", (mixed["mix_trade_no"],)
    )


def _end(db: sqlite3.Connection, mixed: sqlite3.Row, state: str, *, med: str = "", cash: str = "") -> sqlite3.Row:
    row: sqlite3.Row = db.execute(
        "UPDATE wxpay_mixed SET state = ?, paid_at = ?, med_state = coalesce(nullif(?, ''), med_state),"
        " self_state = coalesce(nullif(?, ''), self_state) WHERE mix_trade_no = ? RETURNING *",
        (state, now(), med, cash, mixed["mix_trade_no"]),
    ).fetchone()
    return row


def _refunded(db: sqlite3.Connection, mix_trade_no: str, form: dict[str, Any]) -> None:
    """The merchant says that the insurer took its part back: the same refund number again is quiet."""
    mixed = db.execute("SELECT * FROM wxpay_mixed WHERE mix_trade_no = ?", (mix_trade_no,)).fetchone()
    if mixed is None:
        raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
    said = json.loads(mixed["refunds"])
    number, total = forms.text(form, "out_refund_no", 64), _fen(form, "med_refund_total_fee")
    names = ("med_refund_gov_fee", "med_refund_self_fee", "med_refund_other_fee")
    order = json.loads(mixed["params"])
    paid = sum(order.get(name, 0) for name in PARTS)
    if total != sum(_fen(form, name) for name in names) or total > paid or not form.get("refund_time"):
        raise ApiError(400, "RULE_LIMIT", "退款金额校验不通过")
    if mixed["state"] not in {"MIX_PAY_SUCCESS", "MIX_PAY_REFUND"} or said.get(number, total) != total:
        raise ApiError(400, "INVALID_REQUEST", "订单状态不允许退款")
    db.execute(
        "UPDATE wxpay_mixed SET state = 'MIX_PAY_REFUND', med_state = 'MED_INS_PAY_REFUND', refunds = ?"
        " WHERE mix_trade_no = ?",
        (json.dumps(said | {number: total}), mix_trade_no),
    )


def told(world: World, mixed: sqlite3.Row) -> dict[str, Any]:
    """An order as it is answered, asked for and notified; it names the app and, as the real one, no merchant."""
    form = json.loads(mixed["params"])
    answer = {
        "mix_trade_no": mixed["mix_trade_no"],
        "mix_pay_status": mixed["state"],
        "self_pay_status": mixed["self_state"],
        "med_ins_pay_status": mixed["med_state"],
        **form,
        "appid": world.keys.appid,
    }
    return answer | ({"paid_time": rfc3339(mixed["paid_at"])} if mixed["paid_at"] else {})
