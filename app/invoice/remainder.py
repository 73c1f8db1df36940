"""Part of a paid bill went back: its invoice is taken back in red, and a new blue one tells of what is left.

An issued invoice is never edited, so a part cannot be taken out of it (财综〔2019〕29号).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from app import events
from app.insurance import service as insurance
from app.invoice import issuing, rules
from app.invoice.errors import NotARemainder
from app.invoice.models import Invoice
from app.kernel.uow import Uow
from app.payment import parts
from app.payment import service as payment
from app.payment.models import Bill, BillLine

PAYERS = ("fund_fen", "other_fen", "account_fen", "cash_fen")


@dataclass(frozen=True)
class Left:
    """What of a bill's line is still paid, in fen by payer; `outside_fen` of it no insurance covers."""

    line_no: int
    quantity: int
    fund_fen: int = 0
    other_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0
    outside_fen: int = 0

    @property
    def amount_fen(self) -> int:
        """All payers together."""
        return self.fund_fen + self.other_fen + self.account_fen + self.cash_fen


def reissue(uow: Uow, bill: Bill, left: Collection[Left]) -> Invoice | None:
    """The bill's standing invoice is red-lettered, and a new one for what is `left` names it; None with nothing left.

    Whoever gives money back calls it once for each time. Refuses `not_a_remainder` when the bill has no invoice that
    stands, when a line has more left than was paid, or when nothing is less than the standing invoice tells.
    """
    standing = issuing.valid_invoice_of(uow, bill.id)
    lines = {line.line_no: line for line in payment.lines_of(uow, bill.id)}
    kept = [each for each in left if each.amount_fen > 0]
    if standing is None or not _is_less(standing, lines, kept):
        raise NotARemainder
    issuing.red_letter(uow, standing)
    return _issue(uow, bill, standing, lines, kept) if kept else None


def follow(uow: Uow, bill: Bill, standing: Invoice) -> None:
    """The invoice tells of what has not arrived back; quiet when the standing one does so already.

    While of two refunds the later one has arrived first, what is left of a line may be nobody's: the next one tells.
    """
    left = _left_of(uow, bill)
    if any(getattr(each, payer) < 0 for each in left for payer in PAYERS):
        return
    if sum(each.amount_fen for each in left) < standing.total_fen:
        reissue(uow, bill, left)


def _left_of(uow: Uow, bill: Bill) -> list[Left]:
    back = parts.arrived_back(uow, bill.id)
    outside = {
        line.line_no: line.full_self_fen + line.over_limit_fen
        for line in (insurance.lines_of(uow, bill.split_id) if bill.split_id else [])
    }
    left = []
    for line in payment.lines_of(uow, bill.id):
        gone = back.get(line.line_no, dict.fromkeys(("quantity", *PAYERS), 0))
        quantity = line.quantity - gone["quantity"]
        if quantity:
            shares = {payer: getattr(line, payer) - gone[payer] for payer in PAYERS}
            outside_fen = outside.get(line.line_no, line.amount_fen) * quantity // line.quantity
            own_fen = shares["account_fen"] + shares["cash_fen"]
            left.append(Left(line.line_no, quantity, **shares, outside_fen=min(outside_fen, own_fen)))
    return left


def _is_less(standing: Invoice, lines: dict[int, BillLine], left: list[Left]) -> bool:
    known = len({each.line_no for each in left}) == len(left) and {each.line_no for each in left} <= set(lines)
    return (
        known
        and all(_within(lines[each.line_no], each) for each in left)
        and all(sum(getattr(each, payer) for each in left) <= getattr(standing, payer) for payer in PAYERS)
        and sum(each.amount_fen for each in left) < standing.total_fen
    )


def _within(line: BillLine, left: Left) -> bool:
    parts = all(getattr(left, payer) >= 0 for payer in PAYERS) and left.amount_fen <= line.amount_fen
    return parts and 0 < left.quantity <= line.quantity and 0 <= left.outside_fen <= left.amount_fen


def _issue(uow: Uow, bill: Bill, replaced: Invoice, lines: dict[int, BillLine], left: list[Left]) -> Invoice:
    sums = {payer: sum(getattr(each, payer) for each in left) for payer in PAYERS}
    outside_fen = sum(each.outside_fen for each in left)
    self_part_fen, self_fee_fen = rules.own_share(sums["account_fen"] + sums["cash_fen"], outside_fen)
    classes = issuing.classes_of(uow, bill)
    details = [
        issuing.detail(lines[each.line_no], each.quantity, each.amount_fen, classes.get(each.line_no)) for each in left
    ]
    invoice = issuing.blue(bill, replaced.registration_id, sums, (self_part_fen, self_fee_fen))
    invoice.replaces_id = replaced.id
    issuing.file(
        uow,
        invoice,
        replace(issuing.snapshot_of(uow, replaced), details=details),
        rules.category_sums((lines[each.line_no].invoice_category, each.amount_fen) for each in left),
    )
    uow.publish(events.InvoiceIssued(invoice.id, bill.id, bill.patient_id))
    return invoice
