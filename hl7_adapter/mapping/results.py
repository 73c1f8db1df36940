"""Reports as laboratories send them: ORU^R01 becomes reports on file, one for each report number in the message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from app.reports import service as reports
from app.reports.errors import BadReport
from app.reports.rules import ObservationIn, ReportIn
from hl7_adapter.er7 import NULL, Message, Repetition, Segment
from hl7_adapter.mapping.patients import patient_of
from hl7_adapter.mapping.reading import Reader, readers
from hl7_adapter.mapping.refusals import MessageRefused, at, from_visit, refuse

# HL7 table 0123. A status that stands for no result yet (O, I, S …) is not in it.
_STATUSES = {"P": "P", "A": "P", "R": "P", "F": "F", "C": "C", "X": "X", "D": "D"}
_FLAGS = {"↑": "H", "↓": "L", NULL: ""}
_FIELDS = {"code": 3, "name": 3, "value": 5, "unit": 6, "reference_range": 7, "flag": 8}
_PLACES = {"status": "OBR-25", "filler_number": "OBR-3", "code": "OBR-4", "name": "OBR-4", "reported_at": "OBR-22"}


@dataclass(frozen=True)
class _Finding:
    """One OBX, and which OBX of the message it is."""

    told: ObservationIn
    occurrence: int


def receive_reports(uow: Uow, message: Message, peer: str) -> str | None:
    """Each report in the message (OBR groups with one number) is on file as told; gives the public ids.

    None, and no effect, when the message tells of no result yet.
    """
    groups = readers(message, "OBR")
    if not groups:
        raise refuse("field_missing", 101, "OBR-3", "a report begins with OBR")
    patient_id = patient_of(uow, message).id
    by_number: dict[str, list[Reader]] = {}
    for group in groups:
        if _status(group) in _STATUSES:
            number = group.first_text("OBR-3.1", at_most=64) or _number_before(message, group)
            by_number.setdefault(number, []).append(group)
    filed = []
    for number, parts in by_number.items():
        findings = [finding for part in parts for finding in _findings(part)]
        told = _report(Reader(message), parts[0], (number, patient_id), _reported_at(uow, message, parts[0]), findings)
        try:
            filed.append(reports.receive_from_his(uow, report=told, peer=peer).public_id)
        except VisitError as refusal:
            raise _refused(refusal, parts[0], findings) from refusal
    return " ".join(filed) or None


def _status(group: Reader) -> str:
    """OBR-25, or where that is empty (common before v2.5) the status of the first finding, or final."""
    return (group.first_text("OBR-25", "OBX-11") or "F").upper()


def _number_before(message: Message, group: Reader) -> str:
    """The report's number when OBR-3 is empty: ORC-3, else the order's own number in OBR-2."""
    number = Reader(message).text("ORC-3.1", at_most=64) if len(message.segments("OBR")) == 1 else ""
    return number or group.needed("OBR-2.1", at_most=64)


def _report(
    whole: Reader, first: Reader, key: tuple[str, int], reported_at: datetime, findings: list[_Finding]
) -> ReportIn:
    number, patient_id = key
    return ReportIn(
        filler_number=number,
        patient_id=patient_id,
        visit_number=whole.text("PV1-19.1", at_most=20) or None,
        code=first.text("OBR-4.1", at_most=40),
        name=first.needed("OBR-4.2", "OBR-4.5", "OBR-4.1", at_most=120),
        status=_STATUSES[_status(first)],
        reported_at=reported_at,
        observations=tuple(finding.told for finding in findings),
    )


def _reported_at(uow: Uow, message: Message, first: Reader) -> datetime:
    return (
        first.instant("OBR-22.1", uow.zone)
        or first.instant("OBR-7.1", uow.zone)
        or Reader(message).instant("MSH-7.1", uow.zone)
        or uow.now()
    )


def _findings(part: Reader) -> list[_Finding]:
    start = part.occurrences.get("OBX", 1)
    return [_finding(segment, start + place) for place, segment in enumerate(part.group.segments("OBX"))]


def _finding(obx: Segment, occurrence: int) -> _Finding:
    flag = obx.get("8").strip()
    told = ObservationIn(
        code=obx.get("3.1").strip(),
        name=(obx.get("3.2") or obx.get("3.5") or obx.get("3.1")).strip(),
        value="\n".join(text for rep in obx.reps(5) if (text := _value(obx.get("2").strip().upper(), rep))),
        unit=_unit(obx),
        reference_range=obx.get("7").strip(),
        flag=_FLAGS.get(flag, flag),
        status=obx.get("11").strip().upper() or "F",
    )
    return _Finding(told, occurrence)


def _unit(obx: Segment) -> str:
    """OBX-6; `10^9/L` is a unit that senders write without escaping its delimiter."""
    written = obx.get("6").strip()
    return written if written.startswith("10^") else (obx.get("6.1") or obx.get("6.2")).strip()


def _value(kind: str, rep: Repetition) -> str:
    """OBX-5 as people read it: a code's words, a comparison without its delimiters; of a document only its kind."""
    if rep.raw == NULL:
        return ""
    if kind in ("CE", "CWE", "CNE", "CF"):
        return (rep.get(2) or rep.get(1)).strip()
    if kind == "SN":
        return "".join(rep.get(component).strip() for component in (1, 2, 3, 4))
    if kind in ("ED", "RP"):
        return f"[{rep.get(3) or rep.get(2) or kind}]"
    return rep.text.strip()


def _refused(refusal: VisitError, first: Reader, findings: list[_Finding]) -> MessageRefused:
    """The refusal at its place: a `bad_report` names a field of the report or of one of its observations."""
    if not isinstance(refusal, BadReport):
        return from_visit(refusal)
    named = str(refusal.facts.get("place", ""))
    start, _, field = named.partition(": ")
    if field:
        occurrence = findings[int(start.removeprefix("observation ")) - 1].occurrence
        return refuse(refusal.code, 102, at("OBX", occurrence, str(_FIELDS[field])), "not text of an allowed length")
    return refuse(refusal.code, 102, first.place(_PLACES.get(named, "OBR-4")), f"{named} cannot be filed as it is")
