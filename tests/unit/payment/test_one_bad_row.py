"""One row that cannot be worked on keeps no other waiting: each job goes on with the next one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app import events
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Units, Uow
from app.payment import querying, refunds
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.ports import PaymentFact, RefundFact, RefundFactState
from app.payment.receiving import process_notifications
from app.payment.service import bill_of_account
from app.payment.states import BillState, OrderState, RefundState
from tests.conftest import SetClock
from tests.factories_payment import MCHID, Till, paid_facts
from tests.unit.payment.conftest import Asker
from tests.unit.payment.test_money_in import pay, told


def test_a_notification_that_says_nothing_of_use_is_put_aside_and_the_next_one_is_used(units: Units, asker: Asker):
    nameless = json.dumps({"mchid": MCHID, "refund_status": "SUCCESS"}).encode()
    assert told(units, nameless, event_type="REFUND.SUCCESS") == 204
    assert told(units, paid_facts(asker.order())) == 204

    process_notifications(units)

    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Bill.state)).one() == BillState.PAID
        nameless_item = uow.session.scalars(select(InboxItem).order_by(InboxItem.id)).first()
        assert nameless_item is not None
        assert (nameless_item.state, nameless_item.error_code) == (InboxState.REFUSED, "notification_refused")


def given_back(units: Units, asker: Asker) -> list[Refund]:
    """Three refunds, the oldest first."""
    made = []
    for number in range(3):
        bill = asker.bill()
        pay(units, asker.order(bill), transaction_id=f"420{number}")
        with units.open(asker.who.actor) as uow:
            refund = refunds.give_back(uow, bill_of_account(uow, bill), reason="cancelled")
            assert refund is not None
            made.append(refund)
    return made


def stumbling(units: Units, bad: Refund) -> Units:
    """What follows from the arrival of this refund fails, whenever it is tried."""

    def fail(_uow: Uow, arrived: events.RefundSucceeded) -> None:
        if arrived.refund_id == bad.id:
            raise RuntimeError("a follower that fails")

    return replace(units, story={events.RefundSucceeded: (fail,)})


def states(units: Units) -> list[RefundState]:
    with units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Refund.state).order_by(Refund.id)))


def test_a_refund_whose_arrival_cannot_be_booked_holds_up_no_other_that_is_sent(
    units: Units, asker: Asker, till: Till, clock: SetClock
):
    made = given_back(units, asker)
    till.refund_facts |= {refund.out_refund_no: RefundFact(RefundFactState.SUCCEEDED) for refund in made}

    for _ in range(3):
        refunds.send_refunds(stumbling(units, made[0]), till)
        clock.step(seconds=61)

    assert states(units) == [RefundState.REQUESTED, RefundState.SUCCEEDED, RefundState.SUCCEEDED]
    refunds.send_refunds(units, till)
    assert set(states(units)) == {RefundState.SUCCEEDED}


def test_a_refund_nobody_has_words_for_holds_up_no_other(units: Units, asker: Asker, till: Till, clock: SetClock):
    made = given_back(units, asker)
    with units.open() as uow:
        uow.session.execute(update(Refund).where(Refund.id == made[0].id).values(reason="unheard_of"))

    refunds.send_refunds(units, till)

    assert states(units) == [RefundState.REQUESTED, RefundState.SENT, RefundState.SENT]


def test_a_refund_whose_arrival_cannot_be_booked_holds_up_no_other_that_is_asked_about(
    units: Units, asker: Asker, till: Till, clock: SetClock
):
    made = given_back(units, asker)
    refunds.send_refunds(units, till)
    till.refund_facts |= {refund.out_refund_no: RefundFact(RefundFactState.SUCCEEDED) for refund in made}

    for _ in range(3):
        clock.step(seconds=61)
        refunds.query_refunds(stumbling(units, made[0]), till)

    assert states(units) == [RefundState.SENT, RefundState.SUCCEEDED, RefundState.SUCCEEDED]


class Garbled(Till):
    """A provider whose courier meets, for one order, what it cannot read at all."""

    bad = ""

    def query(self, out_trade_no: str) -> PaymentFact:
        if out_trade_no == self.bad:
            raise AttributeError("an answer of another shape")
        return super().query(out_trade_no)


@pytest.mark.parametrize("job", [querying.query_missing, querying.close_expired])
def test_an_order_whose_answer_cannot_be_read_holds_up_no_other(job, units: Units, who, clock: SetClock):
    till = Garbled()
    asker = Asker(units, till, who)
    till.bad, *others = [asker.order() for _ in range(3)]
    for number in others:
        till.pay(number, clock.now())
    clock.step(minutes=31)

    job(units, till)

    with units.open(reads_only=True) as uow:
        found = dict(uow.session.execute(select(PaymentOrder.out_trade_no, PaymentOrder.state)).all())
    assert found[till.bad] == OrderState.ASKED
    assert {found[number] for number in others} == {OrderState.PAID}
