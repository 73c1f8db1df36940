"""Writing one journal: what is debited is credited, or nothing is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from app.kernel.uow import Uow
from app.ledger.accounts import Account, Movement
from app.ledger.errors import DoesNotBalance
from app.ledger.models import Journal, Posting


@dataclass
class Entry:
    """A movement about to be booked, with what it does to each account."""

    movement: Movement
    subject_id: int
    bill_id: int | None
    sides: Counter[tuple[Account, str]] = field(default_factory=Counter)

    def debit(self, account: Account, party: str, amount_fen: int) -> None:
        """`amount_fen` more stands on the account's left side."""
        self.sides[account, party] += amount_fen

    def credit(self, account: Account, party: str, amount_fen: int) -> None:
        """`amount_fen` more stands on the account's right side."""
        self.sides[account, party] -= amount_fen


def book(uow: Uow, entry: Entry) -> Journal | None:
    """The movement stands on today's page; None when it moves nothing. Refuses `does_not_balance`.

    A movement of the same thing that is booked already breaks the unit: it must not have happened twice.
    """
    moved = {side: amount_fen for side, amount_fen in entry.sides.items() if amount_fen}
    if not moved:
        return None
    if sum(moved.values()):
        raise DoesNotBalance(movement=entry.movement.value, subject=entry.subject_id)
    journal = Journal(
        movement=entry.movement,
        subject_id=entry.subject_id,
        bill_id=entry.bill_id,
        day=uow.today(),
        posted_at=uow.now(),
    )
    uow.session.add(journal)
    uow.session.flush()
    uow.session.add_all(
        Posting(journal_id=journal.id, account=account, party=party, amount_fen=amount_fen)
        for (account, party), amount_fen in moved.items()
    )
    return journal
