"""The payment gateway, driven by the client merchants really use."""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization, load_private_key

from sandbox.clock import wall_clock
from tests.sandbox.conftest import Hospital, call, eventually
from tests.sandbox.fixtures import RunningSandbox


def new_number() -> str:
    return "T" + secrets.token_hex(12)


def prepay(merchant: WeChatPay, number: str, fen: int = 1200, **more: object) -> tuple[int, dict[str, str]]:
    payer = {"openid": "oTestPayer"}
    status, text = merchant.pay("挂号费", number, {"total": fen, "currency": "CNY"}, payer=payer, **more)
    return status, json.loads(text)


def state(merchant: WeChatPay, number: str) -> str:
    return str(json.loads(merchant.query(out_trade_no=number)[1])["trade_state"])


def pay(sandbox: RunningSandbox, **reference: str) -> int:
    return call(sandbox, "POST", "/sandbox/wxpay/pay", reference).status


def test_an_order_goes_from_prepay_to_paid_to_refunded(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    status, prepaid = prepay(merchant, number)
    assert status == 200
    assert state(merchant, number) == "NOTPAY"

    assert pay(sandbox, prepay_id=prepaid["prepay_id"]) == 200

    paid = json.loads(merchant.query(out_trade_no=number)[1])
    assert paid["trade_state"] == "SUCCESS"
    assert paid["amount"]["total"] == 1200
    assert json.loads(merchant.query(transaction_id=paid["transaction_id"])[1]) == paid
    amount = {"refund": 500, "total": 1200, "currency": "CNY"}
    status, text = merchant.refund(out_refund_no=number + "R", out_trade_no=number, amount=amount)
    assert (status, json.loads(text)["status"]) == (200, "PROCESSING")
    eventually(lambda: json.loads(merchant.query_refund(number + "R")[1])["status"] == "SUCCESS")
    assert state(merchant, number) == "REFUND"


def test_a_native_order_is_paid_by_its_code(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    _, text = merchant.pay("药费", number, {"total": 1, "currency": "CNY"}, pay_type=WeChatPayType.NATIVE)
    code_url = json.loads(text)["code_url"]

    status = pay(sandbox, code_url=code_url)

    assert status == 200
    assert state(merchant, number) == "SUCCESS"


def test_the_same_number_is_the_same_order_only_with_the_same_parameters(merchant: WeChatPay) -> None:
    number = new_number()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: prepay(merchant, number), range(8)))

    other_status, other = prepay(merchant, number, fen=1201)

    assert {status for status, _ in answers} == {200}
    assert len({answer["prepay_id"] for _, answer in answers}) == 8
    assert (other_status, other["code"]) == (400, "INVALID_REQUEST")


def test_a_paid_order_is_neither_paid_again_nor_closed(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    prepay(merchant, number)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pay(sandbox, out_trade_no=number), range(8)))

    close_status, close_text = merchant.close(number)
    again_status, again = prepay(merchant, number)

    assert sorted(answers) == [200] + [400] * 7
    assert (close_status, json.loads(close_text)["code"]) == (400, "ORDER_PAID")
    assert (again_status, again["code"]) == (400, "ORDER_PAID")


def test_a_closed_order_cannot_be_paid(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    prepay(merchant, number)

    assert merchant.close(number)[0] == 204

    assert pay(sandbox, out_trade_no=number) == 400
    assert state(merchant, number) == "CLOSED"


def test_an_unknown_order_is_said_to_be_unknown(merchant: WeChatPay) -> None:
    status, text = merchant.query(out_trade_no=new_number())

    assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")


@pytest.mark.parametrize(
    "changes", [{"time_expire": "soon"}, {"attach": "x" * 129}, {"notify_url": "http://a.example/"}]
)
def test_a_malformed_order_is_refused(merchant: WeChatPay, changes: dict[str, str]) -> None:
    status, answer = prepay(merchant, new_number(), **changes)

    assert (status, answer["code"]) == (400, "PARAM_ERROR")


def test_refunds_never_exceed_what_was_paid(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    prepay(merchant, number)
    unpaid = merchant.refund(number + "0", {"refund": 1, "total": 1200, "currency": "CNY"}, out_trade_no=number)
    pay(sandbox, out_trade_no=number)

    def refund(suffix: str, fen: int, total: int = 1200) -> int:
        amount = {"refund": fen, "total": total, "currency": "CNY"}
        return int(merchant.refund(number + suffix, amount, out_trade_no=number)[0])

    assert unpaid[0] == 400
    assert [refund("A", 700), refund("A", 700), refund("A", 600)] == [200, 200, 400]
    assert [refund("B", 501), refund("C", 500, 1300), refund("D", 500), refund("E", 1)] == [400, 400, 200, 400]


def signed(sandbox: RunningSandbox, path: str) -> str:
    env = sandbox.env
    key = load_private_key(Path(env["WXPAY_MERCHANT_KEY_FILE"]).read_text())
    return build_authorization(path, "GET", env["WXPAY_MCHID"], env["WXPAY_MERCHANT_SERIAL"], key)


def test_tampered_replayed_old_and_unsigned_requests_are_refused(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = "/v3/certificates", "/v3/certificates?x=1"
    good = signed(sandbox, path)
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 301)
    old = signed(sandbox, path)
    monkeypatch.undo()

    fresh = call(sandbox, "GET", path, Authorization=good)
    refused = [
        call(sandbox, "GET", path, Authorization=good),
        call(sandbox, "GET", path, Authorization=old),
        call(sandbox, "GET", other, Authorization=signed(sandbox, path)),
        call(sandbox, "GET", path, Authorization=signed(sandbox, path).replace(sandbox.env["WXPAY_MCHID"], "1")),
        call(sandbox, "GET", path, Authorization="WECHATPAY2-SHA256-RSA2048 garbage"),
        call(sandbox, "GET", path),
    ]

    assert fresh.status == 200
    assert fresh.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
    assert [(answer.status, answer.json["code"]) for answer in refused] == [(401, "SIGN_ERROR")] * 6


def test_the_bill_of_a_day_holds_its_payments(sandbox: RunningSandbox, merchant: WeChatPay) -> None:
    number = new_number()
    prepay(merchant, number, fen=1205)
    pay(sandbox, out_trade_no=number)
    status, text = merchant.trade_bill(bill_date=wall_clock(time.time(), "%Y-%m-%d"), tar_type="GZIP")
    bill = json.loads(text)

    plain = gzip.decompress(merchant.download_bill(bill["download_url"])[1])

    assert status == 200
    assert hashlib.sha1(plain).hexdigest() == bill["hash_value"]
    head, *lines = plain.decode().splitlines()
    mine = next(line for line in lines if number in line).split(",`")
    assert len(mine) == len(head.split(",")) == 27
    assert mine[head.split(",").index("订单金额")] == "12.05"
    assert merchant.trade_bill(bill_date="2020-01-01")[0] == 400


def test_a_killed_sandbox_forgets_no_payment(sandbox: RunningSandbox, merchant: WeChatPay, hospital: Hospital) -> None:
    number = new_number()
    prepay(merchant, number)
    pay(sandbox, out_trade_no=number)

    sandbox.kill()
    sandbox.start()

    assert state(merchant, number) == "SUCCESS"
    hospital.wait_for(1, 20)
