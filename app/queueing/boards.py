"""What the waiting room's screens show: a department's rooms, or one door; numbers and masked names only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from app.identity.models import Patient
from app.kernel.uow import Uow
from app.queueing import shared_lines
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.rulebook.service import rules_for
from app.scheduling.models import ClinicSession, Department, Practitioner
from app.scheduling.rules import where_of
from app.scheduling.states import SessionState

MOST_NEXT = 4
Shown = tuple[str, str]  # a number and a masked name, '' where the rules want numbers only


@dataclass(frozen=True)
class BoardRow:
    """A room on the board: who is served, called (so many `calls`) and next, with masked names, and how many wait."""

    sits: ClinicSession
    practitioner: Practitioner
    serving: Shown | None
    called: Shown | None
    calls: int
    next: tuple[Shown, ...]
    waiting: int
    is_shared: bool


def board(uow: Uow, *, department: Department) -> list[BoardRow]:
    """What the department's board shows now: one row for each room in use, in as many queries however long."""
    rules = rules_for(uow, where_of(department))
    sessions = uow.session.execute(
        select(ClinicSession, Practitioner)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
        .where(
            ClinicSession.department_id == department.id,
            ClinicSession.visit_day == uow.today(),
            ClinicSession.state == SessionState.OPEN,
            ClinicSession.starts_at <= uow.now() + timedelta(minutes=rules.check_in_opens_minutes),
        )
        .order_by(ClinicSession.room, ClinicSession.starts_at)
    )
    pairs = list(sessions)
    lines = shared_lines.lines_of(uow, [session for session, _ in pairs])
    tickets = uow.session.execute(
        select(Ticket, Patient.name_masked)
        .join(Patient, Patient.id == Ticket.patient_id)
        .where(
            Ticket.department_id == department.id,
            Ticket.visit_day == uow.today(),
            Ticket.state.in_((TicketState.WAITING, TicketState.CALLED, TicketState.SERVING)),
        )
        .order_by(Ticket.priority.desc(), Ticket.order_at, Ticket.id)
    )
    found = [(ticket, name if rules.boards_show_names else "") for ticket, name in tickets]
    shared = {line for line in lines.values() if list(lines.values()).count(line) > 1}
    return [
        _row(session, practitioner, lines[session.id], found, is_shared=lines[session.id] in shared)
        for session, practitioner in pairs
    ]


def _row(
    session: ClinicSession,
    practitioner: Practitioner,
    line_id: int,
    tickets: list[tuple[Ticket, str]],
    *,
    is_shared: bool,
) -> BoardRow:
    waiting = [
        (one.number, name)
        for one, name in tickets
        if one.state == TicketState.WAITING
        and (one.session_id == session.id or (is_shared and _is_in_line(one, line_id)))
    ]
    here = {one.state: (one.number, name) for one, name in reversed(tickets) if one.session_id == session.id}
    return BoardRow(
        session,
        practitioner,
        here.get(TicketState.SERVING),
        here.get(TicketState.CALLED),
        next((one.calls for one, _ in tickets if one.session_id == session.id and one.state == TicketState.CALLED), 0),
        tuple(waiting[:MOST_NEXT]),
        len(waiting),
        is_shared,
    )


def _is_in_line(ticket: Ticket, line_id: int) -> bool:
    """Whoever any of the line's doctors may call; who is back from tests waits for one of them."""
    return ticket.line_id == line_id and ticket.turn != TurnKind.RETURNED


def door(uow: Uow, *, department: Department, room: str) -> BoardRow | None:
    """What the screen at the room's door shows now; None while nobody sits there.

    Where one session follows another in the room, the one that has somebody with the doctor, else the one that is on.
    """
    rows = [row for row in board(uow, department=department) if row.sits.room == room]
    busy = [row for row in rows if row.serving or row.called]
    on = [row for row in rows if row.sits.ends_at > uow.now()]
    return next(iter([*busy, *on, *rows]), None)


def rooms(uow: Uow, *, department: Department) -> list[str]:
    """The rooms in which the department sits today, each with a door."""
    found = select(ClinicSession.room).where(
        ClinicSession.department_id == department.id,
        ClinicSession.visit_day == uow.today(),
        ClinicSession.state == SessionState.OPEN,
    )
    return sorted(set(uow.session.scalars(found)))
