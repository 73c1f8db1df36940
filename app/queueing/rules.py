"""How long it takes in the waiting room."""

from __future__ import annotations

from collections.abc import Sequence

PRIOR_PATIENTS = 4  # how many patients' worth of weight the planned pace keeps against the observed one
RANGE_LOW, RANGE_HIGH = 0.7, 1.4


def pace_minutes(planned_minutes: float, finished_minutes: Sequence[float]) -> float:
    """Minutes a consultation takes in this session: the planned ones, corrected by those that are over."""
    weight = PRIOR_PATIENTS + len(finished_minutes)
    return (PRIOR_PATIENTS * planned_minutes + sum(finished_minutes)) / weight


def wait_range(ahead: int, pace: float) -> tuple[int, int]:
    """The shortest and longest wait in whole minutes to be told to somebody with `ahead` patients before them."""
    return int(ahead * pace * RANGE_LOW), max(int(ahead * pace * RANGE_HIGH + 0.5), 1)
