"""A bill is asked for once, however often the patient taps, and nobody is asked to pay when it is unclear."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import events
from app.identity.models import AccountChannel
from app.kernel.errors import NotFound
from app.kernel.uow import Units
from app.payment.asking import look_up, start
from app.payment.errors import AlreadyPaid, BillNotOpen, NeedsWeChat, PaymentUnavailable, PaymentUnclear
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.querying import close_expired, query_missing
from app.payment.service import bill_of_account, void_bill
from app.payment.states import BillState, OrderState
from tests.conftest import MORNING, SetClock
from tests.factories import Person, person
from tests.factories_payment import Till
from tests.unit.payment.conftest import Asker


def states(units: Units) -> list[OrderState]:
    with units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(PaymentOrder.state).order_by(PaymentOrder.id)))


def count(units: Units) -> int:
    with units.open(reads_only=True) as uow:
        return uow.session.scalar(select(func.count()).select_from(PaymentOrder)) or 0


def ask(units: Units, till: Till, who: Person, bill: str, method: PayMethod = PayMethod.NATIVE):
    return start(units, till, who.actor, bill, method)


def test_a_second_tap_gets_the_same_order(units: Units, till: Till, asker: Asker):
    bill = asker.bill()

    first, second = ask(units, till, asker.who, bill), ask(units, till, asker.who, bill)

    assert first == second
    assert first.code_url.startswith("weixin://")
    assert (first.amount_fen, first.is_settled, len(first.out_trade_no)) == (2500, False, 28)
    assert till.calls == [f"prepay {first.out_trade_no}"]


def test_twenty_taps_at_once_place_one_order(units: Units, till: Till, asker: Asker):
    bill = asker.bill()

    with ThreadPoolExecutor(20) as pool:
        asked = list(pool.map(lambda _: ask(units, till, asker.who, bill), range(20)))

    assert len({answer.out_trade_no for answer in asked}) == 1
    assert len({answer.code_url for answer in asked}) == 1
    assert count(units) == len(till.orders) == 1


def test_inside_wechat_the_page_gets_what_opens_the_payment_sheet(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    with units.open() as uow:
        uow.session.add(AccountChannel(account_id=asker.who.account.id, system="wechat", value="oZhang"))

    asked = ask(units, till, asker.who, bill, PayMethod.JSAPI)

    assert asked.call_up == {"package": f"prepay_id={asked.prepay_id}"}


def test_inside_wechat_an_account_without_authorization_is_sent_to_get_it(units: Units, till: Till, asker: Asker):
    with pytest.raises(NeedsWeChat):
        ask(units, till, asker.who, asker.bill(), PayMethod.JSAPI)

    assert count(units) == 0


def test_a_bill_without_cash_is_settled_at_once(units: Units, till: Till, asker: Asker, heard: list[object]):
    bill = asker.bill(cash_fen=0, fund_fen=5000)

    asked = ask(units, till, asker.who, bill)

    assert asked.is_settled
    assert till.calls == []
    assert isinstance(heard[-1], events.BillPaid)


def test_without_anybody_to_ask_only_a_bill_without_cash_is_settled(units: Units, asker: Asker):
    free, dear = asker.bill(cash_fen=0, fund_fen=5000), asker.bill()

    assert start(units, None, asker.who.actor, free, PayMethod.NATIVE).is_settled
    with pytest.raises(PaymentUnavailable):
        start(units, None, asker.who.actor, dear, PayMethod.NATIVE)

    assert count(units) == 0


def test_a_stranger_cannot_tell_the_bill_from_one_that_does_not_exist(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    with units.open() as uow:
        stranger = person(uow, name="李四")

    for public_id in (bill, "0" * 26):
        with pytest.raises(NotFound):
            ask(units, till, stranger, public_id)


def test_a_paid_bill_is_not_asked_for_again(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    number = asker.order(bill)
    till.pay(number, MORNING)

    assert look_up(units, till, asker.who.actor, bill) == BillState.PAID
    with pytest.raises(AlreadyPaid):
        ask(units, till, asker.who, bill)


def test_a_void_bill_is_not_asked_for(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    with units.open(asker.who.actor) as uow:
        void_bill(uow, bill_of_account(uow, bill), why="test")

    with pytest.raises(BillNotOpen) as refused:
        ask(units, till, asker.who, bill)
    assert refused.value.facts["state"] == "void"


def test_a_bill_whose_hold_ran_out_is_not_asked_for(units: Units, till: Till, asker: Asker, clock: SetClock):
    bill = asker.bill()
    with units.open(asker.who.actor) as uow:
        bill_of_account(uow, bill).expires_at = uow.now() + timedelta(minutes=10)

    clock.step(minutes=10)

    with pytest.raises(BillNotOpen) as refused:
        ask(units, till, asker.who, bill)
    assert refused.value.facts["state"] == "expired"


def test_an_order_ends_with_the_hold_and_lapses_in_the_providers_time(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    with units.open(asker.who.actor) as uow:
        bill_of_account(uow, bill).expires_at = uow.now() + timedelta(minutes=10)

    asked = ask(units, till, asker.who, bill)

    assert asked.expires_at == MORNING + timedelta(minutes=10)
    assert till.orders[asked.out_trade_no].lapses_at == MORNING + timedelta(minutes=10)


def test_a_provider_that_does_not_answer_leaves_the_order_unknown_and_the_next_tap_keeps_its_number(
    units: Units, till: Till, asker: Asker
):
    bill = asker.bill()
    till.away = True

    with pytest.raises(PaymentUnclear):
        ask(units, till, asker.who, bill)
    assert states(units) == [OrderState.UNKNOWN]

    till.away = False
    asked = ask(units, till, asker.who, bill)
    assert states(units) == [OrderState.ASKED]
    assert till.calls == [f"prepay {asked.out_trade_no}"] * 2


def test_an_unknown_order_is_asked_about_after_twenty_seconds(units: Units, till: Till, asker: Asker, clock: SetClock):
    till.away = True
    with pytest.raises(PaymentUnclear):
        ask(units, till, asker.who, asker.bill())
    till.away = False

    clock.step(seconds=19)
    assert query_missing(units, till) == 0
    clock.step(seconds=2)
    assert query_missing(units, till) == 1

    assert states(units) == [OrderState.CLOSED]  # it never reached the provider


def test_a_payment_nobody_told_us_of_is_found_after_a_minute(units: Units, till: Till, asker: Asker, clock: SetClock):
    number = asker.order()
    till.pay(number, MORNING)

    clock.step(seconds=59)
    assert query_missing(units, till) == 0
    clock.step(seconds=2)
    assert query_missing(units, till) == 1
    assert query_missing(units, till) == 0

    assert states(units) == [OrderState.PAID]


def test_two_jobs_at_once_ask_about_each_order_once(units: Units, till: Till, asker: Asker, clock: SetClock):
    numbers = [asker.order() for _ in range(6)]
    till.calls.clear()
    clock.step(seconds=61)

    with ThreadPoolExecutor(2) as pool:
        asked = list(pool.map(lambda _: query_missing(units, till), range(2)))

    assert sum(asked) == 6
    assert sorted(till.calls) == sorted(f"query {number}" for number in numbers)


def test_a_provider_that_refuses_leaves_nothing_open(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    till.refuses = "PARAM_ERROR"

    with pytest.raises(PaymentUnavailable) as refused:
        ask(units, till, asker.who, bill)
    assert refused.value.facts["provider_code"] == "PARAM_ERROR"

    till.refuses = ""
    close_expired(units, till)
    query_missing(units, till)
    assert ask(units, till, asker.who, bill).code_url


def test_an_order_past_its_time_is_closed_and_asked_about_once_more(
    units: Units, till: Till, asker: Asker, clock: SetClock
):
    bill = asker.bill()
    number = asker.order(bill)

    clock.step(minutes=31)
    till.calls.clear()
    assert close_expired(units, till) == 1

    assert till.calls == [f"close {number}", f"query {number}"]
    assert states(units) == [OrderState.CLOSED]


def test_a_payment_faster_than_the_closing_is_kept(units: Units, till: Till, asker: Asker, clock: SetClock):
    number = asker.order()
    till.pay(number, MORNING)

    clock.step(minutes=31)
    close_expired(units, till)

    assert states(units) == [OrderState.PAID]


def test_a_tap_after_the_orders_time_closes_it_and_asks_anew(units: Units, till: Till, asker: Asker, clock: SetClock):
    bill = asker.bill()
    first = asker.order(bill)

    clock.step(minutes=31)
    second = asker.order(bill)

    assert first != second
    assert states(units) == [OrderState.CLOSED, OrderState.ASKED]


def test_a_tap_after_the_orders_time_waits_while_the_provider_is_away(
    units: Units, till: Till, asker: Asker, clock: SetClock
):
    bill = asker.bill()
    asker.order(bill)
    clock.step(minutes=31)
    till.away = True

    with pytest.raises(PaymentUnclear):
        asker.order(bill)
    assert states(units) == [OrderState.ASKED]


def test_the_orders_of_a_bill_that_fell_are_closed(units: Units, till: Till, asker: Asker):
    bill = asker.bill()
    asker.order(bill)
    with units.open(asker.who.actor) as uow:
        void_bill(uow, bill_of_account(uow, bill), why="test")

    assert close_expired(units, till) == 1
    assert states(units) == [OrderState.CLOSED]


def test_a_thing_has_one_open_bill(units: Units, asker: Asker):
    asker.bill()
    with units.open(reads_only=True) as uow:
        bill = uow.session.scalars(select(Bill)).one()
    copied = {column.key: getattr(bill, column.key) for column in Bill.__table__.columns}

    with pytest.raises(IntegrityError), units.open() as uow:
        uow.session.add(Bill(**copied | {"id": None, "public_id": "y" * 26}))
