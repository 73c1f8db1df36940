"""Mixed orders that were settled with other sums than were quoted: nothing is booked, and the finance office looks.

They are asked about ever more rarely. Once the other side tells what was quoted they end as all others do.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select

from app.insurance import by_order
from app.insurance.ports import PayOrder
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Actor, Units, Uow
from app.payment import mixing, receipts, refunds, service
from app.payment.models import MixedOrder, PaymentOrder
from app.payment.ports import Paid, PaymentFact, PaymentFactState
from app.payment.states import (
    MIXED_LIVE,
    MIXED_ORDER,
    ORDER,
    MixedOrderAction,
    MixedOrderState,
    OrderAction,
    OrderState,
)

BACK_OFF_SECONDS = (60, 120, 300, 600, 1800, 3600)
PROVIDER_SUMS = "mixed_sums"
JOB = Actor("job", "payment")
_log = logging.getLogger(__name__)


def locked(uow: Uow, mixed_id: int) -> tuple[MixedOrder, PaymentOrder]:
    """The order as it stands, and before it, as everybody takes hold, its bill and payment order."""
    order_id = uow.session.get_one(MixedOrder, mixed_id).payment_order_id
    service.locked(uow, uow.session.get_one(PaymentOrder, order_id).bill_id)
    order = uow.session.get_one(PaymentOrder, order_id, with_for_update=True, populate_existing=True)
    return uow.session.get_one(MixedOrder, mixed_id, with_for_update=True, populate_existing=True), order


def paid(uow: Uow, order: PaymentOrder, cash: PaymentFact) -> Paid:
    """The order's money as the provider tells of it."""
    paid_at = cash.paid_at or uow.clock.wall_now()
    return Paid(order.out_trade_no, cash.transaction_id, cash.amount_fen, paid_at, cash.payer_ref)


def differ(units: Units, mixed_id: int, flaw: str, cash: PaymentFact | None = None) -> None:
    """What was told of the order must not be believed (`flaw`): it stands among the cases and is asked about later.

    Cash that was taken is recorded; it settles nothing.
    """
    with units.open(JOB) as uow:
        mixed, order = locked(uow, mixed_id)
        if mixed.state not in MIXED_LIVE:
            return
        if cash is not None and cash.state is PaymentFactState.PAID:
            receipts.record_money(uow, paid(uow, order, cash))
        if ORDER.may(order.state, OrderAction.DIFFER):
            move(uow, ORDER, order, OrderAction.DIFFER, why=PROVIDER_SUMS)
        if MIXED_ORDER.may(mixed.state, MixedOrderAction.DIFFER):
            _log.error("mixed order %s: other sums than were quoted (%s)", order.out_trade_no, flaw)
            move(uow, MIXED_ORDER, mixed, MixedOrderAction.DIFFER, why=flaw[:60])
            audit.record(uow, "payment.mix_differ", "payment_order", order.out_trade_no, outcome=flaw[:60])
        mixed.flaw = flaw[:60]
        _later(uow, mixed)


def postpone(units: Units, mixed_id: int) -> None:
    """An order that differs, and about which nobody answers, is asked about later; any other one stays as it is."""
    with units.open(JOB) as uow:
        mixed, _ = locked(uow, mixed_id)
        if mixed.state is MixedOrderState.MISMATCH:
            _later(uow, mixed)


def _later(uow: Uow, mixed: MixedOrder) -> None:
    wait = BACK_OFF_SECONDS[min(mixed.tries, len(BACK_OFF_SECONDS) - 1)]
    mixed.tries += 1
    mixed.query_due_at = uow.now() + timedelta(seconds=wait)


def let_go(
    uow: Uow,
    mixed: MixedOrder,
    order: PaymentOrder,
    *,
    settled: tuple[PayOrder, str | None] | None,
    cash: PaymentFact | None = None,
) -> None:
    """The order is over; what the insurer `settled` (its pay order, its number) and what was taken in cash go back."""
    move(uow, MIXED_ORDER, mixed, MixedOrderAction.FAIL)
    if settled is not None:
        by_order.take_back(uow, mixed.split_id, *settled)
    if cash is not None and cash.state is PaymentFactState.PAID:
        receipts.record_money(uow, paid(uow, order, cash))
    if order.state == OrderState.PAID and not order.settles_bill:
        refunds.request(uow, service.by_id(uow, order.bill_id), order, reason="not_settled")
    elif ORDER.may(order.state, OrderAction.CLOSE):
        move(uow, ORDER, order, OrderAction.CLOSE, why="mixed_failed")


def ask_again(uow: Uow, *, public_id: str) -> None:
    """The order is asked about at the next bell; refuses NotFound, and `illegal_move` for one that does not differ."""
    mixed, order = _differing(uow, public_id)
    mixed.query_due_at = uow.now()
    audit.record(uow, "payment.mix_ask_again", "payment_order", order.out_trade_no)


def give_back(uow: Uow, *, public_id: str) -> None:
    """Somebody decided that both parts go back, the patient's to the patient and insurance's to the insurer.

    Refuses as `ask_again` does.
    """
    mixed, order = _differing(uow, public_id)
    pay_order = mixing.pay_order_of(uow, mixed)
    audit.record(uow, "payment.mix_give_back", "payment_order", order.out_trade_no)
    let_go(uow, mixed, order, settled=(pay_order, None) if pay_order else None)


def _differing(uow: Uow, public_id: str) -> tuple[MixedOrder, PaymentOrder]:
    found = uow.session.scalar(
        select(MixedOrder.id)
        .join(PaymentOrder, PaymentOrder.id == MixedOrder.payment_order_id)
        .where(PaymentOrder.public_id == public_id)
    )
    if found is None:
        raise NotFound
    mixed, order = locked(uow, found)
    if mixed.state is not MixedOrderState.MISMATCH or not by_order.may_settle(uow, mixed.split_id):
        raise IllegalMove(machine=MIXED_ORDER.name, state=mixed.state.value, action=MixedOrderAction.FAIL.value)
    return mixed, order
