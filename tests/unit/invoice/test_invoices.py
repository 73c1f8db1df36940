"""Every paid bill has one invoice under the next number; money that goes back takes it back in red."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.events import InvoiceIssued, RefundSucceeded
from app.invoice import followers, service
from app.invoice.invariants import INVARIANTS
from app.invoice.models import Invoice, InvoicePrint
from app.invoice.states import InvoiceKind, InvoiceState, PrintCode
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Units, Uow
from app.paper.invoice import InvoiceDetail, InvoiceItem, InvoicePaper
from app.payment.models import Bill, Purpose
from app.payment.states import BillState
from app.pharmacy.errors import NonceReused
from app.pharmacy.models import Bag
from app.pharmacy.scanning import Terminal
from tests import factories
from tests import factories_pharmacy as make
from tests.conftest import SetClock

AT_INVOICE_WINDOW = Terminal("I1", "", None)


@pytest.fixture(autouse=True)
def _the_books_are_right(units: Units):
    yield
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken


def a_paid_bill(uow: Uow, person: make.Person) -> Bill:
    bill = make.a_bill(uow, person.patient_id, make.a_prescription(uow, person.patient_id).id)
    followers.issue_when_paid(uow, make.pay(uow, bill))
    return bill


def refund(uow: Uow, bill: Bill) -> None:
    bill.state = BillState.REFUNDED
    followers.red_letter_when_refunded(uow, RefundSucceeded(1, bill.id))


def paper_of(uow: Uow, invoice: Invoice, print_no: int = 1) -> InvoicePaper:
    fields = service.paper_fields(uow, invoice, payee="仁和示范医院", print_no=print_no)
    fields["items"] = tuple(InvoiceItem(**item) for item in fields["items"])
    fields["details"] = tuple(InvoiceDetail(**detail) for detail in fields["details"])
    return InvoicePaper(**fields)


def test_a_paid_bill_has_its_invoice_once(units: Units) -> None:
    with units.open() as uow:
        bill = a_paid_bill(uow, make.a_person(uow))
        followers.issue_when_paid(uow, make.pay(uow, bill))

        invoice = uow.session.query(Invoice).one()
        assert (invoice.batch_code, invoice.number, len(invoice.check_code)) == ("11060126", "0000000001", 6)
        assert [event for event in uow._happened if isinstance(event, InvoiceIssued)] == [
            InvoiceIssued(invoice.id, bill.id, bill.patient_id)
        ]


def test_the_paper_has_every_field_of_the_form_and_adds_up(units: Units) -> None:
    with units.open() as uow:
        bill = a_paid_bill(uow, make.a_person(uow))
        invoice = service.valid_invoice_of(uow, bill.id)

        paper = paper_of(uow, invoice)

        assert (paper.payer, paper.sex, paper.visit_day) == ("张小三", "男", uow.today())
        assert paper.payer_document_masked.startswith("1101*")
        assert [(item.category, item.amount_fen) for item in paper.items] == [("西药费", 3860)]
        assert [(line.name, line.quantity) for line in paper.details] == [("阿莫西林胶囊", "2盒")]
        assert (paper.fund_fen, paper.cash_fen, paper.self_part_fen, paper.self_fee_fen) == (2000, 1860, 0, 1860)
        assert paper.reprint_no == 0
        assert "张小三" not in invoice.data_sealed


def test_money_that_went_back_takes_the_invoice_back_in_red(units: Units) -> None:
    with units.open() as uow:
        bill = a_paid_bill(uow, make.a_person(uow))
        blue = service.valid_invoice_of(uow, bill.id)

        refund(uow, bill)
        refund(uow, bill)

        red = uow.session.query(Invoice).filter_by(kind=InvoiceKind.RED).one()
        assert (red.number, red.total_fen, red.original_id) == ("0000000002", -3860, blue.id)
        assert blue.state == InvoiceState.RED_LETTERED
        assert service.valid_invoice_of(uow, bill.id) is None
        paper = paper_of(uow, red)
        assert paper.is_red
        assert (paper.original_number, paper.total_fen, paper.details[0].amount_fen) == ("0000000001", -3860, -3860)


def test_a_second_payment_that_went_back_leaves_the_invoice(units: Units) -> None:
    with units.open() as uow:
        bill = a_paid_bill(uow, make.a_person(uow))

        followers.red_letter_when_refunded(uow, RefundSucceeded(1, bill.id))

        assert service.valid_invoice_of(uow, bill.id) is not None


def test_anyone_verifies_an_invoice_and_reads_no_name(units: Units) -> None:
    with units.open() as uow:
        bill = a_paid_bill(uow, make.a_person(uow))
        blue = service.valid_invoice_of(uow, bill.id)
    asked = {"batch_code": blue.batch_code, "number": blue.number, "check_code": blue.check_code}

    with units.open() as uow:
        seen = service.verify(uow, **asked)
        assert (seen.payer_masked, seen.total_fen, seen.state) == ("张*三", 3860, InvoiceState.ISSUED)
        refund(uow, uow.session.get_one(Bill, bill.id))
        seen = service.verify(uow, **asked)
        assert (seen.state, seen.other_number) == (InvoiceState.RED_LETTERED, "0000000002")


@pytest.mark.parametrize("wrong", ["check_code", "number", "batch_code"])
def test_a_wrong_check_code_looks_like_no_invoice(units: Units, wrong: str) -> None:
    with units.open() as uow:
        a_paid_bill(uow, make.a_person(uow))
        found = uow.session.query(Invoice).one()
        asked = {"batch_code": found.batch_code, "number": found.number, "check_code": found.check_code}
        asked[wrong] = asked[wrong][:-1] + str((int(asked[wrong][-1]) + 1) % 10)

        with pytest.raises(NotFound):
            service.verify(uow, **asked)
        with pytest.raises(NotFound):
            service.verify(uow, **{**asked, wrong: "' OR 1=1 --"})


@pytest.mark.parametrize("bills", [25, pytest.param(250, marks=pytest.mark.long)])
def test_bills_paid_at_once_leave_no_gap_and_no_twin(units: Units, bills: int) -> None:
    """Every fifth one is dropped after it took its number; the others have theirs without a gap."""
    with units.open() as uow:
        person = make.a_person(uow)
        made = [
            make.a_bill(uow, person.patient_id, make.a_prescription(uow, person.patient_id).id).id for _ in range(bills)
        ]
    together = Barrier(20)

    def settle(bill_id: int) -> None:
        if bill_id <= made[19]:
            together.wait()
        uow = units.begin()
        followers.issue_when_paid(uow, make.pay(uow, uow.session.get_one(Bill, bill_id)))
        if bill_id % 5 == 0:
            units.drop(uow)
        else:
            units.finish(uow)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(settle, made))

    with units.open() as uow:
        numbers = sorted(invoice.number for invoice in uow.session.query(Invoice))
    assert numbers == [f"{number:010d}" for number in range(1, bills * 4 // 5 + 1)]


def test_a_bill_told_paid_by_many_at_once_has_one_invoice(units: Units) -> None:
    with units.open() as uow:
        person = make.a_person(uow)
        bill = make.a_bill(uow, person.patient_id, make.a_prescription(uow, person.patient_id).id)
        paid = make.pay(uow, bill)
    together = Barrier(6)

    def tell(_: int) -> str:
        together.wait()
        try:
            with units.open() as uow:
                followers.issue_when_paid(uow, paid)
        except IntegrityError:
            return "refused"
        return "issued"

    with ThreadPoolExecutor(6) as pool:
        assert "issued" in list(pool.map(tell, range(6)))

    with units.open() as uow:
        assert [invoice.number for invoice in uow.session.query(Invoice)] == ["0000000001"]


def a_bag_of_a_visit(units: Units) -> tuple[Bag, str]:
    """A paid prescription of a visit whose fee was paid too."""
    with units.open() as uow:
        clinic = factories.clinic(uow)
        who = factories.person(uow)
    visit = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        fee = uow.session.query(Bill).filter_by(purpose=Purpose.REGISTRATION, subject_id=visit.id).one()
        followers.issue_when_paid(uow, make.pay(uow, fee))
        bag = make.a_queued_bag(uow, make.Person(who.patient.id, who.account.id), registration_id=visit.id)
        bill = uow.session.get_one(Bill, bag.bill_id)
        followers.issue_when_paid(uow, make.pay(uow, bill))
        return bag, visit.visit_number


def ask(uow: Uow, bag: Bag, nonce: str = "", terminal: Terminal = AT_INVOICE_WINDOW) -> service.PrintResult:
    return service.print_at_window(
        uow, digits=make.code_of(uow, bag), nonce=nonce or new_public_id(), terminal=terminal, key=make.KEY
    )


def test_the_pickup_code_prints_the_visits_invoices_the_fees_too(units: Units) -> None:
    bag, visit_number = a_bag_of_a_visit(units)

    with units.open() as uow:
        by_code = ask(uow, bag)
        by_visit = service.print_visit(
            uow, visit_number=visit_number.lower(), nonce=new_public_id(), terminal=AT_INVOICE_WINDOW
        )

        assert (by_code.code, [print_no for _, print_no in by_code.invoices]) == (PrintCode.OK, [1, 1])
        assert (by_visit.code, [print_no for _, print_no in by_visit.invoices]) == (PrintCode.OK, [2, 2])
        assert {public_id for public_id, _ in by_visit.invoices} == {public_id for public_id, _ in by_code.invoices}
        papers = [
            paper_of(uow, *sheet)
            for sheet in service.sheets(uow, print_public_id=by_visit.print_public_id, terminal=AT_INVOICE_WINDOW)
        ]
        assert [paper.items[0].category for paper in papers] == ["挂号费", "西药费"]
        assert [paper.reprint_no for paper in papers] == [1, 1]
        assert {paper.outpatient_number for paper in papers} == {visit_number}


def test_the_same_ask_sent_again_counts_no_print(units: Units) -> None:
    bag, _ = a_bag_of_a_visit(units)
    with units.open() as uow:
        first = ask(uow, bag, nonce="n")

    with units.open() as uow:
        again = ask(uow, bag, nonce="n")

        assert again == replace(first, is_repeat=True)
        assert {invoice.printed_count for invoice in uow.session.query(Invoice)} == {1}
        with pytest.raises(NonceReused):
            ask(uow, bag, nonce="n", terminal=Terminal("I2", "", None))


def test_sheets_are_for_the_window_that_asked_and_for_ten_minutes(units: Units, clock: SetClock) -> None:
    bag, _ = a_bag_of_a_visit(units)
    with units.open() as uow:
        asked = ask(uow, bag)
        assert service.print_of(uow, print_public_id=asked.print_public_id, terminal=AT_INVOICE_WINDOW) == replace(
            asked, is_repeat=True
        )
        for look in (service.sheets, service.print_of):
            with pytest.raises(NotFound):
                look(uow, print_public_id=asked.print_public_id, terminal=Terminal("I2", "", None))

    clock.step(minutes=11)

    with units.open() as uow, pytest.raises(NotFound):
        service.sheets(uow, print_public_id=asked.print_public_id, terminal=AT_INVOICE_WINDOW)


def test_what_cannot_be_printed_says_why_and_is_kept(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        unpaid = make.an_unpaid_bag(uow, make.a_person(uow))
        paid = make.a_queued_bag(uow, make.a_person(uow))
        bill = uow.session.get_one(Bill, paid.bill_id)
        followers.issue_when_paid(uow, make.pay(uow, bill))
        old = make.code_of(uow, paid)
        refund(uow, bill)
        clock.step(minutes=5)
        window = AT_INVOICE_WINDOW
        codes = [ask(uow, unpaid).code, ask(uow, paid).code] + [
            service.print_at_window(uow, digits=digits, nonce=new_public_id(), terminal=window, key=make.KEY).code
            for digits in (old, "1", "http://x/s/1", make.rules.pickup_code(make.KEY, "9" * 12, uow.now()))
        ]
        visit = service.print_visit(uow, visit_number="V0\x00", nonce="v", terminal=window)

        assert [*codes, visit.code] == [
            PrintCode.UNPAID,
            PrintCode.NO_INVOICE,
            PrintCode.CODE_EXPIRED,
            PrintCode.NOT_A_PICKUP_CODE,
            PrintCode.POSTER_CODE,
            PrintCode.UNKNOWN_CODE,
            PrintCode.UNKNOWN_VISIT,
        ]
        assert uow.session.query(InvoicePrint).count() == 7


def test_two_windows_at_once_print_two_different_prints(units: Units) -> None:
    bag, _ = a_bag_of_a_visit(units)
    together = Barrier(6)

    def print_at(number: int) -> list[int]:
        together.wait()
        with units.open() as uow:
            asked = ask(uow, bag, terminal=Terminal(f"I{number}", "", None))
            return [print_no for _, print_no in asked.invoices]

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(print_at, range(6)))

    assert sorted(first for first, _ in numbers) == [1, 2, 3, 4, 5, 6]


def test_a_patient_sees_their_own_invoices_only(units: Units) -> None:
    with units.open() as uow:
        person, stranger = make.a_person(uow), make.a_person(uow)
        bill = a_paid_bill(uow, person)
        public_id = service.valid_invoice_of(uow, bill.id).public_id
    with units.open(person.actor) as uow:
        assert service.of_account(uow, public_id).public_id == public_id
        assert len(service.list_of_account(uow)) == 1
    with units.open(stranger.actor) as uow:
        assert service.list_of_account(uow) == []
        with pytest.raises(NotFound):
            service.of_account(uow, public_id)
