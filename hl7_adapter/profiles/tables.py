"""Reads the profiles: taken.toml and sent.toml have the fields of each segment, messages.toml the messages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from app.kernel.field_rules import FieldRule, read_rule

_FOLDER = Path(__file__).parent
_TIMES = {"?": (0, 1), "*": (0, None), "+": (1, None), "": (1, 1)}
_FIELDS_IN = {"in": "taken.toml", "out": "sent.toml"}


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """One field: `most_chars` 0 and `most_times` None are without limit; `severity` is of a required one that lacks.

    `first` and `last` are the versions of HL7 between which it is read, '' without end.
    """

    segment: str
    number: int
    name: str
    data_type: str
    most_chars: int
    cardinality: str
    usage: str
    severity: str
    table: str
    versions: str
    use: str

    @property
    def place(self) -> str:
        """`PID-3`."""
        return f"{self.segment}-{self.number}"

    @property
    def most_times(self) -> int | None:
        """How many repetitions it may have at most."""
        most = self.cardinality.partition("..")[2]
        return None if most == "*" else int(most)

    def is_read_in(self, version: str) -> bool:
        """True when messages of this version (2.1 to 2.9.1) have the field."""
        first, _, last = self.versions.partition("-")
        return (not first or _number(version) >= _number(first)) and (not last or _number(version)[:2] <= _number(last))


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """A segment of a message: how often at least, and at most (None: any number)."""

    name: str
    least: int
    most: int | None

    @property
    def cardinality(self) -> str:
        """`0..1`, `1..*`."""
        return f"{self.least}..{'*' if self.most is None else self.most}"


@dataclass(frozen=True)
class MessageProfile:
    """One message, or several of one structure: its segments in order with their fields."""

    kinds: tuple[str, ...]
    structure: str
    direction: str
    uses: tuple[SegmentUse, ...]
    fields: dict[str, tuple[FieldProfile, ...]]
    does: str
    answer: str
    example: str


@cache
def profiles() -> tuple[MessageProfile, ...]:
    """Every profile, in the order of messages.toml."""
    return tuple(_profile(message) for message in _read("messages.toml")["message"])


@cache
def profile_for(kind: str, direction: str = "in") -> MessageProfile | None:
    """The profile of a message such as `ADT^A04` that is taken (`in`) or sent (`out`); None without one."""
    return next((each for each in profiles() if kind in each.kinds and each.direction == direction), None)


def _profile(message: dict[str, Any]) -> MessageProfile:
    uses = tuple(_use(word) for word in message["segments"].split())
    known = _segments(message["direction"])
    rules = [rule for line in message.get("rules", ()) if (rule := read_rule(line))]
    return MessageProfile(
        kinds=tuple(message["kinds"]),
        structure=message["structure"],
        direction=message["direction"],
        uses=uses,
        fields={use.name: tuple(_ruled(field, rules) for field in known[use.name]) for use in uses},
        does=message["does"],
        answer=message["answer"],
        example=message["example"],
    )


def _ruled(field: FieldProfile, rules: list[FieldRule]) -> FieldProfile:
    for rule in rules:
        if (rule.segment, rule.field) == (field.segment, field.number):
            return replace(field, usage=rule.usage or field.usage, severity=rule.severity or field.severity)
    return field


def _use(word: str) -> SegmentUse:
    return SegmentUse(word[:3], *_TIMES[word[3:]])


@cache
def _segments(direction: str) -> dict[str, tuple[FieldProfile, ...]]:
    rows = _read(_FIELDS_IN[direction])
    return {name: tuple(FieldProfile(name, *row) for row in fields) for name, fields in rows.items()}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


@cache
def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
