"""The insurer's door: one address for all FSI transactions, its signature checked, its misfortunes on order."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sqlite3
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now, wall_clock
from sandbox.drive import done, number, orders, wanted
from sandbox.errors import ApiError
from sandbox.insurer import people, statements
from sandbox.insurer.transactions import TRANSACTIONS
from sandbox.insurer.wording import Refusal, fen, yuan
from sandbox.switches import take_switches
from sandbox.world import World

SKEW_SECONDS = 300
BEFORE, AFTER = ("down", "slow"), ("late", "wrong_sum", "wrong_person", "twice")
SUMS = {"2206", "2207"}
CANCEL = "2208"


def blueprint(world: World) -> Blueprint:
    """The transactions under /fsi, and the drive under /sandbox/insurer."""
    web = Blueprint("insurer", __name__)

    @web.post("/fsi/api/rsfComIfsService/callService")
    def call() -> ResponseReturnValue:
        return _call(world)

    @web.post("/sandbox/insurer/people")
    def enrol() -> ResponseReturnValue:
        """Enrol somebody: {card_no, certno, name, policy, balance_fen}."""
        order = orders()
        card_no, policy = wanted(order, "card_no"), wanted(order, "policy")
        people.enrol(
            world.store,
            card_no=card_no,
            certno=wanted(order, "certno", ""),
            name=wanted(order, "name", "参保人"),
            policy=policy,
            balance=int(number(order, "balance_fen", 0)),
        )
        return done({"card_no": card_no, "policy": policy})

    @web.post("/sandbox/insurer/token")
    def token() -> ResponseReturnValue:
        """The electronic voucher on somebody's phone: {card_no}."""
        shown = people.show_token(world.store, wanted(orders(), "card_no"))
        if not shown:
            raise ApiError(404, "NOT_FOUND", "nobody is insured by this card")
        return done({"token": shown})

    @web.post("/sandbox/insurer/plant")
    def plant() -> ResponseReturnValue:
        """Make the ledger differ from the hospital's: {kind: only_there|only_here|amount, setl_id} (the newest)."""
        order = orders()
        try:
            with world.store.write() as db:
                planted = statements.plant(db, wanted(order, "kind"), wanted(order, "setl_id", ""))
        except Refusal as refusal:
            raise ApiError(400, "PARAM_ERROR", str(refusal)) from None
        return done(planted)

    @web.get("/sandbox/insurer/books")
    def books() -> ResponseReturnValue:
        """The insurer's own ledger: what each card has used, and every settlement, newest first."""
        settlements = world.store.rows(
            "SELECT setl_id, msgid, mdtrt_id, chrg_bchno, sums, state FROM insurer_settlement ORDER BY settled_at DESC"
        )
        persons = world.store.rows("SELECT card_no, policy, year, deductible, fund, balance FROM insurer_person")
        return jsonify(
            settlements=[dict(row) | {"sums": json.loads(row["sums"])} for row in settlements],
            people=[dict(row) for row in persons],
        )

    return web


def _call(world: World) -> Response:
    with world.store.write() as db:
        before = take_switches(db, "insurer", BEFORE)
    if "down" in before:
        raise ApiError(503, "SYSTEM_BUSY", "医保系统维护中")
    _verify(world)
    time.sleep(before.get("slow", 0.0))
    envelope = request.get_json(silent=True)
    if not isinstance(envelope, dict) or not isinstance(envelope.get("input"), dict):
        raise ApiError(400, "PARAM_ERROR", "an FSI envelope is wanted")
    infno, msgid = str(envelope.get("infno")), str(envelope.get("msgid"))
    if infno == CANCEL and _strikes(world, ("no_cancel",)):
        return _answer(msgid, -1, {}, "已清算，不能撤销")
    try:
        if infno == "9102":
            with world.store.write() as db:
                return Response(statements.download(db, envelope["input"]), mimetype="application/octet-stream")
        output = _carry_out(world, infno, msgid, envelope)
    except Refusal as refusal:
        return _answer(msgid, -1, {}, str(refusal))
    after = _strikes(world, AFTER if infno in SUMS else ("late", "twice") if infno == CANCEL else ())
    time.sleep(after.get("late", 0.0))
    return _answer("0" * 30 if "twice" in after else msgid, 0, _spoilt(output, after), "")


def _strikes(world: World, modes: tuple[str, ...]) -> dict[str, float]:
    with world.store.write() as db:
        return take_switches(db, "insurer", modes)


def _carry_out(world: World, infno: str, msgid: str, envelope: dict[str, Any]) -> dict[str, Any]:
    """The transaction done, in one writing of the books; Refusal when the insurer says no."""
    if infno not in TRANSACTIONS:
        raise Refusal(f"不支持的交易 {infno}")
    if not re.fullmatch(r"[0-9A-Za-z]{12}\d{18}", msgid, re.ASCII):
        raise Refusal("msgid 格式错误")
    if envelope.get("fixmedins_code") != msgid[:12]:
        raise Refusal("定点医药机构编号与 msgid 不符")
    with world.store.write() as db:
        return TRANSACTIONS[infno](db, envelope["input"], msgid)


def _spoilt(output: dict[str, Any], struck: dict[str, float]) -> dict[str, Any]:
    """The answer as a misfortune has it: one fen too much from the fund, or somebody else's settlement."""
    information = output.get("setlinfo")
    if information and "wrong_sum" in struck:
        information["fund_pay_sumamt"] = yuan(fen(information["fund_pay_sumamt"]) + 1)
    if information and "wrong_person" in struck:
        information["psn_no"] = "1101" + "9" * 18
    return output


def _answer(msgid: str, infcode: int, output: dict[str, Any], words: str) -> Response:
    told = {
        "infcode": infcode,
        "inf_refmsgid": msgid,
        "refmsg_time": wall_clock(now(), "%Y%m%d%H%M%S000"),
        "respond_time": wall_clock(now(), "%Y%m%d%H%M%S000"),
        "err_msg": words,
        "output": output,
    }
    return Response(json.dumps(told, ensure_ascii=False), mimetype="application/json")


def _verify(world: World) -> None:
    """Passes only a request signed now and once; ApiError 401 otherwise."""
    stamp, nonce = request.headers.get("x-tif-timestamp", ""), request.headers.get("x-tif-nonce", "")
    if request.headers.get("x-tif-paasid") != world.keys.fsi_paasid:
        raise ApiError(401, "SIGN_ERROR", "x-tif-paasid")
    if not re.fullmatch(r"\d{1,12}", stamp, re.ASCII) or abs(now() - int(stamp)) > SKEW_SECONDS:
        raise ApiError(401, "SIGN_ERROR", "x-tif-timestamp")
    wanted_signature = hashlib.sha256(f"{stamp}{world.keys.fsi_token}{nonce}{stamp}".encode()).hexdigest()
    given = request.headers.get("x-tif-signature", "")
    if not nonce or not hmac.compare_digest(wanted_signature.encode(), given.encode("utf-8", "replace")):
        raise ApiError(401, "SIGN_ERROR", "x-tif-signature")
    with world.store.write() as db:
        db.execute("DELETE FROM insurer_nonce WHERE seen_at < ?", (now() - 2 * SKEW_SECONDS,))
        try:
            db.execute("INSERT INTO insurer_nonce VALUES (?, ?)", (nonce[:64], now()))
        except sqlite3.IntegrityError:
            raise ApiError(401, "SIGN_ERROR", "x-tif-nonce was used before") from None
