"""What the tables know of a session's queue at this instant, as the estimator wants it, in a few questions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.kernel.uow import Uow
from app.queueing import shared_lines
from app.queueing.estimating import Estimate, Habits, QueueFacts, estimate
from app.queueing.learning import habits_of
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SessionState

PLANNED_MINUTES = 10.0  # for a session without places
STILL_COMING = timedelta(minutes=20)  # after the planned start; whoever has called nobody by then is not counted on
WITH_DOCTOR = (TicketState.CALLED, TicketState.SERVING)


def told_range(told: Estimate) -> tuple[int, int]:
    """The range in whole minutes: to the minute up to ten, beyond that to five outwards, so as not to feign."""
    low, high = told.low_minutes, told.high_minutes
    shortest = math.floor(low) if low <= 10 else math.floor(low / 5) * 5
    longest = math.ceil(high) if high <= 10 else math.ceil(high / 5) * 5
    return shortest, max(longest, 1)


@dataclass(frozen=True)
class Look:
    """A line at an instant: looked at once, it says the wait of everybody in it; `doctors` are those who sit now."""

    now: datetime
    starts_at: datetime
    tickets: Sequence[Ticket]
    expected: Sequence[tuple[datetime, datetime]]
    habits: Habits
    doctors: int

    def wait_of(self, ticket: Ticket) -> Estimate:
        """How long the waiting `ticket` of the line will still wait."""
        return estimate(_facts(self, ticket), self.habits)


def look(uow: Uow, line_id: int) -> Look:
    """The line as it stands now."""
    sessions = shared_lines.sessions_in(uow, line_id)
    ids = [session.id for session in sessions]
    tickets = uow.session.scalars(select(Ticket).where(Ticket.line_id == line_id)).all()
    slots = uow.session.execute(
        select(Slot.starts_at, Slot.ends_at, Registration.state)
        .outerjoin(Registration, Registration.id == Slot.registration_id)
        .where(Slot.session_id.in_(ids))
        .order_by(Slot.session_id, Slot.seq)
    ).all()
    expected = [(starts, ends) for starts, ends, state in slots if state == RegistrationState.BOOKED]
    planned = _minutes(slots[0][0], slots[0][1]) if slots else PLANNED_MINUTES
    doctors = _sitting(uow.now(), sessions, tickets)
    habits, starts_at = habits_of(uow, sessions, planned), min(session.starts_at for session in sessions)
    return Look(uow.now(), starts_at, tickets, expected, habits, doctors)


def _sitting(now: datetime, sessions: Sequence[ClinicSession], tickets: Sequence[Ticket]) -> int:
    """How many doctors call from the line: who has called somebody, or may only be a little late; one at least."""
    calling = {one.session_id for one in tickets if one.called_at is not None}
    busy = {one.session_id for one in tickets if one.state in WITH_DOCTOR}
    on = [one for one in sessions if one.state == SessionState.OPEN and one.ends_at > now]
    come = [one for one in on if one.id in calling or one.starts_at + STILL_COMING > now]
    return max(len({one.id for one in come} | busy), 1)


def is_before(one: Ticket, other: Ticket) -> bool:
    """True when `one` is called before `other` as the line stands."""
    return (-one.priority, one.order_at, one.id) < (-other.priority, other.order_at, other.id)


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60


def _facts(seen: Look, mine: Ticket) -> QueueFacts:
    now, tickets = seen.now, seen.tickets
    before = [one for one in tickets if one.state == TicketState.WAITING and is_before(one, mine)]
    inside = [one for one in tickets if one.state in WITH_DOCTOR]
    away = [one for one in tickets if one.state == TicketState.AWAY]
    returned = [one for one in tickets if one.turn == TurnKind.RETURNED]
    in_time = [starts for starts, ends in seen.expected if now <= ends]

    def minute(at: datetime) -> float:
        return _minutes(seen.starts_at, at)

    return QueueFacts(
        now=minute(now),
        has_begun=any(one.called_at is not None for one in tickets),
        ahead=sum(one.turn != TurnKind.RETURNED for one in before),
        ahead_returned=sum(one.turn == TurnKind.RETURNED for one in before),
        due=tuple(minute(at) for at in in_time if mine.priority == 0 and at < mine.order_at),
        due_later=tuple(minute(at) for at in in_time if mine.priority == 0 and at >= mine.order_at),
        out_minutes=tuple(_minutes(one.began_at, now) for one in away if one.began_at),
        finished_minutes=tuple(_lengths(one for one in tickets if one.turn != TurnKind.RETURNED)),
        returned_minutes=tuple(_lengths(returned)),
        sent_for_tests=len(away) + len(returned),
        serving=tuple((_minutes(_since(one), now), one.turn == TurnKind.RETURNED) for one in inside),
        doctors=seen.doctors,
        came=len(tickets),
        missing=len(seen.expected) - len(in_time),
    )


def _since(inside: Ticket) -> datetime:
    """Since when the patient is with the doctor, or on the way to the room."""
    since = inside.began_at if inside.state == TicketState.SERVING else inside.called_at
    assert since is not None
    return since


def _lengths(tickets: Iterable[Ticket]) -> list[float]:
    return [_minutes(one.began_at, one.done_at) for one in tickets if one.began_at and one.done_at]
