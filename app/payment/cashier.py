"""The cashier's window 收费窗口: a bill is paid in cash or by card, and what was paid so is handed back there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.insurance.errors import SplitChanged
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units, Uow
from app.payment import asking, receipts, refunds, rules, service, shifts
from app.payment.errors import BillNotOpen, DrawerShort, NotAtTheWindow, SlipUsed
from app.payment.models import Bill, CashierEntry, CashierShift, PaymentOrder, PayMethod, Refund
from app.payment.ports import RefundFact, RefundFactState
from app.payment.receipts import Receipt
from app.payment.rules import WINDOW, Tender
from app.payment.states import WITH_INSURER, RefundState


@dataclass(frozen=True)
class Taken:
    """A bill that was paid at the window: `entry_public_id` names its receipt, '' when there was nothing to pay."""

    bill_public_id: str
    entry_public_id: str = ""
    change_fen: int = 0


def take(units: Units, actor: Actor, bill_public_id: str, tender: Tender) -> Taken:
    """The bill is paid by what was handed over, its insurance part being settled first; a bill without cash is settled.

    Refuses NotFound, `shift_not_open`, `already_paid`, `bill_not_open`, `payment_unclear`, `tender_not_valid`,
    `slip_used`, and `split_changed` when the amount is another now (the facts name the new bill).
    """
    try:
        with units.open(actor) as uow:
            return _take(uow, service.locked(uow, bill_for_window(uow, bill_public_id).id), tender)
    except SplitChanged:
        with units.open(actor, reads_only=True) as uow:
            bill_id = bill_for_window(uow, bill_public_id).id
        raise SplitChanged(bill=asking.bill_again(units, actor, bill_id)) from None


def _take(uow: Uow, bill: Bill, tender: Tender) -> Taken:
    shift = shifts.held(uow)
    asking.refuse_unless_open(uow, bill)
    asking.settle_insurance(uow, bill)
    if bill.cash_fen == 0:
        service.settle_bill(uow, bill)
        return Taken(bill.public_id)
    rules.check_tender(tender, bill.cash_fen)
    order = asking.new_order(uow, bill, WINDOW, tender.method, WINDOW)
    entry = _enter(uow, shift, order, tender, order.amount_fen)
    receipt = receipts.receive_paid(
        uow,
        out_trade_no=order.out_trade_no,
        transaction_id=_reference(uow, entry, tender),
        amount_fen=order.amount_fen,
        paid_at=uow.now(),
    )
    if receipt is not Receipt.BOOKED:
        raise BillNotOpen(bill=bill.public_id, state=receipt.value)
    return Taken(bill.public_id, entry.public_id, entry.change_fen)


def _reference(uow: Uow, entry: CashierEntry, tender: Tender) -> str:
    """By what the payment is known: the receipt's number, or the card terminal's slip, which pays once."""
    if tender.method is PayMethod.CASH:
        return f"C{entry.public_id}"
    reference = rules.slip_reference(tender, uow.today())
    if uow.session.scalar(select(PaymentOrder.id).where(PaymentOrder.transaction_id == reference)) is not None:
        raise SlipUsed
    return reference


def _enter(
    uow: Uow, shift: CashierShift, order: PaymentOrder, tender: Tender, amount_fen: int, refund: Refund | None = None
) -> CashierEntry:
    is_cash = tender.method is PayMethod.CASH
    tendered_fen = max(tender.tendered_fen, 0) if is_cash else 0
    entry = CashierEntry(
        public_id=new_public_id(),
        shift_id=shift.id,
        payment_order_id=order.id,
        refund_id=refund.id if refund else None,
        method=tender.method,
        amount_fen=amount_fen,
        tendered_fen=tendered_fen,
        change_fen=tendered_fen - amount_fen if is_cash else 0,
        terminal_no="" if is_cash else tender.terminal_no,
        slip_no="" if is_cash else tender.slip_no,
        made_at=uow.now(),
    )
    uow.session.add(entry)
    uow.session.flush()
    audit.record(uow, "cashier.enter", "payment_order", order.out_trade_no, amount_fen=amount_fen)
    return entry


def hand_back(uow: Uow, *, refund_public_id: str, tender: Tender) -> CashierEntry:
    """The refund is in the patient's hands, in cash or on the card it was paid with; handed back once.

    Only the terminal and slip of `tender` count, and only for a card. Refuses NotFound, `shift_not_open`,
    `not_at_the_window`, `drawer_short`, `tender_not_valid`; one that was handed back before is `not_at_the_window`.
    """
    shift = shifts.held(uow)
    found = uow.session.scalars(select(Refund).where(Refund.public_id == refund_public_id)).first()
    if found is None:
        raise NotFound
    service.locked(uow, found.bill_id)
    refund = uow.session.get_one(Refund, found.id, with_for_update=True, populate_existing=True)
    order = uow.session.get(PaymentOrder, refund.payment_order_id) if refund.payment_order_id else None
    if order is None or order.provider != WINDOW or refund.state != RefundState.REQUESTED:
        raise NotAtTheWindow
    paid_back = Tender(order.method, 0, tender.terminal_no, tender.slip_no)
    if order.method is PayMethod.CARD:
        rules.check_slip(paid_back)
    elif shifts.drawer_fen(uow, shift) < refund.amount_fen:
        raise DrawerShort
    entry = _enter(uow, shift, order, paid_back, -refund.amount_fen, refund)
    refunds.finish(uow, refund.out_refund_no, RefundFact(RefundFactState.SUCCEEDED))
    return entry


def payee(uow: Uow, refund_public_id: str) -> int:
    """To whom the refund goes: the patient's inner id; NotFound when there is no such refund."""
    found = uow.session.scalars(
        select(Bill.patient_id).join(Refund, Refund.bill_id == Bill.id).where(Refund.public_id == refund_public_id)
    ).first()
    if found is None:
        raise NotFound
    return found


def bill_for_window(uow: Uow, public_id: str) -> Bill:
    """The bill named `public_id`, whoever's it is; else NotFound."""
    found = uow.session.scalars(select(Bill).where(Bill.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def bills_of_patient(uow: Uow, patient_id: int, *, limit: int = 20) -> list[Bill]:
    """The patient's newest bills, those to be paid first."""
    rows = uow.session.scalars(
        select(Bill).where(Bill.patient_id == patient_id).order_by(Bill.state != "open", Bill.id.desc()).limit(limit)
    )
    return list(rows)


def refunds_at_window(uow: Uow, patient_id: int) -> list[tuple[Refund, PaymentOrder]]:
    """What waits at the window to be handed back to the patient, oldest first."""
    rows = uow.session.execute(
        select(Refund, PaymentOrder)
        .join(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .join(Bill, Bill.id == Refund.bill_id)
        .where(Bill.patient_id == patient_id, PaymentOrder.provider == WINDOW, Refund.state == RefundState.REQUESTED)
        .order_by(Refund.id)
    )
    return [(refund, order) for refund, order in rows]


def waiting_for_insurer(uow: Uow, patient_id: int) -> int:
    """How many refunds of what the patient paid here wait for the insurer, before they can be handed back."""
    return int(
        uow.session.scalar(
            select(func.count(Refund.id))
            .join(Bill, Bill.id == Refund.bill_id)
            .join(PaymentOrder, PaymentOrder.bill_id == Bill.id)
            .where(
                Bill.patient_id == patient_id,
                PaymentOrder.provider == WINDOW,
                PaymentOrder.settles_bill,
                Refund.state.in_(WITH_INSURER),
            )
        )
        or 0
    )


def receipt_of(uow: Uow, entry_public_id: str) -> tuple[CashierEntry, PaymentOrder, Bill]:
    """The entry of this name with the order and the bill it belongs to; else NotFound."""
    row = uow.session.execute(
        select(CashierEntry, PaymentOrder, Bill)
        .join(PaymentOrder, PaymentOrder.id == CashierEntry.payment_order_id)
        .join(Bill, Bill.id == PaymentOrder.bill_id)
        .where(CashierEntry.public_id == entry_public_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]
