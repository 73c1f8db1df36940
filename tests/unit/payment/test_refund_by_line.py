"""Part of a bill goes back: line by line and payer by payer, once, never beyond what was paid, and the rest stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.kernel.outbox import OutboxItem
from app.kernel.uow import Actor, Units, Uow
from app.payment import claims, parts, refunds, service
from app.payment.errors import ClaimWaits, NotRefundable, RefundExceedsPaid, RefundReasonMissing, SecondPersonNeeded
from app.payment.models import Bill, BillLine, PaymentOrder, Purpose, Refund, RefundClaim
from app.payment.ports import RefundFact, RefundFactState
from app.payment.rules import PAYERS, part_of
from app.payment.states import BillState, ClaimState, OrderState
from tests import factories
from tests.unit.payment.conftest import Asker
from tests.unit.payment.test_money_in import pay


def a_line(line_no: int, quantity: int, cash_fen: int) -> BillLine:
    facts = {"line_no": line_no, "quantity": quantity, "amount_fen": cash_fen, "cash_fen": cash_fen}
    shares = dict.fromkeys(("fund_fen", "other_fen", "account_fen", "unit_price_fen"), 0)
    return BillLine(invoice_category="western", name="维生素C片", unit="瓶", **facts, **shares)


@pytest.fixture
def paid(units: Units, asker: Asker) -> int:
    """The key of a paid bill: three pieces for 10.01 yuan, and one for 5 yuan."""
    with units.open() as uow:
        draft = service.Draft(Purpose.PRESCRIPTION, 990_001, asker.who.patient.id, account_id=asker.who.account.id)
        bill = service.open_bill(uow, draft, [a_line(1, 3, 1001), a_line(2, 1, 500)])
    pay(units, asker.order(bill.public_id), amount_fen=1501)
    return bill.id


def give_back(units: Units, bill_id: int, **pieces: int) -> Refund:
    with units.open() as uow:
        quantities = {int(name[1:]): quantity for name, quantity in pieces.items()}
        return refunds.give_back_lines(uow, uow.session.get_one(Bill, bill_id), quantities, reason="by_staff")


def arrived(units: Units, refund: Refund) -> None:
    with units.open() as uow:
        refunds.finish(uow, refund.out_refund_no, RefundFact(RefundFactState.SUCCEEDED))


def state(units: Units, bill_id: int) -> tuple[BillState, OrderState]:
    with units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.bill_id == bill_id)).one()
        return uow.session.get_one(Bill, bill_id).state, order.state


@given(st.integers(1, 9), st.lists(st.integers(0, 999_999), min_size=4, max_size=4), st.data())
def test_all_pieces_together_give_back_exactly_what_was_paid(
    quantity: int, fen: list[int], data: st.DataObject
) -> None:
    nothing = {f"refunded_{payer}": 0 for payer in PAYERS}
    line = BillLine(line_no=1, quantity=quantity, refunded_quantity=0, **nothing, **dict(zip(PAYERS, fen, strict=True)))
    back = dict.fromkeys(PAYERS, 0)

    while line.refunded_quantity < quantity:
        pieces = data.draw(st.integers(1, quantity - line.refunded_quantity))
        part = part_of(line, pieces)
        line.refunded_quantity += pieces
        for payer in PAYERS:
            assert getattr(part, payer) >= 0
            back[payer] += getattr(part, payer)
            setattr(line, f"refunded_{payer}", back[payer])

    assert list(back.values()) == fen


def test_a_piece_goes_back_and_the_rest_stands_until_it_goes_too(units: Units, paid: int) -> None:
    one = give_back(units, paid, l1=1)
    assert (one.amount_fen, one.ends_bill, state(units, paid)) == (
        333,
        False,
        (BillState.PARTLY_REFUNDED, OrderState.PAID),
    )

    two = give_back(units, paid, l1=1, l2=1)
    assert two.amount_fen == 334 + 500
    arrived(units, one)
    arrived(units, two)
    assert state(units, paid) == (BillState.PARTLY_REFUNDED, OrderState.PAID)

    last = give_back(units, paid, l1=1)
    assert (last.amount_fen, last.ends_bill) == (334, True)
    assert state(units, paid) == (BillState.REFUNDING, OrderState.REFUND_DUE)
    arrived(units, last)
    assert state(units, paid) == (BillState.REFUNDED, OrderState.REFUNDED)
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(PaymentOrder.refunded_fen)).one() == 1501


def test_a_bill_is_refunded_only_when_every_piece_has_arrived(units: Units, paid: int) -> None:
    first, last = give_back(units, paid, l1=3), give_back(units, paid, l2=1)

    arrived(units, last)
    assert state(units, paid)[0] == BillState.REFUNDING
    arrived(units, first)

    assert state(units, paid) == (BillState.REFUNDED, OrderState.REFUNDED)


def test_what_is_left_of_a_bill_goes_back_when_what_it_is_for_falls(units: Units, paid: int) -> None:
    give_back(units, paid, l2=1)

    with units.open() as uow:
        rest = refunds.give_back(uow, uow.session.get_one(Bill, paid), reason="voided")

    assert rest is not None
    assert (rest.amount_fen, rest.ends_bill) == (1001, True)


@pytest.mark.parametrize("pieces", [{"l1": 4}, {"l1": 0}, {"l3": 1}, {"l1": -1}, {}])
def test_never_more_than_was_paid(units: Units, paid: int, pieces: dict[str, int]) -> None:
    with pytest.raises(RefundExceedsPaid):
        give_back(units, paid, **pieces)

    give_back(units, paid, l1=2)
    with pytest.raises(RefundExceedsPaid):
        give_back(units, paid, l1=2)


def test_an_unpaid_bill_gives_nothing_back(units: Units, asker: Asker) -> None:
    public_id = asker.bill()
    with units.open(reads_only=True) as uow:
        bill = claims.bill_named(uow, public_id)

    with pytest.raises(NotRefundable):
        give_back(units, bill.id, l1=1)


def test_twenty_who_give_back_the_same_line_at_once_give_it_back_once(units: Units, paid: int) -> None:
    def try_it(_: int) -> Refund | None:
        try:
            return give_back(units, paid, l1=3)
        except RefundExceedsPaid:
            return None

    with ThreadPoolExecutor(20) as pool:
        given = [refund for refund in pool.map(try_it, range(20)) if refund]

    assert [refund.amount_fen for refund in given] == [1001]
    with units.open(reads_only=True) as uow:
        assert len(uow.session.scalars(select(OutboxItem.id)).all()) == 1
        assert uow.session.scalars(select(PaymentOrder.refunded_fen)).one() == 1001


def test_looking_first_would_let_all_twenty_give_it_back(units: Units, paid: int) -> None:
    """The control: without the lock and the condition in the statement, all who looked at once may give back."""
    looked = Barrier(20)

    def look(_: int) -> bool:
        with units.open(reads_only=True) as uow:
            left = parts.wanted(uow, paid, {1: 3})
        looked.wait()
        return left[0].cash_fen == 1001

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(look, range(20))).count(True) == 20


def test_the_table_itself_refuses_more_than_was_paid_of_any_payer(units: Units, paid: int) -> None:
    for column in ("refunded_quantity", "refunded_fund_fen", "refunded_account_fen", "refunded_cash_fen"):
        with pytest.raises(IntegrityError), units.open() as uow:
            uow.session.execute(update(BillLine).values({column: 9999}))


def staff(units: Units) -> Actor:
    with units.open() as uow:
        return factories.staff(uow, "finance")


def ask(units: Units, who: Actor, bill_id: int, limit_fen: int, reason: str = "药品退回") -> RefundClaim:
    with units.open(who) as uow:
        return claims.ask(uow, uow.session.get_one(Bill, bill_id), {2: 1}, reason=reason, limit_fen=limit_fen)


def test_up_to_the_limit_one_person_is_enough(units: Units, paid: int) -> None:
    claim = ask(units, staff(units), paid, limit_fen=500)

    assert (claim.state, claim.decided_by) == (ClaimState.GRANTED, None)
    with units.open(reads_only=True) as uow:
        assert uow.session.get_one(Refund, claim.refund_id).amount_fen == 500


def test_above_the_limit_another_person_decides(units: Units, paid: int) -> None:
    first, second = staff(units), staff(units)
    claim = ask(units, first, paid, limit_fen=499)
    assert (claim.state, claim.refund_id, state(units, paid)[0]) == (ClaimState.WAITING, None, BillState.PAID)

    with pytest.raises(ClaimWaits):
        ask(units, second, paid, limit_fen=499)
    with pytest.raises(SecondPersonNeeded), units.open(first) as uow:
        claims.grant(uow, public_id=claim.public_id)
    with units.open(second) as uow:
        granted = claims.grant(uow, public_id=claim.public_id)

    assert (granted.state, granted.decided_by, state(units, paid)[0]) == (
        ClaimState.GRANTED,
        second.id,
        BillState.PARTLY_REFUNDED,
    )


def test_a_refund_in_steps_needs_the_second_person_from_the_step_that_passes_the_limit_on(
    units: Units, paid: int
) -> None:
    alone = staff(units)

    def piece() -> RefundClaim:
        with units.open(alone) as uow:
            bill = uow.session.get_one(Bill, paid)
            return claims.ask(uow, bill, {1: 1}, reason="药品退回", limit_fen=700)

    assert [piece().state for _ in range(3)] == [ClaimState.GRANTED, ClaimState.GRANTED, ClaimState.WAITING]


def test_a_declined_claim_gives_nothing_back_and_another_may_be_made(units: Units, paid: int) -> None:
    first, second = staff(units), staff(units)
    claim = ask(units, first, paid, limit_fen=0)
    with units.open(second) as uow:
        claims.decline(uow, public_id=claim.public_id)

    assert state(units, paid)[0] == BillState.PAID
    assert ask(units, first, paid, limit_fen=0).state == ClaimState.WAITING


def test_a_refund_without_a_reason_is_not_asked_for(units: Units, paid: int) -> None:
    with pytest.raises(RefundReasonMissing):
        ask(units, staff(units), paid, limit_fen=0, reason=" ")


def test_two_who_agree_at_once_give_back_once(units: Units, paid: int) -> None:
    claim = ask(units, staff(units), paid, limit_fen=0)
    others = [staff(units) for _ in range(4)]

    def agree(who: Actor) -> bool:
        uow: Uow
        try:
            with units.open(who) as uow:
                claims.grant(uow, public_id=claim.public_id)
        except Exception:  # noqa: BLE001 - whichever way the others are refused
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(agree, others)).count(True) == 1
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Refund.amount_fen)).all() == [500]
