"""What is done with a prescription on file: reviewed, read, paid, handed over, or left to expire."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from app.events import PrescriptionApproved, PrescriptionReturned, PrescriptionVoided
from app.identity.models import Staff
from app.identity.service import linked_patient_ids
from app.kernel import audit
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.prescription import errors
from app.prescription.formulary import drugs, file_drug
from app.prescription.leaving_out import leave_out
from app.prescription.models import Prescription, PrescriptionLine, Review, ReviewCheck, ReviewDecision
from app.prescription.rules import is_word
from app.prescription.states import PRESCRIPTION, UNPAID, PrescriptionAction, PrescriptionState
from app.prescription.writing import REASON_AT_MOST, receive_from_his, void, write_at_desk

__all__ = [
    "Diagnosis",
    "approve",
    "diagnosis_of",
    "drugs",
    "expire_due",
    "file_drug",
    "leave_out",
    "lines_of",
    "list_of_account",
    "list_of_registration",
    "of_account",
    "one_for_staff",
    "receive_from_his",
    "review_of",
    "send_back",
    "take_back",
    "void",
    "waiting_for_review",
    "write_at_desk",
]
REVIEWER = "reviewer"


@dataclass(frozen=True)
class Diagnosis:
    """The clinical diagnosis 临床诊断 in code (ICD-10, may be '') and words, and why a course is long ('' if not)."""

    code: str
    text: str
    long_course_reason: str


def waiting_for_review(uow: Uow, *, limit: int = 100) -> list[Prescription]:
    """The prescriptions that wait for a pharmacist, longest waiting first; only numbers and doctors are for showing."""
    return list(
        uow.session.scalars(
            select(Prescription)
            .where(Prescription.state == PrescriptionState.ISSUED, Prescription.valid_until > uow.now())
            .order_by(Prescription.received_at, Prescription.id)
            .limit(limit)
        )
    )


def approve(uow: Uow, *, public_id: str, checks: Collection[ReviewCheck]) -> Prescription:
    """The asking pharmacist made all four checks and lets the prescription pass; what insurance pays follows.

    Refuses `not_allowed`, `not_found`, `checks_missing`, `reviewer_is_prescriber`, `prescription_expired`, and
    `illegal_move` when it was reviewed already.
    """
    prescription = _to_review(uow, public_id)
    missing = [check.value for check in ReviewCheck if check not in checks]
    if missing:
        raise errors.ChecksMissing(missing=missing)
    move(uow, PRESCRIPTION, prescription, PrescriptionAction.APPROVE)
    _keep_review(uow, prescription, ReviewDecision.APPROVED, list(ReviewCheck), "")
    uow.publish(PrescriptionApproved(prescription.id, prescription.patient_id))
    return prescription


def send_back(uow: Uow, *, public_id: str, reason: str, checks: Collection[ReviewCheck] = ()) -> Prescription:
    """The prescription goes back to the doctor with a `reason`; `checks` are those that were made.

    Refuses as `approve` does, and `reason_required`.
    """
    prescription = _to_review(uow, public_id)
    if not is_word(reason, REASON_AT_MOST, may_be_empty=False):
        raise errors.ReasonRequired
    move(uow, PRESCRIPTION, prescription, PrescriptionAction.SEND_BACK)
    _keep_review(uow, prescription, ReviewDecision.RETURNED, checks, reason.strip())
    uow.publish(PrescriptionReturned(prescription.id, prescription.patient_id))
    return prescription


def _to_review(uow: Uow, public_id: str) -> Prescription:
    if uow.actor.kind != "staff" or REVIEWER not in uow.actor.roles:
        raise NotAllowed(role=REVIEWER)
    prescription = _by_public_id(uow, public_id)
    reviewer = uow.session.get_one(Staff, uow.actor.id)
    is_same_code = bool(reviewer.practitioner_code) and reviewer.practitioner_code == prescription.prescriber_code
    if prescription.prescriber_staff_id == reviewer.id or is_same_code:
        raise errors.ReviewerIsPrescriber
    if prescription.valid_until <= uow.now():
        raise errors.PrescriptionExpired(number=prescription.number)
    return prescription


def _keep_review(
    uow: Uow, prescription: Prescription, decision: ReviewDecision, checks: Collection[ReviewCheck], reason: str
) -> None:
    uow.session.add(
        Review(
            prescription_id=prescription.id,
            staff_id=uow.actor.id,
            decision=decision,
            checks=[check.value for check in ReviewCheck if check in checks],
            reason=reason,
            reviewed_at=uow.now(),
        )
    )
    audit.record(uow, f"prescription.{decision.value}", "prescription", prescription.public_id)


def take_back(uow: Uow, *, public_id: str, reason: str) -> Prescription:
    """A paid prescription that is not handed over holds no longer, and its money goes back; twice is quiet.

    The surface guards who may ask. Refuses `not_found`, `reason_required`, and `illegal_move` when it is not paid or
    the bag is with the patient.
    """
    prescription = _by_public_id(uow, public_id)
    if not is_word(reason, REASON_AT_MOST, may_be_empty=False):
        raise errors.ReasonRequired
    if prescription.state is not PrescriptionState.VOIDED:
        move(uow, PRESCRIPTION, prescription, PrescriptionAction.TAKE_BACK, why=reason.strip())
        audit.record(uow, "prescription.take_back", "prescription", public_id)
        uow.publish(PrescriptionVoided(prescription.id, prescription.patient_id))
    return prescription


def expire_due(uow: Uow, limit: int) -> int:
    """Up to `limit` unpaid prescriptions whose days are over hold no longer; how many. Two callers share the work."""
    due = uow.session.scalars(
        select(Prescription)
        .where(Prescription.state.in_(UNPAID), Prescription.valid_until <= uow.now())
        .order_by(Prescription.valid_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for prescription in due:
        move(uow, PRESCRIPTION, prescription, PrescriptionAction.EXPIRE)
        uow.publish(PrescriptionVoided(prescription.id, prescription.patient_id))
    return len(due)


def of_account(uow: Uow, public_id: str) -> Prescription:
    """The prescription, if the asking account may act for its patient; else NotFound."""
    found = uow.session.scalars(
        select(Prescription).where(
            Prescription.public_id == public_id, Prescription.patient_id.in_(linked_patient_ids(uow))
        )
    ).first()
    if found is None:
        raise NotFound
    return found


def list_of_account(uow: Uow, *, limit: int = 50) -> list[Prescription]:
    """The prescriptions of everybody the asking account may act for, newest first; without those a change replaced."""
    return list(
        uow.session.scalars(
            select(Prescription)
            .where(Prescription.patient_id.in_(linked_patient_ids(uow)), Prescription.state != PrescriptionState.VOIDED)
            .order_by(Prescription.issued_at.desc(), Prescription.id.desc())
            .limit(limit)
        )
    )


def list_of_registration(uow: Uow, registration_id: int) -> list[Prescription]:
    """A visit's prescriptions in the order they were signed, voided ones included; the caller has scoped the visit."""
    return list(
        uow.session.scalars(
            select(Prescription).where(Prescription.registration_id == registration_id).order_by(Prescription.id)
        )
    )


def one_for_staff(uow: Uow, public_id: str) -> Prescription:
    """The prescription for a member of staff, whose look at it is on record; NotFound, or `not_allowed` for others."""
    if uow.actor.kind != "staff":
        raise NotAllowed
    prescription = _by_public_id(uow, public_id)
    audit.record(uow, "prescription.read", "prescription", public_id, patient_id=prescription.patient_id)
    return prescription


def lines_of(uow: Uow, prescription_id: int) -> list[PrescriptionLine]:
    """The drugs in the order they were written."""
    return list(
        uow.session.scalars(
            select(PrescriptionLine)
            .where(PrescriptionLine.prescription_id == prescription_id)
            .order_by(PrescriptionLine.line_no)
        )
    )


def diagnosis_of(uow: Uow, prescription: Prescription) -> Diagnosis:
    """The diagnosis in the clear, for the patient's own page or for staff whose look is on record."""
    code, text = json.loads(
        uow.keys.open(prescription.diagnosis_sealed, f"prescription.diagnosis:{prescription.public_id}")
    )
    reason = uow.keys.open(
        prescription.long_course_reason_sealed, f"prescription.long_course_reason:{prescription.public_id}"
    )
    return Diagnosis(code, text, reason)


def review_of(uow: Uow, prescription_id: int) -> Review | None:
    """The pharmacist's review; None while it waits."""
    return uow.session.scalars(select(Review).where(Review.prescription_id == prescription_id)).first()


def _by_public_id(uow: Uow, public_id: str) -> Prescription:
    found = uow.session.scalars(select(Prescription).where(Prescription.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found
