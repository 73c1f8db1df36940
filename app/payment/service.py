"""Bills: opened, read by the patient, voided and settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app import events
from app.identity import service as identity
from app.insurance import remainder, subjects
from app.insurance import service as insurance
from app.insurance.models import Split, SplitSource
from app.insurance.states import SplitState
from app.kernel import audit, hot
from app.kernel.errors import NotFound
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.payment import sql
from app.payment.models import Bill, BillLine, PaymentOrder, Purpose, Refund, RefundLine
from app.payment.rules import WINDOW, Part
from app.payment.states import BILL, BillAction
from app.prescription.models import Prescription
from app.registration.models import Registration

SUBJECTS: dict[Purpose, type[Registration] | type[Prescription]] = {
    Purpose.REGISTRATION: Registration,
    Purpose.PRESCRIPTION: Prescription,
}


@dataclass(frozen=True)
class Draft:
    """A bill about to be opened; its sums are those of its lines."""

    purpose: Purpose
    subject_id: int
    patient_id: int
    account_id: int | None = None
    split_id: int | None = None
    expires_at: datetime | None = None


def open_bill(uow: Uow, draft: Draft, lines: Sequence[BillLine]) -> Bill:
    """The bill of `lines` is open and `BillOpened` published; an earlier open bill for the same thing is void."""
    earlier = open_bill_of(uow, draft.purpose, draft.subject_id)
    if earlier is not None:
        void_bill(uow, earlier, why="replaced")
    return open_first_bill(uow, draft, lines)


def open_first_bill(uow: Uow, draft: Draft, lines: Sequence[BillLine]) -> Bill:
    """The bill of `lines` is open for a thing that has had none, and `BillOpened` published."""
    bill = hot.made(
        Bill,
        purpose=draft.purpose,
        subject_id=draft.subject_id,
        patient_id=draft.patient_id,
        account_id=draft.account_id,
        split_id=draft.split_id,
        total_fen=sum(line.amount_fen for line in lines),
        fund_fen=sum(line.fund_fen for line in lines),
        other_fen=sum(line.other_fen for line in lines),
        account_fen=sum(line.account_fen for line in lines),
        cash_fen=sum(line.cash_fen for line in lines),
        opened_at=uow.now(),
        expires_at=draft.expires_at,
    )
    hot.put_later(uow, bill)
    for line in lines:
        line.bill_id = bill.id
        hot.put_later(uow, line)
    audit.record(uow, "bill.open", "bill", bill.public_id, purpose=bill.purpose.value, total_fen=bill.total_fen)
    uow.publish(events.BillOpened(bill.id, bill.patient_id))
    return bill


def by_id(uow: Uow, bill_id: int) -> Bill:
    """The bill with this key."""
    return uow.session.get_one(Bill, bill_id)


def open_bill_of(uow: Uow, purpose: Purpose, subject_id: int) -> Bill | None:
    """The open bill for the thing, locked until this unit is finished; None when there is none."""
    found: Bill | None = sql.OPEN_OF.row(uow, {"p_purpose": purpose, "p_subject_id": subject_id})
    return found


def newest_bill_of(uow: Uow, purpose: Purpose, subject_id: int) -> Bill | None:
    """The latest bill for the thing in whatever state; None when there is none."""
    found: Bill | None = sql.NEWEST_OF.row(uow, {"p_purpose": purpose, "p_subject_id": subject_id})
    return found


def bill_of_split(uow: Uow, split_id: int) -> Bill | None:
    """The latest bill that was opened for the split, or of which it settles what is left; None when there is none."""
    root_id = select(func.coalesce(Split.root_id, Split.id)).where(Split.id == split_id).scalar_subquery()
    return uow.session.scalars(select(Bill).where(Bill.split_id == root_id).order_by(Bill.id.desc()).limit(1)).first()


def bill_of_account(uow: Uow, public_id: str) -> Bill:
    """The bill named `public_id` of a patient the asking account may act for; else NotFound."""
    bill = uow.session.scalars(
        select(Bill).where(Bill.public_id == public_id, Bill.patient_id.in_(identity.linked_patient_ids(uow)))
    ).first()
    if bill is None:
        raise NotFound
    return bill


def list_of_account(uow: Uow, *, limit: int = 20) -> list[Bill]:
    """The newest bills of the patients the asking account may act for."""
    return list(
        uow.session.scalars(
            select(Bill)
            .where(Bill.patient_id.in_(identity.linked_patient_ids(uow)))
            .order_by(Bill.id.desc())
            .limit(limit)
        )
    )


def lines_of(uow: Uow, bill_id: int) -> list[BillLine]:
    """The bill's lines in their order."""
    return list(uow.session.scalars(select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.line_no)))


def lines_of_refund(uow: Uow, refund_id: int) -> list[RefundLine]:
    """What goes back of each line with this refund; none for money that settled no bill."""
    return list(
        uow.session.scalars(select(RefundLine).where(RefundLine.refund_id == refund_id).order_by(RefundLine.line_no))
    )


def settling_order_of(uow: Uow, bill_id: int) -> PaymentOrder | None:
    """The order whose money settled the bill; None for an unpaid bill and for one without a cash part."""
    return uow.session.scalars(
        select(PaymentOrder).where(PaymentOrder.bill_id == bill_id, PaymentOrder.settles_bill)
    ).first()


def refunds_of(uow: Uow, bill_id: int) -> list[Refund]:
    """What went back of the bill or is on its way, the newest first; a second payment's way back is not the bill's."""
    order = settling_order_of(uow, bill_id)
    found = uow.session.scalars(select(Refund).where(Refund.bill_id == bill_id).order_by(Refund.id.desc()))
    return [refund for refund in found if refund.payment_order_id in {None, order.id if order else None}]


def all_refunds_of(uow: Uow, bill_id: int) -> list[tuple[Refund, bool]]:
    """As `refunds_of`, with what came too late or twice; each with whether it is handed back at the window."""
    rows = uow.session.execute(
        select(Refund, PaymentOrder.provider)
        .outerjoin(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(Refund.bill_id == bill_id)
        .order_by(Refund.id.desc())
    )
    settling = settling_order_of(uow, bill_id)
    is_at_window = settling is not None and settling.provider == WINDOW
    return [(refund, is_at_window if provider is None else provider == WINDOW) for refund, provider in rows]


def locked(uow: Uow, bill_id: int) -> Bill:
    """The bill as it stands, held until this unit is finished, and before it the thing it is for.

    Everybody takes hold in the order of the visit (registration or prescription, bill, order, refund), so that a
    cancellation and a payment that meet wait for each other and neither is thrown out.
    """
    found = uow.session.execute(select(Bill.purpose, Bill.subject_id).where(Bill.id == bill_id)).one()
    subject = SUBJECTS[found.purpose]
    uow.session.scalar(select(subject.id).where(subject.id == found.subject_id).with_for_update())
    return uow.session.get_one(Bill, bill_id, with_for_update=True, populate_existing=True)


def void_bill(uow: Uow, bill: Bill, *, why: str) -> None:
    """The open bill can no longer be paid and what insurance had settled of it is reversed."""
    move(uow, BILL, bill, BillAction.VOID, why=why)
    reverse_insurance(uow, bill)


def settle_bill(uow: Uow, bill: Bill) -> None:
    """The patient's part is in: the bill is paid in full, or waits for its insurer (`CashPaid`)."""
    if bill.split_id is not None and insurance.settles_later(uow, bill.split_id):
        move(uow, BILL, bill, BillAction.TAKE_CASH)
        uow.publish(events.CashPaid(bill.id, bill.split_id, bill.purpose.value, bill.subject_id, bill.patient_id))
    else:
        complete_bill(uow, bill)


def complete_bill(uow: Uow, bill: Bill) -> None:
    """The bill is paid in full and `BillPaid` published."""
    move(uow, BILL, bill, BillAction.PAY, paid_at=uow.now())
    uow.publish(events.BillPaid(bill.id, bill.purpose.value, bill.subject_id, bill.patient_id))


def return_to_insurance(uow: Uow, bill: Bill, given: Sequence[Part]) -> None:
    """What insurance bore of the parts is given back to it; quiet when it bore nothing of them."""
    fund_fen, account_fen = sum(part.fund_fen for part in given), sum(part.account_fen for part in given)
    other_fen = sum(part.other_fen for part in given)
    if bill.split_id is not None and fund_fen + other_fen + account_fen:
        split = uow.session.get_one(Split, bill.split_id)
        insurance.return_part(uow, split, fund_fen=fund_fen, other_fen=other_fen, account_fen=account_fen)


def reverse_insurance(uow: Uow, bill: Bill) -> None:
    """What insurance settled of the bill is given back to it; quiet when it settled nothing."""
    split = remainder.standing_of(uow, bill.split_id) if bill.split_id else None
    if split is not None and split.state == SplitState.SETTLED:
        insurance.reverse(uow, split)


def is_settled_by_insurer(uow: Uow, bill: Bill) -> bool:
    """Whether the insurer itself settled a part of the bill, so that it takes it back before any money goes."""
    split = remainder.standing_of(uow, bill.split_id) if bill.split_id else None
    return split is not None and split.source is SplitSource.INSURER


def insurer_may_hold(uow: Uow, bill: Bill) -> bool:
    """Whether the insurer has not answered yet that it has taken back all it settled of the bill."""
    return bill.split_id is not None and remainder.may_be_held(uow, bill.split_id)


def let_remainder_go(uow: Uow, bill: Bill) -> None:
    """What was to be settled anew of the bill is not; quiet when its subject fell and took it along."""
    insurance.let_go(uow, subjects.by_name(uow, bill.purpose, bill.subject_id), why="given_back")
