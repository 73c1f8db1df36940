"""The paid bag finds its window and its bin, is picked by one person and checked by another."""

from __future__ import annotations

import pytest

from app.events import BillOpened, PrescriptionVoided, RefundRequested
from app.kernel.moves import IllegalMove
from app.kernel.uow import Units
from app.payment.models import Bill
from app.payment.states import BillState
from app.pharmacy import followers, picking
from app.pharmacy.errors import SamePerson
from app.pharmacy.models import Bag
from app.pharmacy.states import BagState
from tests import factories_pharmacy as make


def test_bags_go_to_the_window_with_the_shortest_queue(units: Units) -> None:
    make.a_pharmacy(units)

    with units.open() as uow:
        bags = [make.a_queued_bag(uow, make.a_person(uow)) for _ in range(4)]

    assert [(bag.window_code, bag.bin_no) for bag in bags] == [("W1", 1), ("W2", 1), ("W1", 2), ("W2", 2)]
    assert [bag.number for bag in bags] == ["Y001", "Y002", "Y003", "Y004"]


def test_a_bill_paid_twice_over_queues_the_bag_once(units: Units) -> None:
    make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.a_queued_bag(uow, make.a_person(uow))

    with units.open() as uow:
        followers.prepare_bag_when_paid(uow, make.pay(uow, uow.session.get_one(Bill, bag.bill_id)))

        assert [row.number for row in uow.session.query(Bag)] == ["Y001"]


def test_a_new_bill_for_an_unpaid_prescription_keeps_bag_and_code(units: Units) -> None:
    make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.an_unpaid_bag(uow, make.a_person(uow))
        code = make.code_of(uow, bag)
        uow.session.get_one(Bill, bag.bill_id).state = BillState.VOID

    with units.open() as uow:
        bill = make.a_bill(uow, bag.patient_id, bag.prescription_id)
        followers.file_bag_when_billed(uow, BillOpened(bill.id, bag.patient_id))
        again = picking.bag_by_public_id(uow, bag.public_id)

        assert again.bill_id == bill.id
        assert make.code_of(uow, again) == code


def test_with_no_window_open_the_bag_waits_for_whoever_picks_it(units: Units) -> None:
    with units.open() as uow:
        bag = make.a_queued_bag(uow, make.a_person(uow))
        picker_id = make.a_pharmacist(uow, "picker")
        picking.open_window(uow, code="W9", name="9号窗口")
        assert bag.window_code == ""

        picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=picker_id, window_code="W9")

        assert (bag.window_code, bag.bin_no) == ("W9", 1)


def test_whoever_picked_the_bag_may_not_check_it(units: Units) -> None:
    pharmacy = make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.a_queued_bag(uow, make.a_person(uow))
        picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=pharmacy.picker_id)

        with pytest.raises(SamePerson):
            picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=pharmacy.picker_id)
        picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=pharmacy.checker_id)

        assert bag.state == BagState.READY
        with pytest.raises(IllegalMove):
            picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=pharmacy.checker_id)


def test_a_voided_prescription_leaves_no_bag_to_fetch(units: Units) -> None:
    pharmacy = make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.a_ready_bag(uow, make.a_person(uow), pharmacy)

        followers.cancel_bag_when_voided(uow, PrescriptionVoided(bag.prescription_id, bag.patient_id))
        followers.cancel_bag_when_voided(uow, PrescriptionVoided(bag.prescription_id, bag.patient_id))

        assert bag.state == BagState.CANCELLED


@pytest.mark.parametrize(
    ("bill_state", "bag_state"), [(BillState.REFUNDING, BagState.CANCELLED), (BillState.PAID, BagState.READY)]
)
def test_only_the_bills_own_refund_takes_the_bag_back(units: Units, bill_state: BillState, bag_state: BagState) -> None:
    pharmacy = make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.a_ready_bag(uow, make.a_person(uow), pharmacy)
        uow.session.get_one(Bill, bag.bill_id).state = bill_state

        followers.cancel_bag_when_refund_requested(uow, RefundRequested(1, bag.bill_id))

        assert bag.state == bag_state


def test_the_queue_is_the_windows_own_and_names_are_masked(units: Units) -> None:
    pharmacy = make.a_pharmacy(units)
    with units.open() as uow:
        mine = make.a_ready_bag(uow, make.a_person(uow, "欧阳小娜"), pharmacy)
        make.a_queued_bag(uow, make.a_person(uow))

        rows = picking.queue(uow, window_code="W1")

        assert [(bag.id, name) for bag, name in rows] == [(mine.id, "欧**娜")]
        assert len(picking.queue(uow)) == 2


def test_bags_nobody_fetched_are_listed(units: Units, clock: object) -> None:
    pharmacy = make.a_pharmacy(units)
    with units.open() as uow:
        bag = make.a_ready_bag(uow, make.a_person(uow), pharmacy)
        assert picking.uncollected(uow) == []

    clock.step(hours=5)  # type: ignore[attr-defined]

    with units.open() as uow:
        assert [row.id for row, _ in picking.uncollected(uow)] == [bag.id]
