"""A message for the eyes of those who run the connection: as a tree of named fields, and raw with its marks visible.

Splits the text of segments and nothing else, so a message that no parser takes can still be looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.web.staff.hl7_fields import field_name

SEGMENTS_AT_MOST = 400
FIELD_CHARS_AT_MOST = 2000
FIELDS_AT_MOST = PARTS_AT_MOST = 200
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d{1,4})\])?(?:-(\d{1,3})((?:\[\d{1,4}\])?(?:\.\d{1,3})*))?", re.ASCII)
_HEADS = ("MSH", "FHS", "BHS")


@dataclass(frozen=True)
class Marks:
    """The separators that the message declares: of fields, components, repetitions and subcomponents."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True)
class PartShown:
    """One component, or a repetition without components: where it stands in the standard's way, and its text."""

    place: str
    text: str
    is_component: bool = False
    is_marked: bool = False


@dataclass(frozen=True)
class FieldShown:
    """One field with its parts; `is_marked` where the fault is."""

    place: str
    name: str
    parts: list[PartShown]
    is_marked: bool


@dataclass(frozen=True)
class SegmentShown:
    """One segment: its fields that hold anything, and its raw text as (text, kind), kind `mark`, `fault` or ''."""

    name: str
    fields: list[FieldShown]
    raw: list[tuple[str, str]]
    is_marked: bool


def shown(text: str, fault_place: str = "") -> list[SegmentShown]:
    """The message's segments, one a line in `text`; the fault at a place such as `PID-3` or `OBX[2]-5.1` is marked."""
    lines = [line for line in text.split("\n") if line][:SEGMENTS_AT_MOST]
    marks, wanted = _marks(lines), _PLACE.fullmatch(fault_place)
    segment, occurrence = (wanted[1], int(wanted[2] or 1)) if wanted else ("", 0)
    seen: dict[str, int] = {}
    found = []
    for line in lines:
        name = line[:3]
        seen[name] = seen.get(name, 0) + 1
        is_marked = name == segment and seen[name] == occurrence
        found.append(_segment(line, marks, wanted if is_marked else None))
    return found


def _marks(lines: list[str]) -> Marks:
    head = next((line for line in lines if line.startswith(_HEADS) and len(line) > 4), "")
    if not head:
        return Marks()
    given = head[4:].partition(head[3])[0]
    usual = "^~\\&"
    return Marks(head[3], *(given[place] if place < len(given) else usual[place] for place in range(4)))


def _segment(line: str, marks: Marks, wanted: re.Match[str] | None) -> SegmentShown:
    fault, exact = (int(wanted[3] or 0), wanted[4] or "") if wanted else (0, "")
    name, *values = line.split(marks.field, FIELDS_AT_MOST)
    is_head = name in _HEADS
    if is_head:
        values = [marks.field, *values]
    shown_fields = [
        _field(name, number, value, marks, exact if number == fault else None)
        for number, value in enumerate(values, start=1)
        if value or number == fault
    ]
    if fault > len(values):
        shown_fields.append(_field(name, fault, "", marks, exact))
    return SegmentShown(name, shown_fields, _raw(name, values, marks, fault), wanted is not None)


def _field(segment: str, number: int, value: str, marks: Marks, exact: str | None) -> FieldShown:
    """The field; `exact` is the rest of the fault's place (`[2].1`, '' for the whole field), None without a fault."""
    place = f"{segment}-{number}"
    is_definition = segment in _HEADS and number < 3
    parts = [PartShown(place, _cut(value))] if is_definition else _parts(place, value, marks)
    if exact:
        at = place + exact.replace("[1]", "")
        parts = [replace(part, is_marked=part.place.replace("[1]", "") == at) for part in parts]
    return FieldShown(place, field_name(segment, number), parts, exact is not None)


def _parts(place: str, value: str, marks: Marks) -> list[PartShown]:
    repetitions = value.split(marks.repetition, PARTS_AT_MOST)
    parts = []
    for count, repetition in enumerate(repetitions, start=1):
        where = f"{place}[{count}]" if len(repetitions) > 1 else place
        components = repetition.split(marks.component, PARTS_AT_MOST)
        if len(components) == 1:
            parts.append(PartShown(where, _cut(repetition)))
        else:
            texts = enumerate(components, start=1)
            parts += [PartShown(f"{where}.{number}", _cut(text), is_component=True) for number, text in texts if text]
    return parts


def _raw(name: str, values: list[str], marks: Marks, fault: int) -> list[tuple[str, str]]:
    """The segment's text piece by piece: separators apart, the fault's field whole, and a sign where it is missing."""
    pieces = [(name, "")]
    is_head = name in _HEADS
    for number, value in enumerate(values, start=1):
        if is_head and number == 1:
            continue
        pieces.append((marks.field, "mark"))
        if number == fault:
            pieces.append((_cut(value) or "∅", "fault"))
        elif is_head and number == 2:
            pieces.append((value, "mark"))
        else:
            pieces += _pieces(_cut(value), marks)
    if fault > len(values):
        pieces.append(("∅", "fault"))
    return pieces


def _pieces(value: str, marks: Marks) -> list[tuple[str, str]]:
    signs = "".join(re.escape(sign) for sign in (marks.component, marks.repetition, marks.subcomponent))
    split = re.split(f"([{signs}])", value)
    return [(piece, "mark" if number % 2 else "") for number, piece in enumerate(split) if piece]


def _cut(value: str) -> str:
    rest = len(value) - FIELD_CHARS_AT_MOST
    return value if rest <= 0 else f"{value[:FIELD_CHARS_AT_MOST]}… (+{rest})"


def fault_in_answer(answer: str) -> str:
    """Where an answer's first ERR says that the fault is, as `PID-3`; '' when it does not say.

    ERR-2 is segment^sequence^field (v2.5 on), ERR-1 the same before.
    """
    for line in answer.split("\n"):
        if line.startswith("ERR") and len(line) > 4:
            values = line.split(line[3])
            told = next((value for value in (*values[2:3], *values[1:2]) if value), "")
            segment, sequence, field, *_ = [*told.split("^"), "", "", ""]
            number = f"[{sequence}]" if sequence.isdecimal() and sequence not in ("0", "1") else ""
            return f"{segment}{number}" + (f"-{field}" if field.isdecimal() else "")
    return ""
