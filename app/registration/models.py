"""Registrations."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.registration.states import ACTIVE, EntryState, OfferState, RegistrationState, SuspensionState
from app.rulebook.terms import Breach
from app.scheduling.models import HalfDay

_IS_ACTIVE = text("state IN (" + ", ".join(f"'{state.value}'" for state in ACTIVE) + ")")
_IS_REPLACING = text(f"state = '{RegistrationState.HELD.value}' AND replaces_id IS NOT NULL")
_IS_ASKED = text("asked_at IS NOT NULL")
_REPLACES = text("replaces_id IS NOT NULL")


class Registration(PublicRow):
    """A patient's place in a session; `visit_number` is the encounter's number for the hospital (HL7 PV1-19).

    The practitioner, day and half-day of the session stand here too, so that the database itself keeps a patient from
    having two active places with one doctor in one half-day. `replaces_id` names the booked place that goes back
    as soon as this one is confirmed; `times_moved` counts how often the visit was moved by the patient. `asked_at` is
    since when the hospital system is asked for this place (`asked_nth` 0) or for the nth move; None once it answered.
    `fee_is_insured` when the insurer settled the fee: it knows the visit with this doctor, so that it is not moved.
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
        Index(
            "uq_registration_replacing",
            "replaces_id",
            unique=True,
            postgresql_where=_IS_REPLACING,
            sqlite_where=_IS_REPLACING,
        ),
        Index("ix_registration_replacing", "replaces_id", postgresql_where=_REPLACES, sqlite_where=_REPLACES),
        Index("ix_registration_held_at", "held_at", postgresql_using="brin"),
        Index("ix_registration_asked", "asked_at", postgresql_where=_IS_ASKED, sqlite_where=_IS_ASKED),
        CheckConstraint("fee_fen >= 0", name="fee_not_negative"),
        CheckConstraint("(asked_at IS NULL) = (asked_nth IS NULL)", name="asked_for_something"),
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
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    times_moved: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    asked_nth: Mapped[int | None]
    fee_is_insured: Mapped[bool] = mapped_column(default=False, server_default=false())


class RegistrationNumber(Row):
    """The number by which another system knows the appointment: `system` is the peer that gave it."""

    __tablename__ = "registration_number"
    __table_args__ = (UniqueConstraint("system", "value"),)

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    system: Mapped[str] = mapped_column(String(48))
    value: Mapped[str] = mapped_column(String(80))


class LostPlace(Row):
    """A place that the hospital took back (停诊): its patient may have another, once, whatever the limits say.

    `practitioner_id` is the doctor whom the patient had chosen, `found_id` the registration that came of it.
    """

    __tablename__ = "lost_place"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioner.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    lost_at: Mapped[datetime]
    found_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), unique=True)


class Suspension(PublicRow):
    """A patient who cannot book online until `ends_at`, for `breaches` within so many months; with its appeal."""

    __tablename__ = "suspension"
    __table_args__ = (
        Index("ix_suspension_patient", "patient_id", "ends_at"),
        CheckConstraint("ends_at > begins_at", name="ends_after_it_begins"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    breach: Mapped[Breach] = mapped_column(choice(Breach))
    breaches: Mapped[int]
    within_months: Mapped[int]
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[SuspensionState] = mapped_column(
        choice(SuspensionState), default=SuspensionState.STANDING, index=True
    )
    appeal_sealed: Mapped[str] = mapped_column(String(2000))
    appealed_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(200), default="")
    answered_at: Mapped[datetime | None]


class ConductRecord(Row):
    """A no-show or a cancellation that counts (信用记录); `suspension_id` names the suspension that used it up."""

    __tablename__ = "conduct_record"
    __table_args__ = (
        UniqueConstraint("registration_id", "breach"),
        Index("ix_conduct_record_patient", "patient_id", "suspension_id"),
    )

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    breach: Mapped[Breach] = mapped_column(choice(Breach))
    day: Mapped[date]
    suspension_id: Mapped[int | None] = mapped_column(ForeignKey("suspension.id"))


_IS_OPEN = text(f"state = '{OfferState.OPEN.value}'")


def _one_open(name: str, column: str) -> Index:
    return Index(name, column, unique=True, postgresql_where=_IS_OPEN, sqlite_where=_IS_OPEN)


class WaitlistEntry(PublicRow):
    """Somebody who waits for a place (候补): in a department, with one doctor or any, on some days, in any half-day.

    `missed` counts the offers that ran out unanswered. Whoever has no phone waits without an account, and the desk
    tells them.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        Index("ix_waitlist_entry_waiting", "department_id", "state", "from_day", "to_day"),
        Index("ix_waitlist_entry_patient", "patient_id", "state"),
        CheckConstraint("from_day <= to_day", name="days_in_order"),
    )

    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))
    from_day: Mapped[date]
    to_day: Mapped[date]
    half_day: Mapped[HalfDay | None] = mapped_column(choice(HalfDay))
    state: Mapped[EntryState] = mapped_column(choice(EntryState), default=EntryState.WAITING)
    missed: Mapped[int] = mapped_column(default=0)
    joined_at: Mapped[datetime]


class WaitlistOffer(PublicRow):
    """A place that is set aside for one entry until `ends_at`.

    The tables themselves keep a place from being offered to two, and a patient from being offered two.
    """

    __tablename__ = "waitlist_offer"
    __table_args__ = (
        UniqueConstraint("entry_id", "slot_id"),
        _one_open("uq_waitlist_offer_slot", "slot_id"),
        _one_open("uq_waitlist_offer_patient", "patient_id"),
        Index("ix_waitlist_offer_due", "state", "ends_at"),
        CheckConstraint("(state = 'accepted') = (registration_id IS NOT NULL)", name="accepted_has_its_place"),
    )

    entry_id: Mapped[int] = mapped_column(ForeignKey("waitlist_entry.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id"))
    offered_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[OfferState] = mapped_column(choice(OfferState), default=OfferState.OPEN)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
