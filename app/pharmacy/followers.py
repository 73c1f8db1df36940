"""What the pharmacy does when something happened earlier in the visit."""

from __future__ import annotations

from sqlalchemy import select

from app import events
from app.identity.merging import repoint
from app.kernel import moves
from app.kernel.ids import new_digits, new_public_id
from app.kernel.uow import Uow
from app.payment.models import Bill, Purpose
from app.payment.states import BillState
from app.pharmacy import picking
from app.pharmacy.models import Bag, Dispense
from app.pharmacy.rules import bag_code
from app.pharmacy.states import BAG, BagAction, BagState


def file_bag_when_billed(uow: Uow, opened: events.BillOpened) -> None:
    """The prescription to be paid has its bag and its pickup code, which a window answers with `unpaid` for now."""
    bill = uow.session.get_one(Bill, opened.bill_id)
    if bill.purpose == Purpose.PRESCRIPTION:
        _bag_for(uow, bill)


def prepare_bag_when_paid(uow: Uow, paid: events.BillPaid) -> None:
    """The paid prescription's bag waits to be picked; quiet for a bag that already does or that was cancelled."""
    if paid.purpose != Purpose.PRESCRIPTION:
        return
    bag = _bag_for(uow, uow.session.get_one(Bill, paid.bill_id))
    if bag.state == BagState.UNPAID:
        picking.queue_bag(uow, bag)


def cancel_bag_when_voided(uow: Uow, voided: events.PrescriptionVoided) -> None:
    """The bag of a prescription that holds no longer is not given out."""
    bag = uow.session.scalars(select(Bag).where(Bag.prescription_id == voided.prescription_id)).first()
    _cancel(uow, bag, "prescription_voided")


def cancel_bag_when_refund_requested(uow: Uow, requested: events.RefundRequested) -> None:
    """The bag whose bill is given back is not given out; one that is out stays out, its drugs are a return.

    A second payment of the same bill that goes back leaves the bill paid, and the bag as it is.
    """
    bag = uow.session.scalars(
        select(Bag)
        .join(Bill, Bill.id == Bag.bill_id)
        .where(Bag.bill_id == requested.bill_id, Bill.state.in_((BillState.REFUNDING, BillState.REFUNDED)))
    ).first()
    _cancel(uow, bag, "refund_requested")


def _cancel(uow: Uow, bag: Bag | None, why: str) -> None:
    if bag is not None and BAG.may(bag.state, BagAction.CANCEL):
        moves.move(uow, BAG, bag, BagAction.CANCEL, why=why)


def _bag_for(uow: Uow, bill: Bill) -> Bag:
    """The prescription's one bag, made at the first bill; until it is paid the newest bill is the bag's."""
    bag = uow.session.scalars(select(Bag).where(Bag.prescription_id == bill.subject_id)).first()
    if bag is None:
        bag = Bag(
            public_id=new_public_id(),
            prescription_id=bill.subject_id,
            patient_id=bill.patient_id,
            bill_id=bill.id,
            pickup_no12=new_digits(12),
            bag_code=bag_code(new_digits(11)),
            state=BAG.initial,
            filed_at=uow.now(),
        )
        uow.session.add(bag)
        uow.session.flush()
    elif bag.state == BagState.UNPAID:
        bag.bill_id = bill.id
    return bag


def follow_when_merged(uow: Uow, merged: events.PatientsMerged) -> None:
    """The merged record's bags, and what was handed over of them, are the patient's."""
    repoint(uow, merged, Bag, Dispense)
