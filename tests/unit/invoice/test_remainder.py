"""Part of the money went back: the chain is blue, red, and a smaller blue one, and every sum is right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.invoice import followers, issuing, service
from app.invoice.errors import NotARemainder
from app.invoice.invariants import INVARIANTS
from app.invoice.models import Invoice
from app.invoice.remainder import Left, reissue
from app.invoice.states import InvoiceKind, InvoiceState
from app.kernel.uow import Units, Uow
from app.payment.models import Bill
from tests import factories_pharmacy as make

ONE_BOX = Left(line_no=1, quantity=1, fund_fen=1000, cash_fen=930, outside_fen=0)


@pytest.fixture
def bill(units: Units) -> Bill:
    """Two boxes for 38.60, of which the fund bears 20.00, paid and invoiced."""
    with units.open() as uow:
        person = make.a_person(uow)
        bill = make.a_bill(uow, person.patient_id, make.a_prescription(uow, person.patient_id).id)
        followers.issue_when_paid(uow, make.pay(uow, bill))
        return bill


@pytest.fixture(autouse=True)
def _the_books_are_right(units: Units):
    yield
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken


def chain(uow: Uow) -> list[Invoice]:
    return list(uow.session.scalars(select(Invoice).order_by(Invoice.id)))


def test_the_rest_has_its_own_invoice_and_the_whole_is_taken_back(units: Units, bill: Bill) -> None:
    with units.open() as uow:
        reissue(uow, bill, [ONE_BOX])

    with units.open() as uow:
        whole, red, rest = chain(uow)
        fields = service.paper_fields(uow, rest, payee="仁和示范医院")
        assert (whole.state, red.original_id, rest.replaces_id) == (InvoiceState.RED_LETTERED, whole.id, whole.id)
        assert [one.total_fen for one in (whole, red, rest)] == [3860, -3860, 1930]
        assert [one.number for one in (whole, red, rest)] == ["0000000001", "0000000002", "0000000003"]
        assert (rest.fund_fen, rest.cash_fen, rest.self_part_fen, rest.self_fee_fen) == (1000, 930, 930, 0)
        assert [(row["quantity"], row["amount_fen"]) for row in fields["details"]] == [("1盒", 1930)]
        assert fields["items"] == [{"category": "西药费", "amount_fen": 1930}]
        assert issuing.valid_invoice_of(uow, bill.id) == rest


def test_a_second_part_goes_back_from_the_rest(units: Units, bill: Bill) -> None:
    with units.open() as uow:
        reissue(uow, bill, [ONE_BOX])
        reissue(uow, bill, [replace(ONE_BOX, fund_fen=1000, cash_fen=0)])

    with units.open() as uow:
        assert [one.kind for one in chain(uow)] == [
            *(InvoiceKind.BLUE, InvoiceKind.RED),
            *(InvoiceKind.BLUE, InvoiceKind.RED),
            InvoiceKind.BLUE,
        ]
        assert sum(one.total_fen for one in chain(uow)) == 1000


def test_with_nothing_left_there_is_only_the_red_one(units: Units, bill: Bill) -> None:
    with units.open() as uow:
        bill = uow.session.get_one(Bill, bill.id)
        bill.state = make.BillState.REFUNDED

        assert reissue(uow, bill, []) is None
        assert sum(one.total_fen for one in chain(uow)) == 0


@pytest.mark.parametrize(
    "left",
    [
        [Left(1, 2, fund_fen=2000, cash_fen=1860)],
        [replace(ONE_BOX, fund_fen=2001)],
        [replace(ONE_BOX, cash_fen=-1)],
        [replace(ONE_BOX, quantity=3)],
        [replace(ONE_BOX, line_no=2)],
        [replace(ONE_BOX, outside_fen=1931)],
        [ONE_BOX, ONE_BOX],
    ],
)
def test_what_is_not_less_than_it_was_is_no_remainder(units: Units, bill: Bill, left: list[Left]) -> None:
    with units.open() as uow:
        with pytest.raises(NotARemainder):
            reissue(uow, bill, left)

        assert len(chain(uow)) == 1
