"""Real names (实名): who has seen that a person is who their record says, and which pages ask for it."""

from __future__ import annotations

from app.identity.errors import IdentityNotVerified, ProofReasonMissing
from app.identity.models import IdentityProof, Patient
from app.kernel import audit
from app.kernel.uow import Uow


def is_proven(patient: Patient) -> bool:
    """True once the desk or the hospital system has verified the person."""
    return patient.proof != IdentityProof.UNVERIFIED


def refuse_unproven(patient: Patient) -> None:
    """Quiet for a verified person; refuses `identity_not_verified`."""
    if not is_proven(patient):
        raise IdentityNotVerified


def prove_at_desk(uow: Uow, patient: Patient, *, reason: str) -> None:
    """The desk has seen the person with their card; `reason` says what was shown. Refuses `reason_required`."""
    _write(uow, patient, IdentityProof.DESK, reason)


def take_back(uow: Uow, patient: Patient, *, reason: str) -> None:
    """Nobody vouches for the person any more: somebody was mistaken. Refuses `reason_required`."""
    _write(uow, patient, IdentityProof.UNVERIFIED, reason)


def prove_by_hospital(uow: Uow, patient: Patient) -> None:
    """The hospital system has this person with this name and card; quiet for one who is verified already."""
    if not is_proven(patient):
        _write(uow, patient, IdentityProof.HOSPITAL, "hospital_system")


def _write(uow: Uow, patient: Patient, proof: IdentityProof, reason: str) -> None:
    if not reason:
        raise ProofReasonMissing
    patient.proof = proof
    patient.proven_at = None if proof == IdentityProof.UNVERIFIED else uow.now()
    audit.record(uow, "patient.prove", "patient", patient.public_id, proof=proof.value, reason=reason)
