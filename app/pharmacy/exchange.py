"""Drugs that were handed over, as other systems of the hospital read them; whoever hands them on writes that down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.pharmacy.models import Dispense, DispenseLine
from app.prescription.models import Prescription


@dataclass(frozen=True)
class DispensedDrug:
    """One drug that was in a bag, with the record of its hand-over, whose it is and what asked for it."""

    line: DispenseLine
    dispense: Dispense
    patient: Patient
    prescription: Prescription


def drug_named(uow: Uow, dispense_public_id: str, line_no: int) -> DispensedDrug:
    """The hand-over's line with this number; else NotFound."""
    query = _drugs().where(Dispense.public_id == dispense_public_id, DispenseLine.line_no == line_no)
    row = uow.session.execute(query).first()
    if row is None:
        raise NotFound
    return DispensedDrug(*row)


def drugs_of_patient(uow: Uow, patient_id: int, page: Page) -> list[DispensedDrug]:
    """A page of what was ever handed over for the patient, hand-overs that were taken back included."""
    query = _drugs().where(Dispense.patient_id == patient_id)
    return [DispensedDrug(*row) for row in uow.session.execute(page.of(query, DispenseLine.id))]


def _drugs() -> Select[DispenseLine, Dispense, Patient, Prescription]:
    return (
        select(DispenseLine, Dispense, Patient, Prescription)
        .join(Dispense, Dispense.id == DispenseLine.dispense_id)
        .join(Patient, Patient.id == Dispense.patient_id)
        .join(Prescription, Prescription.id == Dispense.prescription_id)
    )
