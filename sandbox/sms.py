"""Text messages (短信): taken once per reference, and read on a page instead of a phone."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import sqlite3
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.clock import now
from sandbox.errors import ApiError
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World

PHONE = re.compile(r"(\+86)?1\d{10}")
WORDS = {"login_code": "验证码 {code}，5 分钟内有效，请勿告诉他人。"}


def blueprint(world: World) -> Blueprint:
    """The provider's interface and the inbox."""
    web = Blueprint("sms", __name__)

    @web.post("/sms/send")
    def send() -> ResponseReturnValue:
        """Take {phone, template, params, client_ref}; answer {message_id, state: delivered|failed}."""
        _demand_key(world)
        return jsonify(_take(world, _checked(request.get_json(silent=True))))

    @web.get("/sms/inbox")
    def inbox() -> ResponseReturnValue:
        """What a phone received, newest first: ?phone= narrows it."""
        return jsonify([_told(row) for row in received(world, request.args.get("phone", ""))])

    @web.get("/sms")
    def page() -> ResponseReturnValue:
        phone = request.args.get("phone", "")
        return render_template("sms.html", messages=[_told(row) for row in received(world, phone)], phone=phone)

    return web


def _demand_key(world: World) -> None:
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {world.keys.sms_key}".encode()):
        raise ApiError(401, "INVALID_KEY", "the key is not the account's")


def _checked(form: object) -> dict[str, Any]:
    wanted = {"phone": str, "template": str, "params": dict, "client_ref": str}
    if not isinstance(form, dict) or not all(isinstance(form.get(name), kind) for name, kind in wanted.items()):
        raise ApiError(400, "PARAM_ERROR", "phone, template, params and client_ref are wanted")
    if not PHONE.fullmatch(form["phone"]) or not form["client_ref"]:
        raise ApiError(400, "PARAM_ERROR", "phone: a mainland mobile number")
    return form


def _take(world: World, form: dict[str, Any]) -> dict[str, str]:
    params = json.dumps(form["params"], ensure_ascii=False, sort_keys=True)
    with world.store.write() as db:
        struck = take_switches(db, "sms", ("down", "fail"))
        known = db.execute("SELECT * FROM sms_message WHERE client_ref = ?", (form["client_ref"],)).fetchone()
        message = known or (None if "down" in struck else _write(db, form, params, failed="fail" in struck))
        if known is not None:
            db.execute("UPDATE sms_message SET repeats = repeats + 1 WHERE message_id = ?", (known["message_id"],))
    if message is None:
        raise ApiError(503, "SERVICE_DOWN", "try again later")
    if (message["phone"], message["template"], message["params"]) != (form["phone"], form["template"], params):
        raise ApiError(409, "CLIENT_REF_USED", "this client_ref named another message")
    return {"message_id": message["message_id"], "state": message["state"]}


def _write(db: sqlite3.Connection, form: dict[str, Any], params: str, *, failed: bool) -> sqlite3.Row:
    return insert(
        db,
        "sms_message",
        message_id="SMS" + secrets.token_hex(12),
        client_ref=form["client_ref"],
        phone=form["phone"],
        template=form["template"],
        params=params,
        state="failed" if failed else "delivered",
        created_at=now(),
    )


def received(world: World, phone: str = "") -> list[sqlite3.Row]:
    """Messages newest first, of one phone or of all."""
    return world.store.rows(
        "SELECT * FROM sms_message WHERE ? IN ('', phone) ORDER BY created_at DESC, rowid DESC LIMIT 200", phone
    )


def _told(row: sqlite3.Row) -> dict[str, Any]:
    params = json.loads(row["params"])
    words = WORDS.get(row["template"])
    text = words.format_map({"code": "", **params}) if words else "，".join(str(value) for value in params.values())
    return dict(row) | {"params": params, "text": text}
