"""Refunds: accepted at once, carried out a moment later, never above what was paid."""

from __future__ import annotations

import json
import secrets
import sqlite3
from typing import Any

from sandbox.clock import now, rfc3339, wall_clock
from sandbox.errors import ApiError
from sandbox.store import insert
from sandbox.wxpay import forms

MOST_PER_ORDER = 50
LONGEST_SECONDS = 365 * 86400
TAKES_SECONDS = 15.0


def check_refund(form: dict[str, Any]) -> None:
    """Passes a well-formed refund; ApiError 400 `PARAM_ERROR` otherwise."""
    forms.demand(forms.REFUND_NUMBER.fullmatch(forms.text(form, "out_refund_no", 64)), "out_refund_no")
    named = [name for name in ("out_trade_no", "transaction_id") if forms.text(form, name, 32, needed=False)]
    forms.demand(len(named) == 1, "one of out_trade_no and transaction_id")
    forms.text(form, "reason", 80, needed=False)
    forms.notify_url(form, needed=False)
    amount = forms.part(form, "amount")
    forms.fen(amount, "refund")
    forms.fen(amount, "total")
    forms.demand(amount.get("currency") == "CNY", "amount.currency: CNY")


def find_refund(db: sqlite3.Connection, out_refund_no: str) -> sqlite3.Row | None:
    """The refund with this number together with its order's columns."""
    row: sqlite3.Row | None = db.execute(
        "SELECT r.*, o.total_fen, o.transaction_id FROM wxpay_refund r JOIN wxpay_order o USING (out_trade_no)"
        " WHERE out_refund_no = ?",
        (out_refund_no,),
    ).fetchone()
    return row


def place_refund(db: sqlite3.Connection, form: dict[str, Any], interval_seconds: float, speedup: float) -> sqlite3.Row:
    """Afterwards the refund is accepted (PROCESSING) and due after 15 s divided by `speedup`.

    The same number with the same parameters is the same refund. ApiError: `RESOURCE_NOT_EXISTS` for an unknown order,
    `INVALID_REQUEST` for other parameters, an unpaid order, a wrong total, more than is left, too late, or the 51st;
    `FREQUENCY_LIMITED` within `interval_seconds` of the order's last refund.
    """
    params = json.dumps(form, sort_keys=True, ensure_ascii=False)
    known = find_refund(db, form["out_refund_no"])
    if known is not None:
        if known["params"] != params:
            raise ApiError(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致 (268498688)")
        return known
    order = db.execute(
        "SELECT * FROM wxpay_order WHERE out_trade_no = ? OR transaction_id = ?",
        (form.get("out_trade_no"), form.get("transaction_id")),
    ).fetchone()
    if order is None:
        raise ApiError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    _demand_refundable(db, order, form["amount"], interval_seconds)
    db.execute("UPDATE wxpay_order SET state = 'REFUND' WHERE out_trade_no = ?", (order["out_trade_no"],))
    insert(
        db,
        "wxpay_refund",
        out_refund_no=form["out_refund_no"],
        refund_id="5030" + wall_clock(now(), "%Y%m%d") + str(secrets.randbelow(10**17)).zfill(17),
        out_trade_no=order["out_trade_no"],
        params=params,
        refund_fen=form["amount"]["refund"],
        notify_url=form.get("notify_url", ""),
        state="PROCESSING",
        created_at=now(),
        due_at=now() + TAKES_SECONDS / speedup,
    )
    placed = find_refund(db, form["out_refund_no"])
    assert placed is not None
    return placed


def _demand_refundable(
    db: sqlite3.Connection, order: sqlite3.Row, amount: dict[str, Any], interval_seconds: float
) -> None:
    done = db.execute(
        "SELECT count(*) AS times, coalesce(sum(refund_fen), 0) AS fen, coalesce(max(created_at), 0) AS last_at"
        " FROM wxpay_refund WHERE out_trade_no = ?",
        (order["out_trade_no"],),
    ).fetchone()
    refusals = (
        (order["state"] not in {"SUCCESS", "REFUND"}, "订单未支付，不能退款"),
        (amount["total"] != order["total_fen"], "订单金额或退款金额与之前请求不一致，请核实后再试"),
        (done["fen"] + amount["refund"] > order["total_fen"], "申请退款金额大于订单可退金额"),
        (now() - (order["paid_at"] or 0) > LONGEST_SECONDS, "订单已超过退款期限"),
        (done["times"] >= MOST_PER_ORDER, "退款次数超过50次"),
    )
    for refused, words in refusals:
        if refused:
            raise ApiError(400, "INVALID_REQUEST", words)
    if now() - done["last_at"] < interval_seconds:
        raise ApiError(429, "FREQUENCY_LIMITED", "频率限制：同一订单两次退款须间隔1分钟")


def carry_out_due(db: sqlite3.Connection) -> list[sqlite3.Row]:
    """Afterwards refunds that are due have succeeded; those are returned, each once."""
    numbers = db.execute(
        "UPDATE wxpay_refund SET state = 'SUCCESS', success_at = ? WHERE state = 'PROCESSING' AND due_at <= ?"
        " RETURNING out_refund_no",
        (now(), now()),
    ).fetchall()
    return [row for number in numbers if (row := find_refund(db, number[0])) is not None]


def told(refund: sqlite3.Row, mchid: str = "") -> dict[str, Any]:
    """A refund as a query answers it; with `mchid`, as a notification carries it."""
    common = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "user_received_account": "支付用户零钱",
    }
    total, back = refund["total_fen"], refund["refund_fen"]
    amount = {"total": total, "refund": back, "payer_total": total, "payer_refund": back}
    if refund["success_at"]:
        common["success_time"] = rfc3339(refund["success_at"])
    if mchid:
        return common | {"mchid": mchid, "refund_status": refund["state"], "amount": amount}
    amount |= {"settlement_refund": back, "settlement_total": total, "discount_refund": 0}
    return common | {
        "channel": "ORIGINAL",
        "create_time": rfc3339(refund["created_at"]),
        "status": refund["state"],
        "funds_account": "AVAILABLE",
        "amount": amount | {"currency": "CNY"},
    }
