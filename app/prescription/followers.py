"""What a prescription does when later steps of the visit happen."""

from __future__ import annotations

from app.events import BagCollected, BillPaid, PatientsMerged, SplitMade
from app.identity.merging import repoint
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.prescription.models import Prescription
from app.prescription.states import PRESCRIPTION, PrescriptionAction, PrescriptionState


def mark_billed_when_split(uow: Uow, event: SplitMade) -> None:
    """The approved prescription can be paid; one that is split again already was."""
    if event.purpose != "prescription":
        return
    prescription = uow.session.get_one(Prescription, event.subject_id)
    if prescription.state is not PrescriptionState.BILLED:
        move(uow, PRESCRIPTION, prescription, PrescriptionAction.BILL)


def mark_paid_when_paid(uow: Uow, event: BillPaid) -> None:
    """The prescription is paid for; bills of other purposes are none of its business."""
    if event.purpose == "prescription":
        move(uow, PRESCRIPTION, uow.session.get_one(Prescription, event.subject_id), PrescriptionAction.PAY)


def mark_dispensed_when_collected(uow: Uow, event: BagCollected) -> None:
    """The drugs are in the patient's hands."""
    move(uow, PRESCRIPTION, uow.session.get_one(Prescription, event.prescription_id), PrescriptionAction.DISPENSE)


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's prescriptions are the patient's."""
    repoint(uow, merged, Prescription)
