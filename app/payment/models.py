"""Bills with their lines, the orders by which their cash part is asked for, refunds, and the cashier's drawer."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.payment.states import (
    BillState,
    CashierShiftState,
    ClaimState,
    MixedOrderState,
    OrderState,
    RefundState,
)

PARTS_ADD_UP = "fund_fen + other_fen + account_fen + cash_fen"
PARTS_NOT_NEGATIVE = "fund_fen >= 0 AND other_fen >= 0 AND account_fen >= 0 AND cash_fen >= 0"
# When a remainder is settled anew a payer may bear more of a line that is kept than before, but never of the bill.
REFUNDED_WITHIN_PAID = (
    "refunded_quantity BETWEEN 0 AND quantity AND refunded_fund_fen <= fund_fen AND refunded_other_fen <= other_fen"
    " AND refunded_account_fen <= account_fen AND refunded_cash_fen <= cash_fen"
    " AND refunded_fund_fen + refunded_other_fen + refunded_account_fen + refunded_cash_fen >= 0"
)

# Of which nobody told us the end, or whose money came in while what follows from it failed. Written out, never bound:
# only so does the database see that the index of these orders answers the question.
UNSURE = text("(state IN ('created', 'asked', 'unknown', 'mismatch') OR (state = 'paid' AND NOT settles_bill))")


class Purpose(enum.StrEnum):
    """What a bill is for; its `subject_id` is that thing's key."""

    REGISTRATION = "registration"
    PRESCRIPTION = "prescription"


class PayMethod(enum.StrEnum):
    """How the patient pays: `jsapi` inside WeChat, `native` by a code to scan, `wap` on the provider's own page.

    `mixed` is paid inside WeChat together with insurance's part.
    `cash` and `card` are paid at the cashier's window.
    """

    JSAPI = "jsapi"
    NATIVE = "native"
    WAP = "wap"
    MIXED = "mixed"
    CASH = "cash"
    CARD = "card"


def _where_known(name: str, column: str) -> Index:
    """Finds a day's rows among those of years, or a split's; where the column is empty a row is not in it."""
    where = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=where, postgresql_where=where)


def _unique_while(name: str, condition: str, *columns: str) -> Index:
    where = text(condition)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class Bill(PublicRow):
    """What is to be paid for one thing: insurance's fund, other funds, the personal account, and cash, in fen."""

    __tablename__ = "bill"
    __table_args__ = (
        CheckConstraint(f"total_fen = {PARTS_ADD_UP}", name="parts_add_up"),
        CheckConstraint(PARTS_NOT_NEGATIVE, name="parts_not_negative"),
        _unique_while("uq_bill_open", "state IN ('open', 'settling')", "purpose", "subject_id"),
        Index("ix_bill_subject", "purpose", "subject_id"),
        _where_known("ix_bill_paid_at", "paid_at"),
        _where_known("ix_bill_split_id", "split_id"),
    )

    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    subject_id: Mapped[int]
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    split_id: Mapped[int | None] = mapped_column(ForeignKey("split.id"))
    total_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen, default=0)
    other_fen: Mapped[int] = mapped_column(Fen, default=0)
    account_fen: Mapped[int] = mapped_column(Fen, default=0)
    cash_fen: Mapped[int] = mapped_column(Fen)
    state: Mapped[BillState] = mapped_column(choice(BillState), default=BillState.OPEN)
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]


class BillLine(Row):
    """One item of a bill; `invoice_category` is the fee group it stands under on the invoice."""

    __tablename__ = "bill_line"
    __table_args__ = (
        UniqueConstraint("bill_id", "line_no"),
        CheckConstraint(f"amount_fen = {PARTS_ADD_UP}", name="parts_add_up"),
        CheckConstraint(PARTS_NOT_NEGATIVE, name="parts_not_negative"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint(REFUNDED_WITHIN_PAID, name="refunded_within_paid"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"))
    line_no: Mapped[int]
    invoice_category: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[str] = mapped_column(String(120), default="")
    quantity: Mapped[int]
    unit: Mapped[str] = mapped_column(String(16))
    unit_price_fen: Mapped[int] = mapped_column(Fen)
    amount_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen, default=0)
    other_fen: Mapped[int] = mapped_column(Fen, default=0)
    account_fen: Mapped[int] = mapped_column(Fen, default=0)
    cash_fen: Mapped[int] = mapped_column(Fen)
    refunded_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_fund_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    refunded_other_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    refunded_account_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    refunded_cash_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")


class PaymentOrder(PublicRow):
    """One asking for a bill's cash part, known to the provider by `out_trade_no` (商户订单号) from its first day on.

    `live_key` says who is asked and how; a bill has one live order for each. `lapses_at` is in the provider's time,
    `expires_at` in the hospital's. Money for a bill already settled or void does not settle it (`settles_bill`) and
    goes back. `payer_index` is a blind index of the payer's id at the provider.
    """

    __tablename__ = "payment_order"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("paid_fen IN (0, amount_fen)", name="paid_in_full_or_not"),
        CheckConstraint("refunded_fen >= 0 AND refunded_fen <= paid_fen", name="refunded_within_paid"),
        _unique_while("uq_payment_order_live", "state IN ('created', 'asked', 'unknown')", "bill_id", "live_key"),
        _unique_while("uq_payment_order_settles", "settles_bill", "bill_id"),
        Index("ix_payment_order_due", "state", "query_due_at"),
        Index("ix_payment_order_unsure", "query_due_at", sqlite_where=UNSURE, postgresql_where=UNSURE),
        _where_known("ix_payment_order_paid_at", "paid_at"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    provider: Mapped[str] = mapped_column(String(16))
    method: Mapped[PayMethod] = mapped_column(choice(PayMethod))
    live_key: Mapped[str] = mapped_column(String(40))
    out_trade_no: Mapped[str] = mapped_column(String(32), unique=True)
    amount_fen: Mapped[int] = mapped_column(Fen)
    description: Mapped[str] = mapped_column(String(60))
    state: Mapped[OrderState] = mapped_column(choice(OrderState), default=OrderState.CREATED)
    prepay_id: Mapped[str] = mapped_column(String(64), default="")
    code_url: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lapses_at: Mapped[datetime]
    query_due_at: Mapped[datetime]
    close_due_at: Mapped[datetime]
    transaction_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    payer_index: Mapped[str] = mapped_column(String(32), default="")
    paid_fen: Mapped[int] = mapped_column(Fen, default=0)
    refunded_fen: Mapped[int] = mapped_column(Fen, default=0)
    paid_at: Mapped[datetime | None]
    settles_bill: Mapped[bool] = mapped_column(default=False)


class MixedOrder(Row):
    """A payment order whose money is taken together with insurance's part (医保自费混合收款), under the same number.

    `pay_order_id` is the insurer's pay order, whose token counts for some minutes; `asked_until` is how long whoever is
    asking the insurer and the provider has for it. `flaw` says what differs of one in `mismatch`, which was found so
    `tries` times.
    """

    __tablename__ = "mixed_order"
    __table_args__ = (Index("ix_mixed_order_due", "state", "query_due_at"),)

    payment_order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"), unique=True)
    split_id: Mapped[int] = mapped_column(ForeignKey("split.id"), index=True)
    state: Mapped[MixedOrderState] = mapped_column(choice(MixedOrderState), default=MixedOrderState.CREATED)
    pay_order_id: Mapped[str] = mapped_column(String(64), default="")
    pay_token_sealed: Mapped[str] = mapped_column(String(200), default="")
    mix_trade_no: Mapped[str | None] = mapped_column(String(64), unique=True)
    asked_until: Mapped[datetime | None]
    query_due_at: Mapped[datetime]
    flaw: Mapped[str] = mapped_column(String(60), default="", server_default="")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")


class Refund(PublicRow):
    """Money on its way back, always under one `out_refund_no`; without an order when no cash goes back.

    `amount_fen` is the patient's cash, the three others are insurance's; `ends_bill` when nothing of the bill is left,
    `resettles` when the insurer settles what is left anew: how much goes back is known only then.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(
            "(payment_order_id IS NULL AND amount_fen = 0) OR (payment_order_id IS NOT NULL AND amount_fen > 0)",
            name="amount_fits_order",
        ),
        Index("ix_refund_due", "state", "query_due_at"),
        _where_known("ix_refund_finished_at", "finished_at"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    payment_order_id: Mapped[int | None] = mapped_column(ForeignKey("payment_order.id"), index=True)
    out_refund_no: Mapped[str] = mapped_column(String(64), unique=True)
    amount_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    other_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    account_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    ends_bill: Mapped[bool] = mapped_column(default=False, server_default=false())
    resettles: Mapped[bool] = mapped_column(default=False, server_default=false())
    reason: Mapped[str] = mapped_column(String(32))
    state: Mapped[RefundState] = mapped_column(choice(RefundState), default=RefundState.REQUESTED)
    requested_at: Mapped[datetime]
    query_due_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(String(64), default="")


class RefundLine(Row):
    """So many pieces of a bill's line that go back with a refund, and what each payer bears less of the line by it.

    Where what is left was settled anew, lines of which nothing went back may be borne otherwise than before.
    """

    __tablename__ = "refund_line"
    __table_args__ = (
        UniqueConstraint("refund_id", "line_no"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint(f"{PARTS_ADD_UP} >= 0", name="parts_not_negative"),
    )

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"))
    line_no: Mapped[int]
    quantity: Mapped[int]
    fund_fen: Mapped[int] = mapped_column(Fen)
    other_fen: Mapped[int] = mapped_column(Fen)
    account_fen: Mapped[int] = mapped_column(Fen)
    cash_fen: Mapped[int] = mapped_column(Fen)


class RefundClaim(PublicRow):
    """A member of staff asks for part of a bill to go back 退费申请: `lines` are [line_no, quantity].

    Up to the hospital's limit it is granted at once; above it another person decides.
    """

    __tablename__ = "refund_claim"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="second_person"),
        CheckConstraint("reason <> ''", name="says_why"),
        _unique_while("uq_refund_claim_waiting", "state = 'waiting'", "bill_id"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    lines: Mapped[list[Any]]
    total_fen: Mapped[int] = mapped_column(Fen)
    reason: Mapped[str] = mapped_column(String(200))
    state: Mapped[ClaimState] = mapped_column(choice(ClaimState), default=ClaimState.WAITING)
    asked_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), index=True)


class CashierShift(PublicRow):
    """One cashier's hours at the drawer 班次: `float_fen` lay in it at the start, `counted_fen` at the end.

    `expected_fen` is what should have lain in it then; the difference is for the cashier's office, not for us.
    """

    __tablename__ = "cashier_shift"
    __table_args__ = (
        CheckConstraint("float_fen >= 0 AND counted_fen >= 0", name="not_negative"),
        CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (counted_fen IS NULL)"
            " AND (closed_at IS NULL) = (expected_fen IS NULL)",
            name="counted_when_closed",
        ),
        _unique_while("uq_cashier_shift_open", "state = 'open'", "staff_id"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[CashierShiftState] = mapped_column(choice(CashierShiftState), default=CashierShiftState.OPEN)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    float_fen: Mapped[int] = mapped_column(Fen)
    counted_fen: Mapped[int | None] = mapped_column(Fen)
    expected_fen: Mapped[int | None] = mapped_column(Fen)


class CashierEntry(PublicRow):
    """Money that crossed the window, appended and never edited: in for an order, or back (negative) for a refund.

    Cash says what was handed over and what was given back; a card says terminal and slip (签购单) number.
    """

    __tablename__ = "cashier_entry"
    __table_args__ = (
        CheckConstraint(
            "(refund_id IS NULL AND amount_fen > 0) OR (refund_id IS NOT NULL AND amount_fen < 0)", name="in_or_back"
        ),
        CheckConstraint(
            "(method = 'cash' AND tendered_fen - change_fen = amount_fen AND slip_no = '')"
            " OR (method = 'card' AND tendered_fen = 0 AND change_fen = 0 AND terminal_no <> '' AND slip_no <> '')",
            name="tender_fits_method",
        ),
        _unique_while("uq_cashier_entry_taken", "refund_id IS NULL", "payment_order_id"),
    )

    shift_id: Mapped[int] = mapped_column(ForeignKey("cashier_shift.id"), index=True)
    payment_order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), unique=True)
    method: Mapped[PayMethod] = mapped_column(choice(PayMethod))
    amount_fen: Mapped[int] = mapped_column(Fen)
    tendered_fen: Mapped[int] = mapped_column(Fen, default=0)
    change_fen: Mapped[int] = mapped_column(Fen, default=0)
    terminal_no: Mapped[str] = mapped_column(String(16), default="")
    slip_no: Mapped[str] = mapped_column(String(12), default="")
    made_at: Mapped[datetime]
