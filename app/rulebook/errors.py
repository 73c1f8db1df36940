"""How the rulebook says no."""

from __future__ import annotations

from app.kernel.errors import BadInput, Refused


class BadRules(BadInput):
    """A rule is out of its range or unknown; `facts['fields']` maps each field to a stable code."""

    code = "bad_rules"


class RuleContradicts(BadInput):
    """Rules that cannot hold together; `facts['fields']` maps the field to change to why, `where` names the scope."""

    code = "rule_contradicts"


class RuleStartsInPast(Refused):
    """A version cannot be in force before it is written; facts: `valid_from_at`."""

    code = "rule_starts_in_past"


class RuleUnchanged(Refused):
    """The new version says what the one in force says already."""

    code = "rule_unchanged"


class RuleChanged(Refused):
    """Somebody else wrote a version meanwhile; look at it before writing the next."""

    code = "rule_changed"
