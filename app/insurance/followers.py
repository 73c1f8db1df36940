"""What insurance does when the visit moves on."""

from __future__ import annotations

from app.events import (
    CashPaid,
    PatientsMerged,
    PrescriptionApproved,
    PrescriptionVoided,
    RegistrationCancelled,
    RegistrationExpired,
    RegistrationHeld,
)
from app.identity.merging import repoint
from app.insurance import cases, covering, service, subjects
from app.insurance.models import Coverage, Settlement, Split
from app.insurance.states import SplitState
from app.kernel.uow import Uow
from app.prescription.models import Prescription
from app.registration.models import Registration


def split_when_held(uow: Uow, held: RegistrationHeld) -> None:
    """Where the fee goes through the insurer, an insured patient who booked by phone is told what is left to pay.

    Everybody else pays the whole fee by a bill that is no affair of insurance's.
    """
    if held.fee_fen == 0:
        return
    registration = uow.session.get_one(Registration, held.registration_id)
    if subjects.goes_through_insurer(uow, registration) and service.is_insured(uow, held.patient_id):
        service.make_split(uow, registration)


def let_go_when_expired(uow: Uow, expired: RegistrationExpired) -> None:
    """The hold ran out: what the insurer was asked of its fee is wanted no longer."""
    registration = uow.session.get_one(Registration, expired.registration_id)
    if subjects.can_have_gone_through(registration):
        service.let_go(uow, registration, why="hold_expired")


def let_go_when_cancelled(uow: Uow, cancelled: RegistrationCancelled) -> None:
    """The place was given back unpaid, and its split falls; of a paid fee the refund takes insurance's part back."""
    registration = uow.session.get_one(Registration, cancelled.registration_id)
    if not subjects.can_have_gone_through(registration):
        return
    split = service.live_split_of(uow, registration)
    if split is None or split.state is not SplitState.SETTLED:
        service.let_go(uow, registration, why="cancelled")


def split_when_approved(uow: Uow, event: PrescriptionApproved) -> None:
    """The approved prescription is divided between insurance and patient."""
    service.make_split(uow, uow.session.get_one(Prescription, event.prescription_id))


def void_when_voided(uow: Uow, event: PrescriptionVoided) -> None:
    """The prescription's split falls with it, and what it had used of the coverage is given back."""
    service.let_go(uow, uow.session.get_one(Prescription, event.prescription_id), why="prescription_voided")


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
