"""The waiting room's rules: when one may check in, whose turn it is, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

CHECK_IN_OPENS_MINUTES = 60
PRIOR_PATIENTS = 4  # how many patients' worth of weight the planned pace keeps against the observed one
RANGE_LOW, RANGE_HIGH = 0.7, 1.4


def order_at(*, slot_starts_at: datetime, slot_ends_at: datetime, checked_in_at: datetime) -> datetime:
    """Whoever comes in time keeps the place's turn; whoever comes late queues from the moment of coming."""
    return slot_starts_at if checked_in_at <= slot_ends_at else checked_in_at


def pace_minutes(planned_minutes: float, finished_minutes: Sequence[float]) -> float:
    """Minutes a consultation takes in this session: the planned ones, corrected by those that are over."""
    weight = PRIOR_PATIENTS + len(finished_minutes)
    return (PRIOR_PATIENTS * planned_minutes + sum(finished_minutes)) / weight


def wait_range(ahead: int, pace: float) -> tuple[int, int]:
    """The shortest and longest wait in whole minutes to be told to somebody with `ahead` patients before them."""
    return int(ahead * pace * RANGE_LOW), max(int(ahead * pace * RANGE_HIGH + 0.5), 1)
