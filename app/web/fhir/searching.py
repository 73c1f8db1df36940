"""What a search asks for: its parameters read and checked, and the cursor that leads to its next page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta

from werkzeug.datastructures import MultiDict

from app.kernel.crypto import CannotOpen, Keyring
from app.kernel.errors import BadInput

USUAL_COUNT, MOST_COUNT = 20, 100
PUBLIC_ID = re.compile(r"[0-9a-z]{26}", re.ASCII)
_DAY = re.compile(r"(eq|ge|le|gt|lt)?(20\d\d-\d\d-\d\d)", re.ASCII)
_NEVER_IN_ADDRESSES = {"identifier"}
_FORMATS = {"json", "application/json", "application/fhir+json"}


@dataclass(frozen=True)
class Asked:
    """A search's parameters by name, each given once (`date` up to twice), after which key, and how many at most."""

    params: dict[str, list[str]]
    after: int = 0
    count: int = USUAL_COUNT

    def one(self, name: str) -> str:
        """The parameter's value, '' when it was not given."""
        return next(iter(self.params.get(name, [])), "")

    def reference(self, name: str, kind: str) -> str:
        """The public id that the reference names, with or without its kind; '' when it was not given."""
        value = self.one(name).removeprefix(f"{kind}/")
        if value and not PUBLIC_ID.fullmatch(value):
            raise BadInput(fields={name: "not_a_reference"})
        return value

    def days(self, name: str) -> tuple[date | None, date | None]:
        """The first and the last day that fit, either None without a bound; days only, as the visit counts."""
        first: date | None = None
        last: date | None = None
        for value in self.params.get(name, []):
            prefix, day = _day(name, value)
            if prefix in {"eq", "ge", "gt"}:
                first = day + timedelta(days=prefix == "gt")
            if prefix in {"eq", "le", "lt"}:
                last = day - timedelta(days=prefix == "lt")
        return first, last

    def identifier(self) -> tuple[str, str]:
        """System and value of `identifier`; both are needed, since numbers of two systems may be equal."""
        system, _, value = self.one("identifier").rpartition("|")
        if not system or not value or not value.isprintable() or len(value) > 80:
            raise BadInput(fields={"identifier": "needs_system_and_value"})
        return system, value

    def for_address(self) -> dict[str, str]:
        """The parameters that may stand in an address."""
        shown = {name: ",".join(values) for name, values in self.params.items() if name not in _NEVER_IN_ADDRESSES}
        return shown | {"_count": str(self.count)}


def _day(name: str, value: str) -> tuple[str, date]:
    read = _DAY.fullmatch(value)
    try:
        return (read[1] or "eq", date.fromisoformat(read[2])) if read else _no_day(name)
    except ValueError:
        return _no_day(name)


def _no_day(name: str) -> tuple[str, date]:
    raise BadInput(fields={name: "not_a_day"})


def read(query: MultiDict[str, str], form: MultiDict[str, str], known: frozenset[str]) -> Asked:
    """The search that was sent; what is not known is refused, since a filter left out would show too much.

    An identifier of a person belongs into the body of POST _search: addresses are written down on their way.
    """
    if _NEVER_IN_ADDRESSES & set(query):
        raise BadInput(fields={"identifier": "use_post_search"})
    params = {name: [*query.getlist(name), *form.getlist(name)] for name in {*query, *form}}
    count = _count(params.pop("_count", []))
    if not set(params.pop("_format", ["json"])) <= _FORMATS:
        raise BadInput(fields={"_format": "json_only"})
    for name, values in params.items():
        if name not in known:
            raise BadInput(fields={name: "unknown_parameter"})
        if len(values) > (2 if name in {"date", "start"} else 1):
            raise BadInput(fields={name: "given_twice"})
    return Asked(params, 0, count)


def _count(values: list[str]) -> int:
    value = values[-1] if values else str(USUAL_COUNT)
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise BadInput(fields={"_count": "not_a_number"})
    return min(max(int(value), 1), MOST_COUNT)


def write_cursor(keys: Keyring, place: str, asked: Asked, after: int) -> str:
    """Where the next page begins, sealed for `place` (the kind and the client), so that nobody reads or alters it."""
    kept = {name: values for name, values in asked.params.items() if name not in _NEVER_IN_ADDRESSES}
    return keys.seal(json.dumps([kept, after, asked.count]), f"fhir.cursor:{place}")


def read_cursor(keys: Keyring, place: str, cursor: str) -> Asked:
    """The search that the cursor goes on with; refuses `bad_input` for one that was altered or is for another."""
    try:
        params, after, count = json.loads(keys.open(cursor, f"fhir.cursor:{place}"))
    except (CannotOpen, ValueError) as error:
        raise BadInput(fields={"_cursor": "not_valid"}) from error
    return Asked(params, after, count)
