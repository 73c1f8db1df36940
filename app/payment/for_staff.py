"""Money for the console: bills, orders and refunds by state and day, and the cases that need a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.identity.models import Patient
from app.kernel.logbook import PAGE_ROWS, Asked, within
from app.kernel.uow import Uow
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.states import BillState, OrderState, RefundState

CASE_ORDERS = (OrderState.MISMATCH, OrderState.UNKNOWN)


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
    """The orders of which nobody knows whether the money moved, or whose money differs; oldest first."""
    return uow.session.scalars(
        select(PaymentOrder).where(PaymentOrder.state.in_(CASE_ORDERS)).order_by(PaymentOrder.id).limit(PAGE_ROWS)
    ).all()


def failed_refunds(uow: Uow) -> Sequence[Refund]:
    """The refunds the provider refused; oldest first."""
    return uow.session.scalars(
        select(Refund).where(Refund.state == RefundState.FAILED).order_by(Refund.id).limit(PAGE_ROWS)
    ).all()
