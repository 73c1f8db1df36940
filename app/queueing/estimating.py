"""How long somebody who waits will still wait: a range that holds three times in five, and a time to be back by.

Pure: facts of the queue at an instant in, minutes out. What matters most is to count who will really be seen before:
those who wait, those booked earlier who are still to come, those out for tests who come back, those with priority.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.queueing.estimating_pace import Pace, pace_now, prior_pace, remaining_minutes

CALL_MINUTES = 1.5  # what somebody costs who is called and does not come
EARLY_MINUTES, PUNCTUALITY_MINUTES = 12.0, 14.0  # people come a little before their slot, more or less
TESTS_SPREAD = 0.5  # standard deviation of the time that tests take over its mean
ROUNDS = 4  # who comes before one's turn depends on when the turn is, and the other way round
SAFE_Z = -2.3  # who comes back by this is called earlier about once in thirty times
LOW_Z, MIDDLE_Z, HIGH_Z = -1.05, -0.15, 0.78  # p20, median and p80, as tuned on simulated days


@dataclass(frozen=True)
class Habits:
    """What earlier days say about a doctor and a department; the defaults are for those of whom nothing is known."""

    planned_minutes: float
    past_minutes: float = 0.0
    past_visits: int = 0
    late_minutes: float = 8.0
    no_show_share: float = 0.08
    return_share: float = 0.15
    return_delay_minutes: float = 30.0
    second_share: float = 0.6
    away_share: float = 0.05
    priority_share: float = 0.04


@dataclass(frozen=True)
class QueueFacts:
    """A session's queue at an instant, seen by one who waits; minutes count from the planned start.

    `ahead` and `ahead_returned` wait before the asker. `due` are the slot times of booked patients not here yet whose
    turn would be before the asker's, `due_later` of the others. `out_minutes` is how long each patient has been away
    for tests. `finished_minutes` are the lengths of first consultations, `returned_minutes` of those after tests.
    `serving` are those with one of the `doctors` of the line: how long each has been there, and whether after tests.
    """

    now: float
    has_begun: bool
    ahead: int
    ahead_returned: int = 0
    due: tuple[float, ...] = ()
    due_later: tuple[float, ...] = ()
    out_minutes: tuple[float, ...] = ()
    finished_minutes: tuple[float, ...] = ()
    returned_minutes: tuple[float, ...] = ()
    sent_for_tests: int = 0
    serving: tuple[tuple[float, bool], ...] = ()
    doctors: int = 1
    came: int = 0
    missing: int = 0


@dataclass(frozen=True)
class Estimate:
    """Minutes until the call: p20, median and p80, and the safe low one that a message to come back goes by."""

    low_minutes: float
    middle_minutes: float
    high_minutes: float
    safe_minutes: float


@dataclass
class _Sum:
    """A sum of uncertain minutes: its mean and its variance."""

    mean: float = 0.0
    variance: float = 0.0

    def add(self, mean: float, variance: float, chance: float = 1.0) -> None:
        """One more part, which happens with `chance`."""
        self.mean += chance * mean
        self.variance += chance * variance + chance * (1 - chance) * mean**2


@dataclass(frozen=True)
class _View:
    """The facts with what is expected of this session: its pace, its share of returns and of no-shows."""

    facts: QueueFacts
    habits: Habits
    pace: Pace
    returns: float
    no_shows: float


def estimate(facts: QueueFacts, habits: Habits, pace: Pace | None = None) -> Estimate:
    """The wait of somebody for whom `facts` hold; `pace` overrides the doctor's own pace where it is known."""
    prior = prior_pace(habits.planned_minutes, habits.past_minutes, habits.past_visits)
    first_minutes = max((minutes for minutes, is_returned in facts.serving if not is_returned), default=0.0)
    lengths = [*facts.finished_minutes, *(minutes / habits.second_share for minutes in facts.returned_minutes)]
    view = _View(
        facts,
        habits,
        pace or pace_now(prior, lengths, first_minutes),
        _share(habits.return_share, 12, facts.sent_for_tests, len(facts.finished_minutes)),
        _share(habits.no_show_share, 15, facts.missing, facts.missing + facts.came),
    )
    total = _all_before(view, facts.ahead * view.pace.minutes)
    for _ in range(ROUNDS):
        total = _all_before(view, total.mean)
    return _quantiles(total)


def is_time_to_return(told: Estimate, walk_minutes: float) -> bool:
    """True when somebody who is `walk_minutes` away should set out now, so as hardly ever to be called before.

    The rule of the message "come back now" and of what `bench/eta.py` measures of it.
    """
    return told.safe_minutes <= walk_minutes


def _share(usual: float, weight: float, happened: int, times: int) -> float:
    return (usual * weight + happened) / (weight + times)


def _until_begun(view: _View) -> _Sum:
    facts, total = view.facts, _Sum()
    if not facts.serving and not facts.has_begun:
        late = view.habits.late_minutes
        total.add(max(-facts.now, 0.0) + late, late**2)
    return total


def _under_way(view: _View) -> _Sum:
    """What is left of the consultations that have begun."""
    total = _Sum()
    for minutes, is_returned in view.facts.serving:
        total.add(*remaining_minutes(_second(view) if is_returned else view.pace, minutes))
    return total


def _second(view: _View) -> Pace:
    return Pace(view.pace.minutes * view.habits.second_share, view.pace.doubt, view.pace.spread)


def _all_before(view: _View, turn: float) -> _Sum:
    """Everything that is done before the asker's call, when that call is expected in `turn` minutes."""
    facts, total = view.facts, _under_way(view)
    under_way = total.mean
    first, second = _visit(view, view.pace), _visit(view, _second(view))
    for _ in range(facts.ahead):
        total.add(*first)
    for _ in range(facts.ahead_returned):
        total.add(*second)
    for slot_at in facts.due:
        total.add(*first, chance=_comes(view, slot_at, turn))
    for slot_at in facts.due_later:
        total.add(*first, chance=view.habits.priority_share * _comes(view, slot_at, turn))
    for chance in _returns(view, turn):
        total.add(*second, chance=chance)
    total.variance += ((total.mean - under_way) * view.pace.doubt) ** 2
    return _by_all_doctors(view, total)


def _by_all_doctors(view: _View, work: _Sum) -> _Sum:
    """The line's work divided among its doctors, after they have begun.

    At the asker's call all doctors but one are still at a consultation, of which so much is left as an inspector sees
    who looks in at any time: that part of the work nobody waits for.
    """
    begun, doctors = _until_begun(view), view.facts.doctors
    not_waited_for = (doctors - 1) * view.pace.minutes * (1 + view.pace.spread**2) / 2
    mean = max(work.mean - not_waited_for, 0.0) / doctors
    return _Sum(begun.mean + mean, begun.variance + work.variance / doctors**2)


def _visit(view: _View, pace: Pace) -> tuple[float, float]:
    away = view.habits.away_share
    mean = (1 - away) * pace.minutes + away * CALL_MINUTES
    return mean, (pace.spread * pace.minutes) ** 2


def _comes(view: _View, slot_at: float, turn: float) -> float:
    """The chance that somebody booked for `slot_at`, not here yet, comes before the asker's call."""
    now = view.facts.now
    gone = _arrived_by(now - slot_at)
    still = (1 - view.no_shows) * (1 - gone)
    before = (1 - view.no_shows) * (_arrived_by(now + turn - slot_at) - gone)
    return max(before, 0.0) / (still + view.no_shows) if still + view.no_shows > 0 else 0.0


def _arrived_by(after_slot: float) -> float:
    """The share of those who come that are there so many minutes after their slot's start."""
    return 0.5 * math.erfc(-(after_slot + EARLY_MINUTES) / (PUNCTUALITY_MINUTES * math.sqrt(2)))


def _returns(view: _View, turn: float) -> Sequence[float]:
    """The chances that each one who is out, or will be sent out before the asker's call, is back before it."""
    delay = view.habits.return_delay_minutes
    reach = max(turn - 2 * view.pace.minutes, 0.0)
    chances = [_back_within(out, reach, delay) for out in view.facts.out_minutes]
    at, step = view.pace.minutes, max(view.pace.minutes / view.facts.doctors, 1.0)
    while at < reach:
        chances.append(view.returns * _back_within(0.0, reach - at, delay))
        at += step
    return chances


def _back_within(out: float, minutes: float, delay: float) -> float:
    """The chance that somebody who has been out for `out` minutes is back in `minutes` more."""
    gone = _tests_over(out, delay)
    return (_tests_over(out + minutes, delay) - gone) / (1 - gone) if gone < 1 else 1.0


def _tests_over(minutes: float, delay: float) -> float:
    """The share of tests (lognormal, like consultations) that take no longer than `minutes`."""
    if minutes <= 0:
        return 0.0
    sigma2 = math.log(1 + TESTS_SPREAD**2)
    mu = math.log(delay) - sigma2 / 2
    return 0.5 * math.erfc(-(math.log(minutes) - mu) / math.sqrt(2 * sigma2))


def _quantiles(total: _Sum) -> Estimate:
    """Quantiles of a gamma distribution with the sum's mean and variance (Wilson and Hilferty's approximation)."""
    if total.mean <= 0:
        return Estimate(0.0, 0.0, 0.0, 0.0)
    ninth = max(total.variance, 0.25) / total.mean**2 / 9

    def at(z: float) -> float:
        return float(total.mean * max(1 - ninth + z * math.sqrt(ninth), 0.0) ** 3)

    return Estimate(at(LOW_Z), at(MIDDLE_Z), at(HIGH_Z), at(SAFE_Z))
