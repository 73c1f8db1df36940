"""What insurance does when the prescription moves on."""

from __future__ import annotations

from app.events import CashPaid, PatientsMerged, PrescriptionApproved, PrescriptionVoided
from app.identity.merging import repoint
from app.insurance import cases, covering, service
from app.insurance.models import Coverage, Settlement, Split
from app.kernel.uow import Uow
from app.prescription.models import Prescription


def split_when_approved(uow: Uow, event: PrescriptionApproved) -> None:
    """The approved prescription is divided between insurance and patient."""
    service.make_split(uow, uow.session.get_one(Prescription, event.prescription_id))


def void_when_voided(uow: Uow, event: PrescriptionVoided) -> None:
    """The prescription's split falls with it, and what it had used of the coverage is given back."""
    service.let_go(uow, event.prescription_id)


def settle_when_cash_paid(uow: Uow, event: CashPaid) -> None:
    """The patient's part is in, so the insurer is asked to settle its own."""
    cases.take_cash(uow, event.split_id)


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's splits are the patient's, and its coverage where the patient had none.

    Of two coverages the patient's own stays; what was used of the other counts in it when both are one policy's.
    """
    repoint(uow, merged, Split, Settlement)
    if covering.coverage_of(uow, merged.patient_id) is None:
        repoint(uow, merged, Coverage)
    else:
        covering.take_over(uow, patient_id=merged.patient_id, merged_patient_id=merged.merged_patient_id)
