"""Somebody is verified by the desk or by the hospital system, and not by what they say of themself."""

from __future__ import annotations

import pytest

from app.identity import proofs, service
from app.identity.errors import IdentityNotVerified, ProofReasonMissing
from app.identity.merging import merge_patients
from app.identity.models import IdentityProof, Patient
from app.identity.service import PatientFromHis
from app.kernel.audit import AuditEvent
from app.kernel.uow import Units
from tests import factories
from tests.conftest import SetClock


def test_whoever_types_their_own_card_is_not_verified_by_it(units: Units) -> None:
    with units.open() as uow:
        who = factories.person(uow)

        with pytest.raises(IdentityNotVerified):
            proofs.refuse_unproven(who.patient)


def test_the_desk_verifies_with_a_reason_and_takes_it_back_with_one(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        who, registrar = factories.person(uow), factories.staff(uow, "registrar")

    with units.open(registrar) as uow:
        patient = uow.session.get_one(Patient, who.patient.id)
        for deed in (proofs.prove_at_desk, proofs.take_back):
            with pytest.raises(ProofReasonMissing):
                deed(uow, patient, reason="")
        proofs.prove_at_desk(uow, patient, reason="id_card")
        assert (patient.proof, patient.proven_at) == (IdentityProof.DESK, clock.now())
        proofs.take_back(uow, patient, reason="看错了人")
        assert (patient.proof, patient.proven_at) == (IdentityProof.UNVERIFIED, None)

    with units.open() as uow:
        kept = uow.session.query(AuditEvent).filter_by(action="patient.prove").order_by(AuditEvent.id)
        assert [(row.actor_ref, row.detail["proof"], row.detail["reason"]) for row in kept] == [
            (registrar.ref, "desk", "id_card"),
            (registrar.ref, "unverified", "看错了人"),
        ]


@pytest.mark.parametrize(
    ("said", "proof"),
    [
        (PatientFromHis("M1", name="李雷", id_number=factories.id_number(77)), IdentityProof.HOSPITAL),
        (PatientFromHis("M1", name="李雷"), IdentityProof.UNVERIFIED),
    ],
)
def test_the_hospital_system_verifies_with_name_and_card(
    units: Units, said: PatientFromHis, proof: IdentityProof
) -> None:
    with units.open() as uow:
        assert service.file_patient_from_his(uow, said).proof == proof


def test_what_the_desk_has_seen_stays_when_the_hospital_system_tells_and_records_merge(units: Units) -> None:
    with units.open() as uow:
        going = service.file_patient_from_his(uow, PatientFromHis("M2", name="李雷", id_number=factories.id_number(77)))
        staying = service.file_patient_from_his(uow, PatientFromHis("M1", name="李雷"))
        proofs.prove_at_desk(uow, going, reason="id_card")
        service.file_patient_from_his(uow, PatientFromHis("M2", name="李雷", id_number=factories.id_number(77)))
        assert going.proof == IdentityProof.DESK

        merge_patients(uow, surviving_mrn="M1", merged_mrn="M2")

        assert staying.proof == IdentityProof.DESK
