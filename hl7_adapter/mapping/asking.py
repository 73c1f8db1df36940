"""Before the hospital system is told of a patient, it is asked for its number: QBP^Q22, answered by RSP^K22."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.identity import proofs
from app.identity import service as identity
from app.identity.models import Patient
from app.identity.service import PatientFromHis
from app.kernel import audit
from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from config import Hl7Settings
from hl7_adapter.er7 import Message, segment
from hl7_adapter.mapping.patients import card_told, name_told, number_told
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import MessageRefused
from hl7_adapter.mapping.writing import Rows

EVENT = "PatientSought"
_QUERY = ("IHE PDQ Query", None, "IHE")
_AT_MOST = 5


def question(uow: Uow, _settings: Hl7Settings, payload: Mapping[str, Any]) -> tuple[tuple[str, str, str], Rows] | None:
    """QPD with the identity card; None for a patient without one, merged, or whose number is known already."""
    patient = uow.session.get_one(Patient, payload["patient_id"])
    card = identity.id_number_of(uow, patient)
    if not card or patient.merged_into_id or identity.identifier_of(uow, patient.id, "his"):
        return None
    rows = [
        segment("QPD", {1: _QUERY, 2: f"Q{patient.id}", 3: [("@PID.3.1", card)]}),
        segment("RCP", {1: "I", 2: (_AT_MOST, "RD")}),
    ]
    return ("QBP", "Q22", "QBP_Q21"), rows


def answered(uow: Uow, payload: Mapping[str, Any], answer: Message) -> bool:
    """True when the answer named the patient, who has the hospital's number from now on.

    Only a PID with the same identity card counts, and only one; whoever answers more, or somebody else, named nobody.
    Where the names agree too, the hospital system has verified the person.
    """
    patient = uow.session.get_one(Patient, payload["patient_id"])
    card = identity.id_number_of(uow, patient)
    try:
        told = [Reader(group) for group in answer.groups("PID")]
        theirs = [reader for reader in told if card and card_told(reader) == card]
        numbers, names = {number_told(reader) for reader in theirs}, {name_told(reader) for reader in theirs}
    except MessageRefused:
        return False
    if len(numbers) != 1:
        return False
    try:
        with uow.session.begin_nested():
            identity.file_patient_from_his(uow, PatientFromHis(mrn=numbers.pop(), id_number=card))
    except VisitError:
        return False
    if names == {identity.name_of(uow, patient)}:
        proofs.prove_by_hospital(uow, patient)
    audit.record(uow, "hl7.patient_found", "patient", patient.public_id)
    return True
