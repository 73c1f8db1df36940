"""A booking that the hospital system does not have: whether its letter is on its way, was answered, or died."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import outbox
from app.kernel.moves import IllegalMove
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Units
from app.payment.models import Bill
from app.reconciliation import letters, service
from app.reconciliation.errors import NotResendable
from app.reconciliation.models import Case
from app.reconciliation.states import CaseKind, CaseState, Source
from tests.conftest import SetClock
from tests.unit.reconciliation.planted import Day, begun
from tests.unit.reconciliation.statements import Files, batch, booking

LETTER = select(OutboxItem).where(OutboxItem.key.startswith("BillPaid:"))


@pytest.fixture
def day(units: Units, clock: SetClock) -> Day:
    clock.step(hours=3)
    return begun(units)


def a_paid_bill(day: Day) -> Bill:
    """A bill of yesterday, and the letter that tells of it, which waits."""
    day.order(day.begins + timedelta(hours=12))
    with day.units.open() as uow:
        bill = uow.session.scalars(select(Bill).order_by(Bill.id.desc())).first()
        assert bill
        outbox.post(uow, "hospital", f"BillPaid:{bill.id}", {"event": "BillPaid", "bill_id": bill.id})
    return bill


def letter(units: Units) -> OutboxItem:
    with units.open() as uow:
        return uow.session.scalars(LETTER).one()


def told(units: Units, *, answer: str) -> None:
    """The letter was written and sent, and answered so: `AA`, or by what stops it for good."""
    with units.open() as uow:
        item = uow.session.scalars(LETTER).one()
        item.body = item.body or b"MSH|..."
        if answer == "AA":
            outbox.mark_sent(uow, item.id, answer=b"MSA|AA")
        else:
            outbox.mark_failed(uow, item.id, answer, is_final=True)


def compare(day: Day, *bookings: str) -> list[tuple[CaseKind, CaseState]]:
    """The hospital system's books of yesterday are asked for when a run is due; the cases then."""
    with day.units.open(reads_only=True) as uow:
        yesterday = uow.today() - timedelta(days=1)
    service.reconcile(day.units, {Source.HOSPITAL: Files({yesterday: batch(bookings).encode()})})
    with day.units.open(reads_only=True) as uow:
        return [(case.kind, case.state) for case in uow.session.scalars(select(Case).order_by(Case.id))]


def the_case(day: Day) -> Case:
    with day.units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Case)).one()


def booked(bill: Bill) -> str:
    assert bill.paid_at
    return booking(bill.public_id, bill.total_fen, at=bill.paid_at)


def test_a_letter_on_its_way_makes_no_case_for_a_person_and_its_answer_ends_it(units: Units, day: Day) -> None:
    bill = a_paid_bill(day)

    assert compare(day) == [(CaseKind.ONLY_HERE, CaseState.WAITING)]
    assert compare(day) == [(CaseKind.ONLY_HERE, CaseState.WAITING)], "it is not answered yet"
    told(units, answer="AA")
    assert compare(day, booked(bill)) == [(CaseKind.ONLY_HERE, CaseState.EXPLAINED)]


def test_a_letter_that_was_answered_and_not_booked_is_a_persons(units: Units, day: Day) -> None:
    a_paid_bill(day)
    told(units, answer="AA")

    assert compare(day) == [(CaseKind.ONLY_HERE, CaseState.OPEN)]


def test_a_letter_that_dies_on_its_way_is_a_persons(units: Units, day: Day) -> None:
    a_paid_bill(day)
    compare(day)

    told(units, answer="AE:204")

    assert compare(day) == [(CaseKind.ONLY_HERE, CaseState.OPEN)]


def test_a_letter_is_told_again_once_and_one_that_helps_nothing_leaves_the_case_open(units: Units, day: Day) -> None:
    a_paid_bill(day)
    told(units, answer="AA")
    compare(day)
    before = letter(units)

    with units.open() as uow:
        letters.resend(uow, uow.session.scalars(select(Case)).one())
    with units.open() as uow, pytest.raises(IllegalMove):
        letters.resend(uow, uow.session.scalars(select(Case)).one())

    again = letter(units)
    assert (again.state, again.body, again.key) == (OutboxState.WAITING, before.body, before.key)
    told(units, answer="AA")
    assert compare(day) == [(CaseKind.ONLY_HERE, CaseState.OPEN)]


def test_what_no_letter_told_cannot_be_told_again(units: Units, day: Day) -> None:
    day.order(day.begins + timedelta(hours=12))
    compare(day)

    with units.open() as uow, pytest.raises(NotResendable):
        letters.resend(uow, uow.session.scalars(select(Case)).one())
    assert the_case(day).state is CaseState.OPEN
