"""A program's signed statement is believed when it is its own, for us, in force and whole."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from hypothesis import given
from hypothesis import strategies as st

from app.identity import assertions

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
HERE = "https://menzhen.example/fhir/token"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP384R1())
STRANGER = ec.generate_private_key(ec.SECP384R1())
ES384 = {"alg": "ES384", "kid": "e", "typ": "JWT"}
RS384 = {"alg": "RS384", "kid": "r", "typ": "JWT"}


def written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return written(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwks() -> dict[str, Any]:
    """The public halves, as a program publishes them."""
    of_rsa, of_ec = RSA_KEY.public_key().public_numbers(), EC_KEY.public_key().public_numbers()
    return {
        "keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "n": number(of_rsa.n), "e": number(of_rsa.e)},
            {"kty": "EC", "kid": "e", "crv": "P-384", "x": number(of_ec.x), "y": number(of_ec.y)},
        ]
    }


def claims(**other: object) -> dict[str, object]:
    at = int(NOW.timestamp())
    return {"iss": "c1", "sub": "c1", "aud": HERE, "exp": at + 240, "jti": "j1"} | other


def signed(
    header: dict[str, object], said: dict[str, object], key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = EC_KEY
) -> str:
    text = f"{written(json.dumps(header).encode())}.{written(json.dumps(said).encode())}"
    if isinstance(key, rsa.RSAPrivateKey):
        return f"{text}.{written(key.sign(text.encode(), padding.PKCS1v15(), SHA384()))}"
    halves = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA384())))
    return f"{text}.{written(b''.join(half.to_bytes(48, 'big') for half in halves))}"


def is_believed(text: str) -> bool:
    said = assertions.read_statement(text)
    return said is not None and assertions.is_believed(said, assertions.read_keys(jwks()), HERE, NOW)


def test_a_statement_signed_by_either_kind_of_key_is_believed() -> None:
    assert is_believed(signed(ES384, claims()))
    assert is_believed(signed(RS384, claims(), RSA_KEY))
    assert is_believed(signed(ES384, claims(aud=["https://elsewhere.example", HERE])))
    assert is_believed(signed(ES384, claims(exp=int(NOW.timestamp()) - 20))), "clocks differ a little"


def none_at_all() -> str:
    return signed(ES384 | {"alg": "none"}, claims()).rpartition(".")[0] + "."


def by_the_public_key() -> str:
    """HS384 with the public key as its secret, the oldest trick."""
    return signed(RS384 | {"alg": "HS384"}, claims(), RSA_KEY)


def other_words() -> str:
    head, _, signature = signed(ES384, claims()).split(".")
    return f"{head}.{written(json.dumps(claims(jti='j2')).encode())}.{signature}"


def another_hash() -> str:
    text = signed(RS384, claims(), RSA_KEY).rpartition(".")[0]
    return f"{text}.{written(RSA_KEY.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


AT = int(NOW.timestamp())
REFUSED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no statement": lambda: "a.b.c",
    "a stranger's key": lambda: signed(ES384, claims(), STRANGER),
    "a key that is not on file": lambda: signed(ES384 | {"kid": "x"}, claims()),
    "another kind of key than it says": lambda: signed(ES384 | {"kid": "r"}, claims()),
    "an algorithm that is none": none_at_all,
    "an algorithm of secrets": by_the_public_key,
    "a weaker hash": another_hash,
    "words changed afterwards": other_words,
    "for somebody else": lambda: signed(ES384, claims(aud="https://elsewhere.example/token")),
    "over": lambda: signed(ES384, claims(exp=AT - 31)),
    "for longer than five minutes": lambda: signed(ES384, claims(exp=AT + 331)),
    "for ever": lambda: signed(ES384, claims(exp=float("inf"))),
    "for longer than figures go": lambda: signed(ES384, claims(exp=10**400)),
    "not yet": lambda: signed(ES384, claims(nbf=AT + 60)),
    "not yet, for longer than figures go": lambda: signed(ES384, claims(nbf=10**400)),
    "from no time at all": lambda: signed(ES384, claims(nbf=float("nan"))),
    "about somebody else": lambda: signed(ES384, claims(sub="c2")),
    "of a name that no database keeps": lambda: signed(ES384, claims(iss="c1\x00", sub="c1\x00")),
    "without a number": lambda: signed(ES384, claims(jti="")),
    "with what must be understood": lambda: signed(ES384 | {"crit": ["exp"]}, claims()),
    "too long": lambda: signed(ES384, claims(padding="x" * 9000)),
    "cut short": lambda: signed(ES384, claims())[:-4],
}


@pytest.mark.parametrize("what", REFUSED)
def test_any_other_is_not(what: str) -> None:
    assert not is_believed(REFUSED[what]())


@given(
    st.text(st.characters(codec="utf-8"), max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){2}")
)
def test_no_text_makes_it_stumble(text: str) -> None:
    assert not is_believed(text)


@pytest.mark.parametrize(
    ("which", "change", "words"),
    [
        (0, {"d": "AQAB"}, "private key"),
        (0, {"kid": "e"}, "kid of its own"),
        (0, {"kid": ""}, "RSA (kid, n, e)"),
        (0, {"n": number(2**1023 + 1)}, "2048 bits"),
        (1, {"crv": "P-256"}, "P-384"),
        (1, {"x": number(5)}, "not on the curve"),
        (1, {"x": "!"}, "not base64url"),
        (1, {"kty": "oct"}, "RSA (kid, n, e)"),
    ],
)
def test_keys_that_are_none_are_refused_in_words(which: int, change: dict[str, str], words: str) -> None:
    told = jwks()
    told["keys"][which].update(change)

    with pytest.raises(assertions.KeysFlawed) as refused:
        assertions.read_keys(told)

    assert words in str(refused.value)


@pytest.mark.parametrize("told", [[], {}, {"keys": []}, {"keys": [{}] * 11}, None])
def test_what_is_no_set_of_keys_is_refused(told: object) -> None:
    with pytest.raises(assertions.KeysFlawed, match="1 to 10 keys"):
        assertions.read_keys(told)
