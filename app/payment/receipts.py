"""Money that came in: recorded once, whatever follows from it."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import select

from app import events
from app.insurance import service as insurance
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Uow
from app.payment import refunds, service
from app.payment.models import Bill, MixedOrder, PaymentOrder, PayMethod, Purpose
from app.payment.ports import Paid
from app.payment.states import ORDER, BillState, MixedOrderState, OrderAction, OrderState
from app.registration.models import Registration
from app.registration.states import RegistrationState

TAKES_MONEY = tuple(state for (state, action) in ORDER.moves if action is OrderAction.PAY)


class Receipt(enum.StrEnum):
    """What became of money that a provider told us of."""

    BOOKED = "booked"
    REPEATED = "repeated"
    LATE = "late"
    MISMATCH = "amount_mismatch"
    UNKNOWN_ORDER = "unknown_order"


def receive_paid(
    uow: Uow, *, out_trade_no: str, transaction_id: str, amount_fen: int, paid_at: datetime, payer_ref: str = ""
) -> Receipt:
    """The money is on record and its bill paid (`BillPaid`); told again, nothing more happens (`repeated`).

    Money for a bill that is not open any more goes back by itself (`late`), except a registration fee whose hold
    ran out: the registration decides whether a place can still be had. An amount other than the order's, or a
    transaction that already paid another order, books nothing and leaves the order for a person (`amount_mismatch`).
    `paid_at` is the provider's time; `payer_ref` its id of the payer.
    """
    receipt = record_money(uow, Paid(out_trade_no, transaction_id, amount_fen, paid_at, payer_ref))
    if receipt not in {Receipt.BOOKED, Receipt.REPEATED}:
        return receipt
    order = _order(uow, out_trade_no)
    return _book(uow, service.locked(uow, order.bill_id), order, receipt)


def record_money(uow: Uow, paid: Paid) -> Receipt:
    """The order is paid and nothing else has happened: the first half of a receipt, or all of it when that fails."""
    if (bill_id := _bill_id(uow, paid.out_trade_no)) is None:
        return Receipt.UNKNOWN_ORDER
    service.locked(uow, bill_id)
    order = _order(uow, paid.out_trade_no)
    if order.state not in TAKES_MONEY:
        is_same = (order.transaction_id, order.paid_fen) == (paid.transaction_id, paid.amount_fen)
        return Receipt.REPEATED if is_same else _differ(uow, order, paid)
    if paid.amount_fen != order.amount_fen or _is_taken(uow, order, paid.transaction_id):
        return _differ(uow, order, paid)
    move(
        uow,
        ORDER,
        order,
        OrderAction.PAY,
        transaction_id=paid.transaction_id,
        paid_fen=paid.amount_fen,
        paid_at=paid.paid_at,
        payer_index=uow.keys.index(paid.payer_ref, "payer") if paid.payer_ref else "",
    )
    audit.record(uow, "payment.receive", "payment_order", order.out_trade_no, amount_fen=paid.amount_fen)
    uow.publish(events.MoneyReceived(order.id, order.bill_id))
    return Receipt.BOOKED


def differs(uow: Uow, *, provider: str, out_trade_no: str, amount_fen: int) -> Receipt | None:
    """Why money cannot be ours as told (`unknown_order`, `amount_mismatch`), None when it can; changes nothing.

    An order placed with another provider is unknown to this one.
    """
    asked = uow.session.scalar(
        select(PaymentOrder.amount_fen).where(
            PaymentOrder.out_trade_no == out_trade_no, PaymentOrder.provider == provider
        )
    )
    if asked is None:
        return Receipt.UNKNOWN_ORDER
    return None if asked == amount_fen else Receipt.MISMATCH


def close_mismatch(uow: Uow, *, public_id: str) -> None:
    """A person has seen to the order's money at the provider: it is over, and its bill can be paid; NotFound.

    Refuses `illegal_move` for an order whose money does not differ, and for one that differs together with insurance's
    part: as long as that can still be booked (`mixed_cases`), nobody is to pay a second time.
    """
    found = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.public_id == public_id)).first()
    if found is None:
        raise NotFound
    service.locked(uow, found.bill_id)
    order = _order(uow, found.out_trade_no)
    if order.state != OrderState.MISMATCH or _differs_with_insurance(uow, order):
        raise IllegalMove(machine=ORDER.name, state=order.state.value, action=OrderAction.CLOSE.value)
    move(uow, ORDER, order, OrderAction.CLOSE, why="seen_to")
    audit.record(uow, "payment.close_mismatch", "payment_order", order.out_trade_no)


def _differs_with_insurance(uow: Uow, order: PaymentOrder) -> bool:
    mixed = select(MixedOrder.id).where(MixedOrder.payment_order_id == order.id)
    return uow.session.scalar(mixed.where(MixedOrder.state == MixedOrderState.MISMATCH)) is not None


def _bill_id(uow: Uow, out_trade_no: str) -> int | None:
    return uow.session.scalar(select(PaymentOrder.bill_id).where(PaymentOrder.out_trade_no == out_trade_no))


def _order(uow: Uow, out_trade_no: str) -> PaymentOrder:
    return uow.session.scalars(
        select(PaymentOrder)
        .where(PaymentOrder.out_trade_no == out_trade_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _is_taken(uow: Uow, order: PaymentOrder, transaction_id: str) -> bool:
    other = select(PaymentOrder.id).where(PaymentOrder.transaction_id == transaction_id, PaymentOrder.id != order.id)
    return uow.session.scalar(other) is not None


def _differ(uow: Uow, order: PaymentOrder, paid: Paid) -> Receipt:
    if order.state == OrderState.MISMATCH:
        return Receipt.MISMATCH
    audit.record(
        uow,
        "payment.receive",
        "payment_order",
        order.out_trade_no,
        outcome=Receipt.MISMATCH.value,
        told_fen=paid.amount_fen,
        asked_fen=order.amount_fen,
    )
    if ORDER.may(order.state, OrderAction.DIFFER):
        move(uow, ORDER, order, OrderAction.DIFFER, why=Receipt.MISMATCH.value)
    return Receipt.MISMATCH


def _book(uow: Uow, bill: Bill, order: PaymentOrder, receipt: Receipt) -> Receipt:
    """The recorded money settles the bill, or goes back; quiet when either has happened."""
    if order.state != OrderState.PAID or order.settles_bill or _waits_for_insurer(uow, bill, order):
        return receipt
    if bill.state == BillState.OPEN or _may_still_book(uow, bill):
        order.settles_bill = True
        service.settle_bill(uow, bill)
        return Receipt.BOOKED
    refunds.request(uow, bill, order, reason="late" if bill.state == BillState.VOID else "surplus")
    return Receipt.LATE


def _waits_for_insurer(uow: Uow, bill: Bill, order: PaymentOrder) -> bool:
    """The cash of a mixed order settles nothing before insurance's part is known to be paid with it."""
    is_mixed = order.method is PayMethod.MIXED and bill.state == BillState.OPEN
    return is_mixed and insurance.settles_later(uow, bill.split_id)


def _may_still_book(uow: Uow, bill: Bill) -> bool:
    """A fee whose hold ran out is shown to the registration, which finds a place for it or gives it back.

    One that was divided goes back at once: the figures fell with the hold.
    """
    is_plain_fee = bill.purpose is Purpose.REGISTRATION and bill.split_id is None
    if not is_plain_fee or bill.state != BillState.VOID:
        return False
    return uow.session.get_one(Registration, bill.subject_id).state == RegistrationState.EXPIRED
