"""From when to when a day can be booked."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.kernel.clock import at_hospital
from app.rulebook.service import Where
from app.rulebook.terms import Rules, minute_of_day
from app.scheduling.models import ClinicSession, Department


def where_of(department: Department) -> Where:
    """Whose rules hold for the department."""
    return Where(department.code, department.campus_code)


def wall(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """The instant at which the hospital's wall shows `clock` on `day`; "24:00" is the next day's beginning."""
    minutes = minute_of_day(clock)
    later, left = divmod(minutes, 1440)
    return at_hospital(day + timedelta(days=later), time(left // 60, left % 60), zone)


def opens_at(rules: Rules, day: date, zone: ZoneInfo) -> datetime:
    """From when on the day's places can be booked (放号)."""
    return wall(day - timedelta(days=rules.window_days), rules.release_clock, zone)


def released_at(rules: Rules, session: ClinicSession, zone: ZoneInfo) -> datetime:
    """From when on the session's places can be booked: at its own release, or at its day's."""
    return session.release_at or opens_at(rules, session.visit_day, zone)


def is_released(rules: Rules, session: ClinicSession, now: datetime, zone: ZoneInfo) -> bool:
    """True while the rules let the session be booked."""
    return released_at(rules, session, zone) <= now < closes_at(rules, session.visit_day, zone)


def closes_at(rules: Rules, day: date, zone: ZoneInfo) -> datetime:
    """Until when the day's places can be booked at all; a day of 0 days ahead is open until it is over."""
    return wall(day - timedelta(days=rules.window_first_day), "24:00", zone)
