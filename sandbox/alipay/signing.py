"""Signatures of Alipay's gateway (RSA2): the app's are checked, Alipay's are made."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


def text_of(fields: Mapping[str, str], *without: str) -> bytes:
    """What is signed of `fields`: sorted by name, `name=value`, joined by `&`."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in without).encode()


def is_signed_by(key: RSAPublicKey, fields: Mapping[str, str]) -> bool:
    """Whether the request's `sign` is over all its other fields, by the app's key."""
    try:
        signature = base64.b64decode(fields.get("sign", ""), validate=True)
        key.verify(signature, text_of(fields, "sign"), PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def sign(key: RSAPrivateKey, text: bytes) -> str:
    """Alipay's signature in base64."""
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()
