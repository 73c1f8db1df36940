"""What the ledger writes when money has moved: one journal for each movement, in the unit that moved it."""

from __future__ import annotations

from collections.abc import Mapping

from app import events
from app.insurance.models import Split
from app.kernel.uow import Uow
from app.ledger.accounts import INSURED, INSURER, PATIENT, Account, Movement
from app.ledger.posting import Entry, book
from app.payment import service as payment
from app.payment.models import Bill, PaymentOrder, Refund


def receive_when_received(uow: Uow, received: events.MoneyReceived) -> None:
    """What came in stands with its provider, and is the patient's until a bill takes it."""
    order = uow.session.get_one(PaymentOrder, received.order_id)
    entry = Entry(Movement.RECEIVE, order.id, order.bill_id)
    entry.debit(Account.IN_TRANSIT, order.provider, order.paid_fen)
    entry.credit(Account.ADVANCE, PATIENT, order.paid_fen)
    book(uow, entry)


def insure_when_settled(uow: Uow, settled: events.SplitSettled) -> None:
    """The insurer owes its part, and has it with us until the bill is paid in full."""
    split = uow.session.get_one(Split, settled.split_id)
    book(uow, _insured(uow, Movement.INSURE, split, {column: getattr(split, column) for column in INSURED}))


def uninsure_when_reversed(uow: Uow, undone: events.SplitReversed) -> None:
    """The insurer owes no longer what was still left of its part."""
    split = uow.session.get_one(Split, undone.split_id)
    left = {column: getattr(split, column) - getattr(split, f"returned_{column}") for column in INSURED}
    book(uow, _insured(uow, Movement.UNINSURE, split, {column: -fen for column, fen in left.items()}))


def earn_when_paid(uow: Uow, paid: events.BillPaid) -> None:
    """What patient and insurer had with us for the bill is the hospital's income."""
    bill = uow.session.get_one(Bill, paid.bill_id)
    entry = Entry(Movement.EARN, bill.id, bill.id)
    entry.debit(Account.ADVANCE, PATIENT, bill.cash_fen)
    entry.debit(Account.ADVANCE, INSURER, bill.total_fen - bill.cash_fen)
    entry.credit(Account.INCOME, bill.purpose.value, bill.total_fen)
    book(uow, entry)


def give_back_when_requested(uow: Uow, requested: events.RefundRequested) -> None:
    """What goes back is income no longer: the cash is owed to the patient, the insured part is the insurer's again.

    With the last of a bill, and where what is left is settled anew, the insurer's whole settlement is undone, which is
    a movement of its own; otherwise the insurer just owes less. Money that settled no bill was never income; it leaves
    what was in advance.
    """
    refund = uow.session.get_one(Refund, requested.refund_id)
    bill = uow.session.get_one(Bill, refund.bill_id)
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    entry = Entry(Movement.GIVE_BACK, refund.id, bill.id)
    entry.credit(Account.REFUNDS_PAYABLE, order.provider if order else "", refund.amount_fen)
    if order is not None and not order.settles_bill:
        entry.debit(Account.ADVANCE, PATIENT, refund.amount_fen)
    else:
        insured_fen = refund.fund_fen + refund.other_fen + refund.account_fen
        entry.debit(Account.INCOME, bill.purpose.value, refund.amount_fen + insured_fen)
        for column, account in INSURED.items():
            owner = Account.ADVANCE if refund.ends_bill or refund.resettles else account
            entry.credit(owner, INSURER, getattr(refund, column))
    book(uow, entry)


def arrive_back_when_succeeded(uow: Uow, succeeded: events.RefundSucceeded) -> None:
    """The provider paid it out: nothing is owed any more."""
    refund = uow.session.get_one(Refund, succeeded.refund_id)
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    provider = order.provider if order else ""
    entry = Entry(Movement.ARRIVE_BACK, refund.id, refund.bill_id)
    entry.debit(Account.REFUNDS_PAYABLE, provider, refund.amount_fen)
    entry.credit(Account.IN_TRANSIT, provider, refund.amount_fen)
    book(uow, entry)


def _insured(uow: Uow, movement: Movement, split: Split, amounts: Mapping[str, int]) -> Entry:
    bill = payment.bill_of_split(uow, split.id)
    entry = Entry(movement, split.id, bill.id if bill else None)
    for column, amount_fen in amounts.items():
        entry.debit(INSURED[column], INSURER, amount_fen)
        entry.credit(Account.ADVANCE, INSURER, amount_fen)
    return entry
