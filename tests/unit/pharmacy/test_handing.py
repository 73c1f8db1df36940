"""The bag goes into the patient's hands exactly once, after its checks; for two minutes a mistake is taken back."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from app.events import BagCollected
from app.kernel.uow import Units
from app.pharmacy import handing, service
from app.pharmacy.errors import (
    AlreadyCollected,
    BagCancelled,
    BagNotMatched,
    ChecksMissing,
    NotServedHere,
    ReasonMissing,
    TooLateToUndo,
    WrongWindow,
)
from app.pharmacy.models import Bag, Check
from app.pharmacy.states import IdentityFact, ScanCode
from tests import factories_pharmacy as make
from tests.conftest import SetClock
from tests.unit.pharmacy.at_the_window import ALL_CHECKS, collect, give, match, scan


def test_the_bag_is_handed_over_with_its_checks_on_record(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        told = list(uow._happened)
        dispense = collect(uow, bag, pharmacy.first)

        told = [event for event in uow._happened if event not in told]
        assert [event for event in told if isinstance(event, BagCollected)] == [
            BagCollected(bag.id, bag.prescription_id, bag.patient_id)
        ]
        assert [(line.drug_code, line.quantity) for line in service.lines_of(uow, dispense.id)] == [("D1", 2)]
        assert uow.session.query(Check).filter_by(dispense_id=dispense.id).count() == 4
        assert scan(uow, make.code_of(uow, bag), pharmacy.first).code == ScanCode.ALREADY_COLLECTED
        with pytest.raises(AlreadyCollected):
            give(uow, bag, pharmacy.first)


def test_without_match_checks_or_lease_nothing_leaves(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock
) -> None:
    with units.open() as uow:
        with pytest.raises(NotServedHere):
            give(uow, bag, pharmacy.first)
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        with pytest.raises(BagNotMatched):
            give(uow, bag, pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)
        with pytest.raises(ChecksMissing) as refusal:
            handing.hand_over(
                uow,
                bag_public_id=bag.public_id,
                terminal=pharmacy.first,
                checks=ALL_CHECKS[:3],
                identity_fact=IdentityFact.ID_CARD,
            )
        assert refusal.value.facts == {"missing": ["reasonable_use"]}
        clock.step(minutes=3)
        with pytest.raises(NotServedHere):
            give(uow, bag, pharmacy.first)


def test_a_bag_cancelled_while_it_is_served_stays(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        bag = uow.session.get_one(Bag, bag.id)
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)
        make.cancel(uow, bag)

        with pytest.raises(BagCancelled):
            give(uow, bag, pharmacy.first)


def test_a_mistake_is_taken_back_within_two_minutes_at_the_same_window(
    units: Units, pharmacy: make.Pharmacy, bag: Bag
) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)
        with pytest.raises(WrongWindow):
            handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.second, reason="拿错")
        with pytest.raises(ReasonMissing):
            handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="  ")

        assert [(row.id, name) for row, name in handing.just_handed_over(uow, window_code="W1")] == [(bag.id, "张*三")]
        handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="按错了")
        assert handing.just_handed_over(uow, window_code="W1") == []

        assert service.dispense_of_bag(uow, bag.id) is None
    with units.open() as uow:
        collect(uow, uow.session.get_one(Bag, bag.id), pharmacy.first)
        assert not [event for event in uow._happened if isinstance(event, BagCollected)]


def test_after_two_minutes_a_hand_over_stands(units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)

    clock.step(minutes=2, seconds=1)

    with units.open() as uow, pytest.raises(TooLateToUndo):
        handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="拿错")


def test_the_database_itself_refuses_a_second_dispense(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)

    with pytest.raises(IntegrityError), units.open() as uow:
        handing._record(uow, uow.session.get_one(Bag, bag.id), pharmacy.first, IdentityFact.ID_CARD)
