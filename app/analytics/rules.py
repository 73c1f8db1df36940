"""How figures become shares, and which are too small to be shown as they are."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.money import half_up

SMALL_CELL = 5  # fewer than five people could be recognised; the usual limit of health statistics


@dataclass(frozen=True)
class Cell:
    """A count, its share of the stage before in basis points (None without one), and whether it must not be shown."""

    count: int
    share_bp: int | None
    is_small: bool


def share_bp(part: int, whole: int) -> int | None:
    """`part` of `whole` in basis points, None when there is no whole."""
    return half_up(part * 10_000, whole) if whole else None


def cell(count: int, before: int | None = None) -> Cell:
    """The count as a cell of the funnel; `before` is the stage before."""
    return Cell(count, share_bp(count, before) if before is not None else None, 0 < count < SMALL_CELL)


def percentile(sorted_values: list[int], percent: int) -> int:
    """The value that `percent` of the sorted values do not exceed (nearest rank); 0 of none."""
    if not sorted_values:
        return 0
    rank = -(-percent * len(sorted_values) // 100)
    return sorted_values[max(rank, 1) - 1]
