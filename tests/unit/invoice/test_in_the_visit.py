"""Through the whole story: a prescription is paid, its bag fetched, its invoice issued, or both are taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.insurance import service as insurance
from app.invoice import invariants as invoice_invariants
from app.invoice import service as invoices
from app.invoice.states import InvoiceState
from app.kernel.uow import Units, Uow
from app.payment import receipts, refunds
from app.payment import service as payment
from app.payment.asking import start
from app.payment.models import Bill, PayMethod, Purpose
from app.payment.ports import RefundFact, RefundFactState
from app.payment.receipts import Receipt
from app.pharmacy import invariants as pharmacy_invariants
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.states import BagState, CheckKind, IdentityFact, ScanCode
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from tests import factories_pharmacy as make
from tests import factories_prescription as written
from tests.factories import Person
from tests.factories_payment import Till, agree

INVARIANTS = pharmacy_invariants.INVARIANTS | invoice_invariants.INVARIANTS


@pytest.fixture(autouse=True)
def _the_books_are_right(units: Units):
    yield
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken


@pytest.fixture
def who(units: Units) -> Person:
    with units.open() as uow:
        written.stocked(uow)
    who = written.a_patient(units)
    with units.open() as uow:
        insurance.bind_coverage(uow, patient_id=who.patient.id, policy_code="employee", member_no="330106198001015")
    return who


def a_billed_prescription(units: Units, who: Person) -> tuple[Prescription, Bill]:
    order = written.order(who.patient.id, written.line("OME20", 2), written.line("VITC", 1), written.line("LHQW", 3))
    prescription = written.approved(units, written.a_reviewer(units), written.received(units, order))
    with units.open() as uow:
        bill = payment.newest_bill_of(uow, Purpose.PRESCRIPTION, prescription.id)
        assert bill is not None
        return prescription, bill


def pay(units: Units, who: Person, bill: Bill) -> None:
    agree(units, who, bill)
    asked = start(units, Till(), who.actor, bill.public_id, PayMethod.NATIVE)
    with units.open() as uow:
        receipt = receipts.receive_paid(
            uow,
            out_trade_no=asked.out_trade_no,
            transaction_id=f"4200{bill.id}",
            amount_fen=asked.amount_fen,
            paid_at=uow.now(),
        )
        assert receipt == Receipt.BOOKED


def bag_of(uow: Uow, prescription: Prescription) -> Bag:
    bag = pharmacy.bag_of_prescription(uow, prescription.id)
    assert bag is not None
    return bag


def test_a_prescription_is_unpaid_then_paid_then_in_the_patients_hands(units: Units, who: Person) -> None:
    house = make.a_pharmacy(units)
    prescription, bill = a_billed_prescription(units, who)
    with units.open() as uow:
        scanned = pharmacy.redeem(
            uow,
            digits=make.code_of(uow, bag_of(uow, prescription)),
            nonce="1",
            terminal=house.first,
            key=make.KEY,
        )
        assert (scanned.code, scanned.facts) == (ScanCode.UNPAID, {"amount_fen": bill.cash_fen})

    pay(units, who, bill)
    with units.open() as uow:
        bag = bag_of(uow, prescription)
        assert bag.state == BagState.QUEUED
        pharmacy.start_picking(uow, bag_public_id=bag.public_id, picker_id=house.picker_id)
        pharmacy.mark_ready(uow, bag_public_id=bag.public_id, checker_id=house.checker_id)
    with units.open() as uow:
        pharmacy.redeem(uow, digits=make.code_of(uow, bag), nonce="2", terminal=house.first, key=make.KEY)
        seen = pharmacy.card(uow, bag_public_id=bag.public_id, terminal=house.first)
        assert (seen.diagnosis.text, len(seen.contents)) == ("慢性胃炎", 3)
        pharmacy.match_bag(uow, bag_public_id=bag.public_id, bag_code=bag.bag_code, nonce="3", terminal=house.first)
        pharmacy.hand_over(
            uow,
            bag_public_id=bag.public_id,
            terminal=house.first,
            checks=list(CheckKind),
            identity_fact=IdentityFact.PHONE_TAIL,
        )

    with units.open() as uow:
        assert uow.session.get_one(Prescription, prescription.id).state == PrescriptionState.DISPENSED


def test_the_invoice_tells_classes_and_own_shares_as_they_were_split(units: Units, who: Person) -> None:
    _, bill = a_billed_prescription(units, who)

    pay(units, who, bill)

    with units.open(who.actor) as uow:
        (invoice,) = invoices.list_of_account(uow)
        fields = invoices.paper_fields(uow, invoice, payee="仁和示范医院")
        split = insurance.live_split_of(uow, uow.session.get_one(Prescription, bill.subject_id))
        assert split is not None
        assert fields["insurance_type"] == "职工医保（在职）"
        assert fields["insurance_number"] == "3301*******1015"
        assert [row["insurance_class"] for row in fields["details"]] == ["乙", "丙", "乙"]
        assert [item["category"] for item in fields["items"]] == ["西药费", "中成药费"]
        assert fields["self_fee_fen"] == split.full_self_fen + split.over_limit_fen > 0
        assert fields["self_part_fen"] + fields["self_fee_fen"] == bill.account_fen + bill.cash_fen


def test_a_voided_prescription_gives_money_bag_and_invoice_back(units: Units, who: Person) -> None:
    make.a_pharmacy(units)
    prescription, bill = a_billed_prescription(units, who)
    pay(units, who, bill)

    with units.open() as uow:
        prescriptions.take_back(uow, public_id=prescription.public_id, reason="病人要求")
    with units.open() as uow:
        bag = bag_of(uow, prescription)
        scanned = pharmacy.redeem(
            uow, digits=make.code_of(uow, bag), nonce="1", terminal=make.Terminal("T1", "W1", None), key=make.KEY
        )
        assert (bag.state, scanned.code) == (BagState.CANCELLED, ScanCode.CANCELLED)
        number = uow.session.scalar(text("SELECT out_refund_no FROM refund"))
        refunds.finish(uow, number, RefundFact(RefundFactState.SUCCEEDED))

    with units.open(who.actor) as uow:
        red, blue = invoices.list_of_account(uow)
        assert (blue.state, red.original_id, red.total_fen) == (InvoiceState.RED_LETTERED, blue.id, -blue.total_fen)
