"""Asking the patient for money: the order stands here first, the provider hears of it next, its answer is kept last."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from app.identity import service as identity
from app.insurance import consents
from app.insurance import service as insurance
from app.insurance.errors import SplitChanged
from app.insurance.models import Split
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Actor, Units, Uow
from app.payment import querying, rules, service
from app.payment.errors import AlreadyPaid, BillNotOpen, NeedsWeChat, PaymentUnavailable, PaymentUnclear
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.ports import Asking, PaymentProvider, PrepayAnswer, ProviderAway, ProviderRefused
from app.payment.states import LIVE, ORDER, BillState, OrderAction, OrderState


@dataclass(frozen=True)
class Asked:
    """What the page needs: a bill without cash is settled; else `call_up` (inside WeChat) or `code_url` to scan."""

    bill_public_id: str
    is_settled: bool = False
    out_trade_no: str = ""
    amount_fen: int = 0
    method: PayMethod | None = None
    prepay_id: str = ""
    code_url: str = ""
    expires_at: datetime | None = None
    call_up: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    """What the first unit decided: nothing to ask for (`order` None), or an order; `is_over`: to be closed first."""

    bill_public_id: str
    order: PaymentOrder | None
    openid: str = ""
    is_over: bool = False


def start(
    units: Units, provider: PaymentProvider | None, actor: Actor, bill_public_id: str, method: PayMethod
) -> Asked:
    """The bill's cash part is asked for, its insurance part being settled first; a second tap gets the same order.

    A bill without cash needs no `provider`; with cash and without a provider it is refused `payment_unavailable`.
    Opens units of its own, the network lies between them. Refuses NotFound, `already_paid`, `bill_not_open`,
    `split_changed` (the amount is another now: the facts name the new bill), `needs_wechat`; `payment_unclear` when
    nobody knows what became of the order, `payment_unavailable` when the provider did not take it.
    """
    try:
        plan = _plan(units, provider, actor, bill_public_id, method)
    except SplitChanged:
        raise SplitChanged(bill=_bill_again(units, actor, bill_public_id)) from None
    if provider is None or plan.order is None:
        return Asked(bill_public_id, is_settled=True)
    if plan.is_over:
        querying.close(units, provider, plan.order.id, plan.order.out_trade_no)
        plan = _plan(units, provider, actor, bill_public_id, method)
        if plan.is_over:
            raise PaymentUnclear(bill=bill_public_id)
    order = plan.order
    if order is None:
        return Asked(bill_public_id, is_settled=True)
    if order.state != OrderState.ASKED:
        order = _ask(units, provider, actor, plan)
    return Asked(
        bill_public_id,
        out_trade_no=order.out_trade_no,
        amount_fen=order.amount_fen,
        method=order.method,
        prepay_id=order.prepay_id,
        code_url=order.code_url,
        expires_at=order.expires_at,
        call_up=provider.call_up(order.prepay_id) if order.prepay_id else {},
    )


def look_up(units: Units, provider: PaymentProvider, actor: Actor, bill_public_id: str) -> BillState:
    """The bill's state after the provider was asked about its live orders: for the patient who says "I have paid".

    With several providers each is asked in turn. Refuses NotFound. Limit how often a phone may ask: each call may
    reach the provider.
    """
    with units.open(actor) as uow:
        bill = service.bill_of_account(uow, bill_public_id)
        orders = live_orders(uow, bill) if bill.state == BillState.OPEN else []
        orders = [order for order in orders if order.provider == provider.name]
    for order in orders:
        querying.look(units, provider, order.id, order.out_trade_no)
    with units.open(actor, reads_only=True) as uow:
        return service.bill_of_account(uow, bill_public_id).state


def _plan(
    units: Units, provider: PaymentProvider | None, actor: Actor, bill_public_id: str, method: PayMethod
) -> _Plan:
    with units.open(actor) as uow:
        bill = service.locked(uow, service.bill_of_account(uow, bill_public_id).id)
        refuse_unless_open(uow, bill)
        openid = openid_of(uow, actor) if method is PayMethod.JSAPI and bill.cash_fen else ""
        settle_insurance(uow, bill)
        if bill.cash_fen == 0:
            service.settle_bill(uow, bill)
            return _Plan(bill_public_id, None)
        if provider is None:
            raise PaymentUnavailable(bill=bill_public_id)
        key = rules.live_key(provider.name, method, actor.id)
        live = next((order for order in live_orders(uow, bill) if order.live_key == key), None)
        if live is None:
            return _Plan(bill_public_id, new_order(uow, bill, provider.name, method, key), openid)
        return _Plan(bill_public_id, live, openid, is_over=live.expires_at <= uow.now())


def refuse_unless_open(uow: Uow, bill: Bill) -> None:
    """Passes a bill that can be paid now; refuses `already_paid`, `bill_not_open`, `payment_unclear`."""
    if bill.state in {BillState.PAID, BillState.PARTLY_REFUNDED, BillState.SETTLING}:
        raise AlreadyPaid(bill=bill.public_id)
    if bill.state != BillState.OPEN:
        raise BillNotOpen(bill=bill.public_id, state=bill.state.value)
    if bill.expires_at is not None and bill.expires_at <= uow.now():
        raise BillNotOpen(bill=bill.public_id, state="expired")
    if money_of_open(uow, bill) is not None:
        raise PaymentUnclear(bill=bill.public_id)


def money_of_open(uow: Uow, bill: Bill) -> OrderState | None:
    """That an open bill has money already: `paid`, and what follows from it is not done, or `mismatch`; else None."""
    if bill.state != BillState.OPEN:
        return None
    there = (OrderState.PAID, OrderState.MISMATCH)
    wanted = select(PaymentOrder.state).where(PaymentOrder.bill_id == bill.id, PaymentOrder.state.in_(there))
    found = set(uow.session.scalars(wanted))
    return next((state for state in there if state in found), None)


def openid_of(uow: Uow, actor: Actor) -> str:
    """By what WeChat knows whoever asks; refuses `needs_wechat`."""
    openid = identity.openid_of_account(uow, actor.id) if actor.id is not None else ""
    if not openid:
        raise NeedsWeChat
    return openid


def settle_insurance(uow: Uow, bill: Bill) -> None:
    """Insurance's part of the bill is settled before its cash part is taken; refuses as `insurance.settle` does.

    Refuses `consent_missing` while the patient has not agreed to pay what no insurance covers.
    """
    split = uow.session.get(Split, bill.split_id) if bill.split_id else None
    if split is not None:
        insurance.settle(uow, split)
        consents.require_consent(uow, split)


def _bill_again(units: Units, actor: Actor, bill_public_id: str) -> str:
    with units.open(actor, reads_only=True) as uow:
        bill_id = service.bill_of_account(uow, bill_public_id).id
    return bill_again(units, actor, bill_id)


def bill_again(units: Units, actor: Actor, bill_id: int) -> str:
    """The bill that stands in this one's place after insurance's part was worked out anew: its public id."""
    with units.open(actor) as uow:
        bill = service.locked(uow, bill_id)
        insurance.split_again(uow, uow.session.get_one(Split, bill.split_id))
    with units.open(actor, reads_only=True) as uow:
        newest = service.newest_bill_of(uow, bill.purpose, bill.subject_id)
        return newest.public_id if newest else bill.public_id


def is_asked_for(uow: Uow, bill: Bill) -> bool:
    """Whether some order of the bill can still be paid."""
    return any(order.state == OrderState.ASKED and order.expires_at > uow.now() for order in live_orders(uow, bill))


def live_orders(uow: Uow, bill: Bill) -> list[PaymentOrder]:
    """The bill's orders that may still be paid, in the order they were made."""
    return list(
        uow.session.scalars(
            select(PaymentOrder)
            .where(PaymentOrder.bill_id == bill.id, PaymentOrder.state.in_(LIVE))
            .order_by(PaymentOrder.id)
        )
    )


def new_order(uow: Uow, bill: Bill, provider_name: str, method: PayMethod, key: str) -> PaymentOrder:
    """An order for the bill's cash part stands, and no provider has heard of it."""
    now = uow.now()
    public_id = new_public_id()
    expires_at = rules.expiry(now, bill.expires_at)
    order = PaymentOrder(
        public_id=public_id,
        bill_id=bill.id,
        provider=provider_name,
        method=method,
        live_key=key,
        out_trade_no=f"mz{public_id}",
        amount_fen=bill.cash_fen,
        description=rules.DESCRIPTIONS[bill.purpose],
        created_at=now,
        expires_at=expires_at,
        lapses_at=rules.lapse(uow.clock.wall_now(), now, expires_at),
        query_due_at=now + timedelta(seconds=querying.ASKED_SECONDS),
        close_due_at=now,
    )
    uow.session.add(order)
    uow.session.flush()
    audit.record(uow, "payment.ask", "payment_order", order.out_trade_no, amount_fen=order.amount_fen)
    return order


def _ask(units: Units, provider: PaymentProvider, actor: Actor, plan: _Plan) -> PaymentOrder:
    order = plan.order
    assert order is not None
    try:
        answer = _prepay(provider, order, plan.openid)
    except ProviderAway:
        lose_sight(units, actor, order)
        raise PaymentUnclear(bill=plan.bill_public_id) from None
    except ProviderRefused as error:
        querying.close(units, provider, order.id, order.out_trade_no)
        raise PaymentUnavailable(bill=plan.bill_public_id, provider_code=error.code) from None
    return keep_answer(units, actor, order, answer)


def _prepay(provider: PaymentProvider, order: PaymentOrder, openid: str) -> PrepayAnswer:
    asking = _asking(order)
    if order.method is PayMethod.WAP:
        return PrepayAnswer()  # the provider hears of it when its page is opened
    return provider.prepay_jsapi(asking, openid) if order.method is PayMethod.JSAPI else provider.prepay_native(asking)


def _asking(order: PaymentOrder) -> Asking:
    return Asking(order.out_trade_no, order.amount_fen, order.description, order.lapses_at)


def page_url(uow: Uow, provider: PaymentProvider, bill: Bill, return_url: str) -> str:
    """The provider's page on which the asking account's live order can be paid; '' when it has none there."""
    key = rules.live_key(provider.name, PayMethod.WAP, uow.actor.id)
    live = next((order for order in live_orders(uow, bill) if order.live_key == key), None)
    is_payable = live is not None and live.state == OrderState.ASKED and live.expires_at > uow.now()
    return provider.page_url(_asking(live), return_url) if live is not None and is_payable else ""


def keep_answer(units: Units, actor: Actor, order: PaymentOrder, answer: PrepayAnswer) -> PaymentOrder:
    """The answer is on record; of two taps that asked at once both answers are good, and the first one is kept."""
    with units.open(actor) as uow:
        kept = uow.session.get_one(PaymentOrder, order.id, with_for_update=True)
        if ORDER.may(kept.state, OrderAction.ASK):
            move(uow, ORDER, kept, OrderAction.ASK, prepay_id=answer.prepay_id, code_url=answer.code_url)
        return kept


def lose_sight(units: Units, actor: Actor, order: PaymentOrder) -> None:
    """Nobody knows whether the provider took the order: it is asked about."""
    with contextlib.suppress(IllegalMove), units.open(actor) as uow:
        lost = uow.session.get_one(PaymentOrder, order.id, with_for_update=True)
        query_due_at = uow.now() + timedelta(seconds=querying.UNKNOWN_SECONDS)
        move(uow, ORDER, lost, OrderAction.LOSE_SIGHT, query_due_at=query_due_at)
