"""Where a value stands in a message, in the words of the standard: `PID-3[2].1`, `OBX[2]-5`, `3.4.2`."""

import re
from dataclasses import dataclass
from functools import lru_cache

_FIELD = r"(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?"
_FIELD_PATH = re.compile(_FIELD)
_MESSAGE_PATH = re.compile(rf"([A-Z][A-Z0-9]{{2}})(?:\[(\d+)\])?(?:-{_FIELD})?")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a message; all numbers count from 1, and 0 means that the path stops above that level.

    `segment` is empty in a path inside one segment, `occurrence` says which of the segments of that name.
    """

    segment: str
    occurrence: int
    field: int
    repetition: int
    component: int
    subcomponent: int


@lru_cache(maxsize=1024)
def field_place(path: str) -> Place:
    """The place that `3`, `3[2]`, `3.1` or `3[2].1.2` names inside a segment; raises ValueError on another shape."""
    found = _FIELD_PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"not a path inside a segment: {path!r}")
    return _place("", None, found.groups())


@lru_cache(maxsize=1024)
def message_place(path: str) -> Place:
    """The place that `PID-3[2].1`, `OBX[2]-5` or `PID` names in a message; raises ValueError on another shape."""
    found = _MESSAGE_PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"not a path in a message: {path!r}")
    name, occurrence, *rest = found.groups()
    return _place(name, occurrence, tuple(rest))


def _place(name: str, occurrence: str | None, numbers: tuple[str | None, ...]) -> Place:
    field, repetition, component, subcomponent = (int(number or 0) for number in numbers)
    return Place(name, int(occurrence or 1), field, repetition, component, subcomponent)
