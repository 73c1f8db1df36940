"""What the waiting room's screens show: a department's rooms, or one door; numbers and masked names only.

Every screen asks each two seconds, and mostly nobody has moved. All that can be seen is one question however long the
queue, so that to find out costs next to nothing and nothing is kept in a process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.hot import Hot
from app.kernel.unit_session import Rows
from app.kernel.uow import Uow
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.rulebook.models import RuleSet
from app.rulebook.remembered import mark, rules_marked
from app.rulebook.service import Where
from app.scheduling.models import ClinicSession, Department, Practitioner
from app.scheduling.states import SessionState

MOST_NEXT = 4
Shown = tuple[str, str]  # a number and a masked name, '' where the rules want numbers only


@dataclass(frozen=True)
class BoardRow:
    """A room on the board: who is served, called (so many `calls`) and next, with masked names, and how many wait."""

    room: str
    doctor: str
    ends_at: datetime
    serving: Shown | None
    called: Shown | None
    calls: int
    next: tuple[Shown, ...]
    waiting: int


@dataclass(frozen=True)
class Board:
    """A department's board: its name, and one row for each session that is open for check-in, in the order of rooms."""

    name: str
    name_en: str
    rows: tuple[BoardRow, ...]

    def at_door(self, room: str, now: datetime) -> BoardRow | None:
        """What the screen at the room's door shows; None while nobody sits there.

        Where one session follows another in the room, the one that has somebody with the doctor, else the one that is
        on.
        """
        rows = [row for row in self.rows if row.room == room]
        busy = [row for row in rows if row.serving or row.called]
        on = [row for row in rows if row.ends_at > now]
        return next(iter([*busy, *on, *rows]), None)


class _Sits(NamedTuple):
    id: int
    state: str
    half_day: str
    fee_fen: int
    room: str
    starts_at: datetime
    ends_at: datetime
    doctor: str
    title: str


class _Stands(NamedTuple):
    session_id: int
    id: int
    number: str
    state: str
    calls: int
    line_id: int
    turn: str
    priority: int
    order_at: datetime
    name: str

    @property
    def shown(self) -> Shown:
        return self.number, self.name


_NOW = bindparam("p_now", type_=RuleSet.valid_from.type)
_SEEN = Hot(
    select(
        *(Department.name, Department.name_en, Department.campus_code, mark(_NOW)),
        *(ClinicSession.id, ClinicSession.state, ClinicSession.half_day, ClinicSession.fee_fen, ClinicSession.room),
        *(ClinicSession.starts_at, ClinicSession.ends_at, Practitioner.name, Practitioner.title),
        *(Ticket.id, Ticket.number, Ticket.state, Ticket.calls, Ticket.line_id, Ticket.turn, Ticket.priority),
        *(Ticket.order_at, Patient.name_masked),
    )
    .select_from(Department)
    .outerjoin(
        ClinicSession,
        and_(ClinicSession.department_id == Department.id, ClinicSession.visit_day == bindparam("p_today")),
    )
    .outerjoin(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
    .outerjoin(
        Ticket,
        and_(
            Ticket.session_id == ClinicSession.id,
            Ticket.state.in_((TicketState.WAITING, TicketState.CALLED, TicketState.SERVING)),
        ),
    )
    .outerjoin(Patient, Patient.id == Ticket.patient_id)
    .where(Department.code == bindparam("p_code"))
    .order_by(ClinicSession.room, ClinicSession.starts_at, ClinicSession.id, Ticket.id)
)
_SESSION_AT, _TICKET_AT = 4, 4 + len(_Sits._fields)


def board(uow: Uow, code: str) -> Board:
    """What the screens of the department called `code` show now; else NotFound."""
    now = uow.now()
    rows = _SEEN.rows(uow, {"p_code": code, "p_today": uow.today(), "p_now": now})
    if not rows:
        raise NotFound
    name, name_en, campus_code, marked = rows[0][:_SESSION_AT]
    rules = rules_marked(uow, Where(code, campus_code), marked, at=now)
    sessions = _sessions_in(rows)
    lines = _lines(sessions, is_shared=rules.doctors_share_a_line)
    opens_by = now + timedelta(minutes=rules.check_in_opens_minutes)
    sits = [one for one in sessions if one.state == SessionState.OPEN and one.starts_at <= opens_by]
    doctors = Counter(lines[one.id] for one in sits)
    tickets = _tickets_in(rows)
    if not rules.boards_show_names:
        tickets = [one._replace(name="") for one in tickets]
    return Board(
        name,
        name_en,
        tuple(_row(one, lines[one.id], tickets, is_shared=doctors[lines[one.id]] > 1) for one in sits),
    )


def _sessions_in(rows: Rows) -> list[_Sits]:
    """All sessions of the day, in the order of their rooms."""
    found = (row[_SESSION_AT:_TICKET_AT] for row in rows if row[_SESSION_AT] is not None)
    return list({session[0]: _Sits(*session) for session in found}.values())


def _tickets_in(rows: Rows) -> list[_Stands]:
    """Everybody who waits, is called or is with a doctor, in the order of their turns."""
    found = (_Stands(row[_SESSION_AT], *row[_TICKET_AT:]) for row in rows if row[_TICKET_AT] is not None)
    return sorted(found, key=lambda one: (-one.priority, one.order_at, one.id))


def _lines(sessions: Sequence[_Sits], *, is_shared: bool) -> Mapping[int, int]:
    """The session after which each session's line is called, as in shared_lines.py."""
    if not is_shared:
        return {one.id: one.id for one in sessions}
    first: dict[tuple[str, int], int] = {}
    for one in sorted(sessions, key=lambda one: one.id):
        first.setdefault((one.half_day, one.fee_fen), one.id)
    return {one.id: first[one.half_day, one.fee_fen] for one in sessions}


def _row(sits: _Sits, line_id: int, tickets: Sequence[_Stands], *, is_shared: bool) -> BoardRow:
    own = [one for one in tickets if one.session_id == sits.id]
    called = next((one for one in own if one.state == TicketState.CALLED), None)
    waiting = [
        one.shown
        for one in (tickets if is_shared else own)
        if one.state == TicketState.WAITING and (one.session_id == sits.id or _is_in_line(one, line_id))
    ]
    return BoardRow(
        room=sits.room,
        doctor=f"{sits.doctor} {sits.title}",
        ends_at=sits.ends_at,
        serving=next((one.shown for one in own if one.state == TicketState.SERVING), None),
        called=called.shown if called else None,
        calls=called.calls if called else 0,
        next=tuple(waiting[:MOST_NEXT]),
        waiting=len(waiting),
    )


def _is_in_line(ticket: _Stands, line_id: int) -> bool:
    """Whoever any of the line's doctors may call; who is back from tests waits for one of them."""
    return ticket.line_id == line_id and ticket.turn != TurnKind.RETURNED


def rooms(uow: Uow, *, department: Department) -> list[str]:
    """The rooms in which the department sits today, each with a door."""
    found = select(ClinicSession.room).where(
        ClinicSession.department_id == department.id,
        ClinicSession.visit_day == uow.today(),
        ClinicSession.state == SessionState.OPEN,
    )
    return sorted(set(uow.session.scalars(found)))
