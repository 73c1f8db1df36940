"""The courier keeps the payment port's promises towards a gateway that checks every signature."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from app.couriers.wechat_pay import WeChatPayCourier, notification_keys
from app.kernel.clock import SystemClock
from app.payment.notifications import read_notification
from app.payment.ports import (
    Asking,
    PaymentFactState,
    PaymentProvider,
    ProviderAway,
    ProviderRefused,
    RefundAsking,
    RefundFactState,
)
from config import WeChatPaySettings
from tests.sandbox.fixtures import RunningSandbox, free_port, running_sandbox


class Post:
    """The hospital's letter box: what notifications arrived."""

    def __init__(self) -> None:
        self.letters: list[tuple[dict[str, str], bytes]] = []
        letters = self.letters

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                letters.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callbacks/wechat-pay"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.letters) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.letters) >= count


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.server.shutdown()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("wxpay")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def settings(sandbox: RunningSandbox) -> WeChatPaySettings:
    env = sandbox.env
    return WeChatPaySettings(
        base_url=env["WXPAY_BASE_URL"],
        mchid=env["WXPAY_MCHID"],
        appid=env["WXPAY_APPID"],
        apiv3_key=env["WXPAY_APIV3_KEY"],
        merchant_key_file=env["WXPAY_MERCHANT_KEY_FILE"],
        merchant_serial=env["WXPAY_MERCHANT_SERIAL"],
        public_key_file=env["WXPAY_PUBLIC_KEY_FILE"],
        public_key_id=env["WXPAY_PUBLIC_KEY_ID"],
        timeout_seconds=2,
    )


@pytest.fixture(scope="module")
def courier(settings: WeChatPaySettings, post: Post) -> PaymentProvider:
    return WeChatPayCourier(settings, post.url, SystemClock())


def drive(sandbox: RunningSandbox, path: str, **order: Any) -> Any:
    request = Request(
        f"{sandbox.http_url}/sandbox/{path}", json.dumps(order).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())


def asking(**changes: Any) -> Asking:
    facts = {
        "out_trade_no": f"mz{secrets.token_hex(13)}",
        "amount_fen": 2500,
        "description": "门诊挂号费",
        "lapses_at": datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10),
    }
    return Asking(**facts | changes)


def paid(courier: PaymentProvider, sandbox: RunningSandbox) -> Asking:
    order = asking()
    answer = courier.prepay_native(order)
    drive(sandbox, "wxpay/pay", code_url=answer.code_url)
    return order


def refund_of(order: Asking, transaction_id: str, **changes: Any) -> RefundAsking:
    facts = {
        "out_refund_no": f"rf{secrets.token_hex(13)}",
        "transaction_id": transaction_id,
        "amount_fen": order.amount_fen,
        "order_fen": order.amount_fen,
        "reason": "预约已取消，费用退回",
    }
    return RefundAsking(**facts | changes)


def test_an_order_inside_wechat_is_paid_and_found_paid(courier: PaymentProvider, sandbox: RunningSandbox):
    order = asking()

    answer = courier.prepay_jsapi(order, "oZhangXiuying0000000000000001")
    assert answer.prepay_id
    assert courier.query(order.out_trade_no).state is PaymentFactState.OPEN
    drive(sandbox, "wxpay/pay", prepay_id=answer.prepay_id)

    fact = courier.query(order.out_trade_no)
    assert (fact.state, fact.amount_fen, fact.payer_ref) == (
        PaymentFactState.PAID,
        2500,
        "oZhangXiuying0000000000000001",
    )
    assert fact.transaction_id.startswith("4200")
    assert fact.paid_at is not None
    assert abs(fact.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_payment_sheet_opens_with_the_signed_parameters(courier: PaymentProvider, sandbox: RunningSandbox):
    answer = courier.prepay_jsapi(asking(), "oZhangXiuying0000000000000001")
    call_up = courier.call_up(answer.prepay_id)

    def sheet(**parameters: str) -> int:
        from urllib.error import HTTPError
        from urllib.parse import urlencode

        query = urlencode({"prepay_id": answer.prepay_id, **parameters})
        try:
            with urlopen(f"{sandbox.http_url}/wxpay/cashier?{query}", timeout=5) as page:
                return page.status
        except HTTPError as error:
            return error.code

    assert call_up["signType"] == "RSA"
    assert sheet(**call_up) == 200
    assert sheet(**{**call_up, "nonceStr": "another"}) == 400


def test_a_second_asking_under_one_number_is_one_order(courier: PaymentProvider):
    order = asking()

    first, second = courier.prepay_native(order), courier.prepay_native(order)

    assert first.code_url
    assert second.code_url
    with pytest.raises(ProviderRefused) as refused:
        courier.prepay_native(asking(out_trade_no=order.out_trade_no, amount_fen=1))
    assert refused.value.code == "INVALID_REQUEST"


def test_a_paid_order_is_not_taken_again_nor_closed(courier: PaymentProvider, sandbox: RunningSandbox):
    order = paid(courier, sandbox)

    for call in (lambda: courier.prepay_native(order), lambda: courier.close(order.out_trade_no)):
        with pytest.raises(ProviderRefused) as refused:
            call()
        assert refused.value.code == "ORDER_PAID"


def test_a_closed_order_is_found_closed(courier: PaymentProvider):
    order = asking()
    courier.prepay_native(order)

    courier.close(order.out_trade_no)

    assert courier.query(order.out_trade_no).state is PaymentFactState.CLOSED


def test_an_order_nobody_placed_is_absent(courier: PaymentProvider):
    assert courier.query("mznobodyplacedthis").state is PaymentFactState.ABSENT
    assert courier.query_refund("rfnobodyaskedforthis").state is RefundFactState.ABSENT


def test_a_refund_is_one_refund_however_often_it_is_asked_for(courier: PaymentProvider, sandbox: RunningSandbox):
    order = paid(courier, sandbox)
    fact = courier.query(order.out_trade_no)
    asked = refund_of(order, fact.transaction_id)

    states = {courier.refund(asked).state for _ in range(3)}

    assert states <= {RefundFactState.PROCESSING, RefundFactState.SUCCEEDED}
    deadline = time.monotonic() + 10
    while courier.query_refund(asked.out_refund_no).state is not RefundFactState.SUCCEEDED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert courier.query(order.out_trade_no).state is PaymentFactState.REFUNDED
    with pytest.raises((ProviderRefused, ProviderAway)):
        courier.refund(refund_of(order, fact.transaction_id))


def test_what_the_gateway_tells_is_believed_by_our_own_check(
    courier: PaymentProvider, sandbox: RunningSandbox, settings: WeChatPaySettings, post: Post
):
    post.letters.clear()
    order = paid(courier, sandbox)
    post.wait_for(1)

    headers, body = post.letters[0]
    told = read_notification(headers, body, datetime.now(UTC), notification_keys(settings))

    assert told.event_type == "TRANSACTION.SUCCESS"
    assert (told.facts["out_trade_no"], told.facts["amount"]["total"]) == (order.out_trade_no, 2500)


def test_a_gateway_that_is_down_or_gone_leaves_the_outcome_open(settings: WeChatPaySettings, post: Post):
    from dataclasses import replace

    gone = WeChatPayCourier(
        replace(settings, base_url=f"http://127.0.0.1:{free_port()}", timeout_seconds=1), post.url, SystemClock()
    )

    for call in (
        lambda: gone.query("mznobody"),
        lambda: gone.close("mznobody"),
        lambda: gone.prepay_native(asking()),
        lambda: gone.query_refund("rfnobody"),
    ):
        with pytest.raises(ProviderAway):
            call()


def test_an_answer_signed_by_somebody_else_is_no_answer(settings: WeChatPaySettings, post: Post, tmp_path: Path):
    from dataclasses import replace

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = tmp_path / "foreign.pem"
    pem.write_bytes(foreign.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))

    deceived = WeChatPayCourier(replace(settings, public_key_file=str(pem)), post.url, SystemClock())
    rotated = WeChatPayCourier(replace(settings, public_key_id="PUB_KEY_ID_0"), post.url, SystemClock())

    for courier in (deceived, rotated):
        with pytest.raises(ProviderAway):
            courier.prepay_native(asking())
