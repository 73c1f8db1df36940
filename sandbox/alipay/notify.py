"""Alipay's notifications (异步通知): a signed form, sent until it is answered by the word `success`."""

from __future__ import annotations

import json
import secrets
import sqlite3
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.alipay import trades
from sandbox.alipay.signing import sign, text_of
from sandbox.clock import now, wall_clock
from sandbox.deliveries import Event, Push, Route, enqueue
from sandbox.switches import take_switches
from sandbox.world import World

# Alipay's own schedule in seconds: 4m, 10m, 10m, 1h, 2h, 6h, 15h.
RETRY_SECONDS = (240, 600, 600, 3600, 7200, 21600, 54000)
FAULTS = ("drop", "delay", "twice", "altered", "wrong_key")
# Four minutes between the first tries would be sixteen seconds at the speed of WeChat's; people do not wait so long.
FASTER = 8


def route(world: World) -> Route:
    """How notifications travel: received by the answer `success`, retried on Alipay's schedule run faster."""
    waits = tuple(seconds / (world.settings.retry_speedup * FASTER) for seconds in RETRY_SECONDS)
    return Route(lambda row: write(world, row), frozenset({200}), waits, words=b"success")


def tell_paid(db: sqlite3.Connection, world: World, trade: sqlite3.Row) -> None:
    """Write down that the merchant is to be told of a payment."""
    if not trade["notify_url"]:
        return
    facts = facts_of(world, trade)
    event = Event(
        "alipay", facts["notify_id"], "trade_status_sync", trade["out_trade_no"], trade["notify_url"], json.dumps(facts)
    )
    enqueue(db, event, take_switches(db, "alipay", FAULTS))


def facts_of(world: World, trade: sqlite3.Row) -> dict[str, str]:
    """The fields of a notification of this trade, without signature."""
    return {
        "notify_type": "trade_status_sync",
        "notify_id": wall_clock(now(), "%Y%m%d") + secrets.token_hex(13),
        "charset": "utf-8",
        "version": "1.0",
        "app_id": world.keys.alipay_app_id,
        "auth_app_id": world.keys.alipay_app_id,
        "seller_id": world.keys.alipay_seller_id,
        "out_trade_no": trade["out_trade_no"],
        "trade_no": trade["trade_no"],
        "subject": trade["subject"],
        "trade_status": trade["state"],
        "total_amount": trades.yuan(trade["total_fen"]),
        "receipt_amount": trades.yuan(trade["total_fen"]),
        "buyer_id": trades.BUYER,
        "buyer_logon_id": "159****5620",
        "gmt_create": wall_clock(trade["created_at"]),
        "gmt_payment": wall_clock(trade["paid_at"]),
    }


def write(world: World, row: sqlite3.Row) -> Push:
    """One try of a notification; the row's fault spoils the first try only."""
    return compose(world, row["url"], json.loads(row["payload"]), row["fault"] if row["tries"] <= 1 else "")


def compose(world: World, url: str, facts: dict[str, str], fault: str) -> Push:
    """The form, signed now; `altered` changes the amount afterwards, `wrong_key` signs with a stranger's key."""
    told = facts | {"notify_time": wall_clock(now())}
    key = world.keys.alipay_private
    if fault == "wrong_key":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    told |= {"sign": sign(key, text_of(told)), "sign_type": "RSA2"}
    if fault == "altered":
        told["total_amount"] = "0.01"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Push(url, headers, urlencode(told).encode())
