"""What the provider knows and nobody told us: every order is asked about until its end is known."""

from __future__ import annotations

import logging
from datetime import timedelta

from app.kernel import audit
from app.kernel.moves import move
from app.kernel.rows import each
from app.kernel.uow import Actor, Units, Uow
from app.payment import receipts, service, sql
from app.payment.models import PaymentOrder
from app.payment.ports import Paid, PaymentFact, PaymentFactState, PaymentProvider, ProviderAway, ProviderRefused
from app.payment.states import ORDER, OrderAction

ASKED_SECONDS = 60
UNKNOWN_SECONDS = 20
CLOSE_AGAIN_SECONDS = 30
JOB = Actor("job", "payment")
_log = logging.getLogger(__name__)


def query_missing(units: Units, provider: PaymentProvider, *, limit: int = 50) -> int:
    """Orders whose notification is missing are asked about: 20 s after a lost answer, else 60 s, then each minute.

    Job; returns how many were asked about. Two at once ask about different orders.
    """
    with units.open(JOB) as uow:
        next_at = uow.now() + timedelta(seconds=ASKED_SECONDS)
        due = sql.claim_orders_to_query(uow, provider.name, limit=limit, next_at=next_at)
    return each(due, lambda order: look(units, provider, *order), _log, "payment order")


def close_expired(units: Units, provider: PaymentProvider, *, limit: int = 50) -> int:
    """Orders past their time, and orders of bills that are not open any more, can no longer be paid.

    Job; returns how many were closed at the provider. A payment that came first is found by the query afterwards:
    the provider's answer to closing proves nothing.
    """
    with units.open(JOB) as uow:
        next_at = uow.now() + timedelta(seconds=CLOSE_AGAIN_SECONDS)
        due = sql.claim_orders_to_close(uow, provider.name, limit=limit, next_at=next_at)
    return each(due, lambda order: close(units, provider, *order), _log, "payment order")


def close(units: Units, provider: PaymentProvider, order_id: int, out_trade_no: str) -> None:
    """The order is closed at the provider and here, or paid if the patient was faster, or as before if none answers."""
    try:
        provider.close(out_trade_no)
    except ProviderAway:
        return
    except ProviderRefused as error:
        _log.info("order %s was not closed: %s", out_trade_no, error.code)
    look(units, provider, order_id, out_trade_no)


def look(units: Units, provider: PaymentProvider, order_id: int, out_trade_no: str) -> None:
    """The order stands as the provider sees it, or as before if it does not answer.

    Money is recorded whatever follows: when a follower fails, in a unit of its own, and the rest is tried again later.
    """
    try:
        fact = provider.query(out_trade_no)
    except (ProviderAway, ProviderRefused) as error:
        _log.info("order %s: no answer (%s)", out_trade_no, error)
        return
    try:
        with units.open(JOB) as uow:
            learn(uow, order_id, fact)
    except Exception:  # noqa: BLE001 - whatever a follower met, the money is ours to record
        _log.exception("order %s: what follows from the provider's answer failed", out_trade_no)
        if fact.state is PaymentFactState.PAID:
            with units.open(JOB) as uow:
                receipts.record_money(uow, _paid(uow, out_trade_no, fact))


def learn(uow: Uow, order_id: int, fact: PaymentFact) -> None:
    """What the provider said of the order is true here too; quiet when it was known."""
    order = uow.session.get_one(PaymentOrder, order_id)
    if fact.state is PaymentFactState.PAID:
        receipts.receive_paid(uow, **vars(_paid(uow, order.out_trade_no, fact)))
        return
    service.locked(uow, order.bill_id)
    order = uow.session.get_one(PaymentOrder, order_id, with_for_update=True, populate_existing=True)
    is_gone = fact.state is PaymentFactState.UNSEEN and order.lapses_at <= uow.clock.wall_now()
    action = OrderAction.CLOSE if is_gone else _ACTIONS.get(fact.state)
    if action is not None and ORDER.may(order.state, action):
        move(uow, ORDER, order, action, why=f"provider: {fact.state}")
        audit.record(uow, "payment.query", "payment_order", order.out_trade_no, outcome=fact.state.value)


def _paid(uow: Uow, out_trade_no: str, fact: PaymentFact) -> Paid:
    paid_at = fact.paid_at or uow.clock.wall_now()
    return Paid(out_trade_no, fact.transaction_id, fact.amount_fen, paid_at, fact.payer_ref)


# Given back by somebody else's hand before we ever saw it paid: a person must look.
_ACTIONS = {
    PaymentFactState.CLOSED: OrderAction.CLOSE,
    PaymentFactState.ABSENT: OrderAction.CLOSE,
    PaymentFactState.REFUNDED: OrderAction.DIFFER,
}
