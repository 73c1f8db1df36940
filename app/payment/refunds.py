"""Money on its way back: asked for in the unit that finds it due, sent after that unit stands, followed to its end."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select

from app import events
from app.kernel import audit, outbox
from app.kernel.ids import new_public_id
from app.kernel.moves import move
from app.kernel.uow import Actor, Units, Uow
from app.payment import service, sql
from app.payment.errors import RefundExceedsPaid
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.ports import (
    PaymentProvider,
    ProviderAway,
    ProviderRefused,
    RefundAsking,
    RefundFact,
    RefundFactState,
)
from app.payment.rules import REFUND_WORDS, WINDOW, refund_topic
from app.payment.states import BILL, ORDER, REFUND, BillAction, BillState, OrderAction, RefundAction, RefundState

QUERY_SECONDS = 20
LEASE_SECONDS = 60
# The merchant's balance or the provider's pace stand in the way, not the refund itself (申请退款, error codes).
PASSING = frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "ACQ.SELLER_BALANCE_NOT_ENOUGH"})
JOB = Actor("job", "payment")
_log = logging.getLogger(__name__)


def give_back(uow: Uow, bill: Bill, *, reason: str) -> Refund | None:
    """All of a paid bill is on its way back, insurance's part too; None, and nothing done, when it is not paid."""
    bill = service.locked(uow, bill.id)
    if bill.state != BillState.PAID:
        return None
    move(uow, BILL, bill, BillAction.GIVE_BACK, why=reason)
    service.reverse_insurance(uow, bill)
    order = service.settling_order_of(uow, bill.id)
    if order is not None:
        return request(uow, bill, order, reason=reason)
    refund = _new(uow, bill, None, 0, reason)
    uow.publish(events.RefundRequested(refund.id, bill.id))
    finish(uow, refund.out_refund_no, RefundFact(RefundFactState.SUCCEEDED))
    return refund


def return_cash(uow: Uow, bill: Bill, *, reason: str) -> None:
    """A bill that waits for its insurer is void, and what the patient paid of it is on its way back; else quiet."""
    bill = service.locked(uow, bill.id)
    if bill.state != BillState.SETTLING:
        return
    order = service.settling_order_of(uow, bill.id)
    service.void_bill(uow, bill, why=reason)
    if order is not None:
        order.settles_bill = False
        request(uow, bill, order, reason=reason)


def request(uow: Uow, bill: Bill, order: PaymentOrder, *, reason: str) -> Refund:
    """All that came in for the order is on its way back (`RefundRequested`); refuses `refund_exceeds_paid`."""
    amount_fen = order.paid_fen
    uow.session.flush()
    if amount_fen == 0 or not sql.reserve_refund(uow, order.id, amount_fen):
        raise RefundExceedsPaid(order=order.out_trade_no)
    move(uow, ORDER, order, OrderAction.GIVE_BACK, why=reason)
    refund = _new(uow, bill, order, amount_fen, reason)
    if order.provider != WINDOW:  # what was paid at the window waits there for the patient
        topic = refund_topic(order.provider)
        outbox.post(uow, topic, refund.out_refund_no, {"refund_id": refund.id}, lane=order.out_trade_no)
    audit.record(uow, "refund.request", "refund", refund.public_id, reason=reason, amount_fen=amount_fen)
    uow.publish(events.RefundRequested(refund.id, bill.id))
    return refund


def _new(uow: Uow, bill: Bill, order: PaymentOrder | None, amount_fen: int, reason: str) -> Refund:
    public_id = new_public_id()
    refund = Refund(
        public_id=public_id,
        bill_id=bill.id,
        payment_order_id=order.id if order else None,
        out_refund_no=f"rf{public_id}",
        amount_fen=amount_fen,
        reason=reason,
        requested_at=uow.now(),
        query_due_at=uow.now() + timedelta(seconds=QUERY_SECONDS),
    )
    uow.session.add(refund)
    uow.session.flush()
    return refund


def finish(uow: Uow, out_refund_no: str, fact: RefundFact) -> bool:
    """The refund stands as `fact` says; success publishes `RefundSucceeded`. False for a number that is not ours.

    Told again, or told what is older than what we know, nothing changes.
    """
    found = uow.session.execute(
        select(Refund.id, Refund.bill_id).where(Refund.out_refund_no == out_refund_no)
    ).one_or_none()
    if found is None:
        return False
    bill = service.locked(uow, found.bill_id)
    refund = uow.session.get_one(Refund, found.id, with_for_update=True, populate_existing=True)
    action = _ACTIONS.get(fact.state)
    if action is None or not REFUND.may(refund.state, action):
        return True
    is_over = action is not RefundAction.SEND
    move(uow, REFUND, refund, action, failure=fact.code[:64], finished_at=uow.now() if is_over else None)
    if refund.state == RefundState.SUCCEEDED:
        _arrive(uow, bill, refund)
    elif refund.state == RefundState.FAILED:
        audit.record(uow, "refund.fail", "refund", refund.public_id, outcome=fact.code or "failed")
    return True


_ACTIONS = {
    RefundFactState.PROCESSING: RefundAction.SEND,
    RefundFactState.SUCCEEDED: RefundAction.SUCCEED,
    RefundFactState.FAILED: RefundAction.FAIL,
}


def _arrive(uow: Uow, bill: Bill, refund: Refund) -> None:
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    if order is not None:
        move(uow, ORDER, order, OrderAction.ARRIVE_BACK)
    if bill.state == BillState.REFUNDING and (order is None or order.settles_bill):
        move(uow, BILL, bill, BillAction.ARRIVE_BACK)
    uow.publish(events.RefundSucceeded(refund.id, bill.id))


def send_refunds(units: Units, provider: PaymentProvider, *, limit: int = 20) -> int:
    """Refunds that wait are with the provider, each under its own number at every try; returns how many were tried.

    Job. A provider that is away is asked again later; one that refuses leaves the refund failed, for a person.
    """
    with units.open(JOB) as uow:
        items = outbox.claim(uow, refund_topic(provider.name), limit=limit, lease_seconds=LEASE_SECONDS)
        askings = [(item.id, _asking(uow, int(item.payload["refund_id"]))) for item in items]
    for item_id, asking in askings:
        _send(units, provider, item_id, asking)
    return len(askings)


def _asking(uow: Uow, refund_id: int) -> RefundAsking:
    refund = uow.session.get_one(Refund, refund_id)
    order = uow.session.get_one(PaymentOrder, refund.payment_order_id)
    return RefundAsking(
        out_refund_no=refund.out_refund_no,
        transaction_id=order.transaction_id or "",
        amount_fen=refund.amount_fen,
        order_fen=order.amount_fen,
        reason=REFUND_WORDS[refund.reason],
    )


def _send(units: Units, provider: PaymentProvider, item_id: int, asking: RefundAsking) -> None:
    try:
        fact = provider.refund(asking)
    except ProviderAway:
        return _postpone(units, item_id, "provider_away")
    except ProviderRefused as error:
        if error.code in PASSING:
            return _postpone(units, item_id, error.code)
        _log.warning("refund %s was refused: %s", asking.out_refund_no, error.code)
        with units.open(JOB) as uow:
            finish(uow, asking.out_refund_no, RefundFact(RefundFactState.FAILED, error.code))
            outbox.mark_failed(uow, item_id, error.code, is_final=True)
        return None
    with units.open(JOB) as uow:
        finish(uow, asking.out_refund_no, fact)
        outbox.mark_sent(uow, item_id)
    return None


def _postpone(units: Units, item_id: int, code: str) -> None:
    with units.open(JOB) as uow:
        outbox.mark_failed(uow, item_id, code)


def query_refunds(units: Units, provider: PaymentProvider, *, limit: int = 20) -> int:
    """Refunds the provider took on are followed to their end; returns how many were asked about. Job."""
    with units.open(JOB) as uow:
        next_at = uow.now() + timedelta(seconds=60)
        due = sql.claim_refunds_to_query(uow, provider.name, limit=limit, next_at=next_at)
    for out_refund_no, out_trade_no in due:
        try:
            fact = provider.query_refund(out_refund_no, out_trade_no)
        except (ProviderAway, ProviderRefused) as error:
            _log.info("refund %s: no answer (%s)", out_refund_no, error)
            continue
        with units.open(JOB) as uow:
            finish(uow, out_refund_no, fact)
    return len(due)
