"""How a program proves who it is without a secret of ours: by a short statement that it signed (RFC 7523).

As SMART's backend services ask for it (SMART App Launch 2.2, client-confidential-asymmetric): signed with RS384 or
ES384 by a key whose public half we hold, about itself, for our token address, for five minutes at most, and used once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

ALGORITHMS = ("RS384", "ES384")
LIVES_AT_MOST_SECONDS = 300
CLOCKS_DIFFER_SECONDS = 30
LONGEST = 8192
MOST_KEYS = 10
FEWEST_RSA_BITS = 2048
_HALF = 48  # bytes of each half of an ES384 signature (RFC 7518, 3.4)
Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class KeysFlawed(ValueError):
    """These are no public keys by which a program's statements can be believed; says why."""


@dataclass(frozen=True)
class Statement:
    """What a program says of itself, not believed yet."""

    client_id: str
    jti: str
    audiences: tuple[str, ...]
    ends_at: float
    begins_at: float
    algorithm: str
    key_id: str
    signed: bytes
    signature: bytes


def read_keys(told: object) -> list[dict[str, str]]:
    """The public keys of a JWK set (RFC 7517), each with what is needed of it; raises KeysFlawed."""
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS:
        raise KeysFlawed(f"a JWK set has 1 to {MOST_KEYS} keys")
    found = [_needed(key) for key in keys]
    if len({key["kid"] for key in found}) < len(found):
        raise KeysFlawed("each key needs a kid of its own")
    return found


def _needed(key: object) -> dict[str, str]:
    if not isinstance(key, dict) or "d" in key:
        raise KeysFlawed("a private key does not belong here")
    names = {"RSA": ("kid", "kty", "n", "e"), "EC": ("kid", "kty", "crv", "x", "y")}.get(str(key.get("kty")), ())
    if not names or not all(isinstance(key.get(name), str) and key[name] for name in names):
        raise KeysFlawed("a key is RSA (kid, n, e) or EC (kid, crv, x, y)")
    kept = {name: str(key[name]) for name in names}
    try:
        _public(kept)
    except ValueError as error:
        raise KeysFlawed(f"{kept['kid'][:40]}: {error}") from None
    return kept


def _public(key: Mapping[str, str]) -> Key:
    if key["kty"] == "RSA":
        made = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        if made.key_size < FEWEST_RSA_BITS:
            raise ValueError(f"an RSA key has {FEWEST_RSA_BITS} bits or more")
        return made
    if key["crv"] != "P-384":
        raise ValueError("ES384 needs the curve P-384")
    return ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP384R1()).public_key()


def read_statement(text: str) -> Statement | None:
    """What the signed statement says; None for one that cannot be read, or speaks of another than its signer."""
    head, _, rest = text[: LONGEST + 1].partition(".")
    body, _, signature = rest.partition(".")
    try:
        header, claims = json.loads(_bytes(head)), json.loads(_bytes(body))
        meant_for = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        found = Statement(
            client_id=str(claims["iss"]),
            jti=str(claims["jti"]),
            audiences=tuple(map(str, meant_for)),
            ends_at=float(claims["exp"]),
            begins_at=float(claims.get("nbf", 0)),
            algorithm=str(header["alg"]),
            key_id=str(header["kid"]),
            signed=f"{head}.{body}".encode("ascii"),
            signature=_bytes(signature),
        )
        f"{found.client_id}{found.jti}".encode()  # half a character, which JSON can tell of, cannot be looked for
    except (ArithmeticError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    is_about_itself = claims.get("sub") == found.client_id and found.client_id.isprintable() and found.jti != ""
    return found if is_about_itself and "crit" not in header and len(text) <= LONGEST else None


def is_believed(said: Statement, keys: Sequence[Mapping[str, str]], audience: str, now: datetime) -> bool:
    """Whether the statement is for us, in force, and signed by one of these keys; that it is new is asked elsewhere."""
    at = now.timestamp()
    is_in_force = at - CLOCKS_DIFFER_SECONDS < said.ends_at <= at + LIVES_AT_MOST_SECONDS + CLOCKS_DIFFER_SECONDS
    if audience not in said.audiences or not (is_in_force and said.begins_at <= at + CLOCKS_DIFFER_SECONDS):
        return False
    key = next((_public(key) for key in keys if key["kid"] == said.key_id), None)
    return key is not None and _is_signed(key, said)


def _is_signed(key: Key, said: Statement) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and said.algorithm == "RS384":
            key.verify(said.signature, said.signed, padding.PKCS1v15(), SHA384())
        elif isinstance(key, ec.EllipticCurvePublicKey) and said.algorithm == "ES384":
            halves = (said.signature[:_HALF], said.signature[_HALF:])
            if len(said.signature) != 2 * _HALF:
                return False
            signature = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
            key.verify(signature, said.signed, ec.ECDSA(SHA384()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")
