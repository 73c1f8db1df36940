"""Money that comes in is recorded once, whatever follows, and what came too late goes back by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app import events
from app.kernel.audit import AuditEvent
from app.kernel.errors import Refused
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.moves import Move
from app.kernel.uow import Units, Uow
from app.payment import querying
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.receipts import Receipt, receive_paid
from app.payment.receiving import accept, process_notifications
from app.payment.service import bill_of_account, void_bill
from app.payment.states import BillState, OrderState
from tests.conftest import MORNING, SetClock
from tests.factories_payment import Till, envelope, notification_keys, paid_facts, seal, signed
from tests.unit.payment.conftest import Asker


def told(units: Units, content: bytes, *, event_id: str = "", event_type: str = "TRANSACTION.SUCCESS") -> int:
    body = envelope(seal(content), event_id=event_id, event_type=event_type)
    return accept(units, notification_keys(), signed(body, units.clock.wall_now()), body)


def order_of(units: Units, number: str) -> PaymentOrder:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(PaymentOrder).where(PaymentOrder.out_trade_no == number)).one()


def bill_state(units: Units, number: str) -> BillState:
    with units.open(reads_only=True) as uow:
        return uow.session.get_one(Bill, order_of(units, number).bill_id).state


def pay(units: Units, number: str, transaction_id: str = "42000001", amount_fen: int = 2500) -> Receipt:
    with units.open() as uow:
        return receive_paid(
            uow,
            out_trade_no=number,
            transaction_id=transaction_id,
            amount_fen=amount_fen,
            paid_at=MORNING,
            payer_ref="oPayer",
        )


def test_a_payment_told_of_settles_its_bill(units: Units, asker: Asker, heard: list[object]):
    number = asker.order()

    assert told(units, paid_facts(number)) == 204
    assert bill_state(units, number) == BillState.OPEN
    assert process_notifications(units) == 1

    order = order_of(units, number)
    assert (order.state, order.paid_fen, order.settles_bill) == (OrderState.PAID, 2500, True)
    assert bill_state(units, number) == BillState.PAID
    paid = [event for event in heard if isinstance(event, events.BillPaid)]
    assert [event.bill_id for event in paid] == [order.bill_id]
    assert "oPayer" not in order.payer_index


def test_a_notification_that_comes_again_is_answered_alike_and_has_no_second_effect(
    units: Units, asker: Asker, heard: list[object]
):
    number = asker.order()
    body = envelope(seal(paid_facts(number)))
    headers = signed(body, MORNING)

    answers = [accept(units, notification_keys(), headers, body) for _ in range(3)]
    process_notifications(units)
    answers.append(accept(units, notification_keys(), headers, body))
    process_notifications(units)

    assert answers == [204] * 4
    assert sum(isinstance(event, events.BillPaid) for event in heard) == 1
    with units.open(reads_only=True) as uow:
        assert [(item.state, item.repeats) for item in uow.session.scalars(select(InboxItem))] == [(InboxState.DONE, 3)]


@pytest.mark.parametrize("is_one_event", [True, False])
def test_sixteen_at_once_tell_of_one_payment_and_it_counts_once(units: Units, asker: Asker, is_one_event: bool):
    number = asker.order()

    def tell(caller: int) -> int:
        status = told(units, paid_facts(number), event_id="same" if is_one_event else f"event-{caller}")
        process_notifications(units)
        return status

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(tell, range(16)))
    process_notifications(units)

    assert answers == [204] * 16
    order = order_of(units, number)
    assert (order.state, order.paid_fen, order.refunded_fen) == (OrderState.PAID, 2500, 0)
    with units.open(reads_only=True) as uow:
        paying = select(func.count()).select_from(Move).where(Move.machine == "bill", Move.action == "pay")
        assert uow.session.scalar(paying) == 1
        waiting = select(func.count()).select_from(InboxItem).where(InboxItem.state != InboxState.DONE)
        assert uow.session.scalar(waiting) == 0


def test_an_amount_that_differs_is_refused_and_waits_for_a_person(units: Units, asker: Asker):
    number = asker.order()
    body = envelope(seal(paid_facts(number, 1)))

    answers = [accept(units, notification_keys(), signed(body, MORNING), body) for _ in range(2)]
    process_notifications(units)

    assert answers == [400, 400]
    assert order_of(units, number).state == OrderState.ASKED
    assert bill_state(units, number) == BillState.OPEN
    with units.open(reads_only=True) as uow:
        items = uow.session.scalars(select(InboxItem)).all()
        assert [(item.state, item.error_code) for item in items] == [(InboxState.REFUSED, "amount_mismatch")]
        outcomes = uow.session.scalars(select(AuditEvent.outcome).where(AuditEvent.action == "payment.receive")).all()
        assert outcomes == ["amount_mismatch"]


def test_a_payment_of_an_order_nobody_placed_is_refused_and_kept(units: Units):
    assert told(units, paid_facts("mznobodyplacedthis")) == 400

    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem.error_code)).all() == ["unknown_order"]


def test_when_the_provider_itself_speaks_of_another_amount_nothing_is_booked_and_nobody_pays_again(
    units: Units, asker: Asker
):
    number = asker.order()

    receipts = [pay(units, number, amount_fen=2499) for _ in range(2)]

    assert receipts == [Receipt.MISMATCH] * 2
    order = order_of(units, number)
    assert (order.state, order.paid_fen, order.transaction_id) == (OrderState.MISMATCH, 0, None)
    with pytest.raises(Exception, match="payment_unclear"):
        asker.order(bill_public_id(units, order.bill_id))


def test_the_right_amount_mends_a_mismatch(units: Units, asker: Asker):
    number = asker.order()
    pay(units, number, amount_fen=2499)

    assert pay(units, number) == Receipt.BOOKED
    assert bill_state(units, number) == BillState.PAID


def test_one_transaction_does_not_pay_two_orders(units: Units, asker: Asker):
    first, second = asker.order(), asker.order()
    pay(units, first)

    assert pay(units, second) == Receipt.MISMATCH
    assert bill_state(units, second) == BillState.OPEN


def test_money_for_a_void_bill_is_recorded_and_goes_back(units: Units, asker: Asker, heard: list[object]):
    public_id = asker.bill()
    number = asker.order(public_id)
    with units.open(asker.who.actor) as uow:
        void_bill(uow, bill_of_account(uow, public_id), why="test")

    assert pay(units, number) == Receipt.LATE
    assert pay(units, number) == Receipt.REPEATED

    order = order_of(units, number)
    assert (order.state, order.paid_fen, order.refunded_fen) == (OrderState.REFUND_DUE, 2500, 2500)
    assert bill_state(units, number) == BillState.VOID
    assert [type(event) for event in heard] == [events.BillOpened, events.RefundRequested]
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Refund.reason)).all() == ["late"]


def test_a_bill_paid_twice_keeps_one_payment_and_gives_the_other_back(units: Units, asker: Asker, till: Till):
    public_id = asker.bill()
    first = asker.order(public_id)
    with units.open() as uow:
        order = uow.session.scalars(select(PaymentOrder)).one()
        copied = {column.key: getattr(order, column.key) for column in PaymentOrder.__table__.columns}
        copied |= {"id": None, "public_id": "x" * 26, "out_trade_no": "mzsecond", "live_key": "jsapi:1"}
        uow.session.add(PaymentOrder(**copied))

    receipts = [pay(units, first), pay(units, "mzsecond", "42000002")]

    assert receipts == [Receipt.BOOKED, Receipt.LATE]
    assert order_of(units, first).state == OrderState.PAID
    assert order_of(units, "mzsecond").state == OrderState.REFUND_DUE
    assert bill_state(units, first) == BillState.PAID


def test_money_for_an_order_closed_too_early_still_settles_its_open_bill(units: Units, asker: Asker, till: Till):
    number = asker.order()
    querying.close(units, till, order_of(units, number).id, number)
    assert order_of(units, number).state == OrderState.CLOSED

    assert pay(units, number) == Receipt.BOOKED
    assert bill_state(units, number) == BillState.PAID


class _Stubborn(Refused):
    code = "stubborn"


def test_money_is_recorded_when_what_follows_fails_and_the_rest_is_done_later(
    units: Units, asker: Asker, till: Till, clock: SetClock
):
    number = asker.order()
    till.pay(number, MORNING)

    def refuse(_uow: Uow, _event: object) -> None:
        raise _Stubborn

    stubborn = replace(units, story={events.BillPaid: (refuse,)})
    assert told(stubborn, paid_facts(number)) == 204
    process_notifications(stubborn)

    order = order_of(units, number)
    assert (order.state, order.settles_bill) == (OrderState.PAID, False)
    assert bill_state(units, number) == BillState.OPEN
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem.error_code)).all() == ["stubborn"]

    clock.step(seconds=61)
    querying.query_missing(stubborn, till)
    assert bill_state(units, number) == BillState.OPEN

    clock.step(seconds=61)
    querying.query_missing(units, till)
    assert bill_state(units, number) == BillState.PAID
    assert order_of(units, number).settles_bill


def test_a_query_records_money_too_when_what_follows_fails(units: Units, asker: Asker, till: Till, clock: SetClock):
    number = asker.order()
    till.pay(number, MORNING)

    def refuse(_uow: Uow, _event: object) -> None:
        raise _Stubborn

    clock.step(seconds=61)
    querying.query_missing(replace(units, story={events.BillPaid: (refuse,)}), till)

    assert order_of(units, number).state == OrderState.PAID


def test_an_event_of_no_use_is_kept_and_has_no_effect(units: Units, asker: Asker):
    number = asker.order()

    assert told(units, paid_facts(number), event_type="PAYSCORE.USER_OPEN_SERVICE") == 204
    process_notifications(units)

    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem.error_code)).all() == ["event_not_used"]
    assert order_of(units, number).state == OrderState.ASKED


def bill_public_id(units: Units, bill_id: int) -> str:
    with units.open(reads_only=True) as uow:
        return uow.session.get_one(Bill, bill_id).public_id
