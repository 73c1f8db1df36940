"""Joins what is written at a unit's end into one statement, where that changes nothing but its price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from app.kernel.wire import Order, Spelled, together


class Write(Protocol):
    """A statement that writes (of app.kernel.hot)."""

    @property
    def table(self) -> str:
        """The table to which it writes."""

    @property
    def only_adds(self) -> bool:
        """True when it puts a row of its own into the table, whatever else stands there."""


JOINED_AT_MOST = 16
SHAPES_AT_MOST = 200
_shapes: dict[tuple[bytes, ...], Spelled] = {}


def as_one(writes: Sequence[Write], orders: list[Order]) -> list[Order]:
    """All of it as one statement, where that leaves the order in which the rows of each table are written."""
    times = Counter(writes)
    has_order = len({write.table for write in times}) < len(times) or any(
        count > 1 and not write.only_adds for write, count in times.items()
    )
    if has_order or not 1 < len(orders) <= JOINED_AT_MOST:
        return orders
    shape = tuple(statement.name for statement, _ in orders)
    one = _shapes.get(shape)
    if one is None and len(_shapes) < SHAPES_AT_MOST:
        one = _shapes[shape] = together([statement for statement, _ in orders])
    return orders if one is None else [(one, [value for _, values in orders for value in values])]
