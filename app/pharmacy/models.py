"""Windows, bags, scans, and the record of what was dispensed after which checks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice
from app.pharmacy.states import (
    BAG,
    DISPENSE,
    BagState,
    CheckKind,
    DispenseState,
    IdentityFact,
    ScanCode,
    ScanKind,
    Verdict,
)


class Window(Row):
    """A pharmacy window 取药窗口 with its numbered bins."""

    __tablename__ = "pharmacy_window"
    __table_args__ = (CheckConstraint("bins > 0", name="has_bins"),)

    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    location: Mapped[str] = mapped_column(String(80), default="")
    bins: Mapped[int] = mapped_column(default=40)
    is_open: Mapped[bool] = mapped_column(default=True)


class Bag(PublicRow):
    """The drugs of one prescription in one bag; `pickup_no12` is in the patient's code, `bag_code` on the label.

    `window_code` and `bin_no` are '' and 0 until the bill is paid. `number` is for eyes: Y001, anew each day.
    """

    __tablename__ = "bag"
    __table_args__ = (
        CheckConstraint("checker_id IS NULL OR checker_id <> picker_id", name="two_persons"),
        CheckConstraint("(state = 'collected') = (collected_at IS NOT NULL)", name="collected_has_time"),
        Index("ix_bag_window", "window_code", "state", "id"),
    )

    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bill.id"), index=True)
    pickup_no12: Mapped[str] = mapped_column(String(12), unique=True)
    bag_code: Mapped[str] = mapped_column(String(13), unique=True)
    number: Mapped[str] = mapped_column(String(12), default="")
    window_code: Mapped[str] = mapped_column(String(24), default="")
    bin_no: Mapped[int] = mapped_column(default=0)
    state: Mapped[BagState] = mapped_column(choice(BagState), default=BAG.initial)
    filed_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None] = mapped_column(index=True)
    picker_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    checker_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    serving_terminal: Mapped[str] = mapped_column(String(24), default="")
    serving_until: Mapped[datetime | None]
    matched_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    collected_window: Mapped[str] = mapped_column(String(24), default="")
    collected_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)


class Scan(PublicRow):
    """Something was scanned at a terminal: appended whether granted or refused, with the answer it got.

    `nonce` makes the second sending quiet; `what_index` is a blind index of who scanned what, so that a nonce used
    for something else is noticed. `facts` hold codes, amounts and places, never personal data.
    """

    __tablename__ = "scan"

    nonce: Mapped[str] = mapped_column(String(64), unique=True)
    what_index: Mapped[str] = mapped_column(String(32))
    kind: Mapped[ScanKind] = mapped_column(choice(ScanKind))
    terminal_code: Mapped[str] = mapped_column(String(24))
    window_code: Mapped[str] = mapped_column(String(24))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    bag_id: Mapped[int | None] = mapped_column(ForeignKey("bag.id"), index=True)
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    code: Mapped[ScanCode] = mapped_column(choice(ScanCode))
    facts: Mapped[dict[str, Any]]
    scanned_at: Mapped[datetime] = mapped_column(index=True)
    occurred_at: Mapped[datetime]


class Dispense(PublicRow):
    """The bag was put into somebody's hands (FHIR MedicationDispense); at most one per bag stands."""

    __tablename__ = "dispense"
    __table_args__ = (
        Index(
            "uq_dispense_standing",
            "bag_id",
            unique=True,
            sqlite_where=text("state = 'completed'"),
            postgresql_where=text("state = 'completed'"),
        ),
        CheckConstraint("(state = 'entered_in_error') = (undone_at IS NOT NULL)", name="undone_has_time"),
    )

    bag_id: Mapped[int] = mapped_column(ForeignKey("bag.id"), index=True)
    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    state: Mapped[DispenseState] = mapped_column(choice(DispenseState), default=DISPENSE.initial)
    handed_over_at: Mapped[datetime] = mapped_column(index=True)
    window_code: Mapped[str] = mapped_column(String(24))
    terminal_code: Mapped[str] = mapped_column(String(24))
    picker_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    checker_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    identity_fact: Mapped[IdentityFact] = mapped_column(choice(IdentityFact))
    undone_at: Mapped[datetime | None]
    undo_reason: Mapped[str] = mapped_column(String(200), default="")


class DispenseLine(Row):
    """One drug that was in the bag."""

    __tablename__ = "dispense_line"
    __table_args__ = (UniqueConstraint("dispense_id", "line_no"), CheckConstraint("quantity > 0", name="something"))

    dispense_id: Mapped[int] = mapped_column(ForeignKey("dispense.id"))
    line_no: Mapped[int]
    drug_code: Mapped[str] = mapped_column(String(40))
    drug_name: Mapped[str] = mapped_column(String(120))
    spec: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit: Mapped[str] = mapped_column(String(20))


class Check(Row):
    """One of the four checks 四查十对 was made before the bag left."""

    __tablename__ = "dispense_check"
    __table_args__ = (UniqueConstraint("dispense_id", "kind"),)

    dispense_id: Mapped[int] = mapped_column(ForeignKey("dispense.id"))
    kind: Mapped[CheckKind] = mapped_column(choice(CheckKind))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    checked_at: Mapped[datetime]
