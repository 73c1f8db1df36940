"""The mobile payment centre (医保移动支付中心): pay orders over the fees that lie with the insurer, paid once."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now, wall_clock
from sandbox.errors import ApiError
from sandbox.insurer import transactions
from sandbox.insurer.envelope import BadEnvelope, Sides, close_body, open_body
from sandbox.insurer.wording import Refusal, fen, yuan
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World

AUTH_SECONDS = 600
WAITING, SETTLED, REFUNDED, REVOKED = "1", "6", "9", "10"
Data = Mapping[str, Any]


def upload(db: sqlite3.Connection, data: Data) -> dict[str, str]:
    """6201: a pay order over uploaded fees; the same order number of the hospital is the same pay order."""
    fees = db.execute(
        "SELECT coalesce(sum(amount), 0) AS amount, count(*) AS lines FROM insurer_fee f JOIN insurer_visit v"
        " USING (mdtrt_id) WHERE mdtrt_id = ? AND psn_no = ? AND chrg_bchno = ?",
        (str(data.get("mdtrtId")), str(data.get("psnNo")), str(data.get("chrgBchno"))),
    ).fetchone()
    told = data.get("feedetailList")
    if not fees["lines"] or not isinstance(told, list) or len(told) != fees["lines"]:
        raise Refusal("费用明细与上传不符")
    if fen(data.get("medfeeSumamt")) != fees["amount"]:
        raise Refusal("医疗费总额与上传明细不符")
    token, number = "AUTH" + secrets.token_hex(14), str(data.get("medOrgOrd"))
    known = db.execute("SELECT * FROM insurer_pay_order WHERE med_org_ord = ?", (number,)).fetchone()
    if known is not None and known["ord_stas"] != WAITING:
        raise Refusal("订单已处理")
    if known is None:
        known = insert(
            db,
            "insurer_pay_order",
            pay_ord_id="ORD110000" + wall_clock(now(), "%Y%m%d%H%M%S") + str(secrets.randbelow(10**9)).zfill(9),
            med_org_ord=number,
            psn_no=str(data.get("psnNo")),
            mdtrt_id=str(data.get("mdtrtId")),
            chrg_bchno=str(data.get("chrgBchno")),
            total=fees["amount"],
            pay_token=token,
            token_until=now() + AUTH_SECONDS,
            ord_stas=WAITING,
        )
    if known["token_until"] > now():
        token = known["pay_token"]
    else:
        db.execute(
            "UPDATE insurer_pay_order SET pay_token = ?, token_until = ? WHERE pay_ord_id = ?",
            (token, now() + AUTH_SECONDS, known["pay_ord_id"]),
        )
    return {"payOrdId": known["pay_ord_id"], "payToken": token, "ordStas": WAITING}


def _order(db: sqlite3.Connection, data: Data) -> sqlite3.Row:
    order: sqlite3.Row | None = db.execute(
        "SELECT * FROM insurer_pay_order WHERE pay_ord_id = ?", (str(data.get("payOrdId")),)
    ).fetchone()
    if order is None:
        raise Refusal("未查询到支付订单")
    return order


def pay(db: sqlite3.Connection, data: Data) -> dict[str, str]:
    """6202: the order's fees are settled; its token counts once, for some minutes."""
    order = _order(db, data)
    if order["ord_stas"] == SETTLED:
        return _told(db, order)
    if order["ord_stas"] != WAITING:
        raise Refusal("订单状态不允许支付")
    if data.get("payAuthNo") != order["pay_token"] or order["token_until"] <= now():
        raise Refusal("PAY_AUTH_NO 已过期")
    asked = {
        "psn_no": order["psn_no"],
        "mdtrt_id": order["mdtrt_id"],
        "chrg_bchno": order["chrg_bchno"],
        "medfee_sumamt": yuan(order["total"]),
        "acct_used_flag": "1",
    }
    made = transactions.settle_batch(db, {"data": asked}, "MP" + order["pay_ord_id"])["setlinfo"]
    db.execute(
        "UPDATE insurer_pay_order SET ord_stas = ?, setl_id = ? WHERE pay_ord_id = ?",
        (SETTLED, made["setl_id"], order["pay_ord_id"]),
    )
    return _told(db, _order(db, data))


def query(db: sqlite3.Connection, data: Data) -> dict[str, str]:
    """6301: the order as it stands."""
    return _told(db, _order(db, data))


def _told(db: sqlite3.Connection, order: sqlite3.Row) -> dict[str, str]:
    told = {"payOrdId": order["pay_ord_id"], "ordStas": order["ord_stas"], "medOrgOrd": order["med_org_ord"]}
    asked = {
        "psn_no": order["psn_no"],
        "mdtrt_id": order["mdtrt_id"],
        "chrg_bchno": order["chrg_bchno"],
        "medfee_sumamt": yuan(order["total"]),
        "acct_used_flag": "1",
    }
    if order["setl_id"]:
        done = db.execute("SELECT * FROM insurer_settlement WHERE setl_id = ?", (order["setl_id"],)).fetchone()
        sums = transactions.setlinfo_of(db, done)["setlinfo"]
    else:
        sums = transactions.presettle(db, {"data": asked}, "MP" + order["pay_ord_id"])["setlinfo"]
    return told | {
        "feeSumamt": sums["medfee_sumamt"],
        "fundPay": sums["fund_pay_sumamt"],
        "psnAcctPay": sums["acct_pay"],
        "ownPayAmt": sums["psn_cash_pay"],
        "setlId": order["setl_id"] or "",
    }


def refund(db: sqlite3.Connection, data: Data) -> dict[str, str]:
    """6203: all that insurance paid is back with it; the same refund number again is the same refund."""
    order, number = _order(db, data), str(data.get("appRefdSn"))
    if order["ord_stas"] == REFUNDED and order["refund_no"] == number:
        return {"payOrdId": order["pay_ord_id"], "refStatus": "SUCC"}
    if order["ord_stas"] != SETTLED or not number:
        raise Refusal("订单状态不允许退款")
    told = _told(db, order)
    wanted = (fen(told["fundPay"]), fen(told["psnAcctPay"]))
    if (fen(data.get("fundRefdAmt")), fen(data.get("psnAcctRefdAmt"))) != wanted:
        raise Refusal("退款金额与支付不符")
    given = {"setl_id": order["setl_id"], "mdtrt_id": order["mdtrt_id"], "psn_no": order["psn_no"]}
    transactions.cancel(db, {"data": given}, "MR" + order["pay_ord_id"])
    db.execute(
        "UPDATE insurer_pay_order SET ord_stas = ?, refund_no = ? WHERE pay_ord_id = ?",
        (REFUNDED, number, order["pay_ord_id"]),
    )
    return {"payOrdId": order["pay_ord_id"], "refStatus": "SUCC"}


def revoke(db: sqlite3.Connection, data: Data) -> dict[str, str]:
    """6401: the order can no longer be paid; refused for one that was."""
    order = _order(db, data)
    if order["ord_stas"] not in {WAITING, REVOKED}:
        raise Refusal("订单已支付，不能撤销")
    db.execute("UPDATE insurer_pay_order SET ord_stas = ? WHERE pay_ord_id = ?", (REVOKED, order["pay_ord_id"]))
    return {"payOrdId": order["pay_ord_id"], "ordStas": REVOKED}


DEEDS: dict[str, Callable[[sqlite3.Connection, Data], dict[str, str]]] = {
    "uldFeeInfo": upload,
    "pay_order": pay,
    "refund_Order": refund,
    "query_order_info": query,
    "revoke_order": revoke,
}


def blueprint(world: World) -> Blueprint:
    """The centre's five addresses under /org/local/api/hos."""
    web = Blueprint("mobile_centre", __name__, url_prefix="/org/local/api/hos")
    keys = world.keys
    sides = Sides(keys.mipay_app_id, keys.mipay_secret, keys.mipay_centre_private, keys.mipay_hospital_public)

    @web.post("/<deed>")
    def centre(deed: str) -> ResponseReturnValue:
        with world.store.write() as db:
            struck = take_switches(db, "insurer", ("down", "slow"))
        if "down" in struck:
            raise ApiError(503, "SYSTEM_BUSY", "医保移动支付中心维护中")
        time.sleep(struck.get("slow", 0.0))
        body = request.get_json(silent=True)
        if deed not in DEEDS or not isinstance(body, dict):
            raise ApiError(404, "NOT_FOUND", "没有这个接口")
        try:
            data = open_body(sides, body)
            with world.store.write() as db:
                told = DEEDS[deed](db, data)
        except BadEnvelope:
            return jsonify(code=-1, message="验签失败")
        except Refusal as refusal:
            return jsonify(code=-1, message=str(refusal))
        return jsonify(close_body(sides, told, wall_clock(now(), "%Y%m%d%H%M%S")))

    return web
