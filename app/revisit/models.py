"""The doctor's wish to see a patient again, and each reminder of it to each account."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice
from app.revisit.states import Note, PlanState, ReminderState, Stage

_IS_ACTIVE = text("state = 'active'")
_IS_PLANNED = text("state = 'planned'")


class FollowUpPlan(PublicRow):
    """A patient should come again on about `due_day`; `revisit_id` is the registration held or booked for it."""

    __tablename__ = "follow_up_plan"
    __table_args__ = (
        Index(
            "uq_follow_up_plan_active", "registration_id", unique=True,
            sqlite_where=_IS_ACTIVE, postgresql_where=_IS_ACTIVE,
        ),
        CheckConstraint("due_day > planned_day", name="due_later"),
        CheckConstraint("state <> 'booked' OR revisit_id IS NOT NULL", name="booked_has_place"),
    )  # fmt: skip

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioner.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    planned_day: Mapped[date]
    due_day: Mapped[date] = mapped_column(index=True)
    note_code: Mapped[Note] = mapped_column(choice(Note), default=Note.NONE)
    state: Mapped[PlanState] = mapped_column(choice(PlanState), default=PlanState.ACTIVE)
    revisit_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)


class Reminder(Row):
    """One account is reminded of one plan at one stage, once; `reason` says why it was not told."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("plan_id", "stage", "account_id"),
        Index("ix_reminder_due", "due_at", sqlite_where=_IS_PLANNED, postgresql_where=_IS_PLANNED),
        CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name="told_has_time"),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("follow_up_plan.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    stage: Mapped[Stage] = mapped_column(choice(Stage))
    due_at: Mapped[datetime]
    state: Mapped[ReminderState] = mapped_column(choice(ReminderState), default=ReminderState.PLANNED)
    told_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(24), default="")
