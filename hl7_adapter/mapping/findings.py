"""The findings of a report or document: each OBX with what people read of it, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.kernel.code_tables import Codes
from app.kernel.errors import VisitError
from app.reports.errors import BadReport
from app.reports.rules import LENGTHS, MOST_OBSERVATIONS, ObservationIn
from hl7_adapter.er7 import NULL, Repetition, Segment
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import MessageRefused, at, from_visit, refuse

_ABOUT = {"OBR-25": "status"}
_TOO_MANY = f"more than {MOST_OBSERVATIONS} findings (OBX) in one report; give each part a number of its own in OBR-3"
_FIELDS = {"code": 3, "name": 3, "value": 5, "unit": 6, "reference_range": 7, "flag": 8}


@dataclass(frozen=True)
class Finding:
    """One OBX, and which OBX of the message it is."""

    told: ObservationIn
    occurrence: int


def findings(part: Reader) -> list[Finding]:
    """The findings of the part, in order."""
    start = part.occurrences.get("OBX", 1)
    return [_finding(part.codes, segment, start + place) for place, segment in enumerate(part.group.segments("OBX"))]


def _finding(codes: Codes, obx: Segment, occurrence: int) -> Finding:
    flag = obx.get("8.1").strip()
    told = ObservationIn(
        code=code_in(obx.get("3.1")),
        name=name_in(obx.get("3.2") or obx.get("3.5") or obx.get("3.1")),
        value="\n".join(text for rep in obx.reps(5) if (text := _value(obx.get("2").strip().upper(), rep))),
        unit=_unit(obx),
        reference_range=obx.get("7").strip(),
        flag="" if flag == NULL else codes.ours("abnormal_flag", flag) or flag,
        status=obx.get("11").strip().upper() or "F",
    )
    return Finding(told, occurrence)


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


def code_in(written: str) -> str:
    """A code of a test; what is longer than any is words in the code's place, and no code."""
    code = written.strip()
    return code if len(code) <= LENGTHS["code"] else ""


def name_in(written: str) -> str:
    """The name of a test or document as far as it is shown: the longest names of LOINC are cut short."""
    name, most = written.strip(), LENGTHS["name"]
    return name if len(name) <= most else f"{name[: most - 1]}…"


def refused(
    refusal: VisitError, first: Reader, told: list[Finding], places: Mapping[str, str], otherwise: str
) -> MessageRefused:
    """The refusal at its place: a `bad_report` names a field of the report (`places`) or of one of its findings."""
    if not isinstance(refusal, BadReport):
        told_so = from_visit(refusal)
        place = places[_ABOUT.get(told_so.fault.location, "filler_number")]
        return MessageRefused(told_so.code, replace(told_so.fault, location=first.place(place)))
    named = str(refusal.facts.get("place", ""))
    start, _, field = named.partition(": ")
    if field:
        occurrence = told[int(start.removeprefix("observation ")) - 1].occurrence
        words = f"more than {LENGTHS[field]} characters, or a control character in it"
        if field == "flag":
            words = f"a flag of {words}, and in no table; agree on the sender's codes in the console"
        return refuse(refusal.code, 102, at("OBX", occurrence, str(_FIELDS[field])), words)
    words = _TOO_MANY if named == "observations" else f"{named} cannot be filed as it is"
    return refuse(refusal.code, 102, first.place(places.get(named, otherwise)), words)
