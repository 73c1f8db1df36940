"""The figures of a day: counted from the visit's own rows, as often as one likes, with the same result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select

from app.analytics.models import Channel, ChannelScan, DayFigure
from app.analytics.rules import percentile
from app.kernel.clock import at_hospital
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.notifications.models import Message
from app.queueing.models import Ticket
from app.registration.models import Registration

Figure = tuple[str, str, int]


def roll_up_day(uow: Uow, day: date) -> int:
    """The figures of `day` stand as they are now: visits by state, waiting minutes, messages by fate, scans; how many.

    Called again it counts again; two at once write the same figures.
    """
    begins_at = at_hospital(day, time(0), uow.zone)
    ends_at = at_hospital(day + timedelta(days=1), time(0), uow.zone)
    figures = [
        *_visits(uow, day),
        *_waits(uow, day),
        *_messages(uow, begins_at, ends_at),
        *_scans(uow, begins_at, ends_at),
    ]
    for name, key, value in sorted(figures):
        written = insert_into(uow, DayFigure).values(day=day, name=name, key=key, value=value, counted_at=uow.now())
        uow.session.execute(
            written.on_conflict_do_update(
                index_elements=["day", "name", "key"], set_={"value": value, "counted_at": uow.now()}
            )
        )
    return len(figures)


def figures(uow: Uow, *, since_day: date) -> list[DayFigure]:
    """The figures of each day since `since_day`, newest day first."""
    return list(
        uow.session.scalars(
            select(DayFigure)
            .where(DayFigure.day >= since_day)
            .order_by(DayFigure.day.desc(), DayFigure.name, DayFigure.key)
        )
    )


def _visits(uow: Uow, day: date) -> Iterator[Figure]:
    rows = uow.session.execute(
        select(Registration.state, func.count(Registration.id))
        .where(Registration.visit_day == day)
        .group_by(Registration.state)
    )
    for state, count in rows:
        yield "visits", state.value, count


def _waits(uow: Uow, day: date) -> Iterator[Figure]:
    rows = uow.session.execute(
        select(Ticket.checked_in_at, Ticket.called_at).where(Ticket.visit_day == day, Ticket.called_at.is_not(None))
    )
    minutes = sorted(int((called - came).total_seconds() // 60) for came, called in rows if called is not None)
    if minutes:
        yield "wait_minutes", "median", percentile(minutes, 50)
        yield "wait_minutes", "p90", percentile(minutes, 90)


def _messages(uow: Uow, begins_at: datetime, ends_at: datetime) -> Iterator[Figure]:
    rows = uow.session.execute(
        select(Message.channel, Message.state, func.count(Message.id))
        .where(Message.made_at >= begins_at, Message.made_at < ends_at)
        .group_by(Message.channel, Message.state)
    )
    for channel, state, count in rows:
        yield "messages", f"{channel.value}:{state.value}", count


def _scans(uow: Uow, begins_at: datetime, ends_at: datetime) -> Iterator[Figure]:
    rows = uow.session.execute(
        select(Channel.code, func.count(ChannelScan.id))
        .join(ChannelScan, ChannelScan.channel_id == Channel.id)
        .where(ChannelScan.scanned_at >= begins_at, ChannelScan.scanned_at < ends_at)
        .group_by(Channel.code)
    )
    for code, count in rows:
        yield "scans", code, count
