"""Reports as laboratories send them: ORU^R01, OUL^R22 and R24, one report for each report number in the message."""

from __future__ import annotations

from datetime import datetime

from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from app.reports import service as reports
from app.reports.rules import ReportIn
from hl7_adapter.er7 import Group, Message
from hl7_adapter.mapping.findings import Finding, code_in, findings, name_in, refused
from hl7_adapter.mapping.patients import person_of
from hl7_adapter.mapping.reading import Reader, readers
from hl7_adapter.mapping.refusals import refuse

MOST_REPORTS = 500
_PLACES = {"status": "OBR-25", "filler_number": "OBR-3", "code": "OBR-4", "name": "OBR-4", "reported_at": "OBR-22"}


def receive_reports(uow: Uow, message: Message, peer: str) -> str | None:
    """Each report in the message (OBR groups with one number) is on file as told; gives the public ids.

    A message may tell of several patients, each with PID before their reports. None, and no effect, when it tells of
    no result yet.
    """
    if "OBR" not in message:
        raise refuse("field_missing", 101, "OBR-3", "a report begins with OBR")
    if len(message.segments("OBR")) > MOST_REPORTS:
        words = f"more than {MOST_REPORTS} in one message; send several messages"
        raise refuse("too_many_reports", 102, f"OBR[{MOST_REPORTS + 1}]-3", words)
    people = readers(message, "PID") if len(message.segments("PID")) > 1 else [Reader(message)]
    filed = [public_id for person in people for public_id in _of_one(uow, message, person, peer)]
    return " ".join(filed) or None


def _of_one(uow: Uow, message: Message, person: Reader, peer: str) -> list[str]:
    patient_id = person_of(uow, person).id
    groups = person.parts("OBR")
    first = next((segment.name for segment in person.group if segment.name in ("ORC", "OBR")), "")
    # Most senders write ORC before its OBR, and then it is clear which is meant when there is one; OUL has it behind.
    whose = person if first == "ORC" and len(groups) == 1 else None
    by_number: dict[str, list[Reader]] = {}
    for group in groups:
        if _status(group):
            by_number.setdefault(_number(group, whose or (group if first == "OBR" else None)), []).append(group)
    filed = []
    for number, parts in by_number.items():
        told = [finding for part in parts for finding in findings(_before_next_specimen(message, part))]
        reported_at = _with_head(message, parts[0]).past_instant(uow, "OBR-22.1", "OBR-7.1", "MSH-7.1")
        report = _report(person, parts[0], (number, patient_id), reported_at, told)
        try:
            filed.append(reports.receive_from_his(uow, report=report, peer=peer).public_id)
        except VisitError as refusal:
            raise refused(refusal, parts[0], told, _PLACES, "OBR-4") from refusal
    return filed


def _status(group: Reader) -> str:
    """OBR-25, or where that is empty (common before v2.5) the first finding's, or final; '' for no result."""
    return group.codes.ours("report_status", group.first_text("OBR-25", "OBX-11") or "F") or ""


def _number(group: Reader, order: Reader | None) -> str:
    """The report's number: OBR-3, or ORC-3 of its `order` where that is clear, or the order's own in OBR-2."""
    number = group.text("OBR-3.1", at_most=64) or (order.text("ORC-3.1", at_most=64) if order else "")
    number = number or group.text("OBR-2.1", at_most=64)
    if not number:
        words = "the report needs its number here (or in ORC-3, or the order's in OBR-2): a correction finds it by that"
        raise refuse("field_missing", 101, group.place("OBR-3"), words)
    return number


def _before_next_specimen(message: Message, part: Reader) -> Reader:
    """In OUL^R22 a specimen stands before its orders, so what follows the next SPM is not of this one."""
    if message.get("MSH-9.2") != "R22" or "SPM" not in part.group:
        return part
    return part.before("SPM")


def _report(whole: Reader, first: Reader, key: tuple[str, int], reported_at: datetime, told: list[Finding]) -> ReportIn:
    number, patient_id = key
    return ReportIn(
        filler_number=number,
        patient_id=patient_id,
        visit_number=whole.visit_number(),
        code=code_in(first.text("OBR-4.1", at_most=1000)),
        name=name_in(first.needed("OBR-4.2", "OBR-4.5", "OBR-4.1", at_most=1000)),
        status=_status(first),
        reported_at=reported_at,
        observations=tuple(finding.told for finding in told),
    )


def _with_head(message: Message, part: Reader) -> Reader:
    """The part with the message's own MSH before it."""
    headed = Reader(Group([*message.segments("MSH"), *part.group]))
    headed.occurrences, headed.codes = part.occurrences, part.codes
    return headed
