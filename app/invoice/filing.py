"""Every invoice is filed with its issuer: asked for once, looked up when no answer came, and never asked for anew.

The rows say what is due. A filing is `unknown` from the moment before the issuer is asked, so whatever dies, and
whenever, the next thing done is to look the invoice up under its `bus_no`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.invoice import issuing, rules, sql
from app.invoice.models import Filing, Invoice
from app.invoice.ports import EInvoicePort, IssuerAway, IssuerRefused, Numbers, RedSheet, Sheet, SheetLine
from app.invoice.states import FILING, FilingAction, FilingState, InvoiceKind
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import move
from app.kernel.uow import Actor, Units, Uow
from app.payment.models import Bill, Purpose

# How long an invoice that nobody answered for waits before it is looked up, by the number of tries.
BACK_OFF_SECONDS = (5, 20, 60, 300, 900, 1800)
LEASE_SECONDS = 120
JOB = Actor("job", "invoice")
REFUNDED = "退费"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Due:
    """A filing in this worker's hands; `is_new` has not been asked for, else it is to be looked up."""

    filing_id: int
    sheet: Sheet | RedSheet
    is_new: bool


def file_due(units: Units, issuer: EInvoicePort, *, limit: int = 10) -> int:
    """Invoices that are due are filed with the issuer, or looked up there; returns how many were tried.

    Job. An issuer that is away ends the round: the others are looked up when their lease is over.
    """
    with units.open(JOB) as uow:
        lease_until = uow.now() + timedelta(seconds=LEASE_SECONDS)
        ids = sql.claim_filings(uow, issuer.name, limit=limit, next_at=lease_until)
    for tried, filing_id in enumerate(ids, start=1):
        try:
            if not _file(units, issuer, filing_id):
                return tried
        except Exception:  # noqa: BLE001 - one invoice's trouble must not keep the others waiting
            _log.exception("invoice filing %d: could not be worked on", filing_id)
    return len(ids)


def _taken(uow: Uow, filing_id: int) -> _Due:
    filing = uow.session.get_one(Filing, filing_id, populate_existing=True)
    is_new = filing.state == FilingState.REQUESTED
    if is_new:
        move(uow, FILING, filing, FilingAction.ASK)
    return _Due(filing.id, sheet_of(uow, filing), is_new)


def _file(units: Units, issuer: EInvoicePort, filing_id: int) -> bool:
    """False when the issuer is away."""
    with units.open(JOB) as uow:
        due = _taken(uow, filing_id)
    try:
        numbers = _ask(issuer, due.sheet) if due.is_new else issuer.look_up(due.sheet)
    except IssuerAway as away:
        _log.info("invoice %s: no answer (%s)", due.sheet.bus_no, away)
        _wait(units, due.filing_id, str(away))
        return False
    except IssuerRefused as refused:
        _log.warning("invoice %s was refused: %s", due.sheet.bus_no, refused.code)
        _refuse(units, due, refused.code)
        return True
    with units.open(JOB) as uow:
        _learn(uow, due.filing_id, numbers)
    return True


def _ask(issuer: EInvoicePort, sheet: Sheet | RedSheet) -> Numbers:
    return issuer.take_back(sheet) if isinstance(sheet, RedSheet) else issuer.issue(sheet)


def _learn(uow: Uow, filing_id: int, numbers: Numbers | None) -> None:
    """The filing stands as the issuer said; quiet when somebody else learned it first."""
    filing = uow.session.get_one(Filing, filing_id, with_for_update=True)
    if filing.state != FilingState.UNKNOWN:
        return
    if numbers is None:
        move(uow, FILING, filing, FilingAction.FIND_ABSENT, why="not there", due_at=uow.now())
        return
    move(
        uow,
        FILING,
        filing,
        FilingAction.ISSUE,
        why=filing.issuer,
        batch_code=numbers.batch_code,
        number=numbers.number,
        check_code=numbers.check_code,
        url=numbers.url,
        issued_at=uow.now(),
        last_error="",
    )
    audit.record(uow, "invoice.filed", "invoice_filing", filing.public_id, issuer=filing.issuer)


def _wait(units: Units, filing_id: int, error: str) -> None:
    with units.open(JOB) as uow:
        filing = uow.session.get_one(Filing, filing_id)
        seconds = BACK_OFF_SECONDS[min(filing.tries, len(BACK_OFF_SECONDS)) - 1]
        filing.due_at, filing.last_error = uow.now() + timedelta(seconds=seconds), error[:64]


def _refuse(units: Units, due: _Due, code: str) -> None:
    """A refusal to issue is final until a person asks again; a refusal to tell leaves the question open."""
    if not due.is_new:
        return _wait(units, due.filing_id, code)
    with units.open(JOB) as uow:
        filing = uow.session.get_one(Filing, due.filing_id, with_for_update=True)
        if filing.state == FilingState.UNKNOWN:
            move(uow, FILING, filing, FilingAction.REFUSE, why=code[:200], last_error=code[:64])
            audit.record(uow, "invoice.refused", "invoice_filing", filing.public_id, outcome=code[:64])
    return None


def sheet_of(uow: Uow, filing: Filing) -> Sheet | RedSheet:
    """The invoice as its issuer is asked for it; the same at every try."""
    invoice = uow.session.get_one(Invoice, filing.invoice_id)
    own = Numbers(invoice.batch_code, invoice.number, invoice.check_code)
    if invoice.kind == InvoiceKind.RED:
        return RedSheet(
            filing.bus_no, own, _numbers_before(uow, filing), invoice.issued_at, REFUNDED, rules.SELF_SERVICE
        )
    snapshot = issuing.snapshot_of(uow, invoice)
    bill = uow.session.get_one(Bill, invoice.bill_id)
    return Sheet(
        bus_no=filing.bus_no,
        own=own,
        is_registration=bill.purpose == Purpose.REGISTRATION,
        issued_at=invoice.issued_at,
        payer=snapshot.payer,
        document_masked=snapshot.document_masked,
        sex=snapshot.sex,
        outpatient_number=snapshot.outpatient_number,
        visit_day=date.fromisoformat(snapshot.visit_day),
        insurance_type=snapshot.insurance_type,
        insurance_number=snapshot.insurance_number,
        items=tuple((item.category, item.amount_fen) for item in issuing.items_of(uow, invoice)),
        lines=tuple(_line(row) for row in snapshot.details),
        clerk=rules.SELF_SERVICE,
        **{name: getattr(invoice, name) for name in SUMS},
    )


SUMS = ("total_fen", "fund_fen", "other_fen", "account_fen", "cash_fen", "self_part_fen", "self_fee_fen")


def _numbers_before(uow: Uow, filing: Filing) -> Numbers:
    before = uow.session.get_one(Filing, filing.after_id)
    return Numbers(before.batch_code or "", before.number or "", before.check_code, before.url)


def _line(row: list[Any]) -> SheetLine:
    name, specification, _, amount_fen, insurance_class, category, quantity, unit = row
    return SheetLine(category, name, specification, quantity, unit, amount_fen, insurance_class)


def troubled(uow: Uow, *, limit: int = 50) -> list[tuple[Filing, Invoice]]:
    """Invoices that were refused, or that nobody has answered for at several tries; the oldest first."""
    stuck = (Filing.state == FilingState.UNKNOWN) & (Filing.tries >= len(BACK_OFF_SECONDS) // 2)
    rows = uow.session.execute(
        select(Filing, Invoice)
        .join(Invoice, Invoice.id == Filing.invoice_id)
        .where((Filing.state == FilingState.FAILED) | stuck)
        .order_by(Filing.id)
        .limit(limit)
    )
    return [(filing, invoice) for filing, invoice in rows]


def ask_again(uow: Uow, public_id: str) -> None:
    """A refused invoice is asked for again under the same `bus_no`; NotFound for none, `illegal_move` for another."""
    filing = uow.session.scalars(select(Filing).where(Filing.public_id == public_id)).first()
    if filing is None:
        raise NotFound
    move(uow, FILING, filing, FilingAction.ASK_AGAIN, due_at=uow.now(), tries=0, last_error="")
    audit.record(uow, "invoice.ask_again", "invoice_filing", filing.public_id)
