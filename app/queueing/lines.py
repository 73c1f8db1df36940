"""Whose turn it is in a simulated line: the smaller turn comes first, as it does in the tickets' table."""

from __future__ import annotations

from collections.abc import Sequence

Turn = tuple[int, float]  # (0 for priority, 1 for all others; the minute that decides among equals)
A_HAIR = 1e-6


def turn_on_arrival(slot_at: float, slot_ends_at: float, arrived_at: float, is_priority: bool) -> Turn:
    """Whoever comes in time keeps the place's turn; whoever comes late queues from the moment of coming."""
    return (0 if is_priority else 1, slot_at if arrived_at <= slot_ends_at else arrived_at)


def turn_behind(waiting: Sequence[Turn], behind: int | None, now: float) -> Turn:
    """The turn just behind the first `behind` of those who wait, in their order; None is behind all of them."""
    if not waiting:
        return (1, now)
    ordered = sorted(waiting)
    kind, minute = ordered[-1 if behind is None else min(behind, len(ordered)) - 1]
    return (kind, minute + A_HAIR)
