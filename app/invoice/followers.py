"""What happens to invoices when money has come or has gone back."""

from __future__ import annotations

from app import events
from app.identity.merging import repoint
from app.invoice import issuing, remainder
from app.invoice.models import Invoice
from app.kernel.uow import Uow
from app.payment.models import Bill
from app.payment.states import BillState


def issue_when_paid(uow: Uow, paid: events.BillPaid) -> None:
    """The paid bill, a registration's or a prescription's, has its invoice; once, however often it is told."""
    issuing.issue(uow, uow.session.get_one(Bill, paid.bill_id))


def red_letter_when_refunded(uow: Uow, refunded: events.RefundSucceeded) -> None:
    """The invoice of a bill whose money is back is taken back by a red one; once, however often it is told.

    When part of it is back, a new blue one tells of what is left. A second payment of the same bill that went back
    leaves the bill paid, and its invoice as it is.
    """
    bill = uow.session.get_one(Bill, refunded.bill_id)
    standing = issuing.valid_invoice_of(uow, bill.id)
    if standing is None:
        return
    if bill.state == BillState.REFUNDED:
        issuing.red_letter(uow, standing)
    elif bill.state in {BillState.PARTLY_REFUNDED, BillState.REFUNDING}:
        remainder.follow(uow, bill, standing)


def follow_when_merged(uow: Uow, merged: events.PatientsMerged) -> None:
    """The merged record's invoices are the patient's; what is printed on them stays as it was issued."""
    repoint(uow, merged, Invoice)
