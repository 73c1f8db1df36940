"""The formulary, the prescriptions with their lines, and the pharmacists' reviews."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Fen, PublicRow, Row, choice
from app.prescription.orders import DrugCategory, PrescriptionKind
from app.prescription.states import PrescriptionState


class PrescriptionSource(enum.StrEnum):
    """Where it was written: in the hospital's system, or at the built-in doctor's desk."""

    HIS = "his"
    DESK = "desk"


class ReviewDecision(enum.StrEnum):
    """What the reviewing pharmacist decided."""

    APPROVED = "approved"
    RETURNED = "returned"


class ReviewCheck(enum.StrEnum):
    """The four checks 四查 (处方管理办法, art. 37): the form, the drugs, incompatibilities, reason for their use."""

    FORM = "form"
    DRUGS = "drugs"
    INCOMPATIBILITY = "incompatibility"
    REASONABLE_USE = "reasonable_use"


class Drug(Row):
    """A drug of the hospital's formulary; one that is no longer stocked stays, `is_active` False."""

    __tablename__ = "drug"
    __table_args__ = (CheckConstraint("unit_price_fen >= 0", name="price_not_negative"),)

    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    spec: Mapped[str] = mapped_column(String(80))
    dosage_form: Mapped[str] = mapped_column(String(40))
    category: Mapped[DrugCategory] = mapped_column(choice(DrugCategory))
    unit: Mapped[str] = mapped_column(String(20))
    unit_price_fen: Mapped[int] = mapped_column(Fen)
    is_excluded_from_long: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)


class Prescription(PublicRow):
    """A signed prescription; a changed one is a new row with the next `version`, and the old one is void.

    `issuer` is the peer that keeps `number` (or `desk`); `content_index` is the blind index of what it says, by which
    the same order is known when it comes again.
    """

    __tablename__ = "prescription"
    __table_args__ = (
        UniqueConstraint("issuer", "number", "version"),
        Index(
            "uq_prescription_live_number",
            "issuer",
            "number",
            unique=True,
            sqlite_where=text("state NOT IN ('voided', 'expired')"),
            postgresql_where=text("state NOT IN ('voided', 'expired')"),
        ),
        Index("ix_prescription_state_valid_until", "state", "valid_until"),
        CheckConstraint("total_fen >= 0", name="total_not_negative"),
        CheckConstraint("version >= 1", name="version_from_one"),
    )

    number: Mapped[str] = mapped_column(String(40), index=True)
    version: Mapped[int]
    issuer: Mapped[str] = mapped_column(String(48))
    source: Mapped[PrescriptionSource] = mapped_column(choice(PrescriptionSource))
    kind: Mapped[PrescriptionKind] = mapped_column(choice(PrescriptionKind))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    prescriber_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    prescriber_code: Mapped[str] = mapped_column(String(40))
    prescriber_name: Mapped[str] = mapped_column(String(60))
    department_name: Mapped[str] = mapped_column(String(60))
    diagnosis_sealed: Mapped[str] = mapped_column(Text)
    long_course_reason_sealed: Mapped[str] = mapped_column(Text, default="")
    content_index: Mapped[str] = mapped_column(String(32))
    total_fen: Mapped[int] = mapped_column(Fen)
    state: Mapped[PrescriptionState] = mapped_column(choice(PrescriptionState), default=PrescriptionState.ISSUED)
    issued_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    valid_until: Mapped[datetime]


class PrescriptionLine(Row):
    """One drug of a prescription, as it was signed."""

    __tablename__ = "prescription_line"
    __table_args__ = (
        UniqueConstraint("prescription_id", "line_no"),
        CheckConstraint("amount_fen = quantity * unit_price_fen", name="amount_is_quantity_times_price"),
        CheckConstraint("quantity > 0 AND days > 0 AND unit_price_fen >= 0", name="figures_in_range"),
    )

    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"), index=True)
    line_no: Mapped[int]
    drug_code: Mapped[str] = mapped_column(ForeignKey("drug.code"), index=True)
    drug_name: Mapped[str] = mapped_column(String(120))
    category: Mapped[DrugCategory] = mapped_column(choice(DrugCategory))
    spec: Mapped[str] = mapped_column(String(80))
    dose: Mapped[str] = mapped_column(String(60))
    route: Mapped[str] = mapped_column(String(40))
    frequency: Mapped[str] = mapped_column(String(40))
    days: Mapped[int]
    quantity: Mapped[int]
    unit: Mapped[str] = mapped_column(String(20))
    unit_price_fen: Mapped[int] = mapped_column(Fen)
    amount_fen: Mapped[int] = mapped_column(Fen)


class Review(Row):
    """A pharmacist's review 处方审核: one for each prescription, never edited; `checks` holds ReviewCheck words."""

    __tablename__ = "review"

    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    decision: Mapped[ReviewDecision] = mapped_column(choice(ReviewDecision))
    checks: Mapped[list[Any]]
    reason: Mapped[str] = mapped_column(String(200))
    reviewed_at: Mapped[datetime]
