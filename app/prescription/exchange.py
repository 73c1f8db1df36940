"""Prescribed drugs as other systems of the hospital read them; whoever hands them on writes that down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.prescription.models import Prescription, PrescriptionLine


@dataclass(frozen=True)
class PrescribedDrug:
    """One drug of a prescription, with whose it is."""

    line: PrescriptionLine
    prescription: Prescription
    patient: Patient


def drug_named(uow: Uow, prescription_public_id: str, line_no: int) -> PrescribedDrug:
    """The prescription's line with this number; else NotFound."""
    query = _drugs().where(Prescription.public_id == prescription_public_id, PrescriptionLine.line_no == line_no)
    row = uow.session.execute(query).first()
    if row is None:
        raise NotFound
    return PrescribedDrug(*row)


def drugs_of_patient(uow: Uow, patient_id: int, page: Page) -> list[PrescribedDrug]:
    """A page of what was ever prescribed to the patient, in the order it came."""
    query = _drugs().where(Prescription.patient_id == patient_id)
    return [PrescribedDrug(*row) for row in uow.session.execute(page.of(query, PrescriptionLine.id))]


def _drugs() -> Select[PrescriptionLine, Prescription, Patient]:
    return (
        select(PrescriptionLine, Prescription, Patient)
        .join(Prescription, Prescription.id == PrescriptionLine.prescription_id)
        .join(Patient, Patient.id == Prescription.patient_id)
    )
