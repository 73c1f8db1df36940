"""The envelope of the insurer's mobile payment centre (医保移动支付中心): SM4 for secrecy, SM2 with SM3 for who speaks.

SM3 and SM4 (GB/T 32905, GB/T 32907) come from `cryptography`, SM2 (GB/T 32918) from `gmssl`, whose own SM4 is far too
slow. The same envelope carries what we ask and what comes back.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

# GB/T 32918.5-2017: a, b and the base point of the curve, as they enter ZA; and its order.
CURVE = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
ENC_TYPE, SIGN_TYPE, VERSION = "SM4", "SM2", "2.0.1"
NOT_SIGNED = frozenset({"signData", "encData", "extra"})
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)


class EnvelopeFalse(Exception):
    """The envelope is not the other side's, or not for us; the words say what does not fit."""


@dataclass(frozen=True)
class EnvelopeKeys:
    """What both sides know (`app_id`, `app_secret`), our private key and the other side's public one, all hex."""

    app_id: str
    app_secret: str
    private_key: str
    public_key: str


def sm3(data: bytes) -> bytes:
    """The SM3 digest, 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def sm4_encrypt(key: bytes, plain: bytes) -> bytes:
    """SM4 in ECB with PKCS#7 padding, as the centre's specification has it; `key` has 16 bytes."""
    padder = PKCS7(128).padder()
    cipher = Cipher(SM4(key), modes.ECB()).encryptor()  # noqa: S305 - the centre's choice
    return cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()


def sm4_decrypt(key: bytes, sealed: bytes) -> bytes:
    """The opposite of `sm4_encrypt`; ValueError when the padding does not fit."""
    cipher = Cipher(SM4(key), modes.ECB()).decryptor()  # noqa: S305 - the centre's choice
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(cipher.update(sealed) + cipher.finalize()) + unpadder.finalize()


def message_digest(message: bytes, public_key: str, user_id: bytes) -> bytes:
    """What SM2 signs: SM3 over ZA (who signs) and the message (GB/T 32918.2, 5.5 and 6.1)."""
    entl = (len(user_id) * 8).to_bytes(2, "big")
    return sm3(sm3(entl + user_id + CURVE + bytes.fromhex(public_key)) + message)


def sm2_sign(message: bytes, private_key: str, public_key: str, user_id: bytes, *, k: int | None = None) -> bytes:
    """The signature r || s, 64 bytes; `k` is drawn anew each time and given only by a public test vector."""
    digest = message_digest(message, public_key, user_id)
    signer = _sm2(private_key, public_key)
    signature = None
    while signature is None:
        signature = signer.sign(digest, f"{k or secrets.randbelow(ORDER - 1) + 1:064x}")
    return bytes.fromhex(signature)


def sm2_verify(message: bytes, signature: bytes, public_key: str, user_id: bytes) -> bool:
    """Whether the holder of `public_key` signed the message; False for anything that is no signature."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not 0 < r < ORDER or not 0 < s < ORDER:
        return False
    digest = message_digest(message, public_key, user_id)
    return bool(_sm2("", public_key).verify(signature.hex(), digest))


def _sm2(private_key: str, public_key: str) -> Any:  # noqa: ANN401 - the library has no types
    from gmssl.sm2 import CryptSM2  # noqa: PLC0415 - most processes never ask an insurer

    made = CryptSM2(private_key=private_key, public_key="")
    made.public_key = public_key  # given above, a key that begins with 04 would lose every 0 and 4 before another digit
    return made


def public_of(private_key: str) -> str:
    """The public key, x || y in hex, that belongs to a private one."""
    signer = _sm2(private_key, "")
    return str(signer._kg(int(private_key, 16), signer.ecc_table["g"]))  # noqa: SLF001 - the library keeps it private


def content_key(keys: EnvelopeKeys) -> bytes:
    """SM4's key for the content: 16 characters of the secret sealed under the app's id."""
    sealed = sm4_encrypt(keys.app_id[:16].encode(), keys.app_secret.encode())
    return sealed.hex().upper()[:16].encode()


def sign_text(body: Mapping[str, Any], app_secret: str) -> bytes:
    """What is signed of a body: its fields by name, `name=value&`, nested ones as sorted JSON, and the secret."""
    said = {name: _plain(value) for name, value in body.items() if name not in NOT_SIGNED}
    fields = "".join(f"{name}={said[name]}&" for name in sorted(said) if said[name])
    return f"{fields}key={app_secret}".encode()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return str(value)


def wrapped(keys: EnvelopeKeys, data: Mapping[str, Any], timestamp: str) -> dict[str, Any]:
    """The body to send: `data` sealed, all of it signed."""
    body: dict[str, Any] = {
        "appId": keys.app_id,
        "encType": ENC_TYPE,
        "signType": SIGN_TYPE,
        "timestamp": timestamp,
        "version": VERSION,
        "data": dict(data),
    }
    text = sign_text(body, keys.app_secret)
    signature = sm2_sign(text, keys.private_key, public_of(keys.private_key), keys.app_secret.encode())
    plain = json.dumps(body.pop("data"), ensure_ascii=False, separators=(",", ":")).encode()
    body["encData"] = sm4_encrypt(content_key(keys), plain).hex().upper()
    body["signData"] = base64.b64encode(signature).decode()
    return body


def opened(keys: EnvelopeKeys, body: Mapping[str, Any]) -> dict[str, Any]:
    """The data in a body that the other side sealed and signed for our app; EnvelopeFalse for anything else."""
    named = (body.get("appId"), body.get("encType"), body.get("signType"))
    if named != (keys.app_id, ENC_TYPE, SIGN_TYPE):
        raise EnvelopeFalse("another app's, or another kind of envelope")
    sealed, signed = body.get("encData"), body.get("signData")
    if not isinstance(sealed, str) or not isinstance(signed, str) or not _HEX.fullmatch(sealed):
        raise EnvelopeFalse("nothing sealed or nothing signed")
    try:
        data = json.loads(sm4_decrypt(content_key(keys), bytes.fromhex(sealed)), parse_float=str)
        signature = base64.b64decode(signed, validate=True)
    except (ValueError, binascii.Error, RecursionError):
        raise EnvelopeFalse("the seal does not fit") from None
    text = sign_text({**body, "data": data}, keys.app_secret)
    if not isinstance(data, dict) or not sm2_verify(text, signature, keys.public_key, keys.app_secret.encode()):
        raise EnvelopeFalse("the signature does not fit")
    return data
