"""The rules of registration applied to one case: until when it can be cancelled, what is given back, what counts."""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.kernel.clock import hospital_day
from app.rulebook.terms import Breach, BreachLimit, CancelUntil, Rules
from app.scheduling.rules import wall


def cancel_closes_at(rules: Rules, starts_at: datetime, *, title: str, zone: ZoneInfo) -> datetime:
    """The last moment at which a place that begins at `starts_at` with a doctor of this title can be given back."""
    if rules.cancel_until == CancelUntil.CLOCK:
        day = hospital_day(starts_at, zone) - timedelta(days=rules.cancel_days_before)
        return wall(day, rules.cancel_clock, zone)
    is_expert = title in rules.expert_titles
    minutes = rules.expert_cancel_minutes_before if is_expert else rules.cancel_minutes_before
    return starts_at - timedelta(minutes=minutes)


def reschedule_closes_at(rules: Rules, starts_at: datetime, *, title: str, zone: ZoneInfo) -> datetime:
    """The last moment at which such a place can be moved: whoever would cancel late cannot slip away by moving."""
    on_time = starts_at - timedelta(minutes=rules.late_cancel_minutes)
    return min(cancel_closes_at(rules, starts_at, title=title, zone=zone), on_time)


def refund_percent(rules: Rules, starts_at: datetime, now: datetime) -> int:
    """How much of the fee whoever cancels now gets back; 0 below the last tier."""
    left = starts_at - now
    reached = [tier.refund_percent for tier in rules.refund_tiers if left >= timedelta(minutes=tier.minutes_before)]
    is_after_start = left < timedelta(0)
    return rules.refund_tiers[-1].refund_percent if is_after_start else max(reached, default=0)


def breaches_of_cancelling(
    rules: Rules, *, starts_at: datetime, now: datetime, was_paid: bool, zone: ZoneInfo
) -> tuple[Breach, ...]:
    """What a cancellation at `now` counts as; every one is a `cancel`."""
    found = [Breach.CANCEL]
    if starts_at - now < timedelta(minutes=rules.late_cancel_minutes):
        found.append(Breach.LATE_CANCEL)
    if was_paid and hospital_day(now, zone) == hospital_day(starts_at, zone):
        found.append(Breach.SAME_DAY_REFUND)
    return tuple(found)


COVERS = {breach: (breach,) for breach in Breach} | {
    Breach.NO_SHOW_OR_LATE_CANCEL: (Breach.NO_SHOW, Breach.LATE_CANCEL)
}


def limit_reached(rules: Rules, days: Collection[tuple[Breach, date]], today: date) -> BreachLimit | None:
    """The limit that the breaches (each with its day) have reached, the one that suspends longest; None within all."""
    reached = [limit for limit in rules.breach_limits if _count(limit, days, today) >= limit.breaches]
    return max(reached, key=lambda limit: limit.suspend_months, default=None)


def _count(limit: BreachLimit, days: Collection[tuple[Breach, date]], today: date) -> int:
    since = months_from(today, -limit.within_months)
    return sum(breach in COVERS[limit.breach] and since < day <= today for breach, day in days)


def months_from(day: date, months: int) -> date:
    """The same day of the month so many months later; the month's last where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
