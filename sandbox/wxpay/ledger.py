"""The payment platform's own ledger: an order is paid once, and never more is refunded than was paid."""

from __future__ import annotations

import json
import secrets
import sqlite3
from typing import Any

from sandbox.clock import now, rfc3339, wall_clock
from sandbox.errors import ApiError
from sandbox.store import insert
from sandbox.wxpay import forms

PREPAY_SECONDS = 2 * 3600
STATE_WORDS = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "订单发生过退款"}


def _serial_number(prefix: str) -> str:
    """28 digits as WeChat numbers things: prefix, China's date, chance."""
    stem = prefix + wall_clock(now(), "%Y%m%d")
    return stem + str(secrets.randbelow(10 ** (28 - len(stem)))).zfill(28 - len(stem))


def find_order(db: sqlite3.Connection, out_trade_no: str) -> sqlite3.Row | None:
    """The order with this number, closed on the way when its time to pay is over."""
    db.execute(
        "UPDATE wxpay_order SET state = 'CLOSED' WHERE out_trade_no = ? AND state = 'NOTPAY' AND expires_at <= ?",
        (out_trade_no, now()),
    )
    row: sqlite3.Row | None = db.execute("SELECT * FROM wxpay_order WHERE out_trade_no = ?", (out_trade_no,)).fetchone()
    return row


def place_order(db: sqlite3.Connection, trade_type: str, form: dict[str, Any]) -> sqlite3.Row:
    """Afterwards the order stands and has one more prepay row (returned: prepay_id, code_url), good for two hours.

    The same number with the same parameters is the same order. ApiError: `INVALID_REQUEST` for other parameters,
    `ORDER_PAID`, `ORDER_CLOSED`.
    """
    number, params = form["out_trade_no"], json.dumps({"kind": trade_type, **form}, sort_keys=True, ensure_ascii=False)
    order = find_order(db, number)
    if order is None:
        insert(
            db,
            "wxpay_order",
            out_trade_no=number,
            trade_type=trade_type,
            params=params,
            description=form["description"],
            attach=form.get("attach", ""),
            notify_url=form["notify_url"],
            total_fen=form["amount"]["total"],
            openid=form.get("payer", {}).get("openid", ""),
            state="NOTPAY",
            created_at=now(),
            expires_at=forms.expires_at(form, now()),
        )
    elif order["params"] != params:
        raise ApiError(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致 (268498688)")
    else:
        _demand_unpaid(order)
    return insert(
        db,
        "wxpay_prepay",
        prepay_id="wx" + _serial_number("")[:18] + secrets.token_hex(8),
        code_url=f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(7)}",
        out_trade_no=number,
        expires_at=now() + PREPAY_SECONDS,
    )


def _demand_unpaid(order: sqlite3.Row) -> None:
    if order["state"] == "CLOSED":
        raise ApiError(400, "ORDER_CLOSED", "订单已关闭")
    if order["state"] != "NOTPAY":
        raise ApiError(400, "ORDER_PAID", "订单已支付")


def close_order(db: sqlite3.Connection, out_trade_no: str) -> None:
    """Afterwards the order can no longer be paid; a paid one is refused with `ORDER_PAID`.

    An unknown number passes silently, as the real gateway has been seen to do: the merchant must query.
    """
    order = find_order(db, out_trade_no)
    if order is not None and order["state"] != "CLOSED":
        _demand_unpaid(order)
        db.execute("UPDATE wxpay_order SET state = 'CLOSED' WHERE out_trade_no = ?", (out_trade_no,))


def pay_order(db: sqlite3.Connection, reference: str, openid: str) -> sqlite3.Row:
    """The patient pays: `reference` is an out_trade_no, a prepay_id or a code_url; the paid order is returned.

    ApiError: `ORDER_NOT_EXIST`, `ORDER_PAID`, `ORDER_CLOSED`, `PREPAY_EXPIRED` (two hours after the prepay).
    """
    prepay = db.execute("SELECT * FROM wxpay_prepay WHERE ? IN (prepay_id, code_url)", (reference,)).fetchone()
    order = find_order(db, prepay["out_trade_no"] if prepay else reference)
    if order is None:
        raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
    _demand_unpaid(order)
    if prepay and prepay["expires_at"] <= now():
        raise ApiError(400, "PREPAY_EXPIRED", "支付会话已过期")
    paid: sqlite3.Row = db.execute(
        "UPDATE wxpay_order SET state = 'SUCCESS', transaction_id = ?, paid_at = ?, openid = ? WHERE out_trade_no = ?"
        " RETURNING *",
        (_serial_number("4200"), now(), order["openid"] or openid, order["out_trade_no"]),
    ).fetchone()
    return paid


def transaction(order: sqlite3.Row, appid: str, mchid: str) -> dict[str, Any]:
    """An order as a query answers it and a notification carries it."""
    told: dict[str, Any] = {
        "appid": appid,
        "mchid": mchid,
        "out_trade_no": order["out_trade_no"],
        "trade_state": order["state"],
        "trade_state_desc": STATE_WORDS[order["state"]],
        "attach": order["attach"],
        "amount": {"total": order["total_fen"], "currency": "CNY"},
    }
    if order["transaction_id"]:
        told |= {
            "transaction_id": order["transaction_id"],
            "trade_type": order["trade_type"],
            "bank_type": "OTHERS",
            "success_time": rfc3339(order["paid_at"]),
            "payer": {"openid": order["openid"]},
        }
        told["amount"] |= {"payer_total": order["total_fen"], "payer_currency": "CNY"}
    return told
