"""What is Alipay's own: codes nobody opened yet, its page for phones, and notifications believed by our own check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from app.couriers.alipay import alipay_keys
from app.payment.alipay_notifications import read_alipay
from app.payment.ports import PaymentFactState
from tests.contracts.gateways import Gateway, Post, alipay, asking
from tests.sandbox.fixtures import RunningSandbox


@pytest.fixture(scope="module")
def gateway(sandbox: RunningSandbox, post: Post) -> Gateway:
    return alipay(sandbox, post)


def test_a_code_nobody_opened_is_unseen_and_one_that_was_opened_is_closed(gateway: Gateway):
    order, courier = asking(), gateway.courier
    code_url = courier.prepay_native(order).code_url

    courier.close(order.out_trade_no)
    assert courier.query(order.out_trade_no).state is PaymentFactState.UNSEEN
    with urlopen(code_url, timeout=30) as page:
        assert "¥" in page.read().decode()
    assert courier.query(order.out_trade_no).state is PaymentFactState.OPEN
    courier.close(order.out_trade_no)

    assert courier.query(order.out_trade_no).state is PaymentFactState.CLOSED


def test_the_page_for_phones_is_signed_and_shows_the_order(gateway: Gateway):
    order = asking()
    url = gateway.courier.page_url(order, f"{gateway.sandbox.http_url}/")

    with urlopen(url, timeout=30) as page:
        assert order.out_trade_no in page.read().decode()
    with pytest.raises(HTTPError):
        urlopen(url.replace("25.00", "0.01"), timeout=30)


def test_what_alipay_tells_is_believed_by_our_own_check(gateway: Gateway, post: Post):
    order = gateway.paid()
    _, body = post.letter(lambda _, body: order.out_trade_no.encode() in body)

    told = read_alipay(body, datetime.now(UTC), alipay_keys(gateway.settings))

    assert told.paid is not None
    assert (told.paid.out_trade_no, told.paid.amount_fen) == (order.out_trade_no, 2500)
    assert abs(told.paid.paid_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert b"159****" not in told.content
