"""How mixed orders end: told of for half a minute only, so that each is asked about until both its parts are known."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app import events
from app.insurance import by_order
from app.insurance.ports import (
    AnswerFlawed,
    InsurerAway,
    InsurerRefused,
    PayFact,
    PayFactState,
    PayOrder,
    Sums,
    for_log,
)
from app.kernel import audit, outbox
from app.kernel.moves import move
from app.kernel.rows import each
from app.kernel.uow import Actor, Units, Uow
from app.payment import mixed_cases, mixing, receipts, refunds, service, sql
from app.payment.mixed_ports import MixedFact, MixedProvider, MixedRefund, MixedState
from app.payment.mixed_rules import MixedSums
from app.payment.mixing import QUERY_SECONDS, Partners
from app.payment.models import MixedOrder, PaymentOrder, Refund
from app.payment.ports import PaymentFact, PaymentFactState, ProviderAway, ProviderRefused
from app.payment.states import LIVE, MIXED_LIVE, MIXED_ORDER, MixedOrderAction, MixedOrderState, OrderState

TOPIC = "refund.mixed"
LEASE_SECONDS = 60
JOB = Actor("job", "payment")
NO_ANSWER = (ProviderAway, ProviderRefused, InsurerAway, InsurerRefused)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Brief:
    """A mixed order whose end is asked for."""

    mixed_id: int
    out_trade_no: str
    mix_trade_no: str
    pay_order: PayOrder | None
    quoted: Sums
    cash_fen: int
    is_over: bool
    is_unknown: bool

    @property
    def sums(self) -> MixedSums:
        """What the provider must say of it."""
        told = self.quoted
        return MixedSums(told.total_fen, told.fund_fen, told.account_fen, told.other_fen, told.cash_fen, self.cash_fen)


def query_due(units: Units, partners: Partners, *, limit: int = 20) -> int:
    """Mixed orders whose end is not known are asked about, every 20 seconds. Job; returns how many."""
    with units.open(JOB) as uow:
        due = sql.claim_mixed_to_query(uow, limit=limit, next_at=uow.now() + timedelta(seconds=QUERY_SECONDS))
    return each(due, lambda mixed_id: _try(units, partners, mixed_id), _log, "mixed order")


def _try(units: Units, partners: Partners, mixed_id: int) -> None:
    try:
        look(units, partners, mixed_id)
    except AnswerFlawed as flawed:
        mixed_cases.differ(units, mixed_id, flawed.flaw)
    except NO_ANSWER as error:
        _log.info("mixed order %d: no answer (%s)", mixed_id, for_log(error))
        mixed_cases.postpone(units, mixed_id)


def hasten(uow: Uow, out_trade_no: str) -> bool:
    """The provider tells that the order is paid: it is asked at the next bell. False for a number that is not ours."""
    mixed = uow.session.scalars(
        select(MixedOrder)
        .join(PaymentOrder, PaymentOrder.id == MixedOrder.payment_order_id)
        .where(PaymentOrder.out_trade_no == out_trade_no)
    ).first()
    if mixed is not None and mixed.state in MIXED_LIVE:
        mixed.query_due_at = uow.now()
    return mixed is not None


def look(units: Units, partners: Partners, mixed_id: int) -> None:
    """The order stands as provider and insurer see it; whatever either does not answer is left for the next time.

    One whose answer was lost, and that the provider does not know, is ended here and there: another may be asked for.
    """
    with units.open(JOB, reads_only=True) as uow:
        brief = _brief(uow, mixed_id)
    fact = partners.mixed.query(brief.out_trade_no, brief.mix_trade_no)
    if fact.state is MixedState.PAID:
        _receive(units, partners, brief, fact)
    elif fact.state in {MixedState.FAILED, MixedState.REFUNDED}:
        _fail(units, partners, brief)
    elif brief.is_over or (brief.is_unknown and fact.state is MixedState.ABSENT):
        _end(units, partners, brief)
    elif fact.state is MixedState.OPEN:
        with units.open(JOB) as uow:
            mixing.keep_placed(uow, uow.session.get_one(MixedOrder, mixed_id, with_for_update=True), fact)


def _brief(uow: Uow, mixed_id: int) -> _Brief:
    mixed = uow.session.get_one(MixedOrder, mixed_id)
    order = uow.session.get_one(PaymentOrder, mixed.payment_order_id)
    bill = service.by_id(uow, order.bill_id)
    quoted = by_order.quoted_of_split(uow, mixed.split_id)
    assert quoted is not None
    is_over = order.expires_at <= uow.now() or order.state not in (*LIVE, OrderState.PAID) or bill.state != "open"
    pay_order = mixing.pay_order_of(uow, mixed)
    return _Brief(
        mixed.id,
        order.out_trade_no,
        mixed.mix_trade_no or "",
        pay_order,
        quoted.sums,
        order.amount_fen,
        is_over,
        mixed.state is MixedOrderState.UNKNOWN,
    )


def _receive(units: Units, partners: Partners, brief: _Brief, fact: MixedFact) -> None:
    """Both parts are paid: they settle the bill in one unit, once the insurer names its settlement.

    When one of the two stands no longer, the other goes back; when one speaks of other sums, a person must look.
    """
    cash = partners.payments.query(brief.out_trade_no)
    pay_order = brief.pay_order
    try:
        settled = partners.centre.query(pay_order, brief.quoted) if pay_order else PayFact(PayFactState.FAILED)
    except AnswerFlawed as flawed:
        mixed_cases.differ(units, brief.mixed_id, flawed.flaw, cash)
        return
    if fact.sums != brief.sums:
        mixed_cases.differ(units, brief.mixed_id, mixed_cases.PROVIDER_SUMS, cash)
    elif cash.state is PaymentFactState.REFUNDED or settled.state in {PayFactState.GONE, PayFactState.FAILED}:
        _fail(units, partners, brief)
    elif pay_order and cash.state is PaymentFactState.PAID and settled.state is PayFactState.SETTLED:
        with units.open(JOB) as uow:
            _book(uow, brief, cash, pay_order, settled.setl_id)


def _book(uow: Uow, brief: _Brief, cash: PaymentFact, pay_order: PayOrder, setl_id: str) -> None:
    mixed, order = mixed_cases.locked(uow, brief.mixed_id)
    if mixed.state not in MIXED_LIVE or not by_order.may_settle(uow, mixed.split_id):
        return
    move(uow, MIXED_ORDER, mixed, MixedOrderAction.PAY)
    by_order.settle(uow, mixed.split_id, pay_order, setl_id)
    audit.record(uow, "payment.mix", "payment_order", order.out_trade_no, amount_fen=brief.sums.total_fen)
    receipts.receive_paid(uow, **vars(mixed_cases.paid(uow, order, cash)))


def _end(units: Units, partners: Partners, brief: _Brief) -> None:
    """An order past its time can be paid neither here nor there; one that was paid meanwhile is found so."""
    with contextlib.suppress(ProviderRefused):
        partners.payments.close(brief.out_trade_no)
    _settled_alone(partners, brief)
    fact = partners.mixed.query(brief.out_trade_no, brief.mix_trade_no)
    if fact.state is MixedState.PAID:
        _receive(units, partners, brief, fact)
    else:
        _fail(units, partners, brief)


def _fail(units: Units, partners: Partners, brief: _Brief) -> None:
    """Not both parts are paid: the order is over, and what was taken alone goes back, to the patient or the insurer."""
    cash = partners.payments.query(brief.out_trade_no)
    setl_id = _settled_alone(partners, brief)
    with units.open(JOB) as uow:
        mixed, order = mixed_cases.locked(uow, brief.mixed_id)
        if mixed.state not in MIXED_LIVE or not by_order.may_settle(uow, mixed.split_id):
            return
        settled = (brief.pay_order, setl_id) if brief.pay_order is not None and setl_id else None
        mixed_cases.let_go(uow, mixed, order, settled=settled, cash=cash)


def _settled_alone(partners: Partners, brief: _Brief) -> str:
    """The settlement that the insurer made all the same; '' when there is none, and can be none any more."""
    if brief.pay_order is None:
        return ""
    try:
        partners.centre.revoke(brief.pay_order)
    except InsurerRefused:
        return partners.centre.query(brief.pay_order, brief.quoted).setl_id
    return ""


def tell_when_reversed(uow: Uow, reversed_: events.SettlementReversed) -> None:
    """The provider must be told that insurance's part of a mixed order went back."""
    mixed = uow.session.scalars(
        select(MixedOrder).where(MixedOrder.split_id == reversed_.split_id, MixedOrder.mix_trade_no.is_not(None))
    ).first()
    if mixed is None:
        return
    bill = service.bill_of_split(uow, reversed_.split_id)
    refund = refunds.with_insurer(uow, bill.id) if bill is not None else None
    outbox.post(uow, TOPIC, str(mixed.id), {"mixed_id": mixed.id, "number": refund.out_refund_no if refund else ""})


def tell_refunds(units: Units, provider: MixedProvider, *, limit: int = 20) -> int:
    """The provider knows of what the insurer took back, each under the number of the cash part's refund. Job."""
    with units.open(JOB) as uow:
        items = outbox.claim(uow, TOPIC, limit=limit, lease_seconds=LEASE_SECONDS)
        due = [(item.id, item.payload) for item in items]
    return each(due, lambda item: _tell(units, provider, *item), _log, "mixed refund")


def _tell(units: Units, provider: MixedProvider, item_id: int, told: Mapping[str, Any]) -> None:
    try:
        with units.open(JOB, reads_only=True) as uow:
            refund = _refund(uow, told)
        provider.tell_refund(refund)
    except ProviderAway:
        with units.open(JOB) as uow:
            outbox.mark_failed(uow, item_id, "provider_away")
    except ProviderRefused as error:
        with units.open(JOB) as uow:
            outbox.mark_failed(uow, item_id, error.code, is_final=True)
    else:
        with units.open(JOB) as uow:
            outbox.mark_sent(uow, item_id)


def _refund(uow: Uow, told: Mapping[str, Any]) -> MixedRefund:
    mixed = uow.session.get_one(MixedOrder, int(told["mixed_id"]))
    brief, number = _brief(uow, mixed.id), str(told.get("number", ""))
    if not number:
        refund = uow.session.scalars(
            select(Refund).where(Refund.payment_order_id == mixed.payment_order_id).order_by(Refund.id)
        ).first()
        number = refund.out_refund_no if refund else f"rf{brief.out_trade_no}"
    return MixedRefund(brief.mix_trade_no, number, brief.sums, uow.clock.wall_now())
