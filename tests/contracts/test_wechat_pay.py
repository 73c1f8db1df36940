"""What is WeChat Pay's own: the sheet inside WeChat, key ids, and notifications believed by our own check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from app.couriers.wechat_pay import notification_keys
from app.payment.notifications import Notification, read_notification
from app.payment.ports import PaymentFactState, ProviderAway
from tests.contracts.gateways import Gateway, Post, asking, wechat
from tests.sandbox.fixtures import RunningSandbox


@pytest.fixture(scope="module")
def gateway(sandbox: RunningSandbox, post: Post) -> Gateway:
    return wechat(sandbox, post)


def test_an_order_inside_wechat_is_paid_by_whom_it_names(gateway: Gateway):
    order, courier = asking(), gateway.courier

    answer = courier.prepay_jsapi(order, "oZhangXiuying0000000000000001")
    assert answer.prepay_id
    assert courier.query(order.out_trade_no).state is PaymentFactState.OPEN
    gateway.drive("wxpay/pay", prepay_id=answer.prepay_id)

    fact = courier.query(order.out_trade_no)
    assert (fact.state, fact.payer_ref) == (PaymentFactState.PAID, "oZhangXiuying0000000000000001")
    assert fact.transaction_id.startswith("4200")
    assert fact.paid_at is not None
    assert abs(fact.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_payment_sheet_opens_with_the_signed_parameters(gateway: Gateway):
    answer = gateway.courier.prepay_jsapi(asking(), "oZhangXiuying0000000000000001")
    call_up = gateway.courier.call_up(answer.prepay_id)

    def sheet(**parameters: str) -> int:
        query = urlencode({"prepay_id": answer.prepay_id, **parameters})
        try:
            with urlopen(f"{gateway.sandbox.http_url}/wxpay/cashier?{query}", timeout=30) as page:
                return page.status
        except HTTPError as error:
            return error.code

    assert call_up["signType"] == "RSA"
    assert sheet(**call_up) == 200
    assert sheet(**{**call_up, "nonceStr": "another"}) == 400


def test_what_the_gateway_tells_is_believed_by_our_own_check(gateway: Gateway, post: Post):
    order, keys = gateway.paid(), notification_keys(gateway.settings)

    def told(headers: dict[str, str], body: bytes) -> Notification:
        return read_notification(headers, body, datetime.now(UTC), keys)

    letter = post.letter(lambda headers, body: told(headers, body).facts["out_trade_no"] == order.out_trade_no)

    assert told(*letter).event_type == "TRANSACTION.SUCCESS"
    assert told(*letter).facts["amount"]["total"] == 2500


def test_an_answer_under_another_key_id_is_no_answer(gateway: Gateway):
    rotated = gateway.make(replace(gateway.settings, public_key_id="PUB_KEY_ID_0"), gateway.post.url)

    with pytest.raises(ProviderAway):
        rotated.prepay_native(asking())
