"""How long somebody still waits is said from who will really be seen before, and is honest about what is not known."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from app.queueing.day import Happening, play
from app.queueing.estimating import Estimate, Habits, QueueFacts, estimate
from app.queueing.estimating_pace import Pace, pace_now, prior_pace, remaining_minutes
from app.queueing.waits import told_range
from app.queueing.watching import Watched
from bench.day import doctor, half_day

TEN = Habits(planned_minutes=10.0)
THREE_AHEAD = QueueFacts(now=30.0, has_begun=True, ahead=3)


def middle(facts: QueueFacts, habits: Habits = TEN) -> float:
    return estimate(facts, habits).middle_minutes


def test_nobody_ahead_and_a_free_doctor_is_no_wait() -> None:
    told = estimate(replace(THREE_AHEAD, ahead=0), TEN)

    assert told == Estimate(0.0, 0.0, 0.0, 0.0)
    assert told_range(told) == (0, 1)


def test_the_quantiles_stand_in_their_order() -> None:
    told = estimate(THREE_AHEAD, TEN)

    assert 0 <= told.safe_minutes < told.low_minutes < told.middle_minutes < told.high_minutes


@pytest.mark.parametrize(
    "more",
    [
        {"ahead": 4},
        {"ahead_returned": 1},
        {"serving": ((2.0, False),)},
        {"has_begun": False},
        {"due": (30.0,)},
        {"out_minutes": (25.0,)},
        {"finished_minutes": (20.0, 22.0, 19.0)},
    ],
)
def test_whatever_comes_before_makes_the_wait_longer(more: dict[str, object]) -> None:
    assert middle(replace(THREE_AHEAD, **more)) > middle(THREE_AHEAD)


def test_a_no_show_whose_slot_is_long_over_is_hardly_waited_for() -> None:
    due = middle(replace(THREE_AHEAD, due=(30.0,)))
    long_over = middle(replace(THREE_AHEAD, due=(-90.0,)))

    assert middle(THREE_AHEAD) <= long_over < due


def test_a_doctor_of_whom_much_is_known_is_expected_as_before() -> None:
    unknown, known = prior_pace(10.0, 0.0, 0), prior_pace(10.0, 6.0, 300)

    assert unknown.minutes == 10.0
    assert known.minutes == pytest.approx(6.0, abs=0.5)
    assert known.doubt < unknown.doubt


def test_a_forgotten_button_is_no_pace() -> None:
    prior = prior_pace(10.0, 0.0, 0)

    assert pace_now(prior, [10.0] * 9 + [240.0]).minutes < 13


def test_what_is_left_of_a_long_visit_is_not_nothing() -> None:
    pace = Pace(10.0, 0.3, 0.7)
    fresh, long_since = remaining_minutes(pace, 0.0), remaining_minutes(pace, 30.0)

    assert fresh[0] == pytest.approx(10.0, abs=0.1)
    assert long_since[0] > 5
    assert all(variance >= 0 for _, variance in (fresh, long_since))


def test_the_told_range_feigns_no_minutes() -> None:
    assert told_range(Estimate(23.4, 30.0, 41.2, 12.0)) == (20, 45)
    assert told_range(Estimate(3.7, 5.0, 8.2, 1.0)) == (3, 9)


def test_a_played_half_day_is_the_same_day_twice_and_sees_everybody_who_came() -> None:
    plan = half_day(Random(7), doctor(Random(7))).plan
    events = play(plan)

    assert events == play(plan)
    assert [event.at for event in events] == sorted(event.at for event in events)
    came = {one.place_no for one in plan.expected if one.arrives_at is not None}
    assert {event.place_no for event in events if event.happening == Happening.FINISHED} == came


def test_at_every_moment_of_many_days_somebody_who_waits_can_be_told() -> None:
    for seed in range(6):
        played = half_day(Random(seed), doctor(Random(seed)))
        watched, waiting = Watched(played.plan), set()
        for event in play(played.plan):
            watched.see(event)
            if event.happening == Happening.ARRIVED:
                waiting.add(event.place_no)
            elif event.happening == Happening.CALLED:
                waiting.discard(event.place_no)
            for number in sorted(waiting)[:3]:
                told = estimate(watched.facts(number, event.at), Habits(played.plan.slot_minutes))
                assert 0 <= told.safe_minutes <= told.low_minutes <= told.high_minutes
