"""Money for the console: bills, orders and refunds by state and day, and the cases that need a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from app.identity.models import Patient
from app.kernel.logbook import PAGE_ROWS, Asked, within
from app.kernel.uow import Uow
from app.payment.models import Bill, MixedOrder, PaymentOrder, Refund
from app.payment.states import BillState, MixedOrderState, OrderState, RefundState

CASE_ORDERS = (OrderState.MISMATCH, OrderState.UNKNOWN)
_DIFFERING = select(MixedOrder.payment_order_id).where(MixedOrder.state == MixedOrderState.MISMATCH)


def bills(uow: Uow, asked: Asked) -> list[tuple[Bill, str]]:
    """A page of bills, each with the patient's masked name, newest first."""
    wanted = within(asked, Bill.id, Bill.opened_at)
    if asked.state:
        wanted.append(Bill.state == BillState(asked.state))
    rows = uow.session.execute(
        select(Bill, Patient.name_masked)
        .join(Patient, Patient.id == Bill.patient_id)
        .where(*wanted)
        .order_by(Bill.id.desc())
        .limit(PAGE_ROWS)
    )
    return [(bill, name) for bill, name in rows]


def orders(uow: Uow, asked: Asked) -> Sequence[PaymentOrder]:
    """A page of payment orders, newest first."""
    wanted = within(asked, PaymentOrder.id, PaymentOrder.created_at)
    if asked.state:
        wanted.append(PaymentOrder.state == OrderState(asked.state))
    return uow.session.scalars(
        select(PaymentOrder).where(*wanted).order_by(PaymentOrder.id.desc()).limit(PAGE_ROWS)
    ).all()


def refunds(uow: Uow, asked: Asked) -> Sequence[Refund]:
    """A page of refunds, newest first."""
    wanted = within(asked, Refund.id, Refund.requested_at)
    if asked.state:
        wanted.append(Refund.state == RefundState(asked.state))
    return uow.session.scalars(select(Refund).where(*wanted).order_by(Refund.id.desc()).limit(PAGE_ROWS)).all()


def unclear_orders(uow: Uow) -> Sequence[PaymentOrder]:
    """The orders of which nobody knows whether the money moved, or whose money differs; oldest first.

    Without those that differ together with insurance's part (`differing_mixed`).
    """
    wanted = PaymentOrder.state.in_(CASE_ORDERS) & PaymentOrder.id.not_in(_DIFFERING)
    return uow.session.scalars(select(PaymentOrder).where(wanted).order_by(PaymentOrder.id).limit(PAGE_ROWS)).all()


def differing_mixed(uow: Uow) -> list[tuple[MixedOrder, PaymentOrder, Bill]]:
    """The mixed orders that were settled with other sums than were quoted; oldest first."""
    rows = uow.session.execute(
        select(MixedOrder, PaymentOrder, Bill)
        .join(PaymentOrder, PaymentOrder.id == MixedOrder.payment_order_id)
        .join(Bill, Bill.id == PaymentOrder.bill_id)
        .where(MixedOrder.state == MixedOrderState.MISMATCH)
        .order_by(MixedOrder.id)
        .limit(PAGE_ROWS)
    )
    return [(mixed, order, bill) for mixed, order, bill in rows]


def count_differing(uow: Uow) -> int:
    """How many orders there are whose money differs, mixed ones among them."""
    alone = (PaymentOrder.state == OrderState.MISMATCH) & PaymentOrder.id.not_in(_DIFFERING)
    mixed = MixedOrder.state == MixedOrderState.MISMATCH
    # Each by its own index; one question with an "or" would read the orders of years.
    counts = [
        select(func.count()).select_from(PaymentOrder).where(alone),
        select(func.count(MixedOrder.id)).where(mixed),
    ]
    return sum(uow.session.scalar(count) or 0 for count in counts)


def failed_refunds(uow: Uow) -> Sequence[Refund]:
    """The refunds the provider refused; oldest first."""
    return uow.session.scalars(
        select(Refund).where(Refund.state == RefundState.FAILED).order_by(Refund.id).limit(PAGE_ROWS)
    ).all()
