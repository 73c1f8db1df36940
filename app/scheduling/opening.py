"""Opening a doctor's half-day: which places it has, when each begins, and whom some of them are kept for."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from app.kernel.clock import at_hospital
from app.kernel.uow import Uow
from app.rulebook.terms import LONGEST_WINDOW_DAYS
from app.scheduling.errors import ClockChange, SlotsOverlap
from app.scheduling.models import BookingChannel, ClinicSession, HalfDay, Pattern, Practitioner, Slot

OPEN_AHEAD_DAYS = LONGEST_WINDOW_DAYS
_NOON, _EVENING = time(12), time(18)


def open_session(uow: Uow, pattern: Pattern, day: date) -> ClinicSession | None:
    """The doctor's session on `day` stands with all its places; None when it already did.

    Refuses `slots_overlap` when the doctor sits elsewhere at that time, `clock_change` when that time is not on the
    clock that day.
    """
    starts_at = starting(day, pattern.starts, uow.zone)
    ends_at = starts_at + length_of(pattern)
    same_day = sessions_on(uow, pattern.practitioner_id, day)
    if any(session.half_day == pattern.half_day for session in same_day):
        return None
    if any(session.starts_at < ends_at and starts_at < session.ends_at for session in same_day):
        raise SlotsOverlap(day=day.isoformat())
    practitioner = uow.session.get_one(Practitioner, pattern.practitioner_id)
    session = ClinicSession(
        department_id=practitioner.department_id,
        practitioner_id=practitioner.id,
        visit_day=day,
        half_day=HalfDay(pattern.half_day),
        room=pattern.room,
        fee_fen=pattern.fee_fen,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    uow.session.add(session)
    uow.session.flush()
    uow.session.add_all(Slot(session_id=session.id, **columns) for columns in places_of(session, pattern, uow.zone))
    return session


def starting(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant at which the wall shows `clock` on `day`; refuses `clock_change` where the clock jumps over it."""
    instant = at_hospital(day, clock, zone)
    if instant.astimezone(zone).time() != clock:
        raise ClockChange(day=day.isoformat())
    return instant


def sessions_on(uow: Uow, practitioner_id: int, day: date) -> list[ClinicSession]:
    """The doctor's sessions of the day in any state, also those in which another doctor stands in."""
    whose = or_(
        ClinicSession.practitioner_id == practitioner_id, ClinicSession.planned_practitioner_id == practitioner_id
    )
    return list(uow.session.scalars(select(ClinicSession).where(whose, ClinicSession.visit_day == day)))


def half_day_of(starts: time) -> HalfDay:
    """Before noon, before six in the evening, or later."""
    if starts < _NOON:
        return HalfDay.AM
    return HalfDay.PM if starts < _EVENING else HalfDay.EVE


def length_of(pattern: Pattern) -> timedelta:
    """How long the half-day is: as many slots as its places fill."""
    slots = -(-pattern.places // (pattern.places_per_slot or 1))
    return timedelta(minutes=pattern.slot_minutes * slots)


def places_of(session: ClinicSession, pattern: Pattern, zone: ZoneInfo) -> list[dict[str, object]]:
    """The columns of each place that the session has by the pattern."""
    begins_at = starting(session.visit_day, pattern.starts, zone)
    length = timedelta(minutes=pattern.slot_minutes)
    kept_until = begins_at - timedelta(minutes=pattern.kept_until_minutes or 0)
    places: list[dict[str, object]] = []
    for number, channel in enumerate(spread(pattern.places, pattern.kept())):
        starts_at = begins_at + number // (pattern.places_per_slot or 1) * length
        kept_columns = {"kept_for": channel, "kept_until": kept_until if channel else None}
        places.append({"seq": number + 1, "starts_at": starts_at, "ends_at": starts_at + length, **kept_columns})
    return places


def spread(places: int, kept_for: dict[BookingChannel, int]) -> list[BookingChannel | None]:
    """Whom each of the places is kept for: every channel's lie evenly over the half-day, the rest is everybody's.

    Not more are kept than there are.
    """
    found: list[BookingChannel | None] = [None] * places
    for channel, wanted in kept_for.items():
        for nth in range(wanted):
            ideal = (2 * nth + 1) * places // (2 * wanted)
            free = [number for number, whose in enumerate(found) if whose is None]
            if free:
                found[min(free, key=lambda number: (abs(number - ideal), number))] = channel
    return found
