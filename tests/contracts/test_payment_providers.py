"""What every payment provider promises, tried on each courier before a gateway that checks every signature."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.payment.ports import PaymentFactState, ProviderAway, ProviderRefused, RefundFactState
from tests.contracts.gateways import GATEWAYS, Gateway, Post, asking, refund_of
from tests.sandbox.fixtures import RunningSandbox

NOT_PAYABLE_YET = {PaymentFactState.OPEN, PaymentFactState.UNSEEN}


@pytest.fixture(scope="module", params=GATEWAYS)
def gateway(request: pytest.FixtureRequest, sandbox: RunningSandbox, post: Post) -> Gateway:
    return GATEWAYS[request.param](sandbox, post)


def test_an_order_is_open_until_it_is_paid_and_then_known_with_all_its_facts(gateway: Gateway):
    order = asking()

    answer = gateway.courier.prepay_native(order)
    assert answer.code_url
    assert gateway.courier.query(order.out_trade_no).state in NOT_PAYABLE_YET
    gateway.pay(order)

    fact = gateway.courier.query(order.out_trade_no)
    assert (fact.state, fact.amount_fen) == (PaymentFactState.PAID, 2500)
    assert 0 < len(fact.transaction_id) <= 40
    assert fact.payer_ref
    assert fact.paid_at is not None
    assert abs(fact.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_twenty_askings_under_one_number_are_one_order(gateway: Gateway):
    order, courier = asking(), gateway.courier

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: courier.prepay_native(order), range(20)))
    gateway.pay(order)

    assert all(answer.code_url for answer in answers)
    assert courier.query(order.out_trade_no).amount_fen == 2500


def test_the_same_number_with_another_amount_is_refused(gateway: Gateway):
    order = asking()
    gateway.courier.prepay_native(order)

    with pytest.raises(ProviderRefused):
        gateway.courier.prepay_native(asking(out_trade_no=order.out_trade_no, amount_fen=1))


def test_a_paid_order_is_not_taken_again_nor_closed(gateway: Gateway):
    order = gateway.paid()

    for call in (
        lambda: gateway.courier.prepay_native(order),
        lambda: gateway.courier.close(order.out_trade_no),
    ):
        with pytest.raises(ProviderRefused):
            call()
    assert gateway.courier.query(order.out_trade_no).state is PaymentFactState.PAID


def test_an_order_is_closed_at_once_or_with_its_own_time(gateway: Gateway):
    order = asking(lapses_at=datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=65))
    gateway.courier.prepay_native(order)

    gateway.courier.close(order.out_trade_no)

    assert gateway.courier.query(order.out_trade_no).state in {PaymentFactState.CLOSED, PaymentFactState.UNSEEN}


def test_what_nobody_asked_for_is_not_known(gateway: Gateway):
    assert gateway.courier.query("mznobodyplacedthis").state in {PaymentFactState.ABSENT, PaymentFactState.UNSEEN}
    assert gateway.courier.query_refund("rfnobody", "mznobodyplacedthis").state is RefundFactState.ABSENT


def test_a_refund_is_one_refund_however_often_it_is_asked_for(gateway: Gateway):
    order, courier = gateway.paid(), gateway.courier
    fact = courier.query(order.out_trade_no)
    asked = refund_of(order, fact.transaction_id)

    states = {courier.refund(asked).state for _ in range(3)}

    assert states <= {RefundFactState.PROCESSING, RefundFactState.SUCCEEDED}
    deadline = time.monotonic() + 60
    while courier.query_refund(asked.out_refund_no, order.out_trade_no).state is not RefundFactState.SUCCEEDED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert courier.query(order.out_trade_no).state is PaymentFactState.REFUNDED
    with pytest.raises(ProviderRefused):
        courier.refund(refund_of(order, fact.transaction_id))


def test_parts_go_back_and_never_more_than_came(gateway: Gateway):
    order, courier = gateway.paid(), gateway.courier
    transaction = courier.query(order.out_trade_no).transaction_id

    courier.refund(refund_of(order, transaction, amount_fen=1000))
    courier.refund(refund_of(order, transaction, amount_fen=1000))

    with pytest.raises(ProviderRefused):
        courier.refund(refund_of(order, transaction, amount_fen=501))
    courier.refund(refund_of(order, transaction, amount_fen=500))


def test_one_refund_number_names_one_amount(gateway: Gateway):
    order, courier = gateway.paid(), gateway.courier
    transaction = courier.query(order.out_trade_no).transaction_id
    first = refund_of(order, transaction, amount_fen=1000)
    courier.refund(first)

    with pytest.raises(ProviderRefused):
        courier.refund(refund_of(order, transaction, amount_fen=999, out_refund_no=first.out_refund_no))


def test_a_gateway_that_is_gone_leaves_the_outcome_open(gateway: Gateway):
    gone = gateway.gone()

    for call in (
        lambda: gone.query("mznobody"),
        lambda: gone.close("mznobody"),
        lambda: gone.prepay_native(asking()),
        lambda: gone.query_refund("rfnobody", "mznobody"),
        lambda: gone.refund(refund_of(asking(), "4200")),
    ):
        with pytest.raises(ProviderAway):
            call()


def test_a_gateway_in_trouble_leaves_the_outcome_open(gateway: Gateway):
    provider = "wxpay" if gateway.name == "wechat" else "alipay"
    gateway.drive(f"{provider}/switch", mode="api_down", scope="next")

    with pytest.raises(ProviderAway):
        gateway.courier.prepay_native(asking())


def test_an_answer_signed_by_somebody_else_is_no_answer(gateway: Gateway, tmp_path: Path):
    with pytest.raises(ProviderAway):
        gateway.deceived(tmp_path).prepay_native(asking())


def test_an_asking_signed_by_somebody_else_is_not_taken(gateway: Gateway, tmp_path: Path):
    from dataclasses import replace

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    stranger = tmp_path / "stranger.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    stranger.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    name = "merchant_key_file" if gateway.name == "wechat" else "app_key_file"
    courier = gateway.make(replace(gateway.settings, **{name: str(stranger)}), gateway.post.url)

    with pytest.raises((ProviderRefused, ProviderAway)):
        courier.prepay_native(asking())
