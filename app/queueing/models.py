"""Queue tickets, and the lobbies where patients take them by themselves."""

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

    `before` is what the ticket was before the deed at `deed_at`, as undoing.py wants it.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("department_id", "visit_day", "number"),
        Index("ix_ticket_queue", "session_id", "state", "priority", "order_at"),
    )

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("clinic_session.id"))
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
