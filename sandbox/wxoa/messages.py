"""Template messages (模板消息) and what became of each, pushed back as a signed event."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from sandbox.clock import now
from sandbox.deliveries import Event, Push, Route, enqueue
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World
from sandbox.wxoa import templates
from sandbox.wxoa.tokens import OaError

PUSH_PATH = "/callbacks/wechat-oa"
RETRY_SECONDS = (5.0, 5.0, 5.0)
ACCOUNT_NAME = "gh_sandbox000001"


def route(world: World) -> Route:
    """How events travel: received by 200, tried three more times."""
    waits = tuple(seconds / world.settings.retry_speedup for seconds in RETRY_SECONDS)
    return Route(lambda row: write(world, row), frozenset({200}), waits)


def send_template(world: World, form: dict[str, Any]) -> int:
    """Take a message for one person and return its msgid; what became of it follows as an event.

    The same `client_msg_id` is the same message. OaError 40003 unknown openid, 43004 not following, 40037 no such
    template, 47003 not what its keywords want.
    """
    with world.store.write() as db:
        person = db.execute("SELECT * FROM wxoa_user WHERE openid = ?", (str(form.get("touser")),)).fetchone()
        client_msg_id = str(form["client_msg_id"]) if form.get("client_msg_id") else None
        known = db.execute("SELECT msgid FROM wxoa_message WHERE client_msg_id = ?", (client_msg_id,)).fetchone()
        if known is not None:
            return int(known["msgid"])
        _demand_sendable(person, form)
        struck = take_switches(db, "wxoa", ("system_failed",))
        status = "failed:user block" if person["blocked"] else "failed: system failed" if struck else "success"
        message = insert(
            db,
            "wxoa_message",
            msgid=10**15 + secrets.randbelow(10**15),
            openid=person["openid"],
            template_id=form["template_id"],
            url=str(form.get("url", "")),
            data=json.dumps(form["data"], ensure_ascii=False),
            client_msg_id=client_msg_id,
            status=status,
            created_at=now(),
        )
        _tell(db, world, message)
    return int(message["msgid"])


def _demand_sendable(person: sqlite3.Row | None, form: dict[str, Any]) -> None:
    if person is None:
        raise OaError(40003, "invalid openid")
    if not person["subscribed"]:
        raise OaError(43004, "require subscribe")
    granted = templates.keywords_of(form.get("template_id"))
    if not isinstance(form.get("data"), dict):
        raise OaError(47001, "data format error")
    templates.demand_filled(granted, form["data"])


def _tell(db: sqlite3.Connection, world: World, message: sqlite3.Row) -> None:
    told = {name: message[name] for name in ("msgid", "openid", "status", "created_at")}
    msgid = str(message["msgid"])
    url = world.settings.app_url + PUSH_PATH
    enqueue(db, Event("wxoa", msgid, "TEMPLATESENDJOBFINISH", msgid, url, json.dumps(told)), {})


def push_signature(token: str, timestamp: str, nonce: str) -> str:
    """WeChat's signature of a push: SHA1 over token, timestamp and nonce, sorted and joined."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()  # noqa: S324


def write(world: World, row: sqlite3.Row) -> Push:
    """One try of an event, signed afresh."""
    told = json.loads(row["payload"])
    timestamp, nonce = str(int(now())), str(secrets.randbelow(10**9))
    signature = push_signature(world.keys.wxoa_token, timestamp, nonce)
    query = urlencode({"signature": signature, "timestamp": timestamp, "nonce": nonce, "openid": told["openid"]})
    body = (
        f"<xml><ToUserName><![CDATA[{ACCOUNT_NAME}]]></ToUserName>"
        f"<FromUserName><![CDATA[{told['openid']}]]></FromUserName>"
        f"<CreateTime>{int(told['created_at'])}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{escape(row['event_type'])}]]></Event><MsgID>{told['msgid']}</MsgID>"
        f"<Status><![CDATA[{told['status']}]]></Status></xml>"
    )
    return Push(f"{row['url']}?{query}", {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0"}, body.encode())
