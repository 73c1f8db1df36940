"""The ledger as the finance office reads it: the trial balance, a day's journals, and all that a bill moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select

from app.kernel.errors import NotFound
from app.kernel.logbook import PAGE_ROWS
from app.kernel.uow import Uow
from app.ledger.accounts import Account
from app.ledger.models import DayBalance, Journal, Posting, Proof
from app.payment.models import Bill


@dataclass(frozen=True)
class Balance:
    """An account by party: what stood before the day, what was debited and credited on it; in fen, debit above zero."""

    account: Account
    party: str
    before_fen: int
    debit_fen: int
    credit_fen: int

    @property
    def after_fen(self) -> int:
        """What stands at the day's end."""
        return self.before_fen + self.debit_fen - self.credit_fen


def trial_balance(uow: Uow, day: date) -> list[Balance]:
    """The trial balance 试算平衡 of the day, in the order of the accounts; all of `after_fen` add up to nought.

    It begins at the latest closed day before it whose balances are kept, and adds what moved since, so that it costs
    the same after years.
    """
    kept_day = uow.session.scalar(select(func.max(DayBalance.day)).where(DayBalance.day < day))
    found = {side: Balance(*side, before_fen, 0, 0) for side, before_fen in _kept(uow, kept_day)}
    for side, *moved in _moved(uow, kept_day, day):
        before_fen = found[side].before_fen if side in found else 0
        found[side] = Balance(*side, before_fen + moved[0], moved[1], moved[2])
    order = list(Account)
    return sorted(found.values(), key=lambda each: (order.index(each.account), each.party))


def _kept(uow: Uow, day: date | None) -> list[tuple[tuple[Account, str], int]]:
    rows = uow.session.scalars(select(DayBalance).where(DayBalance.day == day)) if day else ()
    return [((row.account, row.party), row.amount_fen) for row in rows]


def _moved(uow: Uow, after: date | None, day: date) -> list[tuple[tuple[Account, str], int, int, int]]:
    """By account and party: what moved after that day and before this one, what was debited and credited on it."""
    is_today, amount = Journal.day == day, Posting.amount_fen
    rows = uow.session.execute(
        select(
            Posting.account,
            Posting.party,
            func.sum(case((is_today, 0), else_=amount)),
            func.sum(case((is_today & (amount > 0), amount), else_=0)),
            func.sum(case((is_today & (amount < 0), -amount), else_=0)),
        )
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.day <= day, *[Journal.day > after] if after else [])
        .group_by(Posting.account, Posting.party)
    )
    return [((row[0], row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows]


def journals(uow: Uow, day: date, *, before_id: int | None = None) -> list[tuple[Journal, int, str]]:
    """A page of the day's journals, newest first, each with the fen it moved and its bill's public id ('' for none)."""
    wanted = [Journal.day == day, *([Journal.id < before_id] if before_id is not None else [])]
    moved = (
        select(func.coalesce(func.sum(Posting.amount_fen), 0))
        .where(Posting.journal_id == Journal.id, Posting.amount_fen > 0)
        .scalar_subquery()
    )
    rows = uow.session.execute(
        select(Journal, moved, Bill.public_id)
        .outerjoin(Bill, Bill.id == Journal.bill_id)
        .where(*wanted)
        .order_by(Journal.id.desc())
        .limit(PAGE_ROWS)
    )
    return [(journal, int(fen), bill or "") for journal, fen, bill in rows]


def bill_named(uow: Uow, public_id: str) -> Bill:
    """The bill named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Bill).where(Bill.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def of_bill(uow: Uow, bill_id: int) -> list[tuple[Journal, Sequence[Posting]]]:
    """All that the bill moved, in order: each journal with its postings."""
    found = uow.session.scalars(select(Journal).where(Journal.bill_id == bill_id).order_by(Journal.id)).all()
    return [(journal, _postings(uow, journal.id)) for journal in found]


def _postings(uow: Uow, journal_id: int) -> Sequence[Posting]:
    wanted = select(Posting).where(Posting.journal_id == journal_id).order_by(Posting.amount_fen.desc(), Posting.id)
    return uow.session.scalars(wanted).all()


def public_ids(uow: Uow, bill_ids: Collection[int]) -> dict[int, str]:
    """By which names the bills with these keys are known."""
    return dict(uow.session.execute(select(Bill.id, Bill.public_id).where(Bill.id.in_(bill_ids))).all())


def proofs(uow: Uow, *, limit: int = 7) -> Sequence[Proof]:
    """The latest nightly proofs, newest first."""
    return uow.session.scalars(select(Proof).order_by(Proof.day.desc()).limit(limit)).all()
