"""Printing at the invoice window: by the patient's pickup code, or by the number of the visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select

from app.invoice import sql
from app.invoice.models import Invoice, InvoicePrint
from app.invoice.states import InvoiceKind, InvoiceState, PrintCode
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.pharmacy import service as pharmacy
from app.pharmacy.errors import NonceReused
from app.pharmacy.models import Bag
from app.pharmacy.rules import check_nonce
from app.pharmacy.states import BagState, ScanCode
from app.prescription.models import Prescription
from app.registration import service as registration

SHEETS_LAST = timedelta(minutes=10)
_CODE_OF_SCAN = {
    ScanCode.CODE_EXPIRED: PrintCode.CODE_EXPIRED,
    ScanCode.UNKNOWN_CODE: PrintCode.UNKNOWN_CODE,
    ScanCode.NOT_A_PICKUP_CODE: PrintCode.NOT_A_PICKUP_CODE,
    ScanCode.POSTER_CODE: PrintCode.POSTER_CODE,
}


@dataclass(frozen=True)
class PrintResult:
    """The stored answer; `invoices` are (public id, which print of it this is), empty unless `code` is ok."""

    print_public_id: str
    code: PrintCode
    invoices: tuple[tuple[str, int], ...]
    is_repeat: bool = False


def print_at_window(uow: Uow, *, digits: str, nonce: str, terminal: pharmacy.Terminal, key: bytes) -> PrintResult:
    """The visit's invoices, the registration's too, are to be printed; the ask is stored and answered once.

    Returned and never raised; the same nonce again gets the stored answer and counts no print. Codes: `ok`,
    `unpaid`, `no_invoice` (taken back), `code_expired`, `unknown_code`, `not_a_pickup_code`, `poster_code`. Raises
    only `nonce_reused` and `bad_nonce`.
    """
    asked, is_new = _begin(uow, digits, nonce, terminal)
    if not is_new:
        return _result(uow, asked, is_repeat=True)
    bag, scan_code = pharmacy.bag_for_code(uow, digits=digits, key=key)
    if bag is None or scan_code != ScanCode.OK:
        return _finish(uow, asked, _CODE_OF_SCAN[scan_code], [])
    found = _of_bag(uow, bag)
    missing = PrintCode.UNPAID if bag.state == BagState.UNPAID else PrintCode.NO_INVOICE
    return _finish(uow, asked, PrintCode.OK if found else missing, found)


def print_visit(uow: Uow, *, visit_number: str, nonce: str, terminal: pharmacy.Terminal) -> PrintResult:
    """The invoices of the visit a clerk typed the number of are to be printed, as by `print_at_window`.

    Codes: `ok`, `no_invoice`, `unknown_visit`.
    """
    asked, is_new = _begin(uow, visit_number, nonce, terminal)
    if not is_new:
        return _result(uow, asked, is_repeat=True)
    number = visit_number.strip().upper()
    visit = registration.registration_by_visit_number(uow, number) if number.isalnum() else None
    if visit is None:
        return _finish(uow, asked, PrintCode.UNKNOWN_VISIT, [])
    found = _standing(uow, Invoice.registration_id == visit.id)
    return _finish(uow, asked, PrintCode.OK if found else PrintCode.NO_INVOICE, found)


def print_of(uow: Uow, *, print_public_id: str, terminal: pharmacy.Terminal) -> PrintResult:
    """The stored answer to an ask of this terminal; NotFound for any other."""
    asked = uow.session.scalars(
        select(InvoicePrint).where(
            InvoicePrint.public_id == print_public_id, InvoicePrint.terminal_code == terminal.code
        )
    ).first()
    if asked is None:
        raise NotFound
    return _result(uow, asked, is_repeat=True)


def sheets(uow: Uow, *, print_public_id: str, terminal: pharmacy.Terminal) -> list[tuple[Invoice, int]]:
    """The invoices of a granted ask, each with which print of it this is; a read on record.

    NotFound at another terminal, and ten minutes after the ask.
    """
    asked = uow.session.scalars(
        select(InvoicePrint).where(
            InvoicePrint.public_id == print_public_id,
            InvoicePrint.terminal_code == terminal.code,
            InvoicePrint.printed_at >= uow.now() - SHEETS_LAST,
        )
    ).first()
    if asked is None or asked.code != PrintCode.OK:
        raise NotFound
    found = [(uow.session.get_one(Invoice, invoice_id), print_no) for invoice_id, print_no in asked.printed]
    for invoice, _ in found:
        audit.record(uow, "invoice.read", "invoice", invoice.public_id, terminal=terminal.code)
    return found


def _of_bag(uow: Uow, bag: Bag) -> list[Invoice]:
    """The standing invoices of the bag's bill and of the visit it came from."""
    visit_id = uow.session.get_one(Prescription, bag.prescription_id).registration_id
    wanted: ColumnElement[bool] = Invoice.bill_id == bag.bill_id
    if visit_id is not None:
        wanted = or_(wanted, Invoice.registration_id == visit_id)
    return _standing(uow, wanted, Invoice.patient_id == bag.patient_id)


def _standing(uow: Uow, *wanted: ColumnElement[bool]) -> list[Invoice]:
    return list(
        uow.session.scalars(
            select(Invoice)
            .where(Invoice.kind == InvoiceKind.BLUE, Invoice.state == InvoiceState.ISSUED, *wanted)
            .order_by(Invoice.id)
        )
    )


def _begin(uow: Uow, what: str, nonce: str, terminal: pharmacy.Terminal) -> tuple[InvoicePrint, bool]:
    check_nonce(nonce)
    what_index = uow.keys.index(f"{terminal.code}:{what}", "invoice_print")
    values: dict[str, object] = {
        "public_id": new_public_id(),
        "nonce": nonce,
        "what_index": what_index,
        "terminal_code": terminal.code,
        "staff_id": terminal.staff_id,
        "code": PrintCode.NO_INVOICE,
        "printed": [],
        "printed_at": uow.now(),
    }
    made = sql.begin_print(uow, values)
    if made is not None:
        return uow.session.get_one(InvoicePrint, made), True
    asked = uow.session.scalars(select(InvoicePrint).where(InvoicePrint.nonce == nonce)).one()
    if asked.what_index != what_index:
        raise NonceReused
    return asked, False


def _finish(uow: Uow, asked: InvoicePrint, code: PrintCode, found: list[Invoice]) -> PrintResult:
    asked.code = code
    asked.printed = [[invoice.id, sql.count_print(uow, invoice.id)] for invoice in found]
    subject = found[0].public_id if found else ""
    audit.record(uow, "invoice.print", "invoice", subject, outcome=code.value, terminal=asked.terminal_code)
    uow.session.flush()
    return _result(uow, asked)


def _result(uow: Uow, asked: InvoicePrint, *, is_repeat: bool = False) -> PrintResult:
    invoices = tuple((uow.session.get_one(Invoice, key).public_id, print_no) for key, print_no in asked.printed)
    return PrintResult(asked.public_id, asked.code, invoices, is_repeat)
