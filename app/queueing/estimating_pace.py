"""How fast a doctor works: what was planned, corrected by earlier days, corrected by this session so far.

Pure. A consultation's length is taken as lognormal: many are short, a few are very long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DOCTORS_DIFFER = 0.25  # relative spread of doctors around what was planned for them
DAYS_DIFFER = 0.2  # relative spread of one doctor's sessions around the doctor's own mean
USUAL_SPREAD = 0.7  # standard deviation of a consultation's length over its mean
LONGEST = 3.0  # a consultation counts as at most so many times the usual one: a forgotten button is no pace


@dataclass(frozen=True)
class Pace:
    """Mean minutes of a consultation, how far that mean may be off (relative), and how much single ones vary."""

    minutes: float
    doubt: float
    spread: float


def prior_pace(planned_minutes: float, past_minutes: float, past_visits: int) -> Pace:
    """The pace to expect before the session begins; `past_minutes` is the mean of the doctor's earlier visits."""
    doubt_of_plan = DOCTORS_DIFFER**2
    doubt_of_past = USUAL_SPREAD**2 / past_visits + (DAYS_DIFFER**2) * 20 / past_visits if past_visits else math.inf
    trust = doubt_of_plan / (doubt_of_plan + doubt_of_past) if past_visits else 0.0
    minutes = (1 - trust) * planned_minutes + trust * past_minutes
    left = (1 - trust) * doubt_of_plan
    return Pace(minutes, math.sqrt(left + DAYS_DIFFER**2), USUAL_SPREAD)


def pace_now(prior: Pace, finished_minutes: Sequence[float], running_minutes: float = 0.0) -> Pace:
    """The pace of this session after `finished_minutes`, robust against single absurd lengths.

    `running_minutes` is how long the consultation under way has lasted: one that is long already is news as well.
    """
    count = len(finished_minutes)
    cut = [min(minutes, LONGEST * prior.minutes) for minutes in finished_minutes]
    weight = prior.spread**2 / prior.doubt**2
    over = max(0.0, running_minutes - prior.minutes)
    minutes = (weight * prior.minutes + sum(cut) + over) / (weight + count)
    return Pace(minutes, prior.spread / math.sqrt(weight + count), prior.spread)


def remaining_minutes(pace: Pace, elapsed_minutes: float) -> tuple[float, float]:
    """Mean and variance of what is left of a consultation that has lasted `elapsed_minutes` already."""
    sigma2 = math.log(1 + pace.spread**2)
    mu, sigma = math.log(pace.minutes) - sigma2 / 2, math.sqrt(sigma2)
    elapsed = max(elapsed_minutes, 0.01)
    z = (math.log(elapsed) - mu) / sigma
    longer = _above(z)
    if longer < 1e-6:
        return pace.minutes, pace.minutes**2
    mean = pace.minutes * _above(z - sigma) / longer
    square = pace.minutes**2 * math.exp(sigma2) * _above(z - 2 * sigma) / longer
    return mean - elapsed, max(square - mean**2, 0.0)


def _above(z: float) -> float:
    """The share of a normal distribution above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))
