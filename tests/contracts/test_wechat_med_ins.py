"""Mixed orders before the sandbox's gateway and insurer: both parts are paid, or neither; each is found by query."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests

from app.couriers.fsi import FsiInsurer
from app.couriers.mobile_insurance import MobilePayCentre
from app.couriers.wechat_med_ins import WeChatMedIns
from app.couriers.wechat_pay import WeChatPayCourier, notification_keys
from app.insurance.ports import Certificate, PayFactState, Sums
from app.kernel.clock import SystemClock
from app.payment.errors import MixedSumsFalse
from app.payment.mixed_ports import MixedAsking, MixedRefund, MixedState, Named
from app.payment.mixed_rules import MedOrderType, MixedSums
from app.payment.notifications import read_notification
from app.payment.ports import PaymentFactState, ProviderRefused
from tests.contracts.gateways import Gateway, Post, asking, wechat
from tests.contracts.test_fsi import asked, card, claim, insurer
from tests.contracts.test_mobile_insurance import centre
from tests.sandbox.fixtures import RunningSandbox

__all__ = ["card", "centre", "insurer"]
OPENID = "oZhangXiuying0000000000000001"


@pytest.fixture(scope="module")
def gateway(sandbox: RunningSandbox, post: Post) -> Gateway:
    found = wechat(sandbox, post)
    env = sandbox.env
    named = dataclasses.replace(
        found.settings,
        med_city_id=env["WXPAY_MED_CITY_ID"],
        med_code=env["FSI_HOSPITAL_CODE"],
        med_name="仁和示范医院",
    )
    return dataclasses.replace(found, settings=named)


@pytest.fixture
def mixed(gateway: Gateway) -> WeChatMedIns:
    courier = gateway.courier
    assert isinstance(courier, WeChatPayCourier)
    return WeChatMedIns(courier, gateway.settings, gateway.post.url, SystemClock())


@dataclass(frozen=True)
class Order:
    asking: MixedAsking
    quoted: Sums


@pytest.fixture
def order(gateway: Gateway, insurer: FsiInsurer, centre: MobilePayCentre, card: Certificate) -> Order:
    """Fees that are quoted, with a pay order at the insurer and a prepay of the same number for the cash part."""
    made = claim(card)
    visit, graded = asked(insurer, made)
    quoted = insurer.presettle(visit, made.batch_no, graded)
    number = f"mz{secrets.token_hex(13)}"
    pay_order = centre.upload(visit, made, graded, number)
    prepay = gateway.courier.prepay_jsapi(asking(out_trade_no=number, amount_fen=quoted.cash_fen), OPENID)
    sums = MixedSums(
        total_fen=quoted.total_fen,
        gov_fen=quoted.fund_fen,
        self_fen=quoted.account_fen,
        other_fen=quoted.other_fen,
        med_ins_cash_fen=quoted.cash_fen,
        cash_fen=quoted.cash_fen,
    )
    payer = Named("张秀英", "11010519491231002x")
    return Order(
        MixedAsking(
            number,
            MedOrderType.CONSULTATION,
            OPENID,
            payer,
            None,
            sums,
            pay_order.pay_order_id,
            pay_order.pay_token,
            prepay.prepay_id,
            datetime(2026, 11, 23, 1, 30, tzinfo=UTC),
        ),
        quoted,
    )


def test_a_mixed_order_is_placed_paid_and_found_by_either_number(gateway: Gateway, mixed: WeChatMedIns, order: Order):
    placed, again = mixed.place(order.asking), mixed.place(order.asking)
    assert placed == again
    assert (placed.state, placed.self_state, placed.med_ins_state) == (
        MixedState.OPEN,
        "SELF_PAY_CREATED",
        "MED_INS_PAY_CREATED",
    )

    gateway.drive("wxpay/med-ins/pay", out_trade_no=order.asking.out_trade_no)

    found = mixed.query(order.asking.out_trade_no, placed.mix_trade_no)
    assert found == mixed.query(order.asking.out_trade_no)
    assert (found.state, found.self_state, found.med_ins_state) == (
        MixedState.PAID,
        "SELF_PAY_SUCCESS",
        "MED_INS_PAY_SUCCESS",
    )
    assert found.sums == order.asking.sums
    assert gateway.courier.query(order.asking.out_trade_no).state is PaymentFactState.PAID


def test_the_insurer_has_settled_what_the_order_says(
    gateway: Gateway, mixed: WeChatMedIns, centre: MobilePayCentre, order: Order
):
    mixed.place(order.asking)
    gateway.drive("wxpay/med-ins/pay", out_trade_no=order.asking.out_trade_no)

    from app.insurance.ports import PayOrder

    fact = centre.query(PayOrder(order.asking.pay_order_id, order.asking.pay_auth_no), order.quoted)
    assert fact.state is PayFactState.SETTLED


def test_the_notification_is_believed_and_names_the_order(
    gateway: Gateway, mixed: WeChatMedIns, post: Post, order: Order
):
    placed = mixed.place(order.asking)
    gateway.drive("wxpay/med-ins/pay", out_trade_no=order.asking.out_trade_no)

    keys = notification_keys(gateway.settings)
    letter = post.letter(
        lambda headers, body: (
            read_notification(headers, body, datetime.now(UTC), keys).facts.get("mix_trade_no") == placed.mix_trade_no
        )
    )

    told = read_notification(*letter, datetime.now(UTC), keys)
    assert (told.event_type, told.facts["mix_pay_status"]) == ("MEDICAL_INSURANCE.SUCCESS", "MIX_PAY_SUCCESS")


def test_cash_that_was_taken_while_the_insurer_said_no_is_a_failed_order(
    gateway: Gateway, mixed: WeChatMedIns, order: Order
):
    mixed.place(order.asking)
    gateway.drive("wxpay/switch", mode="med_ins_fail", scope="next")
    gateway.drive("wxpay/med-ins/pay", out_trade_no=order.asking.out_trade_no)

    found = mixed.query(order.asking.out_trade_no)
    assert (found.state, found.self_state, found.med_ins_state) == (
        MixedState.FAILED,
        "SELF_PAY_SUCCESS",
        "MED_INS_PAY_FAIL",
    )


def test_the_insurers_refund_is_told_once(gateway: Gateway, mixed: WeChatMedIns, order: Order):
    placed = mixed.place(order.asking)
    gateway.drive("wxpay/med-ins/pay", out_trade_no=order.asking.out_trade_no)
    refund = MixedRefund(placed.mix_trade_no, f"rf{secrets.token_hex(12)}", order.asking.sums, datetime.now(UTC))

    for _ in range(2):
        mixed.tell_refund(refund)

    books = requests.get(f"{gateway.sandbox.http_url}/sandbox/wxpay/med-ins/books", timeout=30).json()
    found = next(row for row in books if row["mix_trade_no"] == placed.mix_trade_no)
    assert found["refunds"] == {refund.out_refund_no: order.asking.sums.insured_fen}
    assert mixed.query(order.asking.out_trade_no).state is MixedState.REFUNDED


def test_sums_that_do_not_add_up_are_not_even_sent(mixed: WeChatMedIns, order: Order):
    false = dataclasses.replace(order.asking, sums=dataclasses.replace(order.asking.sums, total_fen=1))

    with pytest.raises(MixedSumsFalse):
        mixed.place(false)


def test_a_relatives_bill_names_both_and_nobody_in_the_clear(mixed: WeChatMedIns, order: Order):
    for_mother = dataclasses.replace(order.asking, relative=Named("李建国", "110105198307050010"))

    body = mixed._body(for_mother)
    placed = mixed.place(for_mother)

    assert placed.state is MixedState.OPEN
    assert body["pay_for_relatives"] is True
    assert "李建国" not in str(body)
    assert "110105" not in str(body)


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        ({"gov_fen": 0, "self_fen": 0, "other_fen": 0}, {"pay_order_id", "pay_auth_no", "geo_location"}),
        ({"med_ins_cash_fen": 0, "cash_fen": 0}, {"prepay_id"}),
    ],
    ids=["cash only", "insurance only"],
)
def test_each_kind_of_order_has_its_fields_and_no_others(
    mixed: WeChatMedIns, order: Order, change: dict[str, int], absent: set[str]
):
    sums = dataclasses.replace(order.asking.sums, **change)
    sums = dataclasses.replace(sums, total_fen=sums.insured_fen + sums.cash_fen)

    body = mixed._body(dataclasses.replace(order.asking, sums=sums))

    assert absent & set(body) == set()


def test_an_order_under_the_same_number_with_other_facts_is_refused(mixed: WeChatMedIns, order: Order):
    mixed.place(order.asking)

    with pytest.raises(ProviderRefused):
        mixed.place(dataclasses.replace(order.asking, order_type=MedOrderType.REGISTRATION))


def test_an_order_nobody_placed_is_absent(mixed: WeChatMedIns):
    assert mixed.query("mznobodyplacedthis").state is MixedState.ABSENT
