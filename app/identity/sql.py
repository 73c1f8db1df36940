"""The statements that look somebody up, as often as the hospital system tells of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select

from app.identity.models import Account, Patient, PatientIdentifier, PatientLink
from app.kernel.hot import Found, Hot


def _known_as(patients: Select[Any]) -> Select[Any]:
    return patients.join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id).where(
        PatientIdentifier.system == bindparam("p_system"), PatientIdentifier.value == bindparam("p_value")
    )


def _kept(patients: Select[Any]) -> Select[Any]:
    """Nobody merges the record away while this unit is open."""
    return patients.with_for_update(read=True, key_share=True, of=Patient)


KNOWN_AS = Found(Patient, which=_known_as)
KNOWN_AS_KEPT = Found(Patient, which=lambda patients: _kept(_known_as(patients)), anew=True)
BY_KEY_KEPT = Found(Patient, which=lambda patients: _kept(patients.where(Patient.id == bindparam("p_id"))), anew=True)
NUMBER_IN = Hot(
    select(PatientIdentifier.value)
    .where(PatientIdentifier.patient_id == bindparam("p_patient_id"), PatientIdentifier.system == bindparam("p_system"))
    .order_by(PatientIdentifier.is_former, PatientIdentifier.id)
    .limit(1)
)
WITH_ID_NUMBER = Found(Patient, which=lambda patients: patients.where(Patient.id_number_index == bindparam("p_index")))
ACCOUNTS_OF = Found(
    Account,
    which=lambda accounts: (
        accounts.join(PatientLink, PatientLink.account_id == Account.id)
        .where(PatientLink.patient_id == bindparam("p_patient_id"), PatientLink.ended_at.is_(None))
        .order_by(Account.id)
    ),
)
