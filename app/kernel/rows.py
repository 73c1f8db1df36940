"""Work that lies in rows, each given out under a lease: whatever one of them meets, the others are worked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from logging import Logger
from typing import TypeVar

Row = TypeVar("Row")


def each(rows: Sequence[Row], work: Callable[[Row], object], log: Logger, what: str) -> int:
    """`work` was tried with every row, and how many that were; the trouble of one is on the log under `what`.

    A row that failed is due again when its lease is over. Rows that cannot be worked on at all would else keep those
    behind them waiting for ever.
    """
    for row in rows:
        try:
            work(row)
        except Exception:
            log.exception("%s: could not be worked on", what)
    return len(rows)
