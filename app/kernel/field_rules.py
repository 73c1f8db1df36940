"""What is agreed with one system about a field of its messages, in one line: `ORM^O01 PV1-19 R error`."""

from __future__ import annotations

import re
from dataclasses import dataclass

USAGES = ("R", "RE", "O", "C", "X")
"""HL7 v2.5.1 section 2.12.6.2: required, required but may be empty, optional, conditional, not supported."""

SEVERITIES = ("error", "warning", "ignore")
"""What a fault of the field leads to: refused (AE) with its place, taken and noted, or nothing."""

_LINE = re.compile(
    r"(?:([A-Z]{3}(?:\^[A-Z][A-Z0-9]{2})?) +)?([A-Z][A-Z0-9]{2})-([1-9]\d{0,2})((?: +[A-Za-z]+){1,2})", re.ASCII
)


@dataclass(frozen=True)
class FieldRule:
    """A field of the messages of one type (`ORM^O01`, `ORM`; '' of all): its usage and severity, '' as usual."""

    kind: str
    segment: str
    field: int
    usage: str = ""
    severity: str = ""

    def holds_for(self, message_type: str, event: str) -> bool:
        """True when the rule is about messages of this type and event."""
        return self.kind in ("", message_type, f"{message_type}^{event}")


def read_rule(line: str) -> FieldRule | None:
    """The rule in a line; None when it says none."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        return None
    said = found[4].split()
    usages = [word.upper() for word in said if word.upper() in USAGES]
    severities = [word.lower() for word in said if word.lower() in SEVERITIES]
    if len(usages) + len(severities) != len(said) or len(usages) > 1 or len(severities) > 1:
        return None
    return FieldRule(found[1] or "", found[2], int(found[3]), "".join(usages), "".join(severities))
