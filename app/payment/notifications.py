"""Is this really the payment provider who calls? Answered from the message alone, without asking anybody.

WeChat Pay API v3 (微信支付): signature over timestamp, nonce and body with the platform's RSA key, content sealed with
the merchant's APIv3 key. A stranger can send anything here, so every flaw ends as NotificationRefused.
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.kernel.errors import Refused

LARGEST_BYTES = 64 * 1024
# wechatpay-go, core/auth/validators/wechat_pay_validator.go: 300 s off is too old, or too new.
SKEW_SECONDS = 300
SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM = "AEAD_AES_256_GCM"
TRANSACTION = "TRANSACTION."
MIXED = "MEDICAL_INSURANCE."

_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEADER = re.compile(r"[!-~]{1,1024}", re.ASCII)
_EVENT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_EVENT_TYPE = re.compile(r"[A-Z_.]{1,40}", re.ASCII)


class Flaw(enum.StrEnum):
    """Why a notification is not believed."""

    TOO_LARGE = "notification_too_large"
    HEADERS = "notification_headers"
    TYPE = "notification_signature_type"
    STALE = "notification_stale"
    SERIAL = "notification_serial"
    SIGNATURE = "notification_signature"
    MALFORMED = "notification_malformed"
    SEALED = "notification_sealed"
    FOREIGN = "notification_foreign"


class NotificationRefused(Refused):
    """The notification is not believed and nothing has changed; `flaw` says why."""

    code = "notification_refused"
    http_status = 401

    def __init__(self, flaw: Flaw) -> None:
        """Keeps the flaw, which is also in the facts."""
        super().__init__(flaw=flaw.value)
        self.flaw = flaw


@dataclass(frozen=True)
class NotificationKeys:
    """Who we are to the provider and how it is known: `public_keys` by key id, two of them during a change of keys."""

    mchid: str
    appid: str
    apiv3_key: bytes
    public_keys: Mapping[str, RSAPublicKey]


@dataclass(frozen=True)
class Notification:
    """A notification that is the provider's and meant for us; `content` is the opened resource as it was sealed."""

    event_id: str
    event_type: str
    content: bytes
    facts: Mapping[str, Any]


def public_key(pem: bytes) -> RSAPublicKey:
    """The platform's key from its PEM file; TypeError when it is not an RSA key."""
    key = load_pem_public_key(pem)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the platform signs with RSA")
    return key


def read_notification(headers: Mapping[str, str], body: bytes, now: datetime, keys: NotificationKeys) -> Notification:
    """The notification in `headers` and `body`, believed; raises NotificationRefused and nothing else.

    `now` is the world's time. Order: size, headers, age, key, signature, then the content. WeChat's signature probes
    (`WECHATPAY/SIGNTEST/…`) fail like any other false signature.
    """
    if len(body) > LARGEST_BYTES:
        raise NotificationRefused(Flaw.TOO_LARGE)
    _check_signature({name.lower(): value for name, value in headers.items()}, body, now, keys)
    told = strict_json(body)
    resource = told.get("resource")
    if told.get("resource_type") != "encrypt-resource" or not isinstance(resource, dict):
        raise NotificationRefused(Flaw.MALFORMED)
    content = open_resource(keys.apiv3_key, resource)
    facts = strict_json(content)
    event_type = _text(told, "event_type", _EVENT_TYPE)
    _check_addressee(event_type, facts, keys)
    return Notification(_text(told, "id", _EVENT_ID), event_type, content, facts)


def _check_signature(headers: Mapping[str, str], body: bytes, now: datetime, keys: NotificationKeys) -> None:
    stamp, nonce, signature, serial = (
        headers.get(f"wechatpay-{name}", "") for name in ("timestamp", "nonce", "signature", "serial")
    )
    if not _STAMP.fullmatch(stamp) or not all(_HEADER.fullmatch(value) for value in (nonce, signature, serial)):
        raise NotificationRefused(Flaw.HEADERS)
    if headers.get("wechatpay-signature-type", SIGNATURE_TYPE) != SIGNATURE_TYPE:
        raise NotificationRefused(Flaw.TYPE)
    if abs(now.timestamp() - int(stamp)) >= SKEW_SECONDS:
        raise NotificationRefused(Flaw.STALE)
    key = keys.public_keys.get(serial)
    if key is None:
        raise NotificationRefused(Flaw.SERIAL)
    try:
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        raise NotificationRefused(Flaw.SIGNATURE) from None


def open_resource(apiv3_key: bytes, resource: Mapping[str, Any]) -> bytes:
    """The bytes sealed in a notification's `resource` (AES-GCM); NotificationRefused when the seal does not fit."""
    parts = [resource.get(name, "") for name in ("nonce", "ciphertext", "associated_data")]
    if resource.get("algorithm") != ALGORITHM or not all(isinstance(part, str) for part in parts):
        raise NotificationRefused(Flaw.MALFORMED)
    nonce, ciphertext, associated_data = parts
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(apiv3_key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (ValueError, InvalidTag):
        raise NotificationRefused(Flaw.SEALED) from None


def _check_addressee(event_type: str, facts: Mapping[str, Any], keys: NotificationKeys) -> None:
    """A payment names merchant and app, a refund the merchant only, a payment mixed with insurance the app only."""
    names_app = event_type.startswith((TRANSACTION, MIXED)) or "appid" in facts
    names_merchant = not event_type.startswith(MIXED) or "mchid" in facts
    is_ours = not names_merchant or facts.get("mchid") == keys.mchid
    if not is_ours or (names_app and facts.get("appid") != keys.appid):
        raise NotificationRefused(Flaw.FOREIGN)


def strict_json(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`; no key twice, no fractions, no bytes that are not UTF-8: else NotificationRefused."""
    try:
        told = json.loads(raw.decode(), object_pairs_hook=_once_each, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotificationRefused(Flaw.MALFORMED) from None
    if not isinstance(told, dict):
        raise NotificationRefused(Flaw.MALFORMED)
    return told


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a key stands twice")
    return told


def _refuse(text: str) -> Any:  # noqa: ANN401 - json asks for a function of this shape
    raise ValueError(f"{text} is not a whole number")


def _text(told: Mapping[str, Any], name: str, shape: re.Pattern[str]) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotificationRefused(Flaw.MALFORMED)
    return value
