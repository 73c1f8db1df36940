"""The statements that change what is left of a coverage, and the one that gives out settlements to work on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import aliased

from app.insurance.models import Coverage, Settlement, Split
from app.insurance.states import COMING_BACK, TO_DO, SettlementState, SplitState
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
# The insurer keeps the true figures; ours, for the estimate, follow them and never fall below nought.
_NOTE_USED = text(
    "UPDATE coverage SET"
    " deductible_used_fen = CASE WHEN year = :year THEN deductible_used_fen ELSE 0 END + :deductible,"
    " cap_used_fen = CASE WHEN year = :year THEN cap_used_fen ELSE 0 END + :fund,"
    " account_balance_fen = CASE WHEN account_balance_fen > :account THEN account_balance_fen - :account ELSE 0 END,"
    " year = :year, version = version + 1 WHERE id = :id"
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


def note_used(uow: Uow, coverage_id: int, split: Split) -> None:
    """What the insurer took of the coverage counts in our estimate of the next bill."""
    uow.session.execute(_NOTE_USED, {"id": coverage_id, "year": split.year, **_shares(split)})


def claim_settlements(uow: Uow, *, limit: int, next_at: datetime) -> list[tuple[int, SettlementState]]:
    """Up to `limit` settlements (id, state) that are due, each to one caller; none is due again before `next_at`.

    No new figures are asked for while another settlement of the same coverage is on its way back: the insurer would
    count what that used of the year.
    """
    other = aliased(Settlement)
    comes_back = (
        select(other.id)
        .where(other.coverage_id == Settlement.coverage_id, other.state.in_(COMING_BACK), other.id != Settlement.id)
        .exists()
    )
    due = (
        select(Settlement.id)
        .where(Settlement.state.in_(TO_DO), Settlement.due_at <= uow.now())
        .where(or_(Settlement.state != SettlementState.WANTED, ~comes_back))
        .order_by(Settlement.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = uow.session.execute(
        update(Settlement)
        .where(Settlement.id.in_(select(due.c.id)))
        .values(due_at=next_at)
        .returning(Settlement.id, Settlement.state),
        execution_options={"synchronize_session": False},
    ).all()
    return [(row[0], row[1]) for row in rows]


def give_back(uow: Uow, coverage: Coverage, split: Split) -> None:
    """What the split used up and still holds can be used again; deductible and cap only within their year."""
    shares = _shares(split)
    shares["fund"] -= split.returned_fund_fen
    shares["account"] -= split.returned_account_fen
    uow.session.execute(_GIVE_BACK, {"id": coverage.id, "year": split.year, **shares})
    uow.session.refresh(coverage)


def return_part(uow: Uow, split: Split, *, fund_fen: int, other_fen: int, account_fen: int) -> bool:
    """True when so much of the settled split is now given back to its coverage; never beyond what it took."""
    back = {"returned_fund_fen": fund_fen, "returned_other_fen": other_fen, "returned_account_fen": account_fen}
    taken = uow.session.scalar(
        update(Split)
        .where(
            Split.id == split.id,
            Split.state == SplitState.SETTLED,
            Split.returned_fund_fen + fund_fen <= Split.fund_fen,
            Split.returned_other_fen + other_fen <= Split.other_fen,
            Split.returned_account_fen + account_fen <= Split.account_fen,
        )
        .values({name: getattr(Split, name) + share for name, share in back.items()})
        .returning(Split.id),
        execution_options={"synchronize_session": False},
    )
    if taken is None:
        return False
    if split.coverage_id is not None:
        shares = {"deductible": 0, "fund": fund_fen, "account": account_fen}
        uow.session.execute(_GIVE_BACK, {"id": split.coverage_id, "year": split.year, **shares})
    uow.session.expire(split)
    return True


def _shares(split: Split) -> dict[str, int]:
    return {"deductible": split.deductible_fen, "fund": split.fund_fen, "account": split.account_fen}
