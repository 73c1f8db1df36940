"""Opening a doctor's half-day: which places it has, when each begins, and whom some of them are kept for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import or_, select

from app.kernel.clock import at_hospital
from app.kernel.uow import Uow
from app.rulebook.terms import LONGEST_WINDOW_DAYS
from app.scheduling.errors import SlotsOverlap
from app.scheduling.models import BookingChannel, ClinicSession, HalfDay, Pattern, Practitioner, Shift, Slot

OPEN_AHEAD_DAYS = LONGEST_WINDOW_DAYS


def open_session(uow: Uow, shift: Shift, day: date) -> ClinicSession | None:
    """The shift's session on `day` stands with all its places; None when it already did.

    Refuses `slots_overlap` when the practitioner sits elsewhere at that time.
    """
    starts_at = at_hospital(day, shift.starts, uow.zone)
    ends_at = starts_at + length_of(shift)
    same_day = sessions_on(uow, shift.practitioner_id, day)
    if any(session.half_day == shift.half_day for session in same_day):
        return None
    if any(session.starts_at < ends_at and starts_at < session.ends_at for session in same_day):
        raise SlotsOverlap(day=day.isoformat())
    practitioner = uow.session.get_one(Practitioner, shift.practitioner_id)
    session = ClinicSession(
        department_id=practitioner.department_id,
        practitioner_id=practitioner.id,
        visit_day=day,
        half_day=HalfDay(shift.half_day),
        room=shift.room,
        fee_fen=shift.fee_fen,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    uow.session.add(session)
    uow.session.flush()
    uow.session.add_all(_places(session, shift))
    return session


def sessions_on(uow: Uow, practitioner_id: int, day: date) -> list[ClinicSession]:
    """The doctor's sessions of the day in any state, also those in which another doctor stands in."""
    whose = or_(
        ClinicSession.practitioner_id == practitioner_id, ClinicSession.planned_practitioner_id == practitioner_id
    )
    return list(uow.session.scalars(select(ClinicSession).where(whose, ClinicSession.visit_day == day)))


def length_of(pattern: Pattern) -> timedelta:
    """How long the half-day is: as many slots as its places fill."""
    slots = -(-pattern.places // (pattern.places_per_slot or 1))
    return timedelta(minutes=pattern.slot_minutes * slots)


def _places(session: ClinicSession, pattern: Pattern) -> list[Slot]:
    length = timedelta(minutes=pattern.slot_minutes)
    kept_until = session.starts_at - timedelta(minutes=pattern.kept_until_minutes or 0)
    places = []
    for number, channel in enumerate(spread(pattern.places, pattern.kept())):
        starts_at = session.starts_at + number // (pattern.places_per_slot or 1) * length
        places.append(
            Slot(
                session_id=session.id,
                seq=number + 1,
                starts_at=starts_at,
                ends_at=starts_at + length,
                **kept(channel, kept_until),
            )
        )
    return places


def kept(channel: BookingChannel | None, kept_until: datetime) -> dict[str, object]:
    """A place's columns when it is kept for the channel until then; None is everybody."""
    return {"kept_for": channel, "kept_until": kept_until if channel else None}


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


def open_ahead(uow: Uow, *, days: int = OPEN_AHEAD_DAYS) -> int:
    """The sessions of every shift stand for today and the `days` that follow; returns how many were opened now."""
    opened = 0
    shifts = list(uow.session.scalars(select(Shift).order_by(Shift.id)))
    for ahead in range(days + 1):
        day = uow.today() + timedelta(days=ahead)
        for shift in shifts:
            if shift.weekday == day.weekday() and open_session(uow, shift, day) is not None:
                opened += 1
    return opened
