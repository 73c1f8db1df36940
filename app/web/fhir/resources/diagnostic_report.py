"""A test's report as FHIR DiagnosticReport, its findings contained as Observations."""

from __future__ import annotations

import re

from app.reports.exchange import FullReport
from app.reports.rules import ObservationIn
from app.reports.states import ReportState
from app.web.fhir.resources.parts import Here, Json, concept, to_patient, without_empty

STATUS = {
    ReportState.PRELIMINARY: "preliminary",
    ReportState.FINAL: "final",
    ReportState.CORRECTED: "corrected",
    ReportState.WITHDRAWN: "entered-in-error",
}
INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
KNOWN_FLAGS = {"H", "HH", "L", "LL", "N", "A", "AA", "HU", "LU"}
_NUMBER = re.compile(r"(<=|>=|<|>)?\s*(-?\d{1,9}(?:\.\d{1,6})?)", re.ASCII)


def diagnostic_report(full: FullReport, here: Here) -> Json:
    """The resource; a withdrawn report is entered in error and says nothing else of its findings."""
    row = full.report
    subject = to_patient(full.patient.public_id, full.patient.name_masked)
    findings = [
        _observation(finding, number, STATUS[row.state], subject, here)
        for number, finding in enumerate(full.findings, start=1)
    ]
    return without_empty(
        {
            "resourceType": "DiagnosticReport",
            "id": row.public_id,
            "meta": {"versionId": str(row.version)},
            "contained": findings,
            "identifier": [{"system": here.system("report"), "value": row.filler_number}],
            "status": STATUS[row.state],
            "code": concept(row.name, (here.system("test"), row.code)) if row.code else concept(row.name),
            "subject": subject,
            "issued": here.instant(row.reported_at),
            "result": [{"reference": f"#{finding['id']}"} for finding in findings],
        }
    )


def _observation(finding: ObservationIn, number: int, status: str, subject: Json, here: Here) -> Json:
    coding = [(here.system("test"), finding.code)] if finding.code else []
    return without_empty(
        {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": status,
            "code": concept(finding.name or finding.code, *coding),
            "subject": subject,
            "interpretation": _interpretation(finding.flag),
            "referenceRange": [{"text": finding.reference_range}] if finding.reference_range else [],
        }
        | _value(finding)
    )


def _value(finding: ObservationIn) -> Json:
    """A quantity where the value is a plain number, else the words as they were sent."""
    number = _NUMBER.fullmatch(finding.value.strip())
    if number is None:
        return {"valueString": f"{finding.value} {finding.unit}".strip()}
    quantity = {"value": float(number[2]), "comparator": number[1], "unit": finding.unit}
    return {"valueQuantity": without_empty(quantity)}


def _interpretation(flag: str) -> list[Json]:
    if not flag:
        return []
    return [concept(flag, (INTERPRETATIONS, flag)) if flag in KNOWN_FLAGS else concept(flag)]
