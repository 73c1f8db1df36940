"""A report as it is brought, what of it can be filed, and what its status means."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.reports.errors import BadReport
from app.reports.states import ReportAction

# OBR-25 and OBX-11 (HL7 tables 0123 and 0085); X and D both leave nothing to look up.
ACTION_OF_STATUS = {
    "P": ReportAction.AMEND,
    "F": ReportAction.RELEASE,
    "C": ReportAction.CORRECT,
    "X": ReportAction.WITHDRAW,
    "D": ReportAction.WITHDRAW,
}
DELETED = "D"
# HL7 table 0078; anything else is kept as it came and shown without a mark.
ABNORMAL_FLAGS = frozenset({"L", "H", "LL", "HH", "<", ">", "A", "AA", "W"})
MOST_OBSERVATIONS = 500
LENGTHS = {"code": 40, "name": 120, "unit": 40, "reference_range": 400, "flag": 8, "value": 20_000}
"""How long each part of a finding may be; a range is a line for each phase of a cycle, or for each age."""

_BLANKS = frozenset("\t\n\r")


@dataclass(frozen=True)
class ObservationIn:
    """One finding (OBX): `status` D takes it out of the report."""

    code: str
    name: str
    value: str
    unit: str = ""
    reference_range: str = ""
    flag: str = ""
    status: str = "F"


@dataclass(frozen=True)
class ReportIn:
    """What the hospital system says of one report.

    `filler_number` is OBR-3, `status` OBR-25 (P, F, C, X or D), `patient_id` our key, `visit_number` PV1-19 if there
    is one; a withdrawal needs no observations.
    """

    filler_number: str
    patient_id: int
    visit_number: str | None
    code: str
    name: str
    status: str
    reported_at: datetime
    observations: tuple[ObservationIn, ...] = ()


def action_of(report: ReportIn) -> ReportAction:
    """What the laboratory does with this report; one whose every finding is deleted is withdrawn."""
    action = ACTION_OF_STATUS[report.status]
    is_emptied = bool(report.observations) and all(row.status == DELETED for row in report.observations)
    return ReportAction.WITHDRAW if is_emptied else action


def standing(report: ReportIn) -> tuple[ObservationIn, ...]:
    """The findings that are not deleted."""
    return tuple(row for row in report.observations if row.status != DELETED)


def check(report: ReportIn) -> None:
    """Passes when the report can be filed; refuses `bad_report` with the first `place` that is wrong."""
    for place, is_good in _checks(report):
        if not is_good:
            raise BadReport(place=place)


def _checks(report: ReportIn) -> Iterator[tuple[str, bool]]:
    yield "status", report.status in ACTION_OF_STATUS
    yield "filler_number", is_text(report.filler_number, 64) and bool(report.filler_number.strip())
    yield "code", is_text(report.code, 40)
    yield "name", is_text(report.name, 120) and bool(report.name.strip())
    yield "reported_at", report.reported_at.tzinfo is not None
    yield "observations", len(report.observations) <= MOST_OBSERVATIONS
    for seq, row in enumerate(report.observations, start=1):
        for name, at_most in LENGTHS.items():
            yield f"observation {seq}: {name}", is_text(getattr(row, name), at_most)


def is_text(text: str, at_most: int) -> bool:
    """True for text within its length and without control characters other than blanks and line ends."""
    bad = {"Cc", "Cs"}
    return len(text) <= at_most and not any(unicodedata.category(char) in bad and char not in _BLANKS for char in text)
