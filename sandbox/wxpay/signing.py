"""Signatures of WeChat Pay v3: the merchant's are checked, the platform's are made."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import sqlite3
from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Request

from sandbox.clock import now
from sandbox.errors import ApiError
from sandbox.world import World

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CLOCK_SKEW_SECONDS = 300


def _refuse(why: str) -> NoReturn:
    raise ApiError(401, "SIGN_ERROR", f"签名错误：{why}")


def verify_merchant(request: Request, world: World) -> None:
    """Passes only a request this merchant signed, now and once.

    Checks the scheme, mchid, certificate serial, |now - timestamp| <= 300 s, the RSA signature over the five lines
    (method, path with query, timestamp, nonce, body) and that the nonce is new. ApiError 401 `SIGN_ERROR` otherwise.
    """
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    timestamp, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
    if scheme != SCHEME or given.get("mchid") != world.keys.mchid:
        _refuse("scheme or mchid")
    if given.get("serial_no", "").upper() != world.keys.merchant_serial:
        _refuse("serial_no is not the merchant certificate's")
    if not re.fullmatch(r"\d{1,12}", timestamp) or abs(now() - int(timestamp)) > CLOCK_SKEW_SECONDS:
        _refuse("timestamp is more than five minutes off")
    if not 1 <= len(nonce) <= 64:
        _refuse("nonce_str")
    path = str(request.environ.get("REQUEST_URI") or request.full_path)
    head = f"{request.method}\n{path}\n{timestamp}\n{nonce}\n".encode()
    try:
        signature = base64.b64decode(given.get("signature", ""), validate=True)
        message = head + request.get_data() + b"\n"
        world.keys.merchant_public.verify(signature, message, PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature):
        _refuse("the signature does not fit method, path, timestamp, nonce and body")
    _use_nonce(world, nonce)


def _use_nonce(world: World, nonce: str) -> None:
    with world.store.write() as db:
        db.execute("DELETE FROM wxpay_nonce WHERE seen_at < ?", (now() - 3 * CLOCK_SKEW_SECONDS,))
        try:
            db.execute("INSERT INTO wxpay_nonce VALUES (?, ?)", (nonce, now()))
        except sqlite3.IntegrityError:
            _refuse("nonce_str was used before")


def signed_headers(key: RSAPrivateKey, serial: str, body: bytes, signed_at: float) -> dict[str, str]:
    """The five `Wechatpay-*` headers over timestamp, nonce and body, as on answers and notifications."""
    timestamp, nonce = str(int(signed_at)), secrets.token_hex(16)
    signature = key.sign(f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def seal(apiv3_key: str, plain: bytes, associated_data: str) -> dict[str, str]:
    """Encrypt with AEAD_AES_256_GCM under the APIv3 key; a fresh 12-character nonce each time."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }
