"""At the window a bill is paid once, out of and into one drawer, and what was paid there is handed back there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app import events
from app.kernel.errors import NotFound, VisitError
from app.kernel.uow import Actor, Units
from app.payment import cashier, refunds, service, shifts
from app.payment.errors import (
    AlreadyPaid,
    BillNotOpen,
    DrawerShort,
    NotAtTheWindow,
    ShiftNotOpen,
    ShiftOpen,
    SlipUsed,
    TenderNotValid,
)
from app.payment.models import Bill, CashierEntry, PaymentOrder, PayMethod, Refund
from app.payment.querying import close_expired
from app.payment.rules import Tender
from app.payment.states import BillState, OrderState, RefundState
from tests.conftest import MORNING
from tests.factories import staff
from tests.factories_payment import Till
from tests.unit.payment.conftest import Asker

CARD = Tender(PayMethod.CARD, 0, "T0012", "000123")


def cash(yuan: int) -> Tender:
    return Tender(PayMethod.CASH, yuan * 100)


@pytest.fixture
def clerk(units: Units) -> Actor:
    """A cashier with 200 yuan in the drawer."""
    with units.open() as uow:
        actor = staff(uow, "cashier")
    with units.open(actor) as uow:
        shifts.open_shift(uow, float_fen=200_00)
    return actor


@pytest.fixture
def other_clerk(units: Units) -> Actor:
    with units.open() as uow:
        actor = staff(uow, "cashier")
    with units.open(actor) as uow:
        shifts.open_shift(uow, float_fen=0)
    return actor


def state_of(units: Units, bill: str) -> BillState:
    with units.open(reads_only=True) as uow:
        return cashier.bill_for_window(uow, bill).state


def give_back(units: Units, bill: str) -> str:
    """The whole bill is to go back; the refund's public id."""
    with units.open() as uow:
        refund = refunds.give_back(uow, cashier.bill_for_window(uow, bill), reason="cancelled")
        assert refund is not None
        return refund.public_id


def drawer(units: Units, clerk: Actor) -> int:
    with units.open(clerk, reads_only=True) as uow:
        shift = shifts.standing(uow)
        assert shift is not None
        return shifts.drawer_fen(uow, shift)


def test_cash_pays_the_bill_and_the_change_is_told(units: Units, asker: Asker, clerk: Actor, heard: list[object]):
    bill = asker.bill(cash_fen=2550)

    taken = cashier.take(units, clerk, bill, cash(100))

    assert (taken.bill_public_id, taken.change_fen) == (bill, 7450)
    assert state_of(units, bill) == BillState.PAID
    assert isinstance(heard[-1], events.BillPaid)
    assert drawer(units, clerk) == 200_00 + 2550
    with units.open(reads_only=True) as uow:
        entry, order, _ = cashier.receipt_of(uow, taken.entry_public_id)
    assert (entry.tendered_fen, entry.change_fen, order.provider, order.method) == (10000, 7450, "window", "cash")


def test_a_card_pays_by_its_slip_and_leaves_the_drawer_alone(units: Units, asker: Asker, clerk: Actor):
    bill = asker.bill()

    cashier.take(units, clerk, bill, CARD)

    assert state_of(units, bill) == BillState.PAID
    assert drawer(units, clerk) == 200_00


def test_one_slip_pays_one_bill_on_a_day(units: Units, asker: Asker, clerk: Actor, clock):
    first, second = asker.bill(), asker.bill()
    cashier.take(units, clerk, first, CARD)

    with pytest.raises(SlipUsed):
        cashier.take(units, clerk, second, Tender(PayMethod.CARD, 0, "T0012", "123"))
    assert state_of(units, second) == BillState.OPEN
    clock.step(days=1)
    cashier.take(units, clerk, second, CARD)
    assert state_of(units, second) == BillState.PAID


@pytest.mark.parametrize(
    "tender",
    [
        cash(24),
        cash(0),
        Tender(PayMethod.CASH, -5000),
        cash(2_000_000),
        Tender(PayMethod.CARD, 0, "", "1"),
        Tender(PayMethod.CARD, 0, "T1", "12 3"),
        Tender(PayMethod.CARD, 0, "终端", "1"),
        Tender(PayMethod.NATIVE, 2500),
    ],
)
def test_what_does_not_pay_the_bill_changes_nothing(units: Units, asker: Asker, clerk: Actor, tender: Tender):
    bill = asker.bill()

    with pytest.raises(TenderNotValid):
        cashier.take(units, clerk, bill, tender)

    assert state_of(units, bill) == BillState.OPEN
    assert drawer(units, clerk) == 200_00


def test_nobody_takes_money_without_a_drawer_to_put_it_in(units: Units, asker: Asker):
    with units.open() as uow:
        actor = staff(uow, "cashier")

    with pytest.raises(ShiftNotOpen):
        cashier.take(units, actor, asker.bill(), cash(100))


def test_a_bill_without_cash_is_settled_at_the_window_too(units: Units, asker: Asker, clerk: Actor):
    bill = asker.bill(cash_fen=0, fund_fen=5000)

    taken = cashier.take(units, clerk, bill, Tender(PayMethod.CASH))

    assert (taken.entry_public_id, state_of(units, bill)) == ("", BillState.PAID)


def test_a_bill_that_is_not_open_is_not_paid_again(units: Units, asker: Asker, clerk: Actor):
    paid, void = asker.bill(), asker.bill()
    cashier.take(units, clerk, paid, cash(25))
    with units.open() as uow:
        service.void_bill(uow, cashier.bill_for_window(uow, void), why="test")

    for bill, refusal in ((paid, AlreadyPaid), (void, BillNotOpen), ("0" * 26, NotFound)):
        with pytest.raises(refusal):
            cashier.take(units, clerk, bill, cash(25))
    assert drawer(units, clerk) == 200_00 + 2500


def test_two_windows_at_once_take_the_money_once(units: Units, asker: Asker, clerk: Actor, other_clerk: Actor):
    bill = asker.bill()

    def take(who: Actor) -> str:
        try:
            return cashier.take(units, who, bill, cash(25)).entry_public_id
        except VisitError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(take, [clerk, other_clerk] * 4))

    assert sorted(said)[1:] == ["already_paid"] * 7 or said.count("already_paid") == 7
    assert drawer(units, clerk) + drawer(units, other_clerk) == 200_00 + 2500


def test_a_code_that_was_asked_for_before_is_closed_and_its_money_goes_back(
    units: Units, asker: Asker, till: Till, clerk: Actor
):
    bill = asker.bill()
    number = asker.order(bill)

    cashier.take(units, clerk, bill, cash(25))
    till.pay(number, MORNING)
    close_expired(units, till)

    with units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.out_trade_no == number)).one()
        back = uow.session.scalars(select(Refund).where(Refund.payment_order_id == order.id)).one()
    assert (order.state, back.amount_fen, back.reason) == (OrderState.REFUND_DUE, 2500, "surplus")


def test_cash_is_handed_back_at_the_window_once(units: Units, asker: Asker, till: Till, clerk: Actor):
    bill = asker.bill()
    cashier.take(units, clerk, bill, cash(25))
    refund = give_back(units, bill)

    assert refunds.send_refunds(units, till) == 0
    with units.open(clerk) as uow:
        entry = cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))
    with units.open(clerk) as uow, pytest.raises(NotAtTheWindow):
        cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))

    assert (entry.amount_fen, entry.change_fen) == (-2500, 2500)
    assert state_of(units, bill) == BillState.REFUNDED
    assert drawer(units, clerk) == 200_00


def test_twenty_hands_get_one_refund(units: Units, asker: Asker, clerk: Actor):
    bill = asker.bill()
    cashier.take(units, clerk, bill, cash(25))
    refund = give_back(units, bill)

    def hand_back(_: int) -> str:
        try:
            with units.open(clerk) as uow:
                cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))
        except VisitError as error:
            return error.code
        return "handed back"

    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(hand_back, range(20)))

    assert said.count("handed back") == 1
    assert drawer(units, clerk) == 200_00


def test_a_card_gets_its_money_back_by_a_slip(units: Units, asker: Asker, clerk: Actor):
    bill = asker.bill()
    cashier.take(units, clerk, bill, CARD)
    refund = give_back(units, bill)

    with units.open(clerk) as uow, pytest.raises(TenderNotValid):
        cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))
    with units.open(clerk) as uow:
        cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD, 0, "T0012", "124"))

    assert state_of(units, bill) == BillState.REFUNDED


def test_no_more_cash_is_handed_back_than_lies_in_the_drawer(
    units: Units, asker: Asker, clerk: Actor, other_clerk: Actor
):
    bill = asker.bill()
    cashier.take(units, clerk, bill, cash(25))
    refund = give_back(units, bill)

    with units.open(other_clerk) as uow, pytest.raises(DrawerShort):
        cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))


def test_what_was_paid_on_the_phone_is_not_handed_out(units: Units, asker: Asker, till: Till, clerk: Actor):
    bill = asker.bill()
    number = asker.order(bill)
    till.pay(number, MORNING)
    from app.payment.asking import look_up

    look_up(units, till, asker.who.actor, bill)
    refund = give_back(units, bill)

    with units.open(clerk) as uow, pytest.raises(NotAtTheWindow):
        cashier.hand_back(uow, refund_public_id=refund, tender=Tender(PayMethod.CARD))
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Refund.state)).one() == RefundState.REQUESTED


def test_a_shift_ends_with_what_was_counted_beside_what_should_be_there(units: Units, asker: Asker, clerk: Actor):
    cashier.take(units, clerk, asker.bill(), cash(100))
    cashier.take(units, clerk, asker.bill(), CARD)

    with units.open(clerk) as uow:
        shift = shifts.close_shift(uow, counted_fen=224_00)
        lines = {line.method: (line.in_count, line.in_fen, line.back_fen) for line in shifts.totals(uow, shift)}

    assert (shift.expected_fen, shift.counted_fen) == (225_00, 224_00)
    assert lines == {PayMethod.CASH: (1, 2500, 0), PayMethod.CARD: (1, 2500, 0)}
    with pytest.raises(ShiftNotOpen):
        cashier.take(units, clerk, asker.bill(), cash(100))


def test_a_cashier_has_one_shift_at_a_time_and_sees_only_their_own(units: Units, clerk: Actor, other_clerk: Actor):
    with units.open(clerk) as uow, pytest.raises(ShiftOpen):
        shifts.open_shift(uow, float_fen=0)
    with units.open(clerk, reads_only=True) as uow:
        own = shifts.standing(uow)
    assert own is not None
    with units.open(other_clerk, reads_only=True) as uow, pytest.raises(NotFound):
        shifts.own(uow, own.public_id)


def test_entries_are_what_the_drawer_is_worked_out_from(units: Units, asker: Asker, clerk: Actor):
    cashier.take(units, clerk, asker.bill(), cash(30))

    with units.open(clerk, reads_only=True) as uow:
        shift = shifts.standing(uow)
        assert shift is not None
        listed = shifts.entries(uow, shift)
        kept = uow.session.scalars(select(CashierEntry)).all()
        bills = uow.session.scalars(select(Bill)).all()

    assert [entry.amount_fen for entry in listed] == [entry.amount_fen for entry in kept] == [bills[0].cash_fen]
