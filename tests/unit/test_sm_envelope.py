"""The insurer's envelope: the standards' own examples through our code, and no envelope that was touched is opened."""

from __future__ import annotations

import pytest

from app.couriers.sm_envelope import (
    EnvelopeFalse,
    EnvelopeKeys,
    content_key,
    message_digest,
    opened,
    public_of,
    sign_text,
    sm2_sign,
    sm2_verify,
    sm3,
    sm4_decrypt,
    sm4_encrypt,
    wrapped,
)

# GB/T 32918.5-2017, A.2
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
DRAWN = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
USER, MESSAGE = b"1234567812345678", b"message digest"

OURS = EnvelopeKeys("43AB5A3C8B0E4C2D9A1F5E6D7C8B9A01", "4117E877F5FA0A0188891283E4B617D5", PRIVATE, "")
THEIR_PRIVATE = "1" * 64


def test_sm3_is_the_standards():
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_sm4_is_the_standards():
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")

    assert sm4_encrypt(block, block)[:16].hex() == "681edf34d206965e86b3e94f536e4246"
    assert sm4_decrypt(block, sm4_encrypt(block, "医保".encode())) == "医保".encode()


def test_sm2_signs_the_standards_example():
    assert public_of(PRIVATE).upper() == PUBLIC
    assert sm2_sign(MESSAGE, PRIVATE, PUBLIC, USER, k=DRAWN).hex().upper() == R + S
    assert sm2_verify(MESSAGE, bytes.fromhex(R + S), PUBLIC, USER)


def test_a_key_may_begin_as_the_mark_of_a_whole_point_does():
    """One key in 256 begins with 04, which is also what is written before a point that is told whole."""
    private = f"{11:064x}"
    public = public_of(private)
    assert public.startswith("04")

    assert sm2_verify(MESSAGE, sm2_sign(MESSAGE, private, public, USER), public, USER)


@pytest.mark.parametrize(
    "signature",
    [bytes.fromhex(S + R), b"", b"\x00" * 64, b"\xff" * 64, bytes.fromhex(R + S)[:-1], bytes.fromhex(R + S) + b"\x00"],
)
def test_what_is_no_signature_is_none(signature: bytes):
    assert not sm2_verify(MESSAGE, signature, PUBLIC, USER)


def test_a_signature_holds_for_one_message_one_key_and_one_user():
    signature = bytes.fromhex(R + S)

    assert not sm2_verify(MESSAGE + b".", signature, PUBLIC, USER)
    assert not sm2_verify(MESSAGE, signature, public_of(THEIR_PRIVATE), USER)
    assert not sm2_verify(MESSAGE, signature, PUBLIC, USER[::-1])
    assert message_digest(MESSAGE, PUBLIC, USER) != message_digest(MESSAGE, PUBLIC, USER[::-1])


def test_two_signatures_of_one_message_differ():
    assert sm2_sign(MESSAGE, PRIVATE, PUBLIC, USER) != sm2_sign(MESSAGE, PRIVATE, PUBLIC, USER)


def test_the_text_that_is_signed_is_sorted_inside_as_well_and_holds_nothing_empty():
    data = {"b": [2, {"d": 1, "c": "药"}], "a": ""}
    body = {"version": "1", "data": data, "appId": "x", "extra": "1", "signData": "s"}

    assert sign_text(body | {"note": None, "empty": ""}, "secret").decode() == (
        'appId=x&data={"a":"","b":[2,{"c":"药","d":1}]}&version=1&key=secret'
    )


def test_the_contents_key_is_sixteen_characters_of_the_sealed_secret():
    sealed = sm4_encrypt(OURS.app_id[:16].encode(), OURS.app_secret.encode())

    assert content_key(OURS) == sealed.hex().upper()[:16].encode()


@pytest.fixture(scope="module")
def both() -> tuple[EnvelopeKeys, EnvelopeKeys]:
    ours = EnvelopeKeys(OURS.app_id, OURS.app_secret, PRIVATE, public_of(THEIR_PRIVATE))
    return ours, EnvelopeKeys(OURS.app_id, OURS.app_secret, THEIR_PRIVATE, PUBLIC)


def test_what_one_side_wraps_the_other_opens(both: tuple[EnvelopeKeys, EnvelopeKeys]):
    ours, theirs = both
    data = {"payOrdId": "ORD1", "feeSumamt": "200.00", "list": [{"b": 1, "a": "甲"}]}

    body = wrapped(ours, data, "20261123093000")

    assert opened(theirs, body) == data
    assert "ORD1" not in str(body)


def test_an_envelope_that_was_touched_is_not_opened(both: tuple[EnvelopeKeys, EnvelopeKeys]):
    ours, theirs = both
    body = wrapped(ours, {"feeSumamt": "200.00"}, "20261123093000")
    other = wrapped(ours, {"feeSumamt": "0.01"}, "20261123093000")
    spoilt = (
        body | {"timestamp": "20261123093001"},
        body | {"encData": other["encData"]},
        body | {"encData": body["encData"][:-2] + "00"},
        body | {"encData": "药"},
        body | {"encData": ""},
        body | {"signData": other["signData"]},
        body | {"signData": "%%"},
        body | {"appId": "another"},
        body | {"signType": "RSA"},
        {name: value for name, value in body.items() if name != "signData"},
        {},
    )

    for each in spoilt:
        with pytest.raises(EnvelopeFalse):
            opened(theirs, each)
