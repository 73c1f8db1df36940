"""The centre's own hand at the envelope (SM2, SM3, SM4): the hospital's is apart, so that each tries the other."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SM3, Hash

Point = tuple[int, int]
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Point = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
LEFT_OUT = {"signData", "encData", "extra"}


class BadEnvelope(Exception):
    """The envelope is not the hospital's."""


@dataclass(frozen=True)
class Sides:
    """One side of the envelope: the app's id and secret, our private key, and the other side's public one (x || y)."""

    app_id: str
    secret: str
    private: str
    other: str


def _add(p: Point | None, q: Point | None) -> Point | None:
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] + A) * pow(2 * p[1], -1, P) % P
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P) % P
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def _times(k: int, point: Point) -> Point | None:
    total, step = None, point
    while k:
        if k & 1:
            total = _add(total, step)
        k, step = k >> 1, _add(step, step) or step
    return total


def public_of(private: str) -> str:
    """The public key of a private one, in hex."""
    point = _times(int(private, 16), G)
    assert point is not None
    return f"{point[0]:064X}{point[1]:064X}"


def _digest(*parts: bytes) -> bytes:
    digest = Hash(SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def _hash_of(message: bytes, public: str, user: bytes) -> int:
    numbers = b"".join(number.to_bytes(32, "big") for number in (A, B, *G))
    who = _digest((8 * len(user)).to_bytes(2, "big"), user, numbers, bytes.fromhex(public))
    return int.from_bytes(_digest(who, message), "big")


def sign(message: bytes, private: str, user: bytes) -> bytes:
    """R || s."""
    e, d = _hash_of(message, public_of(private), user), int(private, 16)
    while True:
        k = secrets.randbelow(N - 1) + 1
        point = _times(k, G)
        assert point is not None
        r = (e + point[0]) % N
        s = pow(1 + d, -1, N) * (k - r * d) % N
        if r and s and r + k != N:
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def is_signed(message: bytes, signature: bytes, public: str, user: bytes) -> bool:
    """Whether r || s is the signature of the public key's holder."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    holder = (int(public[:64], 16), int(public[64:], 16))
    point = _add(_times(s, G), _times((r + s) % N, holder))
    return point is not None and (_hash_of(message, public, user) + point[0]) % N == r


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    return Cipher(SM4(key), modes.ECB())  # noqa: S305 - as the specification has it


def _seal(key: bytes, plain: bytes) -> str:
    gap = 16 - len(plain) % 16
    sealer = _cipher(key).encryptor()
    return (sealer.update(plain + bytes([gap]) * gap) + sealer.finalize()).hex().upper()


def _unseal(key: bytes, sealed: str) -> bytes:
    opener = _cipher(key).decryptor()
    plain = opener.update(bytes.fromhex(sealed)) + opener.finalize()
    if not plain or not 0 < plain[-1] <= 16 or plain[-plain[-1] :] != bytes([plain[-1]]) * plain[-1]:
        raise ValueError("padding")
    return plain[: -plain[-1]]


def _key(sides: Sides) -> bytes:
    return _seal(sides.app_id[:16].encode(), sides.secret.encode())[:16].encode()


def text_of(body: Mapping[str, Any], secret: str) -> bytes:
    """The text under the signature: sorted fields, nested ones as sorted JSON, then the secret."""
    parts = []
    for name in sorted(set(body) - LEFT_OUT):
        value = body[name]
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        if value not in (None, ""):
            parts.append(f"{name}={value}")
    return "&".join([*parts, f"key={secret}"]).encode()


def open_body(sides: Sides, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the hospital sealed and signed; BadEnvelope otherwise."""
    try:
        data = json.loads(_unseal(_key(sides), str(body.get("encData"))))
        signature = base64.b64decode(str(body.get("signData")), validate=True)
    except ValueError:
        raise BadEnvelope from None
    text = text_of({**body, "data": data}, sides.secret)
    is_theirs = body.get("appId") == sides.app_id and is_signed(text, signature, sides.other, sides.secret.encode())
    if not isinstance(data, dict) or not is_theirs:
        raise BadEnvelope
    return data


def close_body(sides: Sides, data: Mapping[str, Any], timestamp: str) -> dict[str, Any]:
    """An answer with `data`, signed and sealed."""
    body: dict[str, Any] = {
        "code": 0,
        "message": "成功",
        "appId": sides.app_id,
        "timestamp": timestamp,
        "encType": "SM4",
        "signType": "SM2",
    }
    signature = sign(text_of({**body, "data": data}, sides.secret), sides.private, sides.secret.encode())
    sealed = _seal(_key(sides), json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    return body | {"encData": sealed, "signData": base64.b64encode(signature).decode()}
