"""A long list read piece by piece: always in the order of the rows' keys, so that no row is told twice or left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True)
class Page:
    """The rows after the one with key `after`, `at_most` of them."""

    after: int = 0
    at_most: int = 20

    def of(self, query: S, key: InstrumentedAttribute[int]) -> S:
        """`query` for this page only, in the order of `key`."""
        return query.where(key > self.after).order_by(key).limit(self.at_most)
