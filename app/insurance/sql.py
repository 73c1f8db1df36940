"""The two statements that change what is left of a coverage: each one compare-and-set, so nothing is used twice."""

from __future__ import annotations

from sqlalchemy import text

from app.insurance.models import Coverage, Split
from app.kernel.uow import Uow

# What is used counts within one calendar year: the first settlement of a new year begins at nought.
_CONSUME = text(
    "UPDATE coverage SET"
    " deductible_used_fen = CASE WHEN year = :year THEN deductible_used_fen ELSE 0 END + :deductible,"
    " cap_used_fen = CASE WHEN year = :year THEN cap_used_fen ELSE 0 END + :fund,"
    " account_balance_fen = account_balance_fen - :account, year = :year, version = version + 1"
    " WHERE id = :id AND version = :version RETURNING version"
)
_GIVE_BACK = text(
    "UPDATE coverage SET"
    " deductible_used_fen = CASE WHEN year <> :year THEN deductible_used_fen"
    " WHEN deductible_used_fen > :deductible THEN deductible_used_fen - :deductible ELSE 0 END,"
    " cap_used_fen = CASE WHEN year <> :year THEN cap_used_fen"
    " WHEN cap_used_fen > :fund THEN cap_used_fen - :fund ELSE 0 END,"
    " account_balance_fen = account_balance_fen + :account, version = version + 1"
    " WHERE id = :id"
)


def consume(uow: Uow, coverage: Coverage, split: Split, *, year: int) -> bool:
    """The split's deductible, fund and account shares are used up; False when the coverage changed since it was read.

    A balance that would fall below nought is refused by the table itself.
    """
    found = uow.session.execute(
        _CONSUME, {"id": coverage.id, "version": coverage.version, "year": year, **_shares(split)}
    ).first()
    uow.session.refresh(coverage)
    return found is not None


def give_back(uow: Uow, coverage: Coverage, split: Split) -> None:
    """What the split used up can be used again; deductible and cap only within the year they were used in."""
    uow.session.execute(_GIVE_BACK, {"id": coverage.id, "year": split.year, **_shares(split)})
    uow.session.refresh(coverage)


def _shares(split: Split) -> dict[str, int]:
    return {"deductible": split.deductible_fen, "fund": split.fund_fen, "account": split.account_fen}
