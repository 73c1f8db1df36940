"""Departments, practitioners, their weekly shifts, sessions and places."""

from __future__ import annotations

import enum
from datetime import date, datetime, time

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.scheduling.states import SessionState, SlotState


class HalfDay(enum.StrEnum):
    """The part of the day a session belongs to; one active registration per patient, doctor and half-day."""

    AM = "am"
    PM = "pm"
    EVE = "eve"


class BookingChannel(enum.StrEnum):
    """The way by which a patient comes to a place (号源渠道): places can be kept for one of them.

    `online` is the phone at home, `lobby` a poster in the house, `revisit` a planned revisit's one tap, and `window`
    the desk for people without a phone.
    """

    ONLINE = "online"
    LOBBY = "lobby"
    REVISIT = "revisit"
    WINDOW = "window"


class Department(Row):
    """A clinical department (科室)."""

    __tablename__ = "department"

    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    location: Mapped[str] = mapped_column(String(80))
    location_en: Mapped[str] = mapped_column(String(80), default="")
    campus_code: Mapped[str] = mapped_column(String(24), default="")
    ticket_letter: Mapped[str] = mapped_column(String(1), default="A")


class Practitioner(Row):
    """A doctor who sits in sessions."""

    __tablename__ = "practitioner"

    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(40))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    good_at: Mapped[str] = mapped_column(String(200), default="")


class Pattern(Row):
    """How a half-day is sat: when, where, for how much, how many places, and how many of them are kept for whom.

    `places_per_slot` patients are expected in one slot of `slot_minutes`. What is kept for a channel and left over is
    everybody's from `kept_until_minutes` before the session begins.
    """

    __abstract__ = True

    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioner.id"), index=True)
    half_day: Mapped[HalfDay] = mapped_column(choice(HalfDay))
    starts: Mapped[time]
    places: Mapped[int]
    slot_minutes: Mapped[int]
    places_per_slot: Mapped[int] = mapped_column(default=1)
    room: Mapped[str] = mapped_column(String(24))
    fee_fen: Mapped[int] = mapped_column(Fen)
    kept_online: Mapped[int] = mapped_column(default=0)
    kept_lobby: Mapped[int] = mapped_column(default=0)
    kept_revisit: Mapped[int] = mapped_column(default=0)
    kept_window: Mapped[int] = mapped_column(default=0)
    kept_until_minutes: Mapped[int] = mapped_column(default=0)

    def kept(self) -> dict[BookingChannel, int]:
        """How many places are kept for each channel; a row that is not in its table yet keeps none."""
        return {channel: getattr(self, f"kept_{channel.value}") or 0 for channel in BookingChannel}


def _checks() -> tuple[CheckConstraint, ...]:
    return (
        CheckConstraint(
            "places > 0 AND places_per_slot > 0 AND slot_minutes BETWEEN 1 AND 30 AND fee_fen >= 0", name="makes_sense"
        ),
        CheckConstraint(
            "kept_online >= 0 AND kept_lobby >= 0 AND kept_revisit >= 0 AND kept_window >= 0 AND"
            " kept_until_minutes >= 0 AND kept_online + kept_lobby + kept_revisit + kept_window <= places",
            name="keeps_what_there_is",
        ),
    )


class Shift(Pattern):
    """A practitioner's weekly shift (排班): sessions are opened from it; `weekday` 0 is Monday."""

    __tablename__ = "shift"
    __table_args__ = (UniqueConstraint("practitioner_id", "weekday", "half_day"), *_checks())

    weekday: Mapped[int]


class ShiftException(Pattern):
    """What holds on one day in place of the weekly shift: other figures, one session more, or none (`is_off`)."""

    __tablename__ = "shift_exception"
    __table_args__ = (UniqueConstraint("practitioner_id", "day", "half_day"), *_checks())

    day: Mapped[date] = mapped_column(index=True)
    is_off: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(String(120), default="")


class HospitalDay(Row):
    """The hospital's own word on a day: the weekday whose shifts hold on it, or none (`runs_as` NULL) when it rests."""

    __tablename__ = "hospital_day"
    __table_args__ = (CheckConstraint("runs_as BETWEEN 0 AND 6", name="is_a_weekday"),)

    day: Mapped[date] = mapped_column(unique=True)
    runs_as: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(120), default="")


class ClinicSession(PublicRow):
    """A practitioner's half-day in a room, with its fee (挂号费).

    Where another doctor stands in (替诊) `planned_practitioner_id` is who was to sit, `substituted_at` since when not.
    `release_at` is the session's own release (放号), NULL while its department's holds; `is_kept_by_hand` when somebody
    has said for this very session which of its places are kept for whom.
    """

    __tablename__ = "clinic_session"
    __table_args__ = (
        UniqueConstraint("practitioner_id", "visit_day", "half_day"),
        Index("ix_clinic_session_day", "department_id", "visit_day"),
        CheckConstraint("fee_fen >= 0", name="fee_not_negative"),
        CheckConstraint(
            "(planned_practitioner_id IS NULL) = (substituted_at IS NULL)", name="substituted_since_some_time"
        ),
        CheckConstraint("release_at IS NULL OR release_at < ends_at", name="released_before_it_ends"),
    )

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    practitioner_id: Mapped[int] = mapped_column(ForeignKey("practitioner.id"))
    visit_day: Mapped[date]
    half_day: Mapped[HalfDay] = mapped_column(choice(HalfDay))
    room: Mapped[str] = mapped_column(String(24))
    fee_fen: Mapped[int] = mapped_column(Fen)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[SessionState] = mapped_column(choice(SessionState), default=SessionState.OPEN)
    planned_practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"), index=True)
    substituted_at: Mapped[datetime | None]
    release_at: Mapped[datetime | None]
    is_kept_by_hand: Mapped[bool] = mapped_column(default=False)


class Slot(Row):
    """One place (号) of a session: its number `seq` and the time window in which the patient is expected.

    A place that came back may rest until `free_from`, so that it goes to no one in particular. One that is `kept_for`
    a channel is everybody's from `kept_until` on.
    """

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("session_id", "seq"),
        Index("ix_slot_free", "session_id", "state", "seq"),
        CheckConstraint("(state IN ('free', 'set_aside')) = (registration_id IS NULL)", name="free_has_nobody"),
        CheckConstraint("(kept_for IS NULL) = (kept_until IS NULL)", name="kept_until_some_time"),
    )

    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    seq: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[SlotState] = mapped_column(choice(SlotState), default=SlotState.FREE)
    registration_id: Mapped[int | None] = mapped_column(index=True)
    free_from: Mapped[datetime | None]
    kept_for: Mapped[BookingChannel | None] = mapped_column(choice(BookingChannel))
    kept_until: Mapped[datetime | None]


class ReleaseGate(Row):
    """The waiting room of one release 放号 of a department: who came before it is drawn by lot, later ones follow.

    Turns are numbered from 0; the ones numbered `second * per_second` and on come in that second after the release.
    `next_turn` is NULL until the lots are drawn.
    """

    __tablename__ = "release_gate"
    __table_args__ = (
        UniqueConstraint("department_id", "release_at"),
        CheckConstraint("per_second > 0 AND next_turn >= 0", name="turns_count"),
    )

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    release_at: Mapped[datetime]
    per_second: Mapped[int]
    next_turn: Mapped[int | None]


class ReleaseToken(Row):
    """An account's place in that waiting room, one for each; `lot` orders those who came before the release."""

    __tablename__ = "release_token"
    __table_args__ = (UniqueConstraint("gate_id", "account_id"), UniqueConstraint("gate_id", "turn"))

    gate_id: Mapped[int] = mapped_column(ForeignKey("release_gate.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    came_at: Mapped[datetime]
    lot: Mapped[int] = mapped_column(BigInteger)
    turn: Mapped[int | None]
