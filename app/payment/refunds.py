"""Money on its way back: asked for in the unit that finds it due, sent after that unit stands, followed to its end.

What the insurer itself settled goes back to it first: the patient's money waits until the insurer has answered.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta

from sqlalchemy import select

from app import events
from app.kernel import audit, outbox
from app.kernel.ids import new_public_id
from app.kernel.moves import move
from app.kernel.outbox import OutboxItem
from app.kernel.rows import each
from app.kernel.uow import Actor, Units, Uow
from app.payment import parts, service, sql
from app.payment.errors import NotRefundable, RefundExceedsPaid, RefundUnderWay
from app.payment.models import Bill, PaymentOrder, Refund, RefundLine
from app.payment.ports import (
    PaymentProvider,
    ProviderAway,
    ProviderRefused,
    RefundAsking,
    RefundFact,
    RefundFactState,
)
from app.payment.rules import PAYERS, REFUND_WORDS, WINDOW, Part, refund_topic
from app.payment.states import (
    BILL,
    ORDER,
    REFUND,
    WITH_INSURER,
    BillAction,
    BillState,
    OrderAction,
    RefundAction,
    RefundState,
)

QUERY_SECONDS = 20
LEASE_SECONDS = 60
# The merchant's balance or key, or the provider's pace, stand in the way, and not the refund itself (申请退款).
_PASSING_WECHAT = ("NOT_ENOUGH", "FREQUENCY_LIMITED", "SIGN_ERROR")
_PASSING_ALIPAY = ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "isv.invalid-signature")
PASSING = frozenset((*_PASSING_WECHAT, *_PASSING_ALIPAY))
JOB = Actor("job", "payment")
_log = logging.getLogger(__name__)


REFUNDABLE = (BillState.PAID, BillState.PARTLY_REFUNDED)


def give_back(uow: Uow, bill: Bill, *, reason: str) -> Refund | None:
    """All that is left of a paid bill is on its way back, insurance's part first; None when nothing is paid of it.

    A refund of some lines that waits for the insurer becomes the refund of all.
    """
    bill = service.locked(uow, bill.id)
    if bill.state not in REFUNDABLE:
        return None
    waiting = with_insurer(uow, bill.id)
    if waiting is not None:
        return _widen(uow, bill, waiting, reason)
    return _give_back(uow, bill, parts.remaining(uow, bill.id), reason, ends_bill=True)


def give_back_lines(uow: Uow, bill: Bill, quantities: Mapping[int, int], *, reason: str) -> Refund:
    """So many pieces of these lines {line_no: pieces} are on their way back, insurance's part first.

    What the insurer itself settled is taken back whole and the rest settled anew; how much goes back is the
    difference, known when that is done. Refuses `not_refundable` for a bill of which nothing is paid,
    `refund_exceeds_paid` beyond what is left of a line, `refund_under_way` while the insurer is at work on another.
    """
    bill = service.locked(uow, bill.id)
    if bill.state not in REFUNDABLE:
        raise NotRefundable(state=bill.state.value)
    given = parts.wanted(uow, bill.id, quantities)
    if with_insurer(uow, bill.id) is not None:
        raise RefundUnderWay(bill=bill.public_id)
    ends_bill = parts.are_all(uow, bill.id, given)
    if not ends_bill and service.is_settled_by_insurer(uow, bill):
        return _begin_difference(uow, bill, given, reason)
    return _give_back(uow, bill, given, reason, ends_bill=ends_bill)


def with_insurer(uow: Uow, bill_id: int) -> Refund | None:
    """The bill's refund that waits for the insurer; there is one at most."""
    waits = select(Refund).where(Refund.bill_id == bill_id, Refund.state.in_(WITH_INSURER))
    return uow.session.scalars(waits.with_for_update().execution_options(populate_existing=True)).first()


def _give_back(uow: Uow, bill: Bill, given: list[Part], reason: str, *, ends_bill: bool) -> Refund:
    parts.set_aside(uow, bill, given)
    move(uow, BILL, bill, BillAction.GIVE_BACK if ends_bill else BillAction.GIVE_BACK_PART, why=reason)
    if ends_bill:
        service.reverse_insurance(uow, bill)
    else:
        service.return_to_insurance(uow, bill, given)
    refund = _new(uow, bill, None, 0, reason)
    refund.ends_bill = ends_bill
    uow.session.add_all(RefundLine(refund_id=refund.id, **asdict(part)) for part in given)
    uow.session.flush()
    take_sums(uow, bill, refund)
    if service.insurer_may_hold(uow, bill):
        move(uow, REFUND, refund, RefundAction.AWAIT_INSURER)
    else:
        _go_on(uow, refund)
    return refund


def _begin_difference(uow: Uow, bill: Bill, given: list[Part], reason: str) -> Refund:
    """The pieces are set aside and the insurer takes its settlement back; the sums follow with what it settles anew."""
    nothing = [replace(part, **dict.fromkeys(PAYERS, 0)) for part in given]
    parts.set_aside(uow, bill, nothing)
    move(uow, BILL, bill, BillAction.GIVE_BACK_PART, why=reason)
    refund = _new(uow, bill, None, 0, reason)
    refund.resettles = True
    uow.session.add_all(RefundLine(refund_id=refund.id, **asdict(part)) for part in nothing)
    uow.session.flush()
    service.reverse_insurance(uow, bill)
    move(uow, REFUND, refund, RefundAction.AWAIT_INSURER)
    audit.record(uow, "refund.resettle", "refund", refund.public_id, reason=reason)
    return refund


def _widen(uow: Uow, bill: Bill, refund: Refund, reason: str) -> Refund:
    """The refund that waits for the insurer gives all of the bill back; what was to be settled anew is not."""
    refund.ends_bill, refund.reason = True, reason
    service.let_remainder_go(uow, bill)
    parts.keep_difference(uow, refund, {}, with_rest=True)
    move(uow, BILL, bill, BillAction.GIVE_BACK, why=reason)
    take_sums(uow, bill, refund)
    if not service.insurer_may_hold(uow, bill):
        release(uow, refund)
    return refund


def take_sums(uow: Uow, bill: Bill, refund: Refund) -> None:
    """The refund's sums are those of its lines, its cash is set aside, and `RefundRequested` says so."""
    order, lines = service.settling_order_of(uow, bill.id), service.lines_of_refund(uow, refund.id)
    cash_fen = sum(line.cash_fen for line in lines)
    refund.fund_fen = sum(line.fund_fen for line in lines)
    refund.other_fen = sum(line.other_fen for line in lines)
    refund.account_fen = sum(line.account_fen for line in lines)
    refund.amount_fen = cash_fen
    refund.payment_order_id = order.id if order is not None and cash_fen else None
    uow.session.flush()
    if order is not None and cash_fen and not sql.reserve_refund(uow, order.id, cash_fen):
        raise RefundExceedsPaid(order=order.out_trade_no)
    if order is not None and refund.ends_bill:
        move(uow, ORDER, order, OrderAction.GIVE_BACK, why=refund.reason)
    audit.record(uow, "refund.request", "refund", refund.public_id, reason=refund.reason, amount_fen=cash_fen)
    uow.publish(events.RefundRequested(refund.id, bill.id))


def release(uow: Uow, refund: Refund) -> None:
    """The insurer has answered: the patient's money is on its way."""
    move(uow, REFUND, refund, RefundAction.RELEASE)
    _go_on(uow, refund)


def _go_on(uow: Uow, refund: Refund) -> None:
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    if order is None:
        finish(uow, refund.out_refund_no, RefundFact(RefundFactState.SUCCEEDED))
    else:
        _send_later(uow, refund, order)


def _send_later(uow: Uow, refund: Refund, order: PaymentOrder) -> None:
    """What was paid at the window waits there for the patient; all else goes to its provider."""
    if order.provider != WINDOW:
        topic = refund_topic(order.provider)
        outbox.post(uow, topic, refund.out_refund_no, {"refund_id": refund.id}, lane=order.out_trade_no)


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
    _send_later(uow, refund, order)
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
    """A bill is refunded when all that goes back of it has arrived; money that settled no bill goes by itself."""
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    if order is not None and not order.settles_bill:
        move(uow, ORDER, order, OrderAction.ARRIVE_BACK)
    elif bill.state == BillState.REFUNDING and not _is_under_way(uow, bill):
        settling = service.settling_order_of(uow, bill.id)
        if settling is not None:
            move(uow, ORDER, settling, OrderAction.ARRIVE_BACK)
        move(uow, BILL, bill, BillAction.ARRIVE_BACK)
    uow.publish(events.RefundSucceeded(refund.id, bill.id))


def _is_under_way(uow: Uow, bill: Bill) -> bool:
    settling = select(PaymentOrder.id).where(PaymentOrder.bill_id == bill.id, PaymentOrder.settles_bill)
    others = select(Refund.id).where(
        Refund.bill_id == bill.id,
        Refund.state != RefundState.SUCCEEDED,
        Refund.payment_order_id.is_(None) | Refund.payment_order_id.in_(settling),
    )
    return uow.session.scalar(others.limit(1)) is not None


def send_refunds(units: Units, provider: PaymentProvider, *, limit: int = 20) -> int:
    """Refunds that wait are with the provider, each under its own number at every try; returns how many were tried.

    Job. A provider that is away is asked again later; one that refuses leaves the refund failed, for a person.
    """
    with units.open(JOB) as uow:
        items = outbox.claim(uow, refund_topic(provider.name), limit=limit, lease_seconds=LEASE_SECONDS)
        due = [(item.id, int(item.payload["refund_id"])) for item in items]
    return each(due, lambda item: _send(units, provider, *item), _log, "refund")


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


def _send(units: Units, provider: PaymentProvider, item_id: int, refund_id: int) -> None:
    try:
        with units.open(JOB, reads_only=True) as uow:
            asking = _asking(uow, refund_id)
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
    """Refunds the provider took on are followed to their end; returns how many were asked about. Job.

    One that it does not know after all moved nothing, and is sent again under its number.
    """
    with units.open(JOB) as uow:
        next_at = uow.now() + timedelta(seconds=60)
        due = sql.claim_refunds_to_query(uow, provider.name, limit=limit, next_at=next_at)
    return each(due, lambda refund: _query(units, provider, *refund), _log, "refund")


def _query(units: Units, provider: PaymentProvider, out_refund_no: str, out_trade_no: str) -> None:
    try:
        fact = provider.query_refund(out_refund_no, out_trade_no)
    except (ProviderAway, ProviderRefused) as error:
        _log.info("refund %s: no answer (%s)", out_refund_no, error)
        return
    with units.open(JOB) as uow:
        finish(uow, out_refund_no, fact)
        if fact.state is RefundFactState.ABSENT:
            _log.warning("refund %s is not known any more and is sent again", out_refund_no)
            outbox.tell_again(uow, _posted(uow, refund_topic(provider.name), out_refund_no))


def _posted(uow: Uow, topic: str, out_refund_no: str) -> int:
    return uow.session.scalars(
        select(OutboxItem.id).where(OutboxItem.topic == topic, OutboxItem.key == out_refund_no)
    ).one()
