"""What a well-formed order and refund look like; everything else is `PARAM_ERROR`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.clock import parse_rfc3339
from sandbox.errors import ApiError
from sandbox.world import LOOPBACK, World

NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")


def demand(holds: object, words: str) -> None:
    """ApiError 400 `PARAM_ERROR` with `words` unless `holds`."""
    if not holds:
        raise ApiError(400, "PARAM_ERROR", words)


def text(form: dict[str, Any], name: str, longest: int, *, needed: bool = True) -> str:
    """A text field of at most `longest` characters; empty when missing and not `needed`."""
    value = form.get(name, "")
    demand(
        isinstance(value, str) and len(value) <= longest and (value or not needed), f"{name}: 1 to {longest} characters"
    )
    return str(value)


def fen(form: dict[str, Any], name: str) -> int:
    """A whole positive amount in fen (分)."""
    value = form.get(name)
    demand(isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 10**10, f"amount.{name}: whole fen")
    return int(value or 0)


def part(form: dict[str, Any], name: str) -> dict[str, Any]:
    """A nested object."""
    value = form.get(name)
    demand(isinstance(value, dict), f"{name}: an object")
    return dict(value or {})


def notify_url(form: dict[str, Any], *, needed: bool = True) -> str:
    """The address for notifications: at most 255 characters, no query; https, or http on this machine."""
    url = text(form, "notify_url", 255, needed=needed)
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    demand(not url or (secure and parts.hostname and not parts.query), "notify_url: https, without a query")
    return url


def check_order(form: dict[str, Any], trade_type: str, world: World) -> None:
    """Passes an order of `POST /v3/pay/transactions/{jsapi,native}` that is well formed.

    ApiError 400 `PARAM_ERROR`, or `APPID_MCHID_NOT_MATCH` when appid or mchid are not this merchant's.
    """
    demand(NUMBER.fullmatch(text(form, "out_trade_no", 32)), "out_trade_no: 6 to 32 of 0-9 A-Z a-z _ - | *")
    text(form, "description", 127)
    text(form, "attach", 128, needed=False)
    notify_url(form)
    amount = part(form, "amount")
    fen(amount, "total")
    demand(amount.get("currency", "CNY") == "CNY", "amount.currency: CNY")
    if trade_type == "JSAPI":
        text(part(form, "payer"), "openid", 128)
    if (form.get("appid"), form.get("mchid")) != (world.keys.appid, world.keys.mchid):
        raise ApiError(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")


def expires_at(form: dict[str, Any], ordered_at: float) -> float:
    """When an unpaid order lapses: its `time_expire` (more than a minute ahead), else after seven days."""
    if "time_expire" not in form:
        return ordered_at + 7 * 86400
    try:
        lapses_at = parse_rfc3339(text(form, "time_expire", 64))
    except ValueError:
        raise ApiError(400, "PARAM_ERROR", "time_expire: RFC 3339 with offset") from None
    demand(lapses_at > ordered_at + 60, "time_expire: more than one minute ahead")
    return lapses_at
