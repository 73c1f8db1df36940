"""Pieces whose money went back are not handed over with the rest of the bag."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.kernel.uow import Units
from app.payment.models import BillLine
from app.payment.states import BillState
from app.pharmacy import service
from app.pharmacy.contents import contents_of
from app.pharmacy.models import Bag
from tests import factories_pharmacy as make
from tests.unit.pharmacy.at_the_window import collect


def refunded(units: Units, bag: Bag, pieces: int) -> None:
    """So many of the two pieces of the bag's only line went back."""
    with units.open() as uow:
        line = update(BillLine).where(BillLine.bill_id == bag.bill_id)
        uow.session.execute(line.values(refunded_quantity=pieces, refunded_cash_fen=BillLine.cash_fen * pieces // 2))
        if pieces:
            uow.session.get_one(make.Bill, bag.bill_id).state = BillState.PARTLY_REFUNDED


@pytest.mark.parametrize("back", [0, 1, 2])
def test_the_bag_holds_what_was_not_given_back(units: Units, pharmacy: make.Pharmacy, bag: Bag, back: int) -> None:
    refunded(units, bag, back)

    with units.open() as uow:
        packed = contents_of(uow, bag)
        dispense = collect(uow, bag, pharmacy.first)
        given = service.lines_of(uow, dispense.id)

    assert [(each.quantity, each.refunded) for each in packed] == [(2 - back, back)]
    assert [line.quantity for line in given] == ([2 - back] if back < 2 else [])
