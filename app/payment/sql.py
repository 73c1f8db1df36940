"""The statements in which payment's races are decided: each is one conditional UPDATE."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update

from app.kernel.hot import Found
from app.kernel.uow import Uow
from app.payment.models import UNSURE, Bill, BillLine, MixedOrder, PaymentOrder, Refund
from app.payment.states import LIVE, MIXED_LIVE, BillState, RefundState

# The open bill for a thing, locked until the unit is finished.
OPEN_OF = Found(
    Bill,
    which=lambda bills: bills.where(
        Bill.purpose == bindparam("p_purpose", type_=Bill.purpose.type),
        Bill.subject_id == bindparam("p_subject_id"),
        Bill.state == BillState.OPEN,
    ).with_for_update(),
    anew=True,
)
NEWEST_OF = Found(
    Bill,
    which=lambda bills: (
        bills.where(
            Bill.purpose == bindparam("p_purpose", type_=Bill.purpose.type),
            Bill.subject_id == bindparam("p_subject_id"),
        )
        .order_by(Bill.id.desc())
        .limit(1)
    ),
)


def reserve_refund(uow: Uow, order_id: int, amount_fen: int) -> bool:
    """True when `amount_fen` more may go back for the order and is now set aside; never beyond what came in."""
    taken = uow.session.scalar(
        update(PaymentOrder)
        .where(PaymentOrder.id == order_id, PaymentOrder.refunded_fen + amount_fen <= PaymentOrder.paid_fen)
        .values(refunded_fen=PaymentOrder.refunded_fen + amount_fen)
        .returning(PaymentOrder.id),
        execution_options={"synchronize_session": False},
    )
    return taken is not None


def take_back_line(uow: Uow, bill_id: int, line_no: int, quantity: int, shares: Mapping[str, int]) -> bool:
    """True when so many pieces of the line, with these shares by payer, are now set aside; never beyond what was paid.

    `shares` are named by the line's columns (`fund_fen` …).
    """
    back = {name: getattr(BillLine, f"refunded_{name}") for name in shares}
    taken = uow.session.scalar(
        update(BillLine)
        .where(
            BillLine.bill_id == bill_id,
            BillLine.line_no == line_no,
            BillLine.refunded_quantity + quantity <= BillLine.quantity,
            *(back[name] + share <= getattr(BillLine, name) for name, share in shares.items()),
        )
        .values(
            {"refunded_quantity": BillLine.refunded_quantity + quantity}
            | {back[name].key: back[name] + share for name, share in shares.items()}
        )
        .returning(BillLine.id),
        execution_options={"synchronize_session": False},
    )
    return taken is not None


def claim_orders_to_query(uow: Uow, provider: str, *, limit: int, next_at: datetime) -> list[tuple[int, str]]:
    """Up to `limit` (id, out_trade_no) of which nobody told us the end; none of them is due again before `next_at`.

    A paid order that settles no bill is one whose money came in while what follows from it failed.
    """
    return _claim_orders(uow, and_(PaymentOrder.provider == provider, UNSURE), limit, next_at)


def claim_orders_to_close(uow: Uow, provider: str, *, limit: int, next_at: datetime) -> list[tuple[int, str]]:
    """Up to `limit` live (id, out_trade_no) that must not be paid any more, each given to one caller."""
    open_bills = select(Bill.id).where(Bill.state == BillState.OPEN)
    is_over = or_(PaymentOrder.expires_at <= uow.now(), PaymentOrder.bill_id.not_in(open_bills))
    is_due = (PaymentOrder.provider == provider) & PaymentOrder.state.in_(LIVE) & is_over
    return _claim_orders(uow, is_due, limit, next_at, closes=True)


def _claim_orders(
    uow: Uow, condition: ColumnElement[bool], limit: int, next_at: datetime, *, closes: bool = False
) -> list[tuple[int, str]]:
    due_at = PaymentOrder.close_due_at if closes else PaymentOrder.query_due_at
    due = (
        select(PaymentOrder.id)
        .where(condition, due_at <= uow.now())
        .order_by(due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = uow.session.execute(
        update(PaymentOrder)
        .where(PaymentOrder.id.in_(select(due.c.id)))
        .values({due_at.key: next_at})
        .returning(PaymentOrder.id, PaymentOrder.out_trade_no),
        execution_options={"synchronize_session": False},
    ).all()
    return [(row[0], row[1]) for row in rows]


def claim_refunds_to_query(uow: Uow, provider: str, *, limit: int, next_at: datetime) -> list[tuple[str, str]]:
    """Up to `limit` (out_refund_no, out_trade_no) taken on by the provider, their end unknown, each to one caller."""
    due = (
        select(Refund.id)
        .join(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(PaymentOrder.provider == provider, Refund.state == RefundState.SENT, Refund.query_due_at <= uow.now())
        .order_by(Refund.query_due_at)
        .limit(limit)
        .with_for_update(of=Refund, skip_locked=True)
        .cte("due")
    )
    ids = uow.session.scalars(
        update(Refund).where(Refund.id.in_(select(due.c.id))).values(query_due_at=next_at).returning(Refund.id),
        execution_options={"synchronize_session": False},
    ).all()
    rows = uow.session.execute(
        select(Refund.out_refund_no, PaymentOrder.out_trade_no)
        .join(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(Refund.id.in_(ids))
    )
    return [(row[0], row[1]) for row in rows]


def take_mixed(uow: Uow, mixed_id: int, *, until: datetime) -> bool:
    """True when the caller may ask for the mixed order until then, and nobody else does."""
    taken = uow.session.scalar(
        update(MixedOrder)
        .where(MixedOrder.id == mixed_id, or_(MixedOrder.asked_until.is_(None), MixedOrder.asked_until <= uow.now()))
        .values(asked_until=until)
        .returning(MixedOrder.id),
        execution_options={"synchronize_session": False},
    )
    return taken is not None


def claim_mixed_to_query(uow: Uow, *, limit: int, next_at: datetime) -> list[int]:
    """Up to `limit` mixed orders whose end is not known, each to one caller and not again before `next_at`."""
    due = (
        select(MixedOrder.id)
        .where(MixedOrder.state.in_(MIXED_LIVE), MixedOrder.query_due_at <= uow.now())
        .order_by(MixedOrder.query_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return list(
        uow.session.scalars(
            update(MixedOrder)
            .where(MixedOrder.id.in_(select(due.c.id)))
            .values(query_due_at=next_at)
            .returning(MixedOrder.id),
            execution_options={"synchronize_session": False},
        )
    )
