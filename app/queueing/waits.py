"""What the tables know of a session's queue at this instant, as the estimator wants it, in two questions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.kernel.uow import Uow
from app.queueing.estimating import Estimate, Habits, QueueFacts, estimate
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Slot

PAST_SESSIONS = 3  # of the doctor, just before this one; more would cost more than they tell
USUAL_SESSIONS = 2  # how many sessions' worth of weight the usual late start keeps
PLANNED_MINUTES = 10.0  # for a session without places
WITH_DOCTOR = (TicketState.CALLED, TicketState.SERVING)


def told_range(told: Estimate) -> tuple[int, int]:
    """The range in whole minutes: to the minute up to ten, beyond that to five outwards, so as not to feign."""
    low, high = told.low_minutes, told.high_minutes
    shortest = math.floor(low) if low <= 10 else math.floor(low / 5) * 5
    longest = math.ceil(high) if high <= 10 else math.ceil(high / 5) * 5
    return shortest, max(longest, 1)


@dataclass(frozen=True)
class Look:
    """A session's queue at an instant: looked at once, it says the wait of everybody in it."""

    now: datetime
    session: ClinicSession
    tickets: Sequence[Ticket]
    expected: Sequence[tuple[datetime, datetime]]
    habits: Habits

    def wait_of(self, ticket: Ticket) -> Estimate:
        """How long the waiting `ticket` of the session will still wait."""
        return estimate(_facts(self.now, self.session, ticket, self.tickets, self.expected), self.habits)


def look(uow: Uow, session_id: int) -> Look:
    """The session's queue as it stands now."""
    session = uow.session.get_one(ClinicSession, session_id)
    tickets = uow.session.scalars(select(Ticket).where(Ticket.session_id == session_id)).all()
    slots = uow.session.execute(
        select(Slot.starts_at, Slot.ends_at, Registration.state)
        .outerjoin(Registration, Registration.id == Slot.registration_id)
        .where(Slot.session_id == session.id)
        .order_by(Slot.seq)
    ).all()
    expected = [(starts, ends) for starts, ends, state in slots if state == RegistrationState.BOOKED]
    planned = _minutes(slots[0][0], slots[0][1]) if slots else PLANNED_MINUTES
    return Look(uow.now(), session, tickets, expected, _habits(uow, session, planned))


def is_before(one: Ticket, other: Ticket) -> bool:
    """True when `one` is called before `other` as the line stands."""
    return (-one.priority, one.order_at, one.id) < (-other.priority, other.order_at, other.id)


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60


def _facts(
    now: datetime,
    session: ClinicSession,
    mine: Ticket,
    tickets: Sequence[Ticket],
    expected: Sequence[tuple[datetime, datetime]],
) -> QueueFacts:
    before = [one for one in tickets if one.state == TicketState.WAITING and is_before(one, mine)]
    inside = next((one for one in tickets if one.state in WITH_DOCTOR), None)
    since = (inside.began_at if inside.state == TicketState.SERVING else inside.called_at) if inside else None
    away = [one for one in tickets if one.state == TicketState.AWAY]
    returned = [one for one in tickets if one.turn == TurnKind.RETURNED]
    in_time = [starts for starts, ends in expected if now <= ends]

    def minute(at: datetime) -> float:
        return _minutes(session.starts_at, at)

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
        serving_minutes=_minutes(since, now) if since else None,
        serving_is_returned=inside is not None and inside.turn == TurnKind.RETURNED,
        came=len(tickets),
        missing=len(expected) - len(in_time),
    )


def _lengths(tickets: Iterable[Ticket]) -> list[float]:
    return [_minutes(one.began_at, one.done_at) for one in tickets if one.began_at and one.done_at]


def _habits(uow: Uow, session: ClinicSession, planned_minutes: float) -> Habits:
    """What the doctor's last sessions on earlier days say."""
    last = (
        select(ClinicSession.id)
        .where(ClinicSession.practitioner_id == session.practitioner_id, ClinicSession.visit_day < session.visit_day)
        .order_by(ClinicSession.visit_day.desc(), ClinicSession.starts_at.desc())
        .limit(PAST_SESSIONS)
        .cte("last_sessions")
    )
    rows = uow.session.execute(
        select(ClinicSession.starts_at, Ticket.began_at, Ticket.done_at)
        .join(last, last.c.id == ClinicSession.id)
        .join(Ticket, Ticket.session_id == ClinicSession.id)
        .where(Ticket.state == TicketState.DONE, Ticket.began_at.is_not(None), Ticket.done_at.is_not(None))
    ).all()
    visits = [(starts, began, done) for starts, began, done in rows if began and done]
    lengths = [_minutes(began, done) for _, began, done in visits]
    first: dict[datetime, datetime] = {}
    for starts, began, _ in visits:
        first[starts] = min(began, first.get(starts, began))
    late = [max(_minutes(starts, began), 0.0) for starts, began in first.items()]
    usual = Habits(planned_minutes)
    return Habits(
        planned_minutes,
        past_minutes=statistics.fmean(lengths) if lengths else 0.0,
        past_visits=len(lengths),
        late_minutes=(USUAL_SESSIONS * usual.late_minutes + sum(late)) / (USUAL_SESSIONS + len(late)),
    )
