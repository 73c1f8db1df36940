"""Journals (凭证), one for each movement, with their postings (分录); what the nights proved, and what they kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, Row, choice
from app.ledger.accounts import Account, Movement


class Journal(Row):
    """One movement of money on a hospital day; its postings add up to nought."""

    __tablename__ = "ledger_journal"
    __table_args__ = (
        UniqueConstraint("movement", "subject_id"),
        Index("ix_ledger_journal_day", "day", "id"),
    )

    movement: Mapped[Movement] = mapped_column(choice(Movement))
    subject_id: Mapped[int]
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bill.id"), index=True)
    day: Mapped[date]
    posted_at: Mapped[datetime]


class Posting(Row):
    """One side of a journal: a debit above zero, a credit below."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        UniqueConstraint("journal_id", "account", "party"),
        CheckConstraint("amount_fen <> 0", name="moves_something"),
    )

    journal_id: Mapped[int] = mapped_column(ForeignKey("ledger_journal.id"))
    account: Mapped[Account] = mapped_column(choice(Account))
    party: Mapped[str] = mapped_column(String(16))
    amount_fen: Mapped[int] = mapped_column(Fen)


class Proof(Row):
    """The ledger as it was proven after the end of `day`; `flaws` holds [kind, journal id, bill id, off_fen]."""

    __tablename__ = "ledger_proof"
    __table_args__ = (UniqueConstraint("day"),)

    day: Mapped[date]
    proven_at: Mapped[datetime]
    journals: Mapped[int]
    turnover_fen: Mapped[int] = mapped_column(Fen)
    flaws: Mapped[list[Any]]


class DayBalance(Row):
    """What an account held by party at the end of a closed day: the sum of all its postings until then."""

    __tablename__ = "ledger_day_balance"
    __table_args__ = (UniqueConstraint("day", "account", "party"),)

    day: Mapped[date]
    account: Mapped[Account] = mapped_column(choice(Account))
    party: Mapped[str] = mapped_column(String(16))
    amount_fen: Mapped[int] = mapped_column(Fen)
