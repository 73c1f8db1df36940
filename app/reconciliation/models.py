"""Runs (对账批次), what others told of a day, the cases (差错) that came of comparing, and the day's signature 日结."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.reconciliation.states import (
    CASE,
    RUN,
    CaseKind,
    CaseState,
    Outcome,
    RunState,
    Source,
    Subject,
)


class Run(PublicRow):
    """One source's statement of one day, laid beside our own books; `code` says why it was refused or must wait."""

    __tablename__ = "reconciliation_run"
    __table_args__ = (UniqueConstraint("source", "day"), Index("ix_reconciliation_run_due", "state", "due_at"))

    source: Mapped[Source] = mapped_column(choice(Source))
    day: Mapped[date]
    state: Mapped[RunState] = mapped_column(choice(RunState), default=RUN.initial)
    due_at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(40), default="")
    rows_there: Mapped[int] = mapped_column(default=0)
    sum_there_fen: Mapped[int] = mapped_column(Fen, default=0)
    rows_here: Mapped[int] = mapped_column(default=0)
    sum_here_fen: Mapped[int] = mapped_column(Fen, default=0)
    matched_at: Mapped[datetime | None]


class StatementRow(Row):
    """One row as told: `number` is ours (of an order, a refund …), `foreign_no` theirs; its place is `row_no`."""

    __tablename__ = "reconciliation_row"
    __table_args__ = (
        UniqueConstraint("run_id", "row_no"),
        Index("ix_reconciliation_row_number", "number", "subject"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("reconciliation_run.id"))
    row_no: Mapped[int]
    subject: Mapped[Subject] = mapped_column(choice(Subject))
    number: Mapped[str] = mapped_column(String(64))
    foreign_no: Mapped[str] = mapped_column(String(64))
    amount_fen: Mapped[int] = mapped_column(Fen)
    at: Mapped[datetime]
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))


class Case(PublicRow):
    """Something that differs, found once: what it is about by our number, or by theirs where we have none."""

    __tablename__ = "reconciliation_case"
    __table_args__ = (
        UniqueConstraint("run_id", "subject", "number", "foreign_no"),
        Index("ix_reconciliation_case_state", "state", "id"),
        Index("ix_reconciliation_case_number", "number", "subject"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("reconciliation_run.id"))
    kind: Mapped[CaseKind] = mapped_column(choice(CaseKind))
    subject: Mapped[Subject] = mapped_column(choice(Subject))
    number: Mapped[str] = mapped_column(String(64))
    foreign_no: Mapped[str] = mapped_column(String(64))
    here_fen: Mapped[int | None] = mapped_column(Fen)
    there_fen: Mapped[int | None] = mapped_column(Fen)
    at: Mapped[datetime]
    state: Mapped[CaseState] = mapped_column(choice(CaseState), default=CASE.initial)
    found_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")


class DaySignature(PublicRow):
    """A day that somebody signed off 日结签字: appended once for a day, never edited.

    `totals` is {what: [how often, fen]} (see `totals`), `left_open` the cases that stood open with their reason,
    `carried` what had changed by then on days signed before. `digest` is of all of it and stands in the audit trail.
    """

    __tablename__ = "day_signature"
    __table_args__ = (CheckConstraint("drawers_off_fen = 0 OR note <> ''", name="off_drawer_says_why"),)

    day: Mapped[date] = mapped_column(unique=True)
    signed_by: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    signed_name: Mapped[str] = mapped_column(String(60))
    signed_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200))
    drawers_off_fen: Mapped[int] = mapped_column(Fen)
    totals: Mapped[dict[str, Any]]
    left_open: Mapped[list[Any]]
    carried: Mapped[list[Any]]
    digest: Mapped[str] = mapped_column(String(64))
