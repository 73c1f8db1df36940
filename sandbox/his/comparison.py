"""Two ledgers of one day side by side: the hospital system's own and the application's, visit by visit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.his.ledger import Facts, Told, Visit, facts_of

# What is left out where it is nothing: nobody tells of money that was not paid.
_ZERO = 0


@dataclass(frozen=True)
class Difference:
    """One field of one visit on which the ledgers do not agree; None where one of them has no such field."""

    visit: str
    field: str
    hospital: str | int | None
    application: str | int | None

    def __str__(self) -> str:
        return f"{self.visit}  {self.field}: hospital {self.hospital!r}, application {self.application!r}"


def differences(visits: Iterable[Visit], told: Iterable[Told], exported: Mapping[str, Any]) -> list[Difference]:
    """Where the hospital's visits and what it was told do not agree with the application's export.

    A visit is found by any of its numbers. Visits of the day's patients that only one side knows are differences, and
    so is what the hospital was told although it wanted something else.
    """
    own = list(visits)
    by_number = {number: entry for entry in exported["visits"] for number in entry["numbers"]}
    told_of = _by_visit(own, told)
    seen: set[int] = set()
    found: list[Difference] = []
    for visit in own:
        facts = facts_of(visit, told_of.pop(visit.key, []))
        found += _between(visit.key, visit.wanted, facts, "as planned: ", set(visit.wanted))
        entry = next((by_number[number] for number in visit.numbers if number in by_number), None)
        if entry is None:
            found.append(Difference(visit.key, "visit", visit.state, None))
            continue
        seen.add(id(entry))
        found += _between(visit.key, facts, entry["facts"], "", set(facts) | set(entry["facts"]))
    patients = {visit.mrn for visit in own} | {visit.former_mrn for visit in own if visit.former_mrn}
    found += [
        Difference(entry["numbers"][0], "visit", None, str(entry["facts"]["state"]))
        for entry in exported["visits"]
        if id(entry) not in seen and entry["facts"]["patient"] in patients
    ]
    return found + _strays(told_of, patients)


def _between(key: str, hospital: Facts, other: Facts, prefix: str, fields: set[str]) -> Iterator[Difference]:
    for name in sorted(fields):
        one, two = hospital.get(name) or _ZERO, other.get(name) or _ZERO
        if one != two:
            yield Difference(key, prefix + name, hospital.get(name), other.get(name))


def _by_visit(visits: list[Visit], told: Iterable[Told]) -> dict[str, list[Told]]:
    """What was told of each visit; what names no visit we know stands under the number it names."""
    keys = {number: visit.key for visit in visits for number in visit.numbers}
    grouped: dict[str, list[Told]] = {}
    for each in told:
        grouped.setdefault(keys.get(each.visit_number, f"?{each.mrn} {each.visit_number}"), []).append(each)
    return grouped


def _strays(told_of: Mapping[str, list[Told]], patients: set[str]) -> list[Difference]:
    """Messages about the day's patients that belong to none of their visits."""
    return [
        Difference(key.removeprefix("?"), f"told {each.kind}", each.control_id, None)
        for key, several in told_of.items()
        for each in several
        if each.mrn in patients
    ]
