"""Invoices as they are read: by the patient, on paper, and by anyone who verifies one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from app.identity import service as identity
from app.invoice import rules
from app.invoice.issuing import filing_of, issue, items_of, red_letter, snapshot_of, valid_invoice_of
from app.invoice.models import Filing, Invoice
from app.invoice.own_book import OwnBook
from app.invoice.ports import Numbers
from app.invoice.printing import PrintResult, print_at_window, print_of, print_visit, sheets
from app.invoice.states import FilingState, InvoiceKind, InvoiceState
from app.kernel.clock import hospital_day
from app.kernel.errors import NotFound
from app.kernel.uow import Uow

__all__ = [
    "PrintResult",
    "VerifiedInvoice",
    "filing_of",
    "is_fiscal",
    "issue",
    "list_of_account",
    "numbers_of",
    "of_account",
    "other_of",
    "paper_fields",
    "print_at_window",
    "print_of",
    "print_visit",
    "red_letter",
    "sheets",
    "valid_invoice_of",
    "verify",
]


@dataclass(frozen=True)
class VerifiedInvoice:
    """What anyone who holds an invoice may read of it; `other_*` name the red one of a blue, the blue one of a red."""

    batch_code: str
    number: str
    kind: InvoiceKind
    state: InvoiceState
    issued_on: date
    payer_masked: str
    total_fen: int
    other_batch_code: str
    other_number: str


def of_account(uow: Uow, public_id: str) -> Invoice:
    """The invoice named `public_id` of a patient the asking account may act for; else NotFound."""
    found = uow.session.scalars(
        select(Invoice).where(Invoice.public_id == public_id, Invoice.patient_id.in_(identity.linked_patient_ids(uow)))
    ).first()
    if found is None:
        raise NotFound
    return found


def list_of_account(uow: Uow, *, limit: int = 50) -> list[Invoice]:
    """The newest invoices, blue and red, of the patients the asking account may act for."""
    return list(
        uow.session.scalars(
            select(Invoice)
            .where(Invoice.patient_id.in_(identity.linked_patient_ids(uow)))
            .order_by(Invoice.id.desc())
            .limit(limit)
        )
    )


def verify(uow: Uow, *, batch_code: str, number: str, check_code: str) -> VerifiedInvoice:
    """What stands under code and number, for whoever knows the check code too; else NotFound.

    Public: the name is masked, and a wrong check code looks like no invoice. The caller counts tries. Both the numbers
    of the hospital's own book and those of the issuer are known.
    """
    if not rules.could_be(batch_code, number, check_code):
        raise NotFound
    found = _under(uow, batch_code, number, check_code)
    if found is None:
        raise NotFound
    other = other_of(uow, found)
    return VerifiedInvoice(
        batch_code=batch_code,
        number=number,
        kind=found.kind,
        state=found.state,
        issued_on=hospital_day(found.issued_at, uow.zone),
        payer_masked=snapshot_of(uow, found).payer_masked,
        total_fen=found.total_fen,
        other_batch_code=numbers_of(uow, other).batch_code if other else "",
        other_number=numbers_of(uow, other).number if other else "",
    )


def _under(uow: Uow, batch_code: str, number: str, check_code: str) -> Invoice | None:
    """The invoice of that code, number and check code, as its issuer gave them or as they stand in our own book."""
    filed = select(Filing).where(Filing.batch_code == batch_code, Filing.number == number)
    booked = select(Invoice).where(Invoice.batch_code == batch_code, Invoice.number == number)
    known = {filing.invoice_id: filing.check_code for filing in uow.session.scalars(filed)}
    for invoice in uow.session.scalars(booked):
        known.setdefault(invoice.id, invoice.check_code)
    for invoice_id, right_code in known.items():
        if hmac.compare_digest(right_code.encode(), check_code.encode()):
            return uow.session.get_one(Invoice, invoice_id)
    return None


def numbers_of(uow: Uow, invoice: Invoice) -> Numbers:
    """How the world knows the invoice: by its issuer's numbers, until there are any by those of our own book."""
    filing = filing_of(uow, invoice.id)
    if filing is None or filing.state != FilingState.ISSUED:
        return Numbers(invoice.batch_code, invoice.number, invoice.check_code)
    return Numbers(filing.batch_code or "", filing.number or "", filing.check_code, filing.url)


def other_of(uow: Uow, invoice: Invoice) -> Invoice | None:
    """The blue invoice a red one takes back, or the red one that took a blue one back; None for one that stands."""
    if invoice.original_id is not None:
        return uow.session.get_one(Invoice, invoice.original_id)
    return uow.session.scalars(select(Invoice).where(Invoice.original_id == invoice.id)).first()


def is_fiscal(uow: Uow, invoice: Invoice) -> bool:
    """True when a fiscal platform issued it: then it is a receipt, else only the hospital's own paper."""
    filing = filing_of(uow, invoice.id)
    return filing is not None and filing.state == FilingState.ISSUED and filing.issuer != OwnBook.name


def paper_fields(uow: Uow, invoice: Invoice, *, payee: str, print_no: int = 1) -> dict[str, Any]:
    """Every field of the form (财综〔2019〕29号) by the name the paper gives it.

    `verify_text` is the issuer's page of the invoice, '' for one in our own book. `payee` 收款单位 is the hospital.
    `items` are {category, amount_fen}, `details` {name, specification, quantity, amount_fen, insurance_class}.
    `print_no` as a window's ask says it: 1 is the first print.
    """
    snapshot = snapshot_of(uow, invoice)
    is_red = invoice.kind == InvoiceKind.RED
    original = other_of(uow, invoice) if is_red else None
    numbers, before = numbers_of(uow, invoice), numbers_of(uow, original) if original else None
    return {
        "code": numbers.batch_code,
        "number": numbers.number,
        "check_code": numbers.check_code,
        "verify_text": numbers.url,
        "is_fiscal": is_fiscal(uow, invoice),
        "issued_on": hospital_day(invoice.issued_at, uow.zone),
        "payer": snapshot.payer,
        "payer_document_masked": snapshot.document_masked,
        "items": [{"category": item.category, "amount_fen": item.amount_fen} for item in items_of(uow, invoice)],
        "details": [_detail(row, -1 if is_red else 1) for row in snapshot.details],
        "business_number": snapshot.business_number,
        "institution_type": rules.INSTITUTION_TYPE,
        "sex": snapshot.sex,
        "outpatient_number": snapshot.outpatient_number,
        "visit_day": date.fromisoformat(snapshot.visit_day),
        "insurance_type": snapshot.insurance_type,
        "insurance_number": snapshot.insurance_number,
        "fund_fen": invoice.fund_fen,
        "other_fen": invoice.other_fen,
        "account_fen": invoice.account_fen,
        "cash_fen": invoice.cash_fen,
        "self_part_fen": invoice.self_part_fen,
        "self_fee_fen": invoice.self_fee_fen,
        "negotiated_drug_fen": 0,
        "payee": payee,
        "reviewer": rules.SELF_SERVICE,
        "cashier": rules.SELF_SERVICE,
        "original_code": before.batch_code if before else "",
        "original_number": before.number if before else "",
        "reprint_no": max(print_no - 1, 0),
    }


def _detail(row: list[Any], sign: int) -> dict[str, Any]:
    name, specification, quantity, amount_fen, insurance_class = row[:5]
    return {
        "name": name,
        "specification": specification,
        "quantity": quantity,
        "amount_fen": sign * amount_fen,
        "insurance_class": insurance_class,
    }
