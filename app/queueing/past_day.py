"""A day that was, as the tables know it: who had which time, who came when, who was away, and how long each stayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select

from app.kernel.moves import Move
from app.kernel.uow import Uow
from app.queueing.day import Expected, SessionPlan
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Slot

MOST_SESSIONS = 200
_CAME = (RegistrationState.CHECKED_IN, RegistrationState.IN_CONSULTATION, RegistrationState.COMPLETED)
_BOOKED = (*_CAME, RegistrationState.NO_SHOW, RegistrationState.BOOKED)
Moves = Sequence[tuple[str, datetime]]


def past_day(uow: Uow, day: date, department_id: int | None = None) -> list[SessionPlan]:
    """The day's sessions in which somebody was called, of one department or of all, as plans to play again."""
    query = select(ClinicSession).where(ClinicSession.visit_day == day).order_by(ClinicSession.id).limit(MOST_SESSIONS)
    if department_id is not None:
        query = query.where(ClinicSession.department_id == department_id)
    sessions = list(uow.session.scalars(query))
    ids = [session.id for session in sessions]
    rows = uow.session.execute(
        select(Registration, Slot, Ticket)
        .join(Slot, Slot.id == Registration.slot_id)
        .outerjoin(Ticket, Ticket.registration_id == Registration.id)
        .where(Registration.session_id.in_(ids), Registration.state.in_(_BOOKED))
        .order_by(Slot.seq)
    )
    by_session: dict[int, list[tuple[Slot, Ticket | None]]] = defaultdict(list)
    for registration, slot, ticket in rows:
        by_session[registration.session_id].append((slot, ticket))
    moves = _moves(uow, [ticket.id for found in by_session.values() for _, ticket in found if ticket])
    plans = (_plan(session, by_session[session.id], moves) for session in sessions)
    return [plan for plan in plans if plan is not None]


def _moves(uow: Uow, ticket_ids: list[int]) -> dict[int, list[tuple[str, datetime]]]:
    found: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    rows = uow.session.execute(
        select(Move.subject_id, Move.action, Move.moved_at)
        .where(Move.machine == TICKET.name, Move.subject_id.in_(ticket_ids))
        .order_by(Move.id)
    )
    for subject_id, action, moved_at in rows:
        found[subject_id].append((action, moved_at))
    return found


def _plan(
    session: ClinicSession, rows: Sequence[tuple[Slot, Ticket | None]], moves: dict[int, list[tuple[str, datetime]]]
) -> SessionPlan | None:
    calls = [at for _, ticket in rows if ticket for action, at in moves[ticket.id] if action == TicketAction.CALL]
    if not calls:
        return None
    slot_minutes = _minutes(rows[0][0].starts_at, rows[0][0].ends_at)
    expected = tuple(
        _expected(session, slot, ticket, moves[ticket.id] if ticket else (), slot_minutes) for slot, ticket in rows
    )
    return SessionPlan(slot_minutes, _minutes(session.starts_at, min(calls)), expected)


def _expected(session: ClinicSession, slot: Slot, ticket: Ticket | None, moves: Moves, slot_minutes: float) -> Expected:
    stays = _spans(moves, TicketAction.BEGIN, (TicketAction.FINISH, TicketAction.SEND_FOR_TESTS))
    away = _spans(moves, TicketAction.PASS_OVER, (TicketAction.RETURN, TicketAction.CLOSE))
    tests = _spans(moves, TicketAction.SEND_FOR_TESTS, (TicketAction.COME_BACK,))
    return Expected(
        place_no=slot.seq,
        slot_at=_minutes(session.starts_at, slot.starts_at),
        arrives_at=_minutes(session.starts_at, ticket.checked_in_at) if ticket else None,
        visit_minutes=stays[0] if stays else slot_minutes,
        away_minutes=away[0] if away else None,
        tests_minutes=tests[0] if tests else None,
        second_minutes=stays[1] if len(stays) > 1 else slot_minutes / 2,
        is_priority=bool(ticket and ticket.priority_class),
    )


def _spans(moves: Moves, begins: TicketAction, ends: tuple[TicketAction, ...]) -> list[float]:
    """The minutes from every `begins` to the next of `ends`."""
    found, since = [], None
    for action, at in moves:
        if action == begins:
            since = at
        elif since is not None and action in ends:
            found.append(_minutes(since, at))
            since = None
    return found


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60
