"""How the exchange with other systems is doing: what waits and for how long, what is answered and how fast."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select

from app.kernel import lines
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_search import SOURCE
from app.kernel.outbox import URGENT, OutboxItem, OutboxState
from app.kernel.uow import Uow

TOPICS = ("hospital", "hl7_replay")
ALERT_AFTER_SECONDS = 45
"""So that whoever looks every ten seconds knows within a minute."""
COUNTED_AT_MOST = 10_000
_OPEN = (OutboxState.WAITING, OutboxState.SENDING)


@dataclass(frozen=True)
class Backlog:
    """What is due under one topic for one receiver ('' before it is written): how many, the oldest's age, the dead."""

    topic: str
    peer: str
    waiting: int
    oldest_seconds: int
    dead: int


class AlarmCode(enum.StrEnum):
    """A receiver does not answer, or a message has waited too long (also when no sender runs at all)."""

    PEER_AWAY = "hl7_peer_away"
    TOO_OLD = "hl7_waiting_too_long"


@dataclass(frozen=True)
class Alarm:
    """Something that a person should see to; `seconds` is since when, `error` the last failure's code."""

    code: AlarmCode
    peer: str
    seconds: int
    error: str = ""


@dataclass(frozen=True)
class Answers:
    """What was answered in the last hour (of the newest 10,000 messages): how many by code, and the slowest per cent.

    `p99_ms` runs from the frame's arrival to the effect, without the commit; None when nothing came. `parked` messages
    wait for their patient.
    """

    by_code: dict[str, int]
    p99_ms: int | None
    parked: int


def backlog(uow: Uow, topics: Sequence[str] = TOPICS) -> list[Backlog]:
    """What waits or is dead under each of `topics`; a message that is not due before later does not wait yet."""
    now = uow.now()
    is_due = or_(OutboxItem.tries > 0, OutboxItem.due_at <= now)
    open_rows = uow.session.execute(
        select(OutboxItem.topic, OutboxItem.peer, func.count(), func.min(OutboxItem.posted_at))
        .where(OutboxItem.topic.in_(topics), OutboxItem.state.in_(_OPEN), is_due)
        .group_by(OutboxItem.topic, OutboxItem.peer)
    ).all()
    dead_rows = uow.session.execute(
        select(OutboxItem.topic, OutboxItem.peer, func.count())
        .where(OutboxItem.topic.in_(topics), OutboxItem.state == OutboxState.DEAD)
        .group_by(OutboxItem.topic, OutboxItem.peer)
    ).all()
    waiting = {(topic, peer): (number, oldest) for topic, peer, number, oldest in open_rows}
    dead = {(topic, peer): number for topic, peer, number in dead_rows}
    found = []
    for topic, peer in sorted({*waiting, *dead, *((topic, "") for topic in topics)}):
        number, oldest = waiting.get((topic, peer), (0, now))
        age = max(0, int((now - oldest).total_seconds()))
        found.append(Backlog(topic, peer, number, age, dead.get((topic, peer), 0)))
    return found


def alarms(uow: Uow) -> list[Alarm]:
    """What is wrong with what we send, now: each broken line, and each receiver's oldest message beyond 45 s."""
    now, found = uow.now(), list[Alarm]()
    for line in lines.broken_lines(uow):
        seconds = int((now - (line.away_since or now)).total_seconds())
        found.append(Alarm(AlarmCode.PEER_AWAY, line.peer, max(0, seconds), line.last_error))
    for each in backlog(uow):
        if each.waiting and each.oldest_seconds > ALERT_AFTER_SECONDS:
            found.append(Alarm(AlarmCode.TOO_OLD, each.peer, each.oldest_seconds))
    return found


def overdue(uow: Uow, seconds: int) -> int:
    """How many of the urgent messages were not answered within so many seconds: those bookings are pending there."""
    late = uow.now() - timedelta(seconds=seconds)
    wanted = select(func.count()).where(
        URGENT, OutboxItem.state.in_(_OPEN), OutboxItem.topic.in_(TOPICS), OutboxItem.posted_at < late
    )
    return uow.session.scalar(wanted) or 0


def answers(uow: Uow) -> Answers:
    """The last hour's answers."""
    rows = uow.session.execute(
        select(InboxItem.answer_code, InboxItem.took_ms)
        .where(InboxItem.received_at >= uow.now() - timedelta(hours=1), InboxItem.answer_code != "")
        .order_by(InboxItem.received_at.desc())
        .limit(COUNTED_AT_MOST)
    ).all()
    took = sorted(took_ms for _, took_ms in rows if took_ms is not None)
    p99_ms = took[(len(took) * 99 - 1) // 100] if took else None
    parked = uow.session.scalar(
        select(func.count()).where(InboxItem.state == InboxState.RECEIVED, InboxItem.source.startswith(SOURCE))
    )
    return Answers(dict(Counter(code for code, _ in rows)), p99_ms, parked or 0)
