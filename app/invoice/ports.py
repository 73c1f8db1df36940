"""What the hospital needs of whoever gives invoices the numbers by which the world knows them.

Called between units of work, never in one. Every call for one invoice says the same `bus_no`, so that an issuer that
was asked twice issues once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


class IssuerAway(Exception):
    """No answer that can be trusted came: the invoice may be issued or not; look it up, never ask under a new name."""


class IssuerRefused(Exception):
    """The issuer said no, with its own `code`; the invoice is not issued."""

    def __init__(self, code: str) -> None:
        """Keeps the issuer's error code."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Numbers:
    """How the world knows an invoice: 票据代码, 票据号码, 校验码, and the issuer's page of it, if any."""

    batch_code: str
    number: str
    check_code: str
    url: str = ""


@dataclass(frozen=True)
class SheetLine:
    """A row of the details 清单: so much of something, its category on the form, and how insurance sees it."""

    category: str
    name: str
    specification: str
    quantity: int
    unit: str
    amount_fen: int
    insurance_class: str


@dataclass(frozen=True)
class Sheet:
    """A blue invoice as its issuer is asked for it; every try under one `bus_no` says exactly the same.

    `own` are the numbers in the hospital's own book. `document_masked` and `insurance_number` come masked.
    """

    bus_no: str
    own: Numbers
    is_registration: bool
    issued_at: datetime
    payer: str
    document_masked: str
    sex: str
    outpatient_number: str
    visit_day: date
    insurance_type: str
    insurance_number: str
    total_fen: int
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int
    self_part_fen: int
    self_fee_fen: int
    items: tuple[tuple[str, int], ...]
    lines: tuple[SheetLine, ...]
    clerk: str


@dataclass(frozen=True)
class RedSheet:
    """A red invoice as its issuer is asked for it; `original` are the numbers it gave the blue one."""

    bus_no: str
    own: Numbers
    original: Numbers
    issued_at: datetime
    reason: str
    clerk: str


class EInvoicePort(Protocol):
    """Every call may raise IssuerAway or IssuerRefused; a repeated call with equal arguments issues nothing more."""

    name: str
    is_fiscal: bool

    def issue(self, sheet: Sheet) -> Numbers:
        """The blue invoice is issued."""

    def take_back(self, sheet: RedSheet) -> Numbers:
        """The red invoice 红票 that takes the blue one back is issued."""

    def look_up(self, sheet: Sheet | RedSheet) -> Numbers | None:
        """What was issued for the sheet; None when the issuer has never issued it."""
