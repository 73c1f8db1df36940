"""A journal has two equal sides or does not come to be, and a movement is booked once."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.kernel.uow import Units
from app.ledger.accounts import Account, Movement
from app.ledger.errors import DoesNotBalance
from app.ledger.models import Journal, Posting
from app.ledger.posting import Entry, book


def an_entry(debit_fen: int = 5, credit_fen: int = 5) -> Entry:
    entry = Entry(Movement.RECEIVE, 1, None)
    entry.debit(Account.IN_TRANSIT, "wechat", debit_fen)
    entry.credit(Account.ADVANCE, "patient", credit_fen)
    return entry


def test_what_is_not_balanced_is_not_booked(units: Units) -> None:
    with pytest.raises(DoesNotBalance), units.open() as uow:
        book(uow, an_entry(5, 4))

    with units.open(reads_only=True) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Journal)) == 0


def test_what_moves_nothing_leaves_no_journal(units: Units) -> None:
    with units.open() as uow:
        assert book(uow, an_entry(0, 0)) is None


def test_the_same_movement_twice_breaks_the_unit(units: Units) -> None:
    with units.open() as uow:
        assert book(uow, an_entry())

    with pytest.raises(IntegrityError), units.open() as uow:
        book(uow, an_entry())
    with units.open() as uow:
        uow.session.execute(delete(Posting))
        uow.session.execute(delete(Journal))


def test_the_table_refuses_a_side_of_nought(units: Units) -> None:
    nought = Posting(journal_id=1, account=Account.INCOME, party="", amount_fen=0)

    with pytest.raises(IntegrityError), units.open() as uow:
        uow.session.add(nought)
