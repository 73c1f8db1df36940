"""Who calls is believed by signature, age, seal and addressee alone; whatever else is sent changes nothing."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import func, select

from app.kernel.inbox import InboxItem
from app.kernel.moves import Move
from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder
from app.payment.notifications import Flaw, NotificationKeys, NotificationRefused, open_resource, read_notification
from app.payment.receiving import accept, process_notifications
from app.payment.states import BillState, OrderState
from tests.conftest import MORNING, SetClock
from tests.factories_payment import (
    MCHID,
    envelope,
    foreign_key,
    notification_keys,
    paid_facts,
    seal,
    signed,
)
from tests.unit.payment.conftest import Asker

# Tencent's own examples, from the tests of its Go library (Apache-2.0).
VECTOR_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXagHQ4v"
    "GeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOmDeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDG"
    "UUK65E5h2B834uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGfy8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVR"
    "bF14AR73xbnd8N0obCWJPCbzMCtkaSef4FdEEgEXJiw0VAJT8wIDAQAB"
)
VECTOR_HEADERS = {
    "Wechatpay-Timestamp": "1624523846",
    "Wechatpay-Nonce": "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz",
    "Wechatpay-Serial": "D7CE59D1F522D701",
    "Wechatpay-Signature": (
        "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXFlbYZTOQrVdG4b6LfTnK4mik"
        "v9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJ"
        "THZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBout"
        "nwZKNiKRACrFmtxw2Q=="
    ),
}
VECTOR_BODY = (
    '{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00",'
    '"resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE","summary":"签约成功",'
    '"resource":{"original_type":"payscore","algorithm":"AEAD_AES_256_GCM","ciphertext":"YDS3lKPaC4Y52Gf3uhft5qUBlIa8b4'
    "28AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZttevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah"
    '3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvPqOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ==",'
    '"associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}'
).encode()


def test_the_public_vector_of_the_seal_opens():
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "wCq51qZv4Yfg",
        "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    }

    assert open_resource(b"testAPIv3Key0000", resource) == b"Hello World"


def test_the_public_vector_of_a_whole_notification_is_believed():
    key = load_der_public_key(base64.b64decode(VECTOR_KEY))
    keys = NotificationKeys(
        "1234567890", "054aa7d7a2a54ab5898df65bd96f001c", b"testMchAPIv3Key0", {"D7CE59D1F522D701": key}
    )

    read = read_notification(VECTOR_HEADERS, VECTOR_BODY, datetime.fromtimestamp(1624523846, UTC), keys)

    assert (read.event_id, read.event_type) == ("3119dfba-e649-5eec-ab1e-3412bc4d2e17", "PAYSCORE.USER_OPEN_SERVICE")
    assert read.facts["out_contract_code"] == "21640bdbd08e473e828f3206a2741c6e"


def test_a_notification_is_believed_whatever_the_case_of_its_headers_and_without_a_signature_type():
    body = envelope(seal(paid_facts("mz123456")))
    headers = {name.upper(): value for name, value in signed(body, MORNING).items() if "Type" not in name}

    assert read_notification(headers, body, MORNING, notification_keys()).facts["out_trade_no"] == "mz123456"


Hostile = Callable[[str], tuple[dict[str, str], bytes]]


def _true(number: str) -> tuple[dict[str, str], bytes]:
    body = envelope(seal(paid_facts(number)))
    return signed(body, MORNING), body


def _without(header: str) -> Hostile:
    def make(number: str) -> tuple[dict[str, str], bytes]:
        headers, body = _true(number)
        return {name: value for name, value in headers.items() if name != header}, body

    return make


def _with(header: str, value: str) -> Hostile:
    def make(number: str) -> tuple[dict[str, str], bytes]:
        headers, body = _true(number)
        return headers | {header: value}, body

    return make


def _at(**off: int) -> Hostile:
    def make(number: str) -> tuple[dict[str, str], bytes]:
        _, body = _true(number)
        return signed(body, MORNING + timedelta(**off)), body

    return make


def _by_foreign_key(number: str) -> tuple[dict[str, str], bytes]:
    _, body = _true(number)
    return signed(body, MORNING, key=foreign_key()), body


def _altered(number: str) -> tuple[dict[str, str], bytes]:
    headers, body = _true(number)
    return headers, body.replace("成功".encode(), "失败".encode(), 1)


def _signtest(number: str) -> tuple[dict[str, str], bytes]:
    headers, body = _true(number)
    probe = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]
    return headers | {"Wechatpay-Signature": probe}, body


def _about(content: Callable[[str], bytes], **sealing: str) -> Hostile:
    def make(number: str) -> tuple[dict[str, str], bytes]:
        body = envelope(seal(content(number), **sealing))
        return signed(body, MORNING), body

    return make


def _saying(body: bytes) -> Hostile:
    return lambda _number: (signed(body, MORNING), body)


def _doubled(number: str) -> bytes:
    return paid_facts(number)[:-1] + b', "amount": {"total": 1}}'


HOSTILE: dict[str, tuple[Hostile, Flaw]] = {
    "no timestamp": (_without("Wechatpay-Timestamp"), Flaw.HEADERS),
    "no nonce": (_without("Wechatpay-Nonce"), Flaw.HEADERS),
    "no signature": (_without("Wechatpay-Signature"), Flaw.HEADERS),
    "no serial": (_without("Wechatpay-Serial"), Flaw.HEADERS),
    "another kind of signature": (_with("Wechatpay-Signature-Type", "NONE"), Flaw.TYPE),
    "a timestamp that is none": (_with("Wechatpay-Timestamp", "-1e99"), Flaw.HEADERS),
    "a timestamp in other figures": (_with("Wechatpay-Timestamp", "١٧٦٣٨٦٠٢٠٠"), Flaw.HEADERS),
    "a nonce with a line break": (_with("Wechatpay-Nonce", "a\nb"), Flaw.HEADERS),
    "a nonce without end": (_with("Wechatpay-Nonce", "a" * 100_000), Flaw.HEADERS),
    "a signature that is not base64": (_with("Wechatpay-Signature", "%%%"), Flaw.SIGNATURE),
    "a signature of nothing": (_with("Wechatpay-Signature", "AAAA"), Flaw.SIGNATURE),
    "an unknown serial": (_with("Wechatpay-Serial", "7F00"), Flaw.SERIAL),
    "a serial that is not hex": (_with("Wechatpay-Serial", "zz-zz"), Flaw.SERIAL),
    "signed 301 s ago": (_at(seconds=-301), Flaw.STALE),
    "signed 301 s ahead": (_at(seconds=301), Flaw.STALE),
    "signed a day ago": (_at(days=-1), Flaw.STALE),
    "signed with another key": (_by_foreign_key, Flaw.SIGNATURE),
    "a signature probe": (_signtest, Flaw.SIGNATURE),
    "altered on the way": (_altered, Flaw.SIGNATURE),
    "1 MB": (_saying(b"{" + b" " * 2**20 + b"}"), Flaw.TOO_LARGE),
    "not JSON": (_saying(b"<xml/>"), Flaw.MALFORMED),
    "not UTF-8": (_saying(b'{"id": "\xff"}'), Flaw.MALFORMED),
    "a list": (_saying(b"[]"), Flaw.MALFORMED),
    "nested without end": (_saying(b"[" * 60_000), Flaw.MALFORMED),
    "a number without end": (_saying(b'{"id": ' + b"9" * 50_000 + b"}"), Flaw.MALFORMED),
    "no resource": (_saying(b'{"id": "1", "resource_type": "encrypt-resource"}'), Flaw.MALFORMED),
    "a key twice": (_about(_doubled), Flaw.MALFORMED),
    "a fraction of a fen": (_about(lambda n: paid_facts(n, amount={"total": 2500.0})), Flaw.MALFORMED),
    "true as an amount": (_about(lambda n: paid_facts(n, amount={"total": True})), Flaw.MALFORMED),
    "another currency": (_about(lambda n: paid_facts(n, amount={"total": 2500, "currency": "USD"})), Flaw.MALFORMED),
    "no time": (_about(lambda n: paid_facts(n, success_time="0001-01-01T00:00:00+14:00")), Flaw.MALFORMED),
    "half a character": (_about(lambda _: paid_facts("mz\ud800")), Flaw.MALFORMED),
    "not paid at all": (_about(lambda n: paid_facts(n, trade_state="NOTPAY")), Flaw.MALFORMED),
    "sealed for something else": (_about(paid_facts, told_data="refund"), Flaw.SEALED),
    "for another merchant": (_about(lambda n: paid_facts(n, mchid="1900009999")), Flaw.FOREIGN),
    "for another app": (_about(lambda n: paid_facts(n, appid="wxffffffffffffffff")), Flaw.FOREIGN),
    "for no app": (_about(lambda n: json.dumps({"mchid": MCHID, "out_trade_no": n}).encode()), Flaw.FOREIGN),
}


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries to reach anybody from Python fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("a notification made us call somebody")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_notification_is_refused_and_changes_nothing(name: str, units: Units, asker: Asker):
    number = asker.order()
    with units.open(reads_only=True) as uow:
        moves_before = uow.session.scalar(select(func.count()).select_from(Move))
    make, flaw = HOSTILE[name]
    headers, body = make(number)

    status = accept(units, notification_keys(), headers, body)
    process_notifications(units)

    assert 400 <= status < 500
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem)).all() == []
        assert uow.session.scalars(select(Bill.state)).one() == BillState.OPEN
        assert uow.session.scalars(select(PaymentOrder.state)).one() == OrderState.ASKED
        assert uow.session.scalar(select(func.count()).select_from(Move)) == moves_before
    if flaw is not Flaw.MALFORMED:
        with pytest.raises(NotificationRefused) as refused:
            read_notification(headers, body, MORNING, notification_keys())
        assert refused.value.flaw is flaw


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_notification_less_than_five_minutes_off_is_believed(
    seconds: int, units: Units, asker: Asker, clock: SetClock
):
    number = asker.order()
    headers, body = _at(seconds=seconds)(number)

    assert accept(units, notification_keys(), headers, body) == 204


def test_fifty_of_the_same_at_once_have_one_effect(units: Units, asker: Asker, heard: list[object]):
    headers, body = _true(asker.order())

    def tell(_: int) -> int:
        status = accept(units, notification_keys(), headers, body)
        process_notifications(units, limit=5)
        return status

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(tell, range(50))) == {204}
    process_notifications(units)

    assert [type(event).__name__ for event in heard].count("BillPaid") == 1
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Bill.state)).one() == BillState.PAID
        assert uow.session.scalars(select(InboxItem.repeats)).one() == 49
