"""How people and programs make the hospital system speak, and read what it heard."""

from __future__ import annotations

import hmac
import json
import re
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from hl7_adapter.er7 import codec_of, parse
from hl7_adapter.mllp import NoAnswer, send_once
from sandbox.clock import now
from sandbox.drive import done, orders, wanted
from sandbox.errors import ApiError
from sandbox.his import bookings, messages, timetable
from sandbox.his.listener import new_control_id
from sandbox.insurer import people
from sandbox.store import insert
from sandbox.world import World

ANSWER_SECONDS = 10.0


def blueprint(world: World) -> Blueprint:
    """The drive under /sandbox/his."""
    web = Blueprint("his", __name__, url_prefix="/sandbox/his")

    @web.post("/send")
    def send() -> ResponseReturnValue:
        """Send {kind, …fields} or {raw, charset}; answer {id, control_id, ack_code, ack, raw}.

        `ack_code` is MSA-1, `NO_ANSWER` when none came in ten seconds, `UNREACHABLE` when nobody listened.
        """
        order = _with_lists(orders())
        kind = wanted(order, "kind", "raw" if order.get("raw") else None)
        control_id = wanted(order, "control_id", new_control_id())
        raw = _as_given(order) if order.get("raw") else messages.write(kind, order, control_id)
        _insure(world, order)
        return done(_exchange(world, kind, raw))

    @web.post("/resend")
    def resend() -> ResponseReturnValue:
        """Send an earlier message again, byte for byte: {id}."""
        row = world.store.one("SELECT * FROM his_sent WHERE id = ?", wanted(orders(), "id"))
        if row is None:
            raise ApiError(404, "NOT_FOUND", "no such message was sent")
        return done(_exchange(world, row["kind"], bytes(row["raw"])))

    @web.post("/times")
    def times() -> ResponseReturnValue:
        """Plan a doctor's time, which SQM^S25 can ask for: see `timetable.plan`; answer {number}."""
        return done({"number": timetable.plan(world.store, orders())})

    @web.get("/received")
    def received() -> ResponseReturnValue:
        """What arrived, newest first: ?message_type=SRM^S01 &control_id= narrow it."""
        given = request.args
        return jsonify(heard(world, given.get("message_type", ""), given.get("control_id", "")))

    @web.get("/sent")
    def sent() -> ResponseReturnValue:
        return jsonify(said(world))

    _books(web, world)
    return web


def _books(web: Blueprint, world: World) -> None:
    """What was booked of what arrived."""

    @web.get("/bookings")
    def booked() -> ResponseReturnValue:
        """What was booked on ?day=YYYY-MM-DD, as a batch of DFT^P03, for whoever holds the token."""
        if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {world.keys.his_token}"):
            raise ApiError(401, "SIGN_ERROR", "Authorization")
        day = request.args.get("day", "").replace("-", "")
        if not re.fullmatch(r"\d{8}", day, re.ASCII):
            raise ApiError(400, "PARAM_ERROR", "day: YYYY-MM-DD")
        return Response(bookings.batch(world.store, day), mimetype="application/hl7-v2")

    @web.post("/plant")
    def plant() -> ResponseReturnValue:
        """Make the books differ from what was told: {kind: only_there|lost|amount, control_id} (the newest)."""
        order = orders()
        with world.store.write() as db:
            return done(bookings.plant(db, wanted(order, "kind"), wanted(order, "control_id", "")))


def _insure(world: World, order: dict[str, Any]) -> None:
    """Whom the hospital system calls insured, the insurer knows."""
    if order.get("insurance_plan") and order.get("insurance_number"):
        people.enrol(
            world.store,
            card_no=str(order["insurance_number"]),
            certno=str(order.get("id_number", "")),
            name=str(order.get("name", "")),
            policy=str(order["insurance_plan"]),
        )


def _with_lists(order: dict[str, Any]) -> dict[str, Any]:
    """A page's form carries lists as JSON text."""
    for name in ("lines", "results"):
        if isinstance(order.get(name), str) and order[name].strip():
            try:
                order[name] = json.loads(order[name])
            except ValueError:
                raise ApiError(400, "PARAM_ERROR", f"{name}: a JSON list") from None
        if order.get(name) and not (
            isinstance(order[name], list) and all(isinstance(each, dict) for each in order[name])
        ):
            raise ApiError(400, "PARAM_ERROR", f"{name}: a list of objects")
    return order


def _as_given(order: dict[str, Any]) -> bytes:
    text = str(order["raw"]).replace("\r\n", "\r").replace("\n", "\r")
    codec = codec_of(wanted(order, "charset", "UNICODE UTF-8"))
    if codec is None:
        raise ApiError(400, "PARAM_ERROR", "charset: unknown")
    try:
        return text.encode(codec)
    except UnicodeEncodeError as missing:
        raise ApiError(400, "PARAM_ERROR", f"charset: {missing.reason}") from missing


def _exchange(world: World, kind: str, raw: bytes) -> dict[str, Any]:
    host, port = world.settings.app_mllp
    ack = b""
    try:
        ack = send_once(host, port, raw, ANSWER_SECONDS)
        code = parse(ack).get("MSA-1")
    except NoAnswer:
        code = "NO_ANSWER"
    except OSError:
        code = "UNREACHABLE"
    except ValueError as unsendable:
        raise ApiError(400, "PARAM_ERROR", str(unsendable)) from unsendable
    control_id = parse(raw).get("MSH-10")
    with world.store.write() as db:
        columns = {"control_id": control_id, "kind": kind, "raw": raw, "ack": ack, "ack_code": code}
        return _told(insert(db, "his_sent", **columns, sent_at=now()))


def text_of(raw: bytes | None) -> str:
    """A message as people read it: one segment a line, decoded by its own MSH-18."""
    if not raw:
        return ""
    return raw.decode(parse(raw).decoded.codec, "replace").replace("\r", "\n").strip()


def _told(row: sqlite3.Row) -> dict[str, Any]:
    return dict(row) | {"raw": text_of(row["raw"]), "ack": text_of(row["ack"])}


def said(world: World) -> list[dict[str, Any]]:
    """What this hospital system sent, newest first."""
    return [_told(row) for row in world.store.rows("SELECT * FROM his_sent ORDER BY id DESC LIMIT 200")]


def heard(world: World, message_type: str = "", control_id: str = "") -> list[dict[str, Any]]:
    """What this hospital system received, newest first, with its answers and the number of repeats."""
    rows = world.store.rows(
        "SELECT * FROM his_received WHERE ? IN ('', message_type) AND ? IN ('', control_id) ORDER BY id DESC LIMIT 500",
        message_type,
        control_id,
    )
    return [dict(row) | {"raw": text_of(row["raw"]), "answer": text_of(row["answer"])} for row in rows]
