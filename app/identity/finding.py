"""Finding patients by what another system of the hospital knows of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, select

from app.identity.models import Patient, PatientIdentifier, Sex
from app.identity.rules import mask_name
from app.identity.service import name_of
from app.kernel.uow import Uow

MOST_LOOKED_AT = 500


@dataclass(frozen=True)
class Wanted:
    """What is known of the patient; '' and None are not known. `number` is the hospital's, insurance or identity."""

    number: str = ""
    name: str = ""
    birth_date: date | None = None
    sex: Sex | None = None


def find(uow: Uow, wanted: Wanted) -> list[Patient]:
    """The patients whom all that is known fits exactly, in the order they were filed; merged records are left out.

    Names are sealed, so a name alone looks through those that look alike, and through 500 of them at most.
    """
    fits: list[ColumnElement[bool]] = [Patient.merged_into_id.is_(None)]
    if wanted.number:
        held = select(PatientIdentifier.patient_id).where(PatientIdentifier.value == wanted.number)
        fits.append(Patient.id.in_(held) | (Patient.id_number_index == uow.keys.index(wanted.number, "id_number")))
    if wanted.name:
        fits.append(Patient.name_masked == mask_name(wanted.name))
    if wanted.birth_date:
        fits.append(Patient.birth_date == wanted.birth_date)
    if wanted.sex:
        fits.append(Patient.sex == wanted.sex)
    found = uow.session.scalars(select(Patient).where(*fits).order_by(Patient.id).limit(MOST_LOOKED_AT))
    return [patient for patient in found if not wanted.name or name_of(uow, patient) == wanted.name]


def numbers_on_file(uow: Uow, system: str, numbers: Collection[str]) -> set[str]:
    """Those of the numbers by which `system` names a patient who is on file."""
    known = select(PatientIdentifier.value).where(
        PatientIdentifier.system == system, PatientIdentifier.value.in_(numbers)
    )
    return set(uow.session.scalars(known))
