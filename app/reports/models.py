"""Reports and their observations, version by version."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice
from app.reports.states import REPORT, ReportState


class Report(PublicRow):
    """A test's report, known to its sender by `filler_number` (OBR-3).

    `version` is the one that counts; `read_at` is when the patient first looked at it, None again after a change.
    """

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("source", "filler_number"),
        Index("ix_report_patient", "patient_id", "reported_at"),
        CheckConstraint("version >= 1", name="version_from_one"),
    )

    source: Mapped[str] = mapped_column(String(48))
    filler_number: Mapped[str] = mapped_column(String(64))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[ReportState] = mapped_column(choice(ReportState), default=REPORT.initial)
    version: Mapped[int] = mapped_column(default=1)
    reported_at: Mapped[datetime]
    arrived_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Observation(Row):
    """One finding of one version of a report; the value is sealed, codes, units and ranges are not."""

    __tablename__ = "observation"
    __table_args__ = (UniqueConstraint("report_id", "version", "seq"),)

    report_id: Mapped[int] = mapped_column(ForeignKey("report.id"))
    version: Mapped[int]
    seq: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    value_sealed: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(String(40))
    reference_range: Mapped[str] = mapped_column(String(400))
    flag: Mapped[str] = mapped_column(String(8))

    @property
    def seal_name(self) -> str:
        """What its sealed value is bound to: the report, the version and its place in it."""
        return f"{self.report_id}.{self.version}.{self.seq}"
