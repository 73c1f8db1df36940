"""Queue tickets, what their patients were told of the wait, and the lobbies where they take them by themselves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind


class Ticket(PublicRow):
    """A patient's number in a session's queue; `order_at` decides whose turn it is among equal `priority`.

    `line_id` is the session after which the line is called that the patient stands in: their own, or where several
    doctors share a line the first of theirs; `session_id` is the doctor whom they booked, and who calls them at last.
    `before` is what the ticket was before the deed at `deed_at`, as undoing.py wants it.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("department_id", "visit_day", "number"),
        Index("ix_ticket_queue", "session_id", "state", "priority", "order_at"),
        Index("ix_ticket_line", "line_id", "state"),
    )

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    visit_day: Mapped[date]
    number: Mapped[str] = mapped_column(String(8))
    room: Mapped[str] = mapped_column(String(24))
    priority: Mapped[int] = mapped_column(default=0)
    state: Mapped[TicketState] = mapped_column(choice(TicketState), default=TicketState.WAITING)
    order_at: Mapped[datetime]
    turn: Mapped[TurnKind] = mapped_column(choice(TurnKind), default=TurnKind.FIRST)
    passes: Mapped[int] = mapped_column(default=0)
    priority_class: Mapped[str] = mapped_column(String(24), default="")
    checked_in_at: Mapped[datetime]
    called_at: Mapped[datetime | None]
    calls: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    deed_at: Mapped[datetime | None]


class Lobby(Row):
    """A place in the house (签到点) where a screen shows the changing code by which phones check in.

    It serves one department, or with `department_id` NULL all of its campus. Where it is, in millionths of a degree,
    and for how many metres around one counts as near, are hints for the phone; NULL where nobody has measured it.
    `screen_no` counts how often its screen got another address, so that the addresses before show nothing any more.
    """

    __tablename__ = "lobby"
    __table_args__ = (
        CheckConstraint("(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name="is_somewhere_or_nowhere"),
        CheckConstraint("near_metres BETWEEN 20 AND 5000", name="near_is_walkable"),
    )

    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(60))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    campus_code: Mapped[str] = mapped_column(String(24), default="")
    latitude_e6: Mapped[int | None]
    longitude_e6: Mapped[int | None]
    near_metres: Mapped[int] = mapped_column(default=300)
    screen_no: Mapped[int] = mapped_column(default=0, server_default="0")


class Walk(Row):
    """Somebody walks while they wait: they are told once, so that `walk_minutes` are enough to come back.

    0 minutes is who stays. Each change is another choice (`choice_no`) of which they are told anew. `spare_seconds` is
    how much earlier than the call they could be back; below nought the message was too late.
    """

    __tablename__ = "walk"
    __table_args__ = (CheckConstraint("walk_minutes BETWEEN 0 AND 120", name="is_a_walk"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    walk_minutes: Mapped[int]
    choice_no: Mapped[int] = mapped_column(default=1)
    chosen_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    spare_seconds: Mapped[int | None]


class ToldWait(Row):
    """What a patient was told of the wait at check-in (p20, median, p80), and how long it then was."""

    __tablename__ = "told_wait"
    __table_args__ = (Index("ix_told_wait_day", "visit_day", "department_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    visit_day: Mapped[date]
    told_at: Mapped[datetime]
    low_seconds: Mapped[int]
    middle_seconds: Mapped[int]
    high_seconds: Mapped[int]
    waited_seconds: Mapped[int | None]


class WaitErrors(Row):
    """How right a department's told waits were on a day: `inside` fell between p20 and p80, `earlier` before p20.

    `returns` were told to come back and called since, `late_returns` of them before they could be back.
    """

    __tablename__ = "wait_errors"
    __table_args__ = (
        UniqueConstraint("department_id", "day"),
        CheckConstraint("inside + earlier <= told AND late_returns <= returns", name="adds_up"),
    )

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    day: Mapped[date] = mapped_column(index=True)
    told: Mapped[int]
    error_seconds: Mapped[int]
    inside: Mapped[int]
    earlier: Mapped[int]
    returns: Mapped[int]
    late_returns: Mapped[int]
