"""The platform's door: one address per method, every question signed, and a page for whoever holds an invoice."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import sqlite3
import time
import uuid
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now
from sandbox.errors import ApiError
from sandbox.fiscal.book import METHODS, Answer, Refusal
from sandbox.switches import take_switches
from sandbox.world import World

VERSION, GOOD, UNSIGNED, UNKNOWN_METHOD, BUSY = "1.0", "S0000", "E0001", "E0005", "E0009"
BEFORE = ("down", "slow", "refuse")


def blueprint(world: World) -> Blueprint:
    """The methods under /medical-web, the bills' pages under /fiscal/bill, and the book for programs."""
    web = Blueprint("fiscal", __name__)

    @web.post("/medical-web/api/medical/<method>")
    def call(method: str) -> ResponseReturnValue:
        return jsonify(_answered(world, *_called(world, method)))

    @web.get("/fiscal/bill/<token>")
    def bill(token: str) -> ResponseReturnValue:
        """What anyone sees who scans the code on an invoice."""
        row = world.store.one("SELECT * FROM fiscal_bill WHERE token = ?", token)
        if row is None:
            raise ApiError(404, "NOT_FOUND", "票据不存在")
        red = world.store.one("SELECT * FROM fiscal_bill WHERE original = ?", token)
        return render_template("fiscal_bill.html", bill=row, red=red)

    @web.get("/sandbox/fiscal/book")
    def book() -> ResponseReturnValue:
        """Every bill, oldest first, with what was told of it."""
        rows = world.store.rows("SELECT * FROM fiscal_bill ORDER BY batch_code, number")
        return jsonify([dict(row) | {"body": json.loads(row["body"])} for row in rows])

    return web


def _called(world: World, method: str) -> tuple[str, Answer | str]:
    """The result's code and message: a refusal's words, or what the method answers."""
    with world.store.write() as db:
        struck = take_switches(db, "fiscal", BEFORE)
    if "down" in struck:
        raise ApiError(503, "SYSTEM_BUSY", "平台维护中")
    time.sleep(struck.get("slow", 0.0))
    asked = _opened(world)
    if asked is None:
        return UNSIGNED, "签名错误"
    if "refuse" in struck:
        return BUSY, "开票点已停用"
    if method not in METHODS:
        return UNKNOWN_METHOD, f"不支持的方法 {method}"
    try:
        with world.store.write() as db:
            told = METHODS[method](db, asked, f"{world.settings.public_url}/fiscal/bill")
            after = take_switches(db, "fiscal", ("late",))
    except Refusal as refusal:
        return refusal.code, str(refusal)
    time.sleep(after.get("late", 0.0))
    return GOOD, told


def _sign(world: World, data: str, noise: str) -> str:
    keys = world.keys
    text = f"appid={keys.fiscal_appid}&data={data}&noise={noise}&key={keys.fiscal_key}&version={VERSION}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _opened(world: World) -> dict[str, Any] | None:
    """The question of a call signed with the hospital's key, its noise not heard before; None otherwise."""
    envelope = request.get_json(silent=True)
    if not isinstance(envelope, dict) or envelope.get("appid") != world.keys.fiscal_appid:
        return None
    data, noise = str(envelope.get("data", "")), str(envelope.get("noise", ""))
    if not noise or not hmac.compare_digest(_sign(world, data, noise).encode(), str(envelope.get("sign")).encode()):
        return None
    try:
        with world.store.write() as db:
            db.execute("INSERT INTO fiscal_noise VALUES (?, ?)", (noise[:64], now()))
        asked = json.loads(base64.b64decode(data, validate=True), parse_float=str)
    except (sqlite3.IntegrityError, binascii.Error, ValueError):
        return None
    return asked if isinstance(asked, dict) else None


def _answered(world: World, code: str, message: Answer | str) -> dict[str, str]:
    """The envelope of an answer, signed like a question."""
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    result = {"result": code, "message": base64.b64encode(text.encode()).decode()}
    data, noise = base64.b64encode(json.dumps(result).encode()).decode(), uuid.uuid4().hex
    return {"data": data, "noise": noise, "sign": _sign(world, data, noise)}
