"""Invoices with their sums by category, and every print at a window."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.invoice.states import FILING, INVOICE, FilingState, InvoiceKind, InvoiceState, PrintCode
from app.kernel.db import Fen, PublicRow, Row, choice

_VALID = text("kind = 'blue' AND state = 'issued'")
# Written out, never bound: only so does SQLite see that the index of open filings answers the question.
OPEN_FILING = text("state IN ('requested', 'unknown')")


class Invoice(PublicRow):
    """One invoice; `data_sealed` is the JSON of what was known of the payer when it was issued.

    `batch_code` 票据代码 (8 digits) and `number` 票据号码 (10 digits, gapless within it) name it to the world,
    `check_code` 校验码 lets whoever holds it verify it. Sums of a red invoice are below zero. A blue one for what was
    left after part of the money went back names by `replaces_id` the blue one that told of all.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("batch_code", "number"),
        Index("uq_invoice_valid", "bill_id", unique=True, sqlite_where=_VALID, postgresql_where=_VALID),
        CheckConstraint("total_fen = fund_fen + other_fen + account_fen + cash_fen", name="payers_add_up"),
        CheckConstraint("self_part_fen + self_fee_fen = account_fen + cash_fen", name="own_share_adds_up"),
        CheckConstraint("(kind = 'blue') = (original_id IS NULL)", name="red_names_its_original"),
        CheckConstraint("(kind = 'blue' AND total_fen >= 0) OR (kind = 'red' AND total_fen <= 0)", name="sign_of_kind"),
    )

    batch_code: Mapped[str] = mapped_column(String(8))
    number: Mapped[str] = mapped_column(String(10))
    check_code: Mapped[str] = mapped_column(String(6))
    kind: Mapped[InvoiceKind] = mapped_column(choice(InvoiceKind))
    state: Mapped[InvoiceState] = mapped_column(choice(InvoiceState), default=INVOICE.initial)
    original_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), unique=True)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), unique=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    issued_at: Mapped[datetime] = mapped_column(index=True)
    total_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen)
    other_fen: Mapped[int] = mapped_column(Fen)
    account_fen: Mapped[int] = mapped_column(Fen)
    cash_fen: Mapped[int] = mapped_column(Fen)
    self_part_fen: Mapped[int] = mapped_column(Fen)
    self_fee_fen: Mapped[int] = mapped_column(Fen)
    data_sealed: Mapped[str] = mapped_column(Text)
    printed_count: Mapped[int] = mapped_column(default=0)


class CategorySum(Row):
    """What one of the ministry's twelve categories cost; `seq` is the category's place on the form."""

    __tablename__ = "invoice_item"
    __table_args__ = (UniqueConstraint("invoice_id", "seq"),)

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    seq: Mapped[int]
    category: Mapped[str] = mapped_column(String(20))
    amount_fen: Mapped[int] = mapped_column(Fen)


class Filing(PublicRow):
    """How an invoice came, or comes, to the numbers under which the world knows it; `bus_no` names it at every try.

    `issuer` is empty until somebody is asked. `after_id` is the filing of the blue invoice that a red one takes back,
    and has to be issued first, by the same issuer. `url` is the issuer's own page of the invoice.
    """

    __tablename__ = "invoice_filing"
    __table_args__ = (
        UniqueConstraint("issuer", "batch_code", "number"),
        Index("ix_invoice_filing_due", "due_at", sqlite_where=OPEN_FILING, postgresql_where=OPEN_FILING),
        CheckConstraint("(state = 'issued') = (number IS NOT NULL)", name="issued_has_its_number"),
        CheckConstraint("(number IS NULL) = (batch_code IS NULL)", name="number_in_its_batch"),
    )

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), unique=True)
    bus_no: Mapped[str] = mapped_column(String(40), unique=True)
    after_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_filing.id"), unique=True)
    issuer: Mapped[str] = mapped_column(String(16), default="")
    state: Mapped[FilingState] = mapped_column(choice(FilingState), default=FILING.initial)
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(64), default="")
    batch_code: Mapped[str | None] = mapped_column(String(20))
    number: Mapped[str | None] = mapped_column(String(20))
    check_code: Mapped[str] = mapped_column(String(20), default="")
    url: Mapped[str] = mapped_column(String(500), default="")
    issued_at: Mapped[datetime | None]


class InvoicePrint(PublicRow):
    """An invoice window asked for prints: appended with its answer, whether granted or refused.

    `printed` lists [invoice id, which print of it this is]; `nonce` makes the second sending quiet.
    """

    __tablename__ = "invoice_print"

    nonce: Mapped[str] = mapped_column(String(64), unique=True)
    what_index: Mapped[str] = mapped_column(String(32))
    terminal_code: Mapped[str] = mapped_column(String(24))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    code: Mapped[PrintCode] = mapped_column(choice(PrintCode))
    printed: Mapped[list[Any]]
    printed_at: Mapped[datetime] = mapped_column(index=True)
