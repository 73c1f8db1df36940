"""Registrations."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.registration.states import ACTIVE, RegistrationState
from app.scheduling.models import HalfDay

_IS_ACTIVE = text("state IN (" + ", ".join(f"'{state.value}'" for state in ACTIVE) + ")")


class Registration(PublicRow):
    """A patient's place in a session; `visit_number` is the encounter's number for the hospital (HL7 PV1-19).

    The practitioner, day and half-day of the session stand here too, so that the database itself keeps a patient from
    having two active places with one doctor in one half-day.
    """

    __tablename__ = "registration"
    __table_args__ = (
        Index(
            "uq_registration_active",
            "patient_id",
            "practitioner_id",
            "visit_day",
            "half_day",
            unique=True,
            postgresql_where=_IS_ACTIVE,
            sqlite_where=_IS_ACTIVE,
        ),
        Index("ix_registration_held", "state", "held_until"),
        Index("ix_registration_patient", "patient_id", "visit_day"),
        Index("ix_registration_session", "session_id", "state"),
        CheckConstraint("fee_fen >= 0", name="fee_not_negative"),
    )

    visit_number: Mapped[str] = mapped_column(String(20), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    slot_id: Mapped[int | None] = mapped_column(ForeignKey("slot.id"))
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioner.id"))
    visit_day: Mapped[date]
    half_day: Mapped[HalfDay] = mapped_column(choice(HalfDay))
    place_no: Mapped[int] = mapped_column(default=0)
    fee_fen: Mapped[int] = mapped_column(Fen)
    state: Mapped[RegistrationState] = mapped_column(choice(RegistrationState), default=RegistrationState.HELD)
    held_at: Mapped[datetime]
    held_until: Mapped[datetime]
    source_code: Mapped[str] = mapped_column(String(32), default="")


class RegistrationNumber(Row):
    """The number by which another system knows the appointment: `system` is the peer that gave it."""

    __tablename__ = "registration_number"
    __table_args__ = (UniqueConstraint("system", "value"),)

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    system: Mapped[str] = mapped_column(String(48))
    value: Mapped[str] = mapped_column(String(80))
