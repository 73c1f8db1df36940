"""A hospital's half-day that never was, for trying rules on: late doctors, no-shows, the absent, tests and priority.

The shares and minutes are plausible, not a hospital's own; a past day is the better one to try on where there is one.
"""

from __future__ import annotations

import math
from random import Random  # noqa: TID251 - a seeded day must be the same day twice

from app.queueing.day import Expected, SessionPlan

NO_SHOW_SHARE = 0.10
AWAY_SHARE = 0.12
TESTS_SHARE = 0.25
PRIORITY_SHARE = 0.06


def simulated_day(seed: int, *, sessions: int = 12) -> list[SessionPlan]:
    """So many doctors' half-days; the same seed is the same day."""
    return [_session(Random(f"{seed}:{number}")) for number in range(sessions)]  # noqa: S311 - no secret


def _length(chance: Random, mean_minutes: float, spread: float) -> float:
    sigma2 = math.log(1 + spread**2)
    return chance.lognormvariate(math.log(mean_minutes) - sigma2 / 2, math.sqrt(sigma2))


def _session(chance: Random) -> SessionPlan:
    slot_minutes = chance.choice((6.0, 8.0, 10.0))
    pace = slot_minutes * chance.uniform(0.8, 1.1)
    places = chance.randint(18, 30)
    expected = tuple(_patient(chance, number, slot_minutes, pace) for number in range(1, places + 1))
    return SessionPlan(slot_minutes, chance.expovariate(1 / 8), expected)


def _patient(chance: Random, number: int, slot_minutes: float, pace: float) -> Expected:
    slot_at = (number - 1) * slot_minutes
    has_tests = chance.random() < TESTS_SHARE
    is_away = chance.random() < AWAY_SHARE
    arrives_at = slot_at + chance.gauss(-12, 14)
    return Expected(
        place_no=number,
        slot_at=slot_at,
        arrives_at=None if chance.random() < NO_SHOW_SHARE else max(arrives_at, -60.0),
        visit_minutes=_length(chance, pace, 0.6),
        away_minutes=_length(chance, 18, 0.7) if is_away else None,
        tests_minutes=_length(chance, 30, 0.5) if has_tests else None,
        second_minutes=_length(chance, pace * 0.6, 0.6),
        is_priority=chance.random() < PRIORITY_SHARE,
    )
