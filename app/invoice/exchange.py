"""Invoices as other systems of the hospital read them; whoever hands them on writes that down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from app.identity.models import Patient
from app.invoice import service
from app.invoice.issuing import items_of
from app.invoice.models import CategorySum, Invoice
from app.invoice.ports import Numbers
from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow


@dataclass(frozen=True)
class FullInvoice:
    """An invoice with its sums by category and whose it is; `original` is the blue one that a red one takes back.

    `fiscal` and `original_fiscal` are their numbers at the fiscal platform; None for those of our own book alone.
    """

    invoice: Invoice
    patient: Patient
    items: list[CategorySum]
    original: Invoice | None
    fiscal: Numbers | None = None
    original_fiscal: Numbers | None = None


def invoice_named(uow: Uow, public_id: str) -> FullInvoice:
    """The invoice named `public_id`; else NotFound."""
    row = uow.session.execute(_invoices().where(Invoice.public_id == public_id)).first()
    if row is None:
        raise NotFound
    return _full(uow, *row)


def invoices_of_patient(uow: Uow, patient_id: int, page: Page) -> list[FullInvoice]:
    """A page of the patient's invoices, blue and red, in the order they were issued."""
    query = page.of(_invoices().where(Invoice.patient_id == patient_id), Invoice.id)
    return [_full(uow, *row) for row in uow.session.execute(query)]


def _invoices() -> Select[Invoice, Patient]:
    return select(Invoice, Patient).join(Patient, Patient.id == Invoice.patient_id)


def _full(uow: Uow, invoice: Invoice, patient: Patient) -> FullInvoice:
    original = uow.session.get_one(Invoice, invoice.original_id) if invoice.original_id else None
    numbers = [
        service.numbers_of(uow, each) if each and service.is_fiscal(uow, each) else None for each in (invoice, original)
    ]
    return FullInvoice(invoice, patient, list(items_of(uow, invoice)), original, *numbers)
