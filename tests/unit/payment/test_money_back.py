"""Money goes back once, under one number, never more than came in, and is followed until it has arrived."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import events
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Units, Uow
from app.payment import refunds
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.ports import RefundFact, RefundFactState
from app.payment.receiving import process_notifications
from app.payment.service import bill_of_account, settle_bill
from app.payment.sql import reserve_refund
from app.payment.states import BillState, OrderState, RefundState
from tests.conftest import SetClock
from tests.factories_payment import Till, refund_facts
from tests.unit.payment.conftest import Asker
from tests.unit.payment.test_money_in import order_of, pay, told


@pytest.fixture
def paid(units: Units, asker: Asker) -> str:
    """The public id of a paid bill."""
    bill = asker.bill()
    pay(units, asker.order(bill))
    return bill


def give_back(units: Units, asker: Asker, bill: str) -> Refund | None:
    with units.open(asker.who.actor) as uow:
        return refunds.give_back(uow, bill_of_account(uow, bill), reason="cancelled")


def the_refund(units: Units) -> Refund:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Refund)).one()


def bill_state(units: Units) -> BillState:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Bill.state)).one()


def test_a_paid_bill_goes_back_in_full_and_ends_refunded(
    units: Units, asker: Asker, till: Till, paid: str, clock: SetClock, heard: list[object]
):
    refund = give_back(units, asker, paid)
    assert refund is not None
    assert (refund.amount_fen, bill_state(units)) == (2500, BillState.REFUNDING)

    assert refunds.send_refunds(units, till) == 1
    assert the_refund(units).state == RefundState.SENT

    till.refund_facts[refund.out_refund_no] = RefundFact(RefundFactState.SUCCEEDED)
    clock.step(seconds=21)
    assert refunds.query_refunds(units, till) == 1
    assert refunds.query_refunds(units, till) == 0

    assert (the_refund(units).state, bill_state(units)) == (RefundState.SUCCEEDED, BillState.REFUNDED)
    said = [type(event) for event in heard]
    assert said == [events.BillOpened, events.BillPaid, events.RefundRequested, events.RefundSucceeded]


def test_the_provider_tells_that_the_money_has_arrived(units: Units, asker: Asker, till: Till, paid: str):
    refund = give_back(units, asker, paid)
    assert refund is not None
    refunds.send_refunds(units, till)

    for event_id in ("r1", "r1", "r2"):
        assert told(units, refund_facts(refund.out_refund_no), event_id=event_id, event_type="REFUND.SUCCESS") == 204
    process_notifications(units)

    assert (the_refund(units).state, bill_state(units)) == (RefundState.SUCCEEDED, BillState.REFUNDED)


def test_a_refund_is_tried_again_under_the_same_number(
    units: Units, asker: Asker, till: Till, paid: str, clock: SetClock
):
    refund = give_back(units, asker, paid)
    assert refund is not None
    till.away = True
    refunds.send_refunds(units, till)
    till.away, till.refuses = False, "NOT_ENOUGH"
    clock.step(seconds=5)
    refunds.send_refunds(units, till)
    till.refuses = ""
    clock.step(seconds=10)
    refunds.send_refunds(units, till)

    assert [call for call in till.calls if "refund" in call] == [f"refund {refund.out_refund_no}"] * 3
    assert list(till.refunds) == [refund.out_refund_no]
    assert the_refund(units).state == RefundState.SENT


def test_a_refused_refund_is_left_to_a_person_who_may_still_complete_it(
    units: Units, asker: Asker, till: Till, paid: str
):
    refund = give_back(units, asker, paid)
    assert refund is not None
    till.refuses = "INVALID_REQUEST"
    refunds.send_refunds(units, till)

    assert (the_refund(units).state, the_refund(units).failure) == (RefundState.FAILED, "INVALID_REQUEST")
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(OutboxItem.state)).all() == [OutboxState.DEAD]

    told(units, refund_facts(refund.out_refund_no), event_type="REFUND.SUCCESS")
    process_notifications(units)
    assert (the_refund(units).state, bill_state(units)) == (RefundState.SUCCEEDED, BillState.REFUNDED)


def test_a_bill_without_cash_is_given_back_without_the_provider(units: Units, asker: Asker, heard: list[object]):
    bill = asker.bill(cash_fen=0, fund_fen=5000)
    with units.open(asker.who.actor) as uow:
        settle_bill(uow, bill_of_account(uow, bill))

    give_back(units, asker, bill)

    assert bill_state(units) == BillState.REFUNDED
    assert isinstance(heard[-1], events.RefundSucceeded)
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(OutboxItem)).all() == []


def test_an_unpaid_bill_gives_nothing_back(units: Units, asker: Asker):
    assert give_back(units, asker, asker.bill()) is None


def test_twenty_who_give_back_at_once_give_back_once(units: Units, asker: Asker, paid: str):
    with ThreadPoolExecutor(20) as pool:
        given = [refund for refund in pool.map(lambda _: give_back(units, asker, paid), range(20)) if refund]

    assert len(given) == 1
    with units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(PaymentOrder)).one()
        assert (order.state, order.refunded_fen) == (OrderState.REFUND_DUE, order.paid_fen)
        assert uow.session.scalar(select(func.count()).select_from(OutboxItem)) == 1


def test_money_set_aside_for_refunds_never_exceeds_what_came_in(units: Units, asker: Asker, paid: str):
    with units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(PaymentOrder)).one()

    def reserve(_: int) -> bool:
        uow = units.begin()
        try:
            taken = reserve_refund(uow, order.id, 1000)
            uow.session.commit()
            return taken
        finally:
            units.drop(uow)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(reserve, range(8)))
    assert taken.count(True) == 2

    with units.open() as uow:
        uow.session.get_one(PaymentOrder, order.id).refunded_fen = 0


def test_looking_first_and_taking_later_would_give_back_more_than_came_in(units: Units, asker: Asker, paid: str):
    """The control: without the condition in the statement all who looked at once believe they may give back."""
    looked = Barrier(8)

    def look_then_take(_: int) -> bool:
        with units.open(reads_only=True) as uow:
            order = uow.session.scalars(select(PaymentOrder)).one()
        looked.wait()
        return order.refunded_fen + 1000 <= order.paid_fen

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look_then_take, range(8))).count(True) == 8


def test_the_table_itself_refuses_to_give_back_more_than_came_in(units: Units, asker: Asker, paid: str):
    with pytest.raises(IntegrityError), units.open() as uow:
        uow.session.execute(update(PaymentOrder).values(refunded_fen=PaymentOrder.paid_fen + 1))


def test_two_senders_at_once_send_each_refund_once(units: Units, asker: Asker, till: Till):
    for number in range(6):
        bill = asker.bill()
        pay(units, asker.order(bill), f"4200{number}")
        give_back(units, asker, bill)
    till.calls.clear()

    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(lambda _: refunds.send_refunds(units, till), range(2)))

    assert sum(sent) == len(till.calls) == len(set(till.calls)) == 6


def send_twice_at_once(units: Units, asker: Asker, till: Till) -> None:
    """Six refunds wait, and two senders look for them at the same moment."""
    for number in range(6):
        bill = asker.bill()
        pay(units, asker.order(bill), f"4200{number}")
        give_back(units, asker, bill)
    till.calls.clear()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: refunds.send_refunds(units, till), range(2)))


def unclaimed(uow: Uow, topic: str, **_: object) -> list[OutboxItem]:
    """What waits, as somebody sees it who does not claim it for themselves."""
    time.sleep(0.2)  # until the other one has looked
    return list(uow.session.scalars(select(OutboxItem).where(OutboxItem.topic == topic)))


def test_control_without_the_claim_both_senders_send_each_and_the_number_alone_keeps_it_one(
    units: Units, asker: Asker, till: Till, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refunds.outbox, "claim", unclaimed)

    send_twice_at_once(units, asker, till)

    assert (len(till.calls), len(till.refunds)) == (12, 6)


def test_control_under_a_new_number_at_each_try_the_provider_gives_back_twice(
    units: Units, asker: Asker, till: Till, monkeypatch: pytest.MonkeyPatch
):
    """What `out_refund_no` is for: with a number of its own, a second try is a second refund."""
    kept = refunds._asking
    monkeypatch.setattr(refunds.outbox, "claim", unclaimed)
    monkeypatch.setattr(
        refunds, "_asking", lambda uow, key: replace(kept(uow, key), out_refund_no=f"rf{secrets.token_hex(8)}")
    )

    send_twice_at_once(units, asker, till)

    assert len(till.refunds) == 12


def test_a_surplus_that_arrived_back_leaves_the_bill_paid(units: Units, asker: Asker, till: Till):
    bill = asker.bill()
    number = asker.order(bill)
    pay(units, number)
    with units.open() as uow:
        order = order_of(units, number)
        copied = {column.key: getattr(order, column.key) for column in PaymentOrder.__table__.columns}
        copied |= {"id": None, "public_id": "x" * 26, "out_trade_no": "mzsecond", "live_key": "jsapi:1"}
        copied |= {"state": OrderState.ASKED, "transaction_id": None, "paid_fen": 0, "settles_bill": False}
        uow.session.add(PaymentOrder(**copied))
    pay(units, "mzsecond", "42000002")

    with units.open() as uow:
        refunds.finish(uow, the_refund(units).out_refund_no, RefundFact(RefundFactState.SUCCEEDED))

    assert bill_state(units) == BillState.PAID
    assert order_of(units, "mzsecond").state == OrderState.REFUNDED
