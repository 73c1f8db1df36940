"""When a patient is reminded: seven, three and one day before, at ten in the morning, never at night."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.kernel.clock import at_hospital, hospital_day
from app.revisit.states import Stage

STAGE_DAYS = {Stage.WEEK: 7, Stage.THREE_DAYS: 3, Stage.DAY: 1}
TELL_AT = time(10, 0)
WAKES_AT, SLEEPS_AT = time(8, 0), time(20, 0)
PLAN_AT_MOST_DAYS = 730
SEARCH_DAYS = 3
LAPSE_AFTER_DAYS = 30
ANSWERS_DAYS = 7


def is_waking(instant: datetime, zone: ZoneInfo) -> bool:
    """True from 08:00 until before 20:00 on the hospital's wall."""
    return WAKES_AT <= instant.astimezone(zone).time() < SLEEPS_AT


def next_waking(instant: datetime, zone: ZoneInfo) -> datetime:
    """`instant` itself in waking hours, else 08:00 of the morning that follows, in UTC."""
    if is_waking(instant, zone):
        return instant
    day = hospital_day(instant, zone)
    if instant.astimezone(zone).time() >= SLEEPS_AT:
        day += timedelta(days=1)
    return at_hospital(day, WAKES_AT, zone)


def ladder(due_day: date, made_at: datetime, zone: ZoneInfo) -> list[tuple[Stage, datetime]]:
    """When each stage of a plan made at `made_at` is due, first to last.

    Of the stages that are already past only the latest stays, due at once or in the morning, and only when its turn
    comes before the next stage's.
    """
    stages = [(stage, at_hospital(due_day - timedelta(days=days), TELL_AT, zone)) for stage, days in STAGE_DAYS.items()]
    ahead = [(stage, due_at) for stage, due_at in stages if due_at > made_at]
    past = [stage for stage, due_at in stages if due_at <= made_at]
    if not past:
        return ahead
    at_once = next_waking(made_at, zone)
    is_told = hospital_day(at_once, zone) <= due_day and all(at_once < due_at for _, due_at in ahead)
    return [(past[-1], at_once), *ahead] if is_told else ahead


def search_days(due_day: date, today: date) -> tuple[date, date]:
    """The first and last day on which a place for the revisit is looked for: around the due day, never in the past."""
    middle = max(due_day, today)
    return max(today, middle - timedelta(days=SEARCH_DAYS)), middle + timedelta(days=SEARCH_DAYS)
