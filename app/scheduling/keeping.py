"""Changing one session that may have patients already: for whom its free places are kept, and when it is released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.kernel import audit
from app.kernel.uow import Uow
from app.rulebook.service import rules_for
from app.scheduling import service
from app.scheduling.errors import (
    BadShift,
    KeptUntilPast,
    MoreKeptThanFree,
    ReleaseInPast,
    ReleaseTooLate,
    SessionClosed,
)
from app.scheduling.models import BookingChannel, ClinicSession, Department, Slot
from app.scheduling.opening import spread
from app.scheduling.rules import closes_at, where_of
from app.scheduling.shifts import MOST_MINUTES_BEFORE
from app.scheduling.states import SessionState, SlotState


@dataclass(frozen=True)
class Kept:
    """How many places of a session are free, how many of them are kept for whom, and until how long before it begins.

    A place that is kept and taken is in no figure; should it come back, it is its channel's as before.
    """

    free: int
    by_channel: dict[BookingChannel, int]
    until_minutes: int


def kept_now(uow: Uow, session: ClinicSession) -> Kept:
    """The session's kept places as they stand now."""
    free = _free(uow, session)
    counts = Counter(slot.kept_for for slot in free if slot.kept_for is not None)
    untils = [slot.kept_until for slot in free if slot.kept_until is not None]
    until_minutes = int((session.starts_at - min(untils)).total_seconds() // 60) if untils else 0
    return Kept(len(free), {channel: counts[channel] for channel in BookingChannel}, until_minutes)


def keep(uow: Uow, *, public_id: str, kept: Mapping[BookingChannel, int], until_minutes: int) -> ClinicSession:
    """So many of the session's free places are kept for each channel, evenly over what is left; nobody loses theirs.

    The weekly shift's figures do not change that any more, unless they change the session's places too. Refuses
    `session_closed`, `bad_shift`, `more_kept_than_free`, and `kept_until_past` where keeping would be over already.
    """
    session = _open(uow, public_id)
    _refuse_figures(kept, until_minutes)
    # Places that somebody is just taking are passed over, as claimers pass each other; they stay as they are.
    free = _free(uow, session, locked=True)
    if sum(kept.values()) > len(free):
        raise MoreKeptThanFree(at_most=len(free))
    until = session.starts_at - timedelta(minutes=until_minutes)
    if any(kept.values()) and until <= uow.now():
        raise KeptUntilPast(until_at=until.isoformat())
    for slot, channel in zip(free, spread(len(free), dict(kept)), strict=True):
        slot.kept_for, slot.kept_until = channel, until if channel else None
    session.is_kept_by_hand = True
    uow.session.flush()
    figures = {channel.value: count for channel, count in kept.items() if count}
    audit.record(uow, "session.keep", "session", public_id, until_minutes=until_minutes, kept=figures)
    return session


def _refuse_figures(kept: Mapping[BookingChannel, int], until_minutes: int) -> None:
    faults = {f"kept_{channel.value}": "out_of_range" for channel, count in kept.items() if count < 0}
    if not 0 <= until_minutes <= MOST_MINUTES_BEFORE:
        faults["kept_until_minutes"] = "out_of_range"
    if faults:
        raise BadShift(fields=faults)


def release(uow: Uow, *, public_id: str, release_at: datetime | None) -> ClinicSession:
    """The session's places can be booked from `release_at` on, whatever the department's rules say; None: as they say.

    Who has a place keeps it. Refuses `session_closed`, `release_in_past`, and `release_too_late` when nothing could be
    booked after it any more.
    """
    session = _open(uow, public_id)
    if release_at is not None:
        _refuse_moment(uow, session, release_at)
    session.release_at = release_at
    uow.session.flush()
    audit.record(uow, "session.release", "session", public_id, at=release_at.isoformat() if release_at else "")
    return session


def _refuse_moment(uow: Uow, session: ClinicSession, release_at: datetime) -> None:
    if release_at <= uow.now():
        raise ReleaseInPast(release_at=release_at.isoformat())
    department = uow.session.get_one(Department, session.department_id)
    closes = closes_at(rules_for(uow, where_of(department)), session.visit_day, uow.zone)
    last = min(closes, session.ends_at)
    if release_at >= last:
        raise ReleaseTooLate(closes_at=last.isoformat())


def _open(uow: Uow, public_id: str) -> ClinicSession:
    """The session, locked against another editor but not against whoever books in it."""
    found = service.card(uow, public_id).session
    session = uow.session.get_one(ClinicSession, found.id, with_for_update={"key_share": True}, populate_existing=True)
    if session.state != SessionState.OPEN or session.ends_at <= uow.now():
        raise SessionClosed(session=public_id)
    return session


def _free(uow: Uow, session: ClinicSession, *, locked: bool = False) -> list[Slot]:
    query = select(Slot).where(Slot.session_id == session.id, Slot.state == SlotState.FREE, Slot.ends_at > uow.now())
    if locked:
        query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return list(uow.session.scalars(query.order_by(Slot.seq)))
