"""A prescription as it is brought: by the hospital's system, or typed at the doctor's desk."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class PrescriptionKind(enum.StrEnum):
    """Which paper it would be (处方管理办法, annex 1): ordinary 普通, emergency 急诊, paediatric 儿科."""

    ORDINARY = "ordinary"
    EMERGENCY = "emergency"
    PAEDIATRIC = "paediatric"


class DrugCategory(enum.StrEnum):
    """Western drug 西药, patent Chinese medicine 中成药, herbal pieces 中药饮片; the invoice's categories too."""

    WESTERN = "western"
    PATENT = "patent"
    HERBAL = "herbal"


@dataclass(frozen=True)
class OrderLineIn:
    """One drug: `quantity` in whole `unit`s, `days` of supply, money in fen."""

    drug_code: str
    drug_name: str
    spec: str
    dose: str
    route: str
    frequency: str
    days: int
    quantity: int
    unit: str
    unit_price_fen: int
    amount_fen: int


@dataclass(frozen=True)
class OrderIn:
    """What the hospital's system says of one prescription `number`; a cancellation (CA, DC) needs no lines.

    `action` is ORC-1 (HL7 table 0119): NW new, XO changed, CA cancelled, DC discontinued. `patient_id` is our key,
    `visit_number` PV1-19. `long_course_reason` says why a course is longer than usual.
    """

    action: str
    number: str
    patient_id: int
    visit_number: str | None
    prescriber_code: str
    prescriber_name: str
    department_name: str
    diagnosis_code: str
    diagnosis_text: str
    issued_at: datetime
    kind: PrescriptionKind
    lines: tuple[OrderLineIn, ...]
    long_course_reason: str = ""


@dataclass(frozen=True)
class DeskLineIn:
    """One drug as the doctor types it; name, strength, unit and price come from the formulary."""

    drug_code: str
    quantity: int
    dose: str
    route: str
    frequency: str
    days: int


@dataclass(frozen=True)
class DeskOrderIn:
    """A prescription typed at the desk for the visit `registration_public_id`."""

    registration_public_id: str
    diagnosis_code: str
    diagnosis_text: str
    lines: tuple[DeskLineIn, ...]
    kind: PrescriptionKind = PrescriptionKind.ORDINARY
    long_course_reason: str = ""
