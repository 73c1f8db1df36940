"""Says where a message departs from its profile, and what that leads to: refused, noted, or nothing.

What an effect cannot do without is refused by the mapping, with the words that fit. Here stands what is asked beside
that: by the profile as a note, by what was agreed with the sender as it was agreed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from app.kernel.code_tables import Codes
from app.kernel.field_rules import FieldRule, read_rule
from app.kernel.usual_codes import USUAL
from hl7_adapter.er7 import NULL, Message, Repetition, Segment
from hl7_adapter.profiles.tables import FieldProfile, MessageProfile, profile_for

CODES = {
    "field_missing": 101,
    "segment_missing": 100,
    "field_not_expected": 103,
    "field_too_long": 102,
    "type_not_valid": 102,
    "code_not_valid": 103,
    "too_many_repetitions": 102,
    "too_many_segments": 100,
}
"""Each kind of departure with its code of HL7 table 0357."""

ERROR, WARNING, IGNORE = "error", "warning", "ignore"
SEGMENTS_LOOKED_AT = 200
_TIME = re.compile(r"\d{4}(\d\d(\d\d(\d\d(\d\d(\d\d(\.\d{1,4})?)?)?)?)?)?([+-]\d{4})?", re.ASCII)
_TYPES: dict[str, re.Pattern[str]] = {
    "TS": _TIME,
    "DTM": _TIME,
    "DT": re.compile(r"\d{4}(\d\d(\d\d)?)?", re.ASCII),
    "NM": re.compile(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+", re.ASCII),
    "SI": re.compile(r"\d{1,4}", re.ASCII),
}

# The tables whose code decides whether a message of these types has an effect.
_DECIDES_ON = {
    "order_control": ("OMP", "RDE", "ORM"),
    "report_status": ("ORU", "OUL"),
    "appointment_status": ("SIU",),
}


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that is not as the profile says: `code`, `place` in the message, severity, words.

    `is_agreed` says that it was agreed with the sender, not only written in the profile.
    """

    code: str
    place: str
    severity: str
    words: str
    is_agreed: bool


@dataclass(frozen=True, slots=True)
class _Check:
    """What is asked of one field: of a message's own profile, changed by what was agreed."""

    field: FieldProfile
    usage: str
    severity: str
    is_agreed: bool
    is_required_segment: bool

    def departure(self, code: str, place: str, words: str) -> Departure:
        is_presence = code in ("field_missing", "field_not_expected")
        severity = self.severity if is_presence or self.is_agreed or self.severity == IGNORE else WARNING
        return Departure(code, place, severity, words, self.is_agreed)


Agreed = tuple[Iterable[str], Codes]
"""The lines agreed with a sender about fields, and what its codes mean."""


def departures(message: Message, kind: tuple[str, str], version: str, agreed: Agreed) -> Iterator[Departure]:
    """Where the message (`kind` is its type and event) is not as its profile and what was `agreed` say, in order.

    A type without a profile is looked at by the rules alone.
    """
    profile = profile_for("^".join(kind))
    rules, codes = agreed
    checks = _checks(kind, version, tuple(rules))
    for name, asked in checks.items():
        found = message.segments(name)
        if not found:
            yield from _of_missing(asked)
        for number, segment in enumerate(found[:SEGMENTS_LOOKED_AT], start=1):
            at = name if number == 1 else f"{name}[{number}]"
            for check in asked:
                yield from _of_field(check, segment, f"{at}-{check.field.number}", codes)
    if profile is not None:
        yield from _of_structure(profile, message)


@lru_cache(maxsize=512)
def _checks(kind: tuple[str, str], version: str, rules: tuple[str, ...]) -> dict[str, list[_Check]]:
    profile = profile_for("^".join(kind))
    agreed = [rule for rule in map(read_rule, rules) if rule is not None and rule.holds_for(*kind)]
    by_place = {(rule.segment, rule.field): rule for rule in agreed}
    found: dict[str, list[_Check]] = {}
    for use in profile.uses if profile else ():
        for field in profile.fields[use.name] if profile else ():
            rule = by_place.pop((field.segment, field.number), None)
            check = _check(field, rule, is_required=use.least > 0)
            if field.is_read_in(version) and (rule or check.severity != IGNORE):
                found.setdefault(use.name, []).append(check)
    for rule in by_place.values():
        plain = FieldProfile(rule.segment, rule.field, "", "*", 0, "0..*", "O", IGNORE, "", "", "")
        found.setdefault(rule.segment, []).append(_check(plain, rule, is_required=False))
    return found


def _check(field: FieldProfile, rule: FieldRule | None, *, is_required: bool) -> _Check:
    if rule is None:
        return _Check(field, field.usage, field.severity, False, is_required)
    severity = rule.severity or (ERROR if rule.usage in ("R", "X") else field.severity)
    return _Check(field, rule.usage or field.usage, severity, True, is_required or bool(rule.kind))


def _of_missing(asked: list[_Check]) -> Iterator[Departure]:
    """A required field of a segment that is not there at all."""
    for check in asked:
        if check.usage == "R" and check.severity != IGNORE and check.is_required_segment:
            yield check.departure("field_missing", check.field.place, "the segment is missing, and this field of it")


def _of_field(check: _Check, segment: Segment, place: str, codes: Codes) -> Iterator[Departure]:
    if check.severity == IGNORE:
        return
    written = segment.written(check.field.number)
    if not written or written.isspace():
        if check.usage == "R":
            yield check.departure("field_missing", place, "required, and empty")
        return
    if check.usage == "X":
        yield check.departure("field_not_expected", place, "agreed to stay empty")
        return
    if check.field.number > 2 or segment.name != "MSH":
        yield from _of_value(check, segment, place, codes)


def _of_value(check: _Check, segment: Segment, place: str, codes: Codes) -> Iterator[Departure]:
    repetitions = segment.numbered_reps(check.field.number)
    most = check.field.most_times
    if most is not None and len(repetitions) > most:
        yield check.departure("too_many_repetitions", place, f"{len(repetitions)} where {most} is the most")
        repetitions = repetitions[:most]
    for number, repetition in repetitions:
        at = place if number == 1 else f"{place}[{number}]"
        for code, words in _faults(check.field, repetition, codes):
            yield check.departure(code, at, words)


def _faults(field: FieldProfile, repetition: Repetition, codes: Codes) -> Iterator[tuple[str, str]]:
    value = repetition.get(1).strip()
    if value in ("", NULL):
        return
    if field.most_chars and len(value) > field.most_chars and not _is_known(field, value, codes):
        yield "field_too_long", f"{len(value)} characters where {field.most_chars} is the most"
    pattern = _TYPES.get(field.data_type)
    if pattern is not None and not pattern.fullmatch(value):
        yield "type_not_valid", f"not a value of type {field.data_type}"
    is_closed = bool(field.table) and USUAL[field.table].is_closed
    if is_closed and codes.ours(field.table, value) is None:
        yield "code_not_valid", f"in no table {field.table}; add it to the hospital's or the sender's codes"


def _is_known(field: FieldProfile, value: str, codes: Codes) -> bool:
    """True of a code that a table has, however long its sender writes it."""
    return bool(field.table) and codes.ours(field.table, value) is not None


def silencing(message: Message, kind: tuple[str, str], codes: Codes) -> Iterator[str]:
    """The places of the codes that no table has, for which a message of this kind is filed without effect."""
    profile = profile_for("^".join(kind))
    if profile is None:
        return
    for use in profile.uses:
        fields = [each for each in profile.fields[use.name] if kind[0] in _DECIDES_ON.get(each.table, ())]
        for number, segment in enumerate(message.segments(use.name)[:SEGMENTS_LOOKED_AT] if fields else (), start=1):
            at = use.name if number == 1 else f"{use.name}[{number}]"
            for field in fields:
                value = segment.get(f"{field.number}.1").strip()
                if value and codes.ours(field.table, value) is None:
                    yield f"{at}-{field.number}"


def _of_structure(profile: MessageProfile, message: Message) -> Iterator[Departure]:
    for use in profile.uses:
        count = len(message.segments(use.name))
        if count < use.least:
            yield Departure("segment_missing", use.name, WARNING, "this message usually has it", False)
        elif use.most is not None and count > use.most:
            words = f"{count} where {use.most} is the most"
            yield Departure("too_many_segments", f"{use.name}[{use.most + 1}]", WARNING, words, False)
