"""Rules are tried on a day before they hold: who would have waited how much longer or shorter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.queueing.day import Expected, SessionPlan
from app.queueing.simulated import simulated_day
from app.queueing.trying import compare, play_by
from app.rulebook.published_sets import published_sets
from app.rulebook.terms import SHIPPED, LateRule, PriorityClass, Rules

ELDER = PriorityClass("elder", "八十岁以上", "身份证", 80)


def patient(number: int, **more: object) -> Expected:
    """Somebody who comes ten minutes before their time and stays ten minutes."""
    slot_at = (number - 1) * 10.0
    return replace(Expected(number, slot_at, slot_at - 10.0, 10.0), **more)  # type: ignore[arg-type]


def session(*patients: Expected) -> SessionPlan:
    return SessionPlan(10.0, 0.0, patients)


def waits(rules: Rules, plan: SessionPlan) -> dict[int, float]:
    return {each.place_no: round(each.waited_minutes, 1) for each in play_by(rules, plan)}


def test_who_comes_in_time_waits_for_their_time() -> None:
    assert waits(SHIPPED, session(*(patient(number) for number in (1, 2, 3)))) == {1: 10.0, 2: 10.0, 3: 10.0}


@pytest.mark.parametrize(
    ("step", "waited_minutes"),
    [("end", 40.0 + 50.0), ("1", 40.0 + 10.0)],  # called at 10, passed, and again behind five or behind one
)
def test_a_passed_patient_waits_as_the_rule_says(step: str, waited_minutes: float) -> None:
    crowd = [patient(number, arrives_at=-30.0) for number in range(1, 8)]
    crowd[1] = patient(2, arrives_at=-30.0, away_minutes=0.0)

    played = {each.place_no: each for each in play_by(replace(SHIPPED, passed_steps=(step,)), session(*crowd))}

    assert (played[2].group, played[2].is_seen) == ("passed", True)
    assert played[2].waited_minutes == pytest.approx(waited_minutes)


def test_a_patient_who_is_back_too_late_is_passed_again_until_void() -> None:
    rules = published_sets()["lcrmyy"].rules
    crowd = [patient(number, arrives_at=-30.0) for number in range(1, 5)]
    crowd[0] = patient(1, arrives_at=-30.0, away_minutes=500.0)

    played = {each.place_no: each for each in play_by(rules, session(*crowd))}

    assert not played[1].is_seen
    assert all(played[number].is_seen for number in (2, 3, 4))


def test_by_the_rules_the_late_come_last_or_not_at_all() -> None:
    plan = session(*(patient(number) for number in range(1, 6)), patient(6, slot_at=0.0, arrives_at=15.0))

    first = waits(SHIPPED, plan)[6]
    last = waits(replace(SHIPPED, late_rule=LateRule.SESSION_END), plan)[6]
    played = play_by(replace(SHIPPED, late_rule=LateRule.RE_REGISTER), plan)

    assert first < last
    assert [each.is_seen for each in played] == [True] * 5 + [False]


def test_priority_goes_before_others_only_where_the_rules_know_it() -> None:
    plan = session(
        *(patient(number, arrives_at=-20.0) for number in range(1, 6)), patient(6, arrives_at=-20.0, is_priority=True)
    )

    without, before_all = waits(SHIPPED, plan)[6], waits(replace(SHIPPED, priority_classes=(ELDER,)), plan)[6]

    assert (without, before_all) == (70.0, 20.0)


def test_a_return_after_tests_is_a_second_wait() -> None:
    crowd = [patient(number, arrives_at=-30.0) for number in range(1, 8)]
    crowd[0] = patient(1, arrives_at=-30.0, tests_minutes=5.0, second_minutes=5.0)

    played = {each.place_no: each for each in play_by(SHIPPED, session(*crowd))}

    assert played[1].group == "returned"
    assert played[1].waited_minutes == 30.0 + 25.0  # back at 15 behind two new ones, of whom the first is called at 20


def test_a_changed_rule_for_passed_numbers_tells_who_waits_longer_and_who_shorter() -> None:
    day = simulated_day(7)
    five_back = published_sets()["lcrmyy"].rules

    found = compare(day, SHIPPED, replace(SHIPPED, passed_steps=("3",)))

    changes = {change.group: change for change in found.changes}
    assert changes["passed"].patients >= 10
    assert changes["passed"].after_minutes < changes["passed"].before_minutes - 3
    assert changes["new"].after_minutes > changes["new"].before_minutes
    assert found.most_changed[0][0].group == "passed"
    assert compare(day, SHIPPED, SHIPPED).most_changed == ()
    assert compare(day, SHIPPED, five_back).unseen_after >= compare(day, SHIPPED, five_back).unseen_before


def test_the_same_seed_is_the_same_day() -> None:
    assert simulated_day(7) == simulated_day(7)
    assert simulated_day(7) != simulated_day(8)


@pytest.mark.parametrize("name", published_sets())
def test_every_published_set_can_be_tried(name: str) -> None:
    day = simulated_day(3, sessions=4)

    found = compare(day, SHIPPED, published_sets()[name].rules)

    came = sum(one.arrives_at is not None for plan in day for one in plan.expected)
    assert sum(change.patients for change in found.changes) + found.unseen_after >= came
