"""When reminders are due: seven, three and one day before at ten, and never at night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.revisit.rules import is_waking, ladder, next_waking, search_days
from app.revisit.states import Stage
from tests.factories_revisit import SHANGHAI, hospital

DUE = date(2026, 12, 20)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (("2026-12-01", "11:00"), [("7d", "12-13 10:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-13", "09:59"), [("7d", "12-13 10:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-13", "10:00"), [("7d", "12-13 10:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-15", "15:00"), [("7d", "12-15 15:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-18", "15:00"), [("3d", "12-18 15:00"), ("1d", "12-19 10:00")]),
        (("2026-12-19", "15:00"), [("1d", "12-19 15:00")]),
        (("2026-12-15", "21:30"), [("7d", "12-16 08:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-15", "05:00"), [("7d", "12-15 08:00"), ("3d", "12-17 10:00"), ("1d", "12-19 10:00")]),
        (("2026-12-19", "23:00"), [("1d", "12-20 08:00")]),
    ],
)
def test_of_stages_already_past_only_the_latest_is_told_at_once(
    made: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    rungs = ladder(DUE, hospital(*made), SHANGHAI)

    assert [(stage.value, f"{at.astimezone(SHANGHAI):%m-%d %H:%M}") for stage, at in rungs] == expected


@pytest.mark.parametrize(
    ("at", "is_awake", "then"),
    [
        ("07:59", False, "12-01 08:00"),
        ("08:00", True, "12-01 08:00"),
        ("12:00", True, "12-01 12:00"),
        ("19:59", True, "12-01 19:59"),
        ("20:00", False, "12-02 08:00"),
        ("23:59", False, "12-02 08:00"),
        ("00:00", False, "12-01 08:00"),
    ],
)
def test_what_falls_due_at_night_waits_for_the_morning(at: str, is_awake: bool, then: str) -> None:
    instant = hospital("2026-12-01", at).astimezone(UTC)

    assert is_waking(instant, SHANGHAI) is is_awake
    assert f"{next_waking(instant, SHANGHAI).astimezone(SHANGHAI):%m-%d %H:%M}" == then


def test_every_minute_of_two_days_leads_to_waking_hours() -> None:
    for minute in range(2 * 1440):
        instant = datetime(2026, 12, 1 + minute // 1440, minute % 1440 // 60, minute % 60, tzinfo=UTC)

        woken = next_waking(instant, SHANGHAI)

        assert is_waking(woken, SHANGHAI)
        assert woken >= instant
        assert next_waking(woken, SHANGHAI) == woken


def test_no_plan_has_two_reminders_at_one_instant_or_one_at_night() -> None:
    for half_hours in range(24 * 48):
        made = hospital("2026-11-26", "00:30") + timedelta(minutes=30 * half_hours)
        if made >= hospital("2026-12-20", "00:00"):
            break

        instants = [at for _, at in ladder(DUE, made, SHANGHAI)]

        assert instants == sorted(set(instants))
        assert all(is_waking(at, SHANGHAI) for at in instants)
        assert instants


@pytest.mark.parametrize(
    ("due", "today", "days"),
    [
        ("2026-12-20", "2026-12-01", ("2026-12-17", "2026-12-23")),
        ("2026-12-20", "2026-12-19", ("2026-12-19", "2026-12-23")),
        ("2026-12-20", "2026-12-28", ("2026-12-28", "2026-12-31")),
    ],
)
def test_places_are_looked_for_around_the_day_and_never_in_the_past(
    due: str, today: str, days: tuple[str, str]
) -> None:
    found = search_days(date.fromisoformat(due), date.fromisoformat(today))

    assert tuple(day.isoformat() for day in found) == days


def test_the_stages_are_a_week_three_days_and_a_day() -> None:
    assert [stage.value for stage in Stage] == ["7d", "3d", "1d"]
