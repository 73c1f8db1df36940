"""Is this really Alipay 支付宝 who calls? Answered from the form alone, without asking anybody.

A notification is a form whose fields, all but `sign` and `sign_type`, are signed with Alipay's RSA key (RSA2). It is
ours when it names our app and our account as the seller.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from app.kernel.money import parse_yuan
from app.payment.notifications import LARGEST_BYTES, Flaw, NotificationRefused
from app.payment.ports import Paid

CHINA = ZoneInfo("Asia/Shanghai")
# Alipay tries for 25 hours (异步通知说明); nothing it tells is older, nor from the future.
OLDEST, AHEAD = timedelta(hours=26), timedelta(minutes=5)
MOST_FIELDS = 100
PAID_STATES = frozenset({"TRADE_SUCCESS", "TRADE_FINISHED"})
KEPT = ("out_trade_no", "trade_no", "total_amount", "trade_status", "gmt_payment", "buyer_id", "out_biz_no")
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_TRADE_NO = re.compile(r"[0-9]{1,40}", re.ASCII)
_KIND = re.compile(r"[A-Z_]{1,40}", re.ASCII)


@dataclass(frozen=True)
class AlipayKeys:
    """Who we are to Alipay, and by what it is known."""

    app_id: str
    seller_id: str
    public_key: RSAPublicKey


@dataclass(frozen=True)
class AlipayNotification:
    """A notification that is Alipay's and meant for us; `content` holds what is used of it, as JSON."""

    notify_id: str
    kind: str
    content: bytes
    paid: Paid | None


def read_alipay(body: bytes, now: datetime, keys: AlipayKeys) -> AlipayNotification:
    """The notification in a form's `body`, believed; raises NotificationRefused and nothing else.

    `now` is the world's time. Order: size, form, signature, addressee, age, content. What it tells of a refund, or of
    a trade that is not paid, is believed and of no use: `paid` is None.
    """
    if len(body) > LARGEST_BYTES:
        raise NotificationRefused(Flaw.TOO_LARGE)
    told = _form(body)
    _check_signature(told, keys)
    if told.get("app_id") != keys.app_id or told.get("seller_id") != keys.seller_id:
        raise NotificationRefused(Flaw.FOREIGN)
    told_at = _instant(told.get("notify_time", ""))
    if not now - OLDEST <= told_at <= now + AHEAD:
        raise NotificationRefused(Flaw.STALE)
    kind = _shaped(told, "trade_status", _KIND)
    is_payment = kind in PAID_STATES and not told.get("refund_fee") and not told.get("out_biz_no")
    content = {name: told[name] for name in KEPT if name in told}
    return AlipayNotification(
        _shaped(told, "notify_id", _NUMBER),
        kind if is_payment else f"{kind}_NOT_USED"[:40],
        json.dumps(content, ensure_ascii=False).encode(),
        payment(content) if is_payment else None,
    )


def payment(told: Mapping[str, str]) -> Paid:
    """The money a kept notification tells of; NotificationRefused when a part is missing or of a wrong kind."""
    try:
        amount_fen = parse_yuan(told.get("total_amount", ""))
    except ValueError:
        raise NotificationRefused(Flaw.MALFORMED) from None
    if amount_fen == 0:
        raise NotificationRefused(Flaw.MALFORMED)
    return Paid(
        out_trade_no=_shaped(told, "out_trade_no", _NUMBER),
        transaction_id=_shaped(told, "trade_no", _TRADE_NO),
        amount_fen=amount_fen,
        paid_at=_instant(told.get("gmt_payment", "")),
        payer_ref=_shaped(told, "buyer_id", _NUMBER) if told.get("buyer_id") else "",
    )


def _form(body: bytes) -> dict[str, str]:
    """The form's fields, each once, in UTF-8."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise NotificationRefused(Flaw.MALFORMED) from None
    told = dict(pairs)
    if len(told) != len(pairs) or told.get("charset", "utf-8").lower() != "utf-8":
        raise NotificationRefused(Flaw.MALFORMED)
    return told


def signed_text(told: Mapping[str, str], without: frozenset[str] = frozenset({"sign", "sign_type"})) -> bytes:
    """What the signature of a form is over: its fields by name, `name=value`, joined by `&`."""
    return "&".join(f"{name}={told[name]}" for name in sorted(told) if name not in without).encode()


def _check_signature(told: Mapping[str, str], keys: AlipayKeys) -> None:
    if told.get("sign_type") != "RSA2":
        raise NotificationRefused(Flaw.TYPE)
    try:
        signature = base64.b64decode(told.get("sign", ""), validate=True)
        keys.public_key.verify(signature, signed_text(told), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        raise NotificationRefused(Flaw.SIGNATURE) from None


def _shaped(told: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = told.get(name, "")
    if not shape.fullmatch(value):
        raise NotificationRefused(Flaw.MALFORMED)
    return value


def _instant(text: str) -> datetime:
    """An instant as Alipay writes it, on China's wall."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise NotificationRefused(Flaw.MALFORMED) from None
