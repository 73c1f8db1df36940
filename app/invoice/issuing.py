"""Issuing the invoice of a paid bill, and the red one that takes it back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from app import events
from app.identity import service as identity
from app.identity.models import Patient
from app.insurance import service as insurance
from app.insurance.models import Split
from app.invoice import rules
from app.invoice.models import CategorySum, Filing, Invoice
from app.invoice.states import INVOICE, InvoiceAction, InvoiceKind, InvoiceState
from app.kernel import audit, counters, moves
from app.kernel.clock import hospital_day
from app.kernel.ids import new_digits, new_public_id
from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, BillLine, Purpose
from app.prescription.models import Prescription
from app.registration.models import Registration


@dataclass(frozen=True)
class Snapshot:
    """What was known of payer and visit when the invoice was issued; kept sealed.

    `details` rows are [name, specification, quantity with unit, amount_fen, insurance class, category, quantity,
    unit]; those of old invoices lack the last three. Document and insurance numbers are masked already: an invoice
    never needs them whole.
    """

    payer: str
    payer_masked: str
    document_masked: str
    sex: str
    outpatient_number: str
    visit_day: str
    business_number: str
    insurance_type: str
    insurance_number: str
    details: list[list[Any]]


@dataclass(frozen=True)
class _Visit:
    """What the bill was for: the number by which the visit is known, its day, and its registration if any."""

    number: str
    day: date
    registration_id: int | None


def valid_invoice_of(uow: Uow, bill_id: int) -> Invoice | None:
    """The one invoice of the bill that stands; None before it is paid and after it was taken back."""
    return uow.session.scalars(
        select(Invoice).where(
            Invoice.bill_id == bill_id, Invoice.kind == InvoiceKind.BLUE, Invoice.state == InvoiceState.ISSUED
        )
    ).first()


def issue(uow: Uow, bill: Bill) -> Invoice:
    """The paid bill has its invoice, under the next number; called twice, the one that stands."""
    standing = valid_invoice_of(uow, bill.id)
    if standing is not None:
        return standing
    lines = payment.lines_of(uow, bill.id)
    visit = _visit_of(uow, bill)
    split = uow.session.get(Split, bill.split_id) if bill.split_id else None
    outside_fen = split.full_self_fen + split.over_limit_fen if split else bill.total_fen
    self_part_fen, self_fee_fen = rules.own_share(bill.account_fen + bill.cash_fen, outside_fen)
    sums = {name: getattr(bill, name) for name in ("fund_fen", "other_fen", "account_fen", "cash_fen")}
    invoice = blue(bill, visit.registration_id, sums, (self_part_fen, self_fee_fen))
    file(
        uow,
        invoice,
        _snapshot(uow, bill, visit, lines),
        rules.category_sums((line.invoice_category, line.amount_fen) for line in lines),
    )
    uow.publish(events.InvoiceIssued(invoice.id, bill.id, bill.patient_id))
    return invoice


def blue(bill: Bill, registration_id: int | None, sums: dict[str, int], own_share: tuple[int, int]) -> Invoice:
    """A blue invoice of the bill that is not filed yet: `sums` by payer's column, `own_share` as rules.own_share."""
    return Invoice(
        public_id=new_public_id(),
        kind=InvoiceKind.BLUE,
        bill_id=bill.id,
        patient_id=bill.patient_id,
        registration_id=registration_id,
        total_fen=sum(sums.values()),
        self_part_fen=own_share[0],
        self_fee_fen=own_share[1],
        **sums,
    )


def red_letter(uow: Uow, original: Invoice) -> Invoice:
    """The blue invoice is taken back by a red one with the same sums below zero; refuses `illegal_move` twice."""
    moves.move(uow, INVOICE, original, InvoiceAction.RED_LETTER, why="refunded")
    red = Invoice(
        public_id=new_public_id(),
        kind=InvoiceKind.RED,
        original_id=original.id,
        bill_id=original.bill_id,
        patient_id=original.patient_id,
        registration_id=original.registration_id,
        total_fen=-original.total_fen,
        fund_fen=-original.fund_fen,
        other_fen=-original.other_fen,
        account_fen=-original.account_fen,
        cash_fen=-original.cash_fen,
        self_part_fen=-original.self_part_fen,
        self_fee_fen=-original.self_fee_fen,
    )
    file(uow, red, snapshot_of(uow, original), [(item.category, -item.amount_fen) for item in items_of(uow, original)])
    return red


def snapshot_of(uow: Uow, invoice: Invoice) -> Snapshot:
    """What was known when the invoice was issued, opened."""
    return Snapshot(**json.loads(uow.keys.open(invoice.data_sealed, _place(invoice))))


def items_of(uow: Uow, invoice: Invoice) -> list[CategorySum]:
    """The sums by category, in the order of the form."""
    return list(
        uow.session.scalars(select(CategorySum).where(CategorySum.invoice_id == invoice.id).order_by(CategorySum.seq))
    )


def _place(invoice: Invoice) -> str:
    return f"invoice.data:{invoice.public_id}"


def file(uow: Uow, invoice: Invoice, snapshot: Snapshot, sums: list[tuple[str, int]]) -> None:
    """The invoice stands under the next number, with its `sums` by category.

    The number is taken last: whoever issues next waits from here until this unit is finished.
    """
    invoice.state, invoice.issued_at = INVOICE.initial, uow.now()
    invoice.check_code = new_digits(6)
    invoice.data_sealed = uow.keys.seal(json.dumps(asdict(snapshot), ensure_ascii=False), _place(invoice))
    invoice.batch_code = rules.batch_code(uow.today())
    invoice.number = f"{counters.next_number(uow, f'invoice.{invoice.batch_code}'):010d}"
    uow.session.add(invoice)
    uow.session.flush()
    uow.session.add_all(
        CategorySum(
            invoice_id=invoice.id, seq=rules.CATEGORIES.index(category), category=category, amount_fen=amount_fen
        )
        for category, amount_fen in sums
    )
    _file_later(uow, invoice)
    audit.record(uow, f"invoice.issue_{invoice.kind.value}", "invoice", invoice.public_id, total_fen=invoice.total_fen)


def _file_later(uow: Uow, invoice: Invoice) -> None:
    """The invoice is to be filed with whoever issues this hospital's numbers; a red one as and after its blue one."""
    before = filing_of(uow, invoice.original_id) if invoice.original_id else None
    if invoice.original_id and before is None:
        return
    uow.session.add(
        Filing(
            public_id=new_public_id(),
            invoice_id=invoice.id,
            bus_no=f"MZ{invoice.batch_code}{invoice.number}",
            after_id=before.id if before else None,
            due_at=uow.now(),
        )
    )


def filing_of(uow: Uow, invoice_id: int) -> Filing | None:
    """How the invoice was filed; None for one from before invoices were."""
    return uow.session.scalars(select(Filing).where(Filing.invoice_id == invoice_id)).first()


def _visit_of(uow: Uow, bill: Bill) -> _Visit:
    if bill.purpose == Purpose.REGISTRATION:
        registration = uow.session.get_one(Registration, bill.subject_id)
        return _Visit(registration.visit_number, registration.visit_day, registration.id)
    written = uow.session.get_one(Prescription, bill.subject_id)
    if written.registration_id is not None:
        registration = uow.session.get_one(Registration, written.registration_id)
        return _Visit(registration.visit_number, registration.visit_day, registration.id)
    return _Visit(written.number, hospital_day(written.issued_at, uow.zone), None)


def _snapshot(uow: Uow, bill: Bill, visit: _Visit, lines: list[BillLine]) -> Snapshot:
    patient = uow.session.get_one(Patient, bill.patient_id)
    insurance_type, insurance_number = _insured_as(uow, bill)
    return Snapshot(
        payer=identity.name_of(uow, patient),
        payer_masked=patient.name_masked,
        document_masked=rules.mask_number(identity.id_number_of(uow, patient)),
        sex=rules.SEX_WORDS.get(patient.sex.value, ""),
        outpatient_number=visit.number,
        visit_day=visit.day.isoformat(),
        business_number=f"{uow.today():%Y%m%d}{bill.id:08d}",
        insurance_type=insurance_type,
        insurance_number=insurance_number,
        details=_details(uow, bill, lines),
    )


def _insured_as(uow: Uow, bill: Bill) -> tuple[str, str]:
    """(医保类型, masked 医保编号) by which the bill was divided."""
    split = uow.session.get(Split, bill.split_id) if bill.split_id else None
    coverage = insurance.coverage_of(uow, bill.patient_id) if split and split.coverage_id else None
    if split is None or coverage is None:
        return rules.SELF_PAYING, ""
    policy = insurance.policy_by_code(uow, split.policy_code)
    return policy.name, rules.mask_number(insurance.member_no_of(uow, coverage))


def _details(uow: Uow, bill: Bill, lines: list[BillLine]) -> list[list[Any]]:
    classes = classes_of(uow, bill)
    return [detail(line, line.quantity, line.amount_fen, classes.get(line.line_no)) for line in lines]


def classes_of(uow: Uow, bill: Bill) -> dict[int, str]:
    """How insurance sees each line of the bill, in the form's words; a line that it does not know is not there."""
    split_lines = insurance.lines_of(uow, bill.split_id) if bill.split_id else []
    return {line.line_no: rules.CLASS_WORDS[line.chargeable_class] for line in split_lines}


def detail(line: BillLine, quantity: int, amount_fen: int, insurance_class: str | None) -> list[Any]:
    """A row of the details 明细 for so much of the bill's line."""
    category = rules.category_of(line.invoice_category)
    amount = f"{quantity}{line.unit}"
    return [
        *(line.name, line.spec, amount, amount_fen, insurance_class or rules.SELF_PAYING),
        *(category, quantity, line.unit),
    ]
