"""Notifications (支付通知): sealed with the APIv3 key, signed afresh at each try, sometimes wrong on purpose."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.clock import now, rfc3339
from sandbox.deliveries import Event, Push, Route, enqueue
from sandbox.switches import take_switches
from sandbox.world import World
from sandbox.wxpay import ledger, refunds
from sandbox.wxpay.signing import seal, signed_headers

# WeChat's own schedule in seconds; 15 retries over 24 h 4 min.
RETRY_SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
FAULTS = ("drop", "delay", "twice", "signtest", "altered", "old", "wrong_key")
SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "MEDICAL_INSURANCE.SUCCESS": "医保混合收款成功",
}
KINDS = {"TRANSACTION": "transaction", "REFUND": "refund", "MEDICAL_INSURANCE": "medical_insurance"}
# A mixed payment is told of for half a minute only; who missed it must ask.
MIXED, MIXED_RETRY_SECONDS = "wxpay_mixed", (15, 15)


def routes(world: World) -> dict[str, Route]:
    """How notifications travel: received by 200 or 204, retried on WeChat's two schedules run faster."""
    return {"wxpay": _route(world, RETRY_SECONDS), MIXED: _route(world, MIXED_RETRY_SECONDS)}


def _route(world: World, retry_seconds: tuple[int, ...]) -> Route:
    waits = tuple(seconds / world.settings.retry_speedup for seconds in retry_seconds)
    return Route(lambda row: write(world, row), frozenset({200, 204}), waits)


def tell_paid(db: sqlite3.Connection, world: World, order: sqlite3.Row) -> None:
    """Write down that the merchant is to be told of a payment."""
    facts = ledger.transaction(order, world.keys.appid, world.keys.mchid)
    _tell(db, "TRANSACTION.SUCCESS", order["out_trade_no"], order["notify_url"], facts)


def tell_refunded(db: sqlite3.Connection, world: World, refund: sqlite3.Row) -> None:
    """Write down that the merchant is to be told of a refund, when it gave an address for that."""
    if refund["notify_url"]:
        facts = refunds.told(refund, world.keys.mchid)
        _tell(db, "REFUND.SUCCESS", refund["out_refund_no"], refund["notify_url"], facts)


def tell_mixed(db: sqlite3.Connection, mix_trade_no: str, url: str, facts: dict[str, Any]) -> None:
    """Write down that the merchant is to be told of a mixed payment."""
    _tell(db, "MEDICAL_INSURANCE.SUCCESS", mix_trade_no, url, facts, MIXED)


def _tell(
    db: sqlite3.Connection, event_type: str, subject: str, url: str, facts: dict[str, Any], provider: str = "wxpay"
) -> None:
    event = Event(provider, str(uuid.uuid4()), event_type, subject, url, json.dumps(facts, ensure_ascii=False))
    enqueue(db, event, take_switches(db, "wxpay", FAULTS))


def write(world: World, row: sqlite3.Row) -> Push:
    """One try of a notification; the row's fault spoils the first try only."""
    fault = row["fault"] if row["tries"] <= 1 else ""
    return compose(world, row, json.loads(row["payload"]), fault)


def compose(world: World, row: sqlite3.Row | dict[str, Any], facts: dict[str, Any], fault: str) -> Push:
    """Seal `facts` and sign the body, spoiled as `fault` says (empty: a true notification)."""
    kind = KINDS[row["event_type"].partition(".")[0]]
    plain = json.dumps(facts, ensure_ascii=False).encode()
    body = json.dumps(
        {
            "id": row["event_id"],
            "create_time": rfc3339(row["created_at"]),
            "resource_type": "encrypt-resource",
            "event_type": row["event_type"],
            "summary": SUMMARIES[row["event_type"]],
            "resource": {"original_type": kind, **seal(world.keys.apiv3_key, plain, kind)},
        },
        ensure_ascii=False,
    ).encode()
    headers = signed_headers(world.keys.platform_private, world.keys.public_key_id, body, now())
    headers |= {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0", "Request-ID": secrets.token_hex(16)}
    push = Push(row["url"], headers, body)
    return SPOILERS[fault](world, push) if fault in SPOILERS else push


def _with(push: Push, headers: dict[str, str], body: bytes | None = None) -> Push:
    return Push(push.url, {**push.headers, **headers}, push.body if body is None else body)


def _signtest(_world: World, push: Push) -> Push:
    return _with(push, {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + push.headers["Wechatpay-Signature"][19:]})


def _altered(_world: World, push: Push) -> Push:
    return _with(push, {}, push.body.replace("成功".encode(), "失败".encode(), 1))


def _old(world: World, push: Push) -> Push:
    keys = world.keys
    return _with(push, signed_headers(keys.platform_private, keys.public_key_id, push.body, now() - 86400))


def _wrong_key(world: World, push: Push) -> Push:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _with(push, signed_headers(foreign, world.keys.public_key_id, push.body, now()))


SPOILERS: dict[str, Callable[[World, Push], Push]] = {
    "signtest": _signtest,
    "altered": _altered,
    "old": _old,
    "wrong_key": _wrong_key,
}


def carry_out_refunds(world: World) -> None:
    """Afterwards refunds that are due have succeeded and their notifications are written down."""
    if world.store.one("SELECT 1 FROM wxpay_refund WHERE state = 'PROCESSING' AND due_at <= ?", now()) is None:
        return
    with world.store.write() as db:
        for refund in refunds.carry_out_due(db):
            tell_refunded(db, world, refund)
