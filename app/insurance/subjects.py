"""What insurance settles, a prescription or the fee of a registration, as the insurer is told of it.

Splits and settlements name exactly one of the two; whatever differs between them stands in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from app.insurance.models import Settlement, Split
from app.kernel.uow import Uow
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.rulebook.service import rules_for
from app.scheduling.models import ClinicSession, Department, Practitioner
from app.scheduling.rules import where_of

Subject = Prescription | Registration
FEE_NAME = "挂号费"
# The fee is asked for before the doctor has seen anybody: ICD-10 Z71.9, somebody seeks advice.
BEFORE_THE_VISIT = ("Z71.900", "咨询")


@dataclass(frozen=True)
class Item:
    """One line of what is to be settled; `code` is the catalogue's."""

    line_no: int
    code: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int


@dataclass(frozen=True)
class Occasion:
    """By whom, for what and when: what the insurer is told beside the lines."""

    doctor_code: str
    doctor_name: str
    department: str
    diagnosis_code: str
    diagnosis_name: str
    at: datetime


@dataclass(frozen=True)
class Kind:
    """What insurance must know of one kind of subject; `name` is the purpose of its bill, `column` names its key.

    `payable` are the states in which it is to be paid; of what is not `is_always_split` insurance knows only where the
    insurer was asked.
    """

    name: str
    model: type[Any]
    column: str
    payable: tuple[object, ...]
    is_always_split: bool
    items: Callable[[Uow, Any], list[Item]]
    occasion: Callable[[Uow, Any], Occasion]
    since: Callable[[Any], datetime]


def _drugs(uow: Uow, prescription: Prescription) -> list[Item]:
    return [
        Item(drug.line_no, drug.drug_code, drug.drug_name, drug.quantity, drug.unit_price_fen, drug.amount_fen)
        for drug in prescriptions.lines_of(uow, prescription.id)
    ]


def _of_prescription(uow: Uow, prescription: Prescription) -> Occasion:
    diagnosis = prescriptions.diagnosis_of(uow, prescription)
    return Occasion(
        prescription.prescriber_code,
        prescription.prescriber_name,
        prescription.department_name,
        diagnosis.code,
        diagnosis.text,
        prescription.issued_at,
    )


def _fee(uow: Uow, registration: Registration) -> list[Item]:
    code, fee_fen = fee_code_at_hold(uow, registration), registration.fee_fen
    return [Item(1, code, FEE_NAME, 1, fee_fen, fee_fen)]


def fee_code_at_hold(uow: Uow, registration: Registration) -> str:
    """Under which code the fee went through the insurer by the rules of the moment at which the place was held."""
    where = where_of(_department_of(uow, registration))
    return rules_for(uow, where, at=registration.held_at).fee_insurance_code


def can_have_gone_through(registration: Registration) -> bool:
    """Whether insurance may know of the registration at all: only of a fee, and of a place that was booked by phone."""
    return registration.fee_fen > 0 and registration.account_id is not None


def goes_through_insurer(uow: Uow, registration: Registration) -> bool:
    """Whether an insured patient's fee goes through the insurer where the rules of now say so."""
    return can_have_gone_through(registration) and bool(
        rules_for(uow, where_of(_department_of(uow, registration))).fee_insurance_code
    )


def _department_of(uow: Uow, registration: Registration) -> Department:
    session = uow.session.get_one(ClinicSession, registration.session_id)
    return uow.session.get_one(Department, session.department_id)


def _of_registration(uow: Uow, registration: Registration) -> Occasion:
    doctor = uow.session.get_one(Practitioner, registration.practitioner_id)
    department = _department_of(uow, registration)
    return Occasion(doctor.code, doctor.name, department.name, *BEFORE_THE_VISIT, registration.held_at)


_PRESCRIPTION = Kind(
    "prescription",
    Prescription,
    "prescription_id",
    (PrescriptionState.APPROVED, PrescriptionState.BILLED),
    True,
    _drugs,
    _of_prescription,
    lambda prescription: prescription.issued_at,
)
_REGISTRATION = Kind(
    "registration",
    Registration,
    "registration_id",
    (RegistrationState.HELD,),
    False,
    _fee,
    _of_registration,
    lambda registration: registration.held_at,
)
KINDS = (_PRESCRIPTION, _REGISTRATION)
Row = Split | Settlement


def items_of(uow: Uow, subject: Subject) -> list[Item]:
    """The lines that are to be settled, in their order."""
    return kind_of(subject).items(uow, subject)


def kind_of(subject: Subject) -> Kind:
    """What there is to know of the subject's kind."""
    return next(kind for kind in KINDS if isinstance(subject, kind.model))


def key_of(subject: Subject) -> dict[str, int]:
    """The subject as the columns of a split or settlement name it."""
    return {kind_of(subject).column: subject.id}


def columns_of(row: Row) -> dict[str, int | None]:
    """The columns by which another row names the same subject."""
    return {kind.column: getattr(row, kind.column) for kind in KINDS}


def is_for(table: type[Row], subject: Subject) -> ColumnElement[bool]:
    """That a row of the table is the subject's."""
    found: ColumnElement[bool] = getattr(table, kind_of(subject).column) == subject.id
    return found


def _named(row: Row) -> tuple[Kind, int]:
    return next((kind, key) for kind in KINDS if (key := getattr(row, kind.column)) is not None)


def named(row: Row) -> tuple[str, int]:
    """The subject as events name it: the purpose of its bill, and its key."""
    kind, key = _named(row)
    return kind.name, key


def subject_of(uow: Uow, row: Row, *, is_locked: bool = False) -> Subject:
    """What the split or settlement is for; `is_locked`: as it stands, and nobody else changes it in this unit."""
    kind, key = _named(row)
    found: Subject = uow.session.get_one(kind.model, key, with_for_update=is_locked, populate_existing=is_locked)
    return found


def by_name(uow: Uow, name: str, key: int) -> Subject:
    """The subject that is named so by a bill."""
    kind = next(kind for kind in KINDS if kind.name == name)
    found: Subject = uow.session.get_one(kind.model, key)
    return found


def lock_subject_of_case(uow: Uow, case_id: int) -> None:
    """Nobody else changes what the settlement is for, in this unit; taken hold of before the settlement itself."""
    keys = uow.session.execute(
        select(Settlement.prescription_id, Settlement.registration_id).where(Settlement.id == case_id)
    ).one()
    for kind, key in zip(KINDS, keys, strict=True):
        if key is not None:
            uow.session.scalar(select(kind.model.id).where(kind.model.id == key).with_for_update())
