"""Notifications of payments and refunds: sealed, signed, repeated until received, and wrong when told to be."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from wechatpayv3 import WeChatPay

from sandbox.clock import now
from tests.sandbox.conftest import Heard, Hospital, call, eventually
from tests.sandbox.fixtures import RunningSandbox
from tests.sandbox.test_wxpay_orders import new_number, pay, prepay


def unseal(sandbox: RunningSandbox, heard: Heard) -> dict[str, object]:
    """Open a notification as Tencent's published vectors do: AES-256-GCM under the APIv3 key."""
    resource = json.loads(heard.body)["resource"]
    key = AESGCM(sandbox.env["WXPAY_APIV3_KEY"].encode())
    sealed = base64.b64decode(resource["ciphertext"])
    opened = key.decrypt(resource["nonce"].encode(), sealed, resource["associated_data"].encode())
    return dict(json.loads(opened))


def is_signed(sandbox: RunningSandbox, heard: Heard) -> bool:
    key = load_pem_public_key(Path(sandbox.env["WXPAY_PUBLIC_KEY_FILE"]).read_bytes())
    assert isinstance(key, RSAPublicKey)
    head = f"{heard.headers['Wechatpay-Timestamp']}\n{heard.headers['Wechatpay-Nonce']}\n".encode()
    try:
        signature = base64.b64decode(heard.headers["Wechatpay-Signature"], validate=True)
        key.verify(signature, head + heard.body + b"\n", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def paid_order(sandbox: RunningSandbox, merchant: WeChatPay, mode: str = "", **more: object) -> str:
    if mode:
        call(sandbox, "POST", "/sandbox/wxpay/switch", {"mode": mode, "scope": "next", **more})
    number = new_number()
    prepay(merchant, number)
    assert pay(sandbox, out_trade_no=number) == 200
    return number


def test_a_payment_is_told_sealed_and_signed(sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital) -> None:
    number = paid_order(sandbox, merchant)

    heard = hospital.wait_for(1)[0]

    assert is_signed(sandbox, heard)
    assert heard.headers["Wechatpay-Serial"] == sandbox.env["WXPAY_PUBLIC_KEY_ID"]
    assert heard.path == "/callbacks/wxpay"
    facts = unseal(sandbox, heard)
    assert (facts["out_trade_no"], facts["trade_state"]) == (number, "SUCCESS")
    assert merchant.callback(heard.headers, heard.body)["resource"]["out_trade_no"] == number


def test_a_refund_is_told_when_the_merchant_gave_an_address(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital
) -> None:
    number = paid_order(sandbox, merchant)
    amount = {"refund": 1200, "total": 1200, "currency": "CNY"}

    merchant.refund(number + "R", amount, out_trade_no=number, notify_url=f"{hospital.url}/callbacks/wxpay-refund")

    heard = hospital.wait_for(2)[1]
    assert json.loads(heard.body)["event_type"] == "REFUND.SUCCESS"
    assert unseal(sandbox, heard)["refund_status"] == "SUCCESS"


def test_a_notification_is_repeated_until_it_is_received(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital
) -> None:
    hospital.answers.extend([500, 401])

    paid_order(sandbox, merchant)

    first, second, third = hospital.wait_for(3)
    assert len({json.loads(heard.body)["id"] for heard in (first, second, third)}) == 1
    assert len({heard.headers["Wechatpay-Nonce"] for heard in (first, second, third)}) == 3


@pytest.mark.parametrize("mode", ["signtest", "altered", "old", "wrong_key"])
def test_a_spoiled_first_try_is_followed_by_a_true_one(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital, mode: str
) -> None:
    hospital.answers.append(401)

    paid_order(sandbox, merchant, mode)

    spoiled, true = hospital.wait_for(2)
    stale = now() - int(spoiled.headers["Wechatpay-Timestamp"]) > 300
    assert is_signed(sandbox, spoiled) == stale
    assert stale == (mode == "old")
    assert is_signed(sandbox, true)


def test_a_dropped_notification_never_comes_and_a_doubled_one_comes_twice(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital
) -> None:
    dropped = paid_order(sandbox, merchant, "drop")
    doubled = paid_order(sandbox, merchant, "twice")

    heard = hospital.wait_for(2)

    assert {unseal(sandbox, each)["out_trade_no"] for each in heard} == {doubled}
    assert call(sandbox, "GET", f"/sandbox/deliveries?subject={dropped}").json[0]["state"] == "dropped"


def test_a_late_notification_comes_late(sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital) -> None:
    started = now()

    paid_order(sandbox, merchant, "delay", seconds=0.5)

    hospital.wait_for(1)
    assert now() - started >= 0.5


def test_a_single_notification_can_be_sent_with_other_facts(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital
) -> None:
    number = new_number()
    prepay(merchant, number)
    order = {"out_trade_no": number, "changes": {"mchid": "1900000000", "amount": {"total": 1}}}

    answer = call(sandbox, "POST", "/sandbox/wxpay/notify", order)

    assert answer.json["status"] == 200
    assert unseal(sandbox, hospital.heard[0])["mchid"] == "1900000000"


@pytest.mark.parametrize("wrong", [{"changes": "x"}, {"mode": "odd"}, {"url": "http://evil.example/"}])
def test_a_single_notification_ordered_wrongly_is_not_sent(
    sandbox: RunningSandbox, merchant: WeChatPay, wrong: dict[str, str]
) -> None:
    number = new_number()
    prepay(merchant, number)

    answer = call(sandbox, "POST", "/sandbox/wxpay/notify", {"out_trade_no": number, **wrong})

    assert (answer.status, answer.json["code"]) == (400, "PARAM_ERROR")


def test_the_payment_sheet_pays_and_goes_back_only_to_known_places(
    sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital
) -> None:
    number = new_number()
    prepay_id = prepay(merchant, number)[1]["prepay_id"]
    back = f"{hospital.url}/visit"

    sheet = call(sandbox, "GET", f"/wxpay/cashier?prepay_id={prepay_id}&return_url={back}")
    foreign = call(sandbox, "GET", f"/wxpay/cashier?prepay_id={prepay_id}&return_url=https://evil.example/")
    form = f"prepay_id={prepay_id}&return_url={back}&choice=pay".encode()
    paid = call(sandbox, "POST", "/wxpay/cashier", form, Content_Type="application/x-www-form-urlencoded")

    assert "确认支付 ¥12.00" in sheet.body.decode()
    assert foreign.status == 404
    assert (paid.status, paid.headers["Location"]) == (303, back)
    eventually(lambda: hospital.heard)


def test_orders_from_a_foreign_page_are_refused(sandbox: RunningSandbox) -> None:
    answer = call(sandbox, "POST", "/sandbox/wxpay/pay", {"out_trade_no": "x"}, Origin="https://evil.example")

    assert (answer.status, answer.json["code"]) == (403, "FOREIGN_ORIGIN")
