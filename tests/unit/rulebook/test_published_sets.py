"""Seven hospitals' published rules, each as a table: a situation and what the rules answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.queueing import turns
from app.registration.rules import cancel_closes_at, limit_reached, refund_percent
from app.rulebook import service as rulebook
from app.rulebook.contradictions import contradictions
from app.rulebook.published_sets import published_sets
from app.rulebook.schemas import faults_of
from app.rulebook.terms import Breach, Rules
from app.scheduling.rules import closes_at, opens_at
from tests.unit.queueing.test_turns import line

ZONE = ZoneInfo("Asia/Shanghai")
SETS = published_sets()
AT_TEN = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)  # Friday 27 November 10:00 in the hospital
FRIDAY = date(2026, 11, 27)


def wall(instant: datetime) -> str:
    return instant.astimezone(ZONE).strftime("%m-%d %H:%M")


def cancel_until(rules: Rules, title: str) -> str:
    return wall(cancel_closes_at(rules, AT_TEN, title=title, zone=ZONE))


def refund(rules: Rules, minutes_before: int) -> int:
    return refund_percent(rules, AT_TEN, AT_TEN - timedelta(minutes=minutes_before))


def booking_of_friday(rules: Rules, _: object) -> str:
    return f"{wall(opens_at(rules, FRIDAY, ZONE))} – {wall(closes_at(rules, FRIDAY, ZONE))}"


def suspension(rules: Rules, happened: str) -> int:
    """Months of suspension on 27 November after breaches written as 'n10-30 n11-01 c11-02 r11-03'."""
    kinds = {"n": Breach.NO_SHOW, "c": Breach.CANCEL, "r": Breach.SAME_DAY_REFUND, "l": Breach.LATE_CANCEL}
    days = [(kinds[word[0]], date.fromisoformat(f"2026-{word[1:]}")) for word in happened.split()]
    found = limit_reached(rules, days, FRIDAY)
    return found.suspend_months if found else 0


def returned(rules: Rules, waiting: str) -> int:
    return turns.place_of_returned(rules, line(waiting))


def priority(rules: Rules, waiting: str) -> int:
    return turns.place_of_priority(rules, line(waiting))


def passed(rules: Rules, case: tuple[int, str]) -> str:
    times, waiting = case
    step = turns.step_after(rules, times)
    if step in {"void", "session_end"}:
        return step
    return f"{rules.passed_comes_back.value} {turns.place_of_passed(rules, line(waiting), times)}"


def late(rules: Rules, minutes: int) -> str:
    """Where somebody queues who checks in so many minutes after their slot 10:00–10:15 ended; session ends 12:00."""
    slot = (AT_TEN, AT_TEN + timedelta(minutes=15))
    ends, came = AT_TEN + timedelta(hours=2), slot[1] + timedelta(minutes=minutes)
    found = turns.order_on_arrival(rules, slot=slot, session_ends_at=ends, checked_in_at=came)
    return wall(found) if found else "register anew"


def class_of(rules: Rules, age: int) -> str:
    found = turns.class_by_age(rules, age)
    return found.code if found else ""


def value(rules: Rules, name: str) -> object:
    return getattr(rules, name)


TABLES: dict[str, tuple[tuple[Callable[..., object], object, object], ...]] = {
    "nh2h": (
        (returned, "NNNN", 2),
        (returned, "NNRNN", 5),
        (returned, "NRN", 3),  # two back, two new: no more than the new
        (returned, "NRR", 3),  # three back, one new
        (passed, (1, "NNRNNR"), "at_check_in 3"),
        (passed, (4, "NNRPNNR"), "at_check_in 7"),
        (priority, "NNNN", 2),
        (priority, "NNON", 4),
        (class_of, 79, ""),
        (class_of, 80, "elder"),
        (value, "free_return_days", 3),
    ),
    "lcrmyy": (
        (passed, (1, "NNNNNNNN"), "by_itself 5"),
        (passed, (2, "NNNNNNNN"), "by_itself 5"),
        (passed, (1, "NNN"), "by_itself 3"),
        (passed, (3, "NNNNNNNN"), "by_itself 8"),
        (passed, (4, "NNNNNNNN"), "void"),
        (cancel_until, "主任医师", "11-27 09:30"),
        (cancel_until, "主治医师", "11-27 09:30"),
        (refund, 31, 100),
        (refund, 29, 0),
        (suspension, "n09-01 n10-15 n11-26", 3),
        (suspension, "n08-20 n10-15 n11-26", 0),
        (suspension, "n10-15 n11-26", 0),
        (suspension, "c11-01 c11-02 c11-03 c11-04", 0),
    ),
    "cqszyy": (
        (late, 0, "11-27 10:00"),
        (late, 1, "11-27 12:00"),
        (late, 30, "11-27 12:00"),
        (passed, (1, "NNNN"), "session_end"),
        (passed, (7, "NNNN"), "session_end"),
    ),
    "lhkyyy": (
        (cancel_until, "主任医师", "11-28 00:00"),
        (refund, 600, 100),
        (suspension, "n10-28 n11-10 n11-26", 6),
        (suspension, "n10-26 n11-10 n11-26", 0),
    ),
    "guahaoe_a": (
        (booking_of_friday, None, "11-13 00:00 – 11-27 00:00"),
        (cancel_until, "主任医师", "11-27 00:00"),
        (suspension, "n01-05 n06-01 n11-20", 1),
        (suspension, "c11-01 c11-08 c11-20", 1),
        (suspension, "c10-01 c11-08 c11-20", 0),
        (suspension, "r11-01 r11-08 r11-20", 1),
        (suspension, "n01-05 c11-08 r11-20", 0),
    ),
    "guahaoe_b": (
        (booking_of_friday, None, "10-30 06:00 – 11-28 00:00"),
        (cancel_until, "主任医师", "11-26 22:00"),
        (cancel_until, "副主任医师", "11-26 22:00"),
        (cancel_until, "主治医师", "11-27 09:30"),
        (suspension, "n06-01 n08-01 n11-01", 6),
        (suspension, "n05-20 n08-01 n11-01", 0),
    ),
    "srrsh": (
        (value, "hold_minutes", 10),
        (value, "patient_bookings_at_most", 3),
        (value, "patient_bookings_within_days", 7),
        (value, "only_own_record", True),
    ),
}
ROWS = [(name, *row) for name, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(("name", "question", "situation", "answer"), ROWS)
def test_the_published_rules_answer(
    name: str, question: Callable[..., object], situation: object, answer: object
) -> None:
    assert question(SETS[name].rules, situation) == answer


def test_there_are_seven_and_each_can_be_a_version() -> None:
    assert sorted(SETS) == sorted(TABLES)
    for found in SETS.values():
        assert faults_of(found.body) == {}
        assert faults_of(found.department_body) == {}
        assert contradictions(found.rules) == {}
        assert contradictions(found.department_rules) == {}
        assert found.source
        assert found.says


def test_five_departments_of_one_hospital_let_patients_return_longer() -> None:
    assert SETS["nh2h"].department_rules.free_return_days == 5


@pytest.mark.parametrize("name", SETS)
def test_a_published_set_is_written_as_it_is(units, name: str) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {**SETS[name].body, "hold_minutes": 12})

        assert rulebook.rules_for(uow).passed_steps == SETS[name].rules.passed_steps
