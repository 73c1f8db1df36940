"""Signs of life of the processes that do the hospital's jobs, so that a silent one is noticed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.analytics.models import JobHeartbeat
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow

FORGET_AFTER_DAYS = 2


def beat(uow: Uow, *, process: str, started_at: datetime, ran: int, failed: int, last_error: str = "") -> None:
    """The process called `process` is alive now; `ran` and `failed` count its jobs since `started_at`."""
    now = uow.clock.wall_now()
    known = {"started_at": started_at, "beat_at": now, "ran": ran, "failed": failed, "last_error": last_error[:80]}
    uow.session.execute(
        insert_into(uow, JobHeartbeat)
        .values(process=process, **known)
        .on_conflict_do_update(index_elements=["process"], set_=known)
    )
    uow.session.execute(delete(JobHeartbeat).where(JobHeartbeat.beat_at < now - timedelta(days=FORGET_AFTER_DAYS)))


def say_farewell(uow: Uow, *, process: str) -> None:
    """The process stopped as it was told to; nobody need miss its beat."""
    uow.session.execute(delete(JobHeartbeat).where(JobHeartbeat.process == process))


def heartbeats(uow: Uow) -> list[JobHeartbeat]:
    """Every process that did jobs in the last two days, the one heard of last first."""
    return list(uow.session.scalars(select(JobHeartbeat).order_by(JobHeartbeat.beat_at.desc())))


def seconds_since_beat(uow: Uow) -> int | None:
    """For how long no process that does jobs was heard of; None when there never was one."""
    last = next(iter(heartbeats(uow)), None)
    return None if last is None else max(0, int((uow.clock.wall_now() - last.beat_at).total_seconds()))
