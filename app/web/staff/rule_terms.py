"""A form of rules: what was typed as a rule set's body, and a rule set as the form and the lists show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.rulebook.terms import NAMES, SHIPPED, Rules, as_body
from app.web import show, work
from app.web.staff.rule_words import BREACHES, CHOICES, FAULTS, GROUPS, HINTS, LABELS, STEPS

_YES, _NO = _l("是"), _l("否")
_LISTS = ("refund_tiers", "breach_limits", "priority_classes")
_WORDS = ("passed_steps", "expert_titles")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "refund_tiers": ("minutes_before", "refund_percent"),
    "breach_limits": ("breach", "breaches", "within_months", "suspend_months"),
    "priority_classes": ("code", "name", "proof", "from_age_years"),
}
_TEXTS = frozenset({"breach", "code", "name", "proof"})


def typed_body() -> dict[str, Any]:
    """The body that the form says; what is no rule at all stands there as a value no rule can have."""
    return {name: _read(name) for name in NAMES}


def _read(name: str) -> object:
    if name in _LISTS:
        return [_row(name, line) for line in work.typed(name, 4000).splitlines() if line.strip()]
    text = work.typed(name, 400)
    if name in _WORDS:
        return text.split()
    shipped = getattr(SHIPPED, name)
    if isinstance(shipped, bool):
        return text == "yes"
    return _number(text) if isinstance(shipped, int) else text


def _number(text: str) -> int:
    found = work.whole(text)
    return -1 if found is None else found


def _row(name: str, line: str) -> dict[str, object]:
    columns, words = _COLUMNS[name], line.split()
    if len(words) > len(columns):
        return {"unknown": line}
    return {column: word if column in _TEXTS else _number(word) for column, word in zip(columns, words, strict=False)}


def values(body: Mapping[str, Any]) -> dict[str, str]:
    """The body as the form shows it."""
    return {name: _shown(name, body[name]) for name in NAMES}


def _shown(name: str, value: Any) -> str:  # noqa: ANN401 - a rule's value, checked or not
    if name in _LISTS:
        return "\n".join(" ".join(str(row.get(column, "")) for column in _COLUMNS[name]).strip() for row in value)
    if name in _WORDS:
        return " ".join(value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def said(name: str, value: Any) -> str:  # noqa: ANN401 - a rule's value
    """A rule's value in words."""
    if name in CHOICES:
        return str(dict(CHOICES[name])[value])
    if isinstance(value, bool):
        return str(_YES if value else _NO)
    if isinstance(value, list):
        return str(gettext("；")).join(_SAID_ROW.get(name, str)(row) for row in value) or str(gettext("没有"))
    return str(value) or str(gettext("没有"))


def _tier(row: dict[str, Any]) -> str:
    return str(gettext("提前 %(minutes_before)s 分钟以上退 %(refund_percent)s%%", **row))


def _limit(row: dict[str, Any]) -> str:
    known = {**row, "breach": str(BREACHES[row["breach"]])}
    return str(gettext("%(within_months)s 个月内%(breach)s %(breaches)s 次，限约 %(suspend_months)s 个月", **known))


def _class(row: dict[str, Any]) -> str:
    return show.with_note(row["name"], row["proof"])


def _step(row: str) -> str:
    return str(STEPS[row]) if row in STEPS else str(gettext("往后 %(places)s 位", places=row))


_SAID_ROW: dict[str, Callable[[Any], str]] = {
    "refund_tiers": _tier,
    "breach_limits": _limit,
    "priority_classes": _class,
    "passed_steps": _step,
}


def differences(before: Rules, after: Rules) -> list[dict[str, str]]:
    """Every rule that one set changes in another, in words."""
    old, new = as_body(before), as_body(after)
    return [
        {"label": str(LABELS[name]), "before": said(name, old[name]), "after": said(name, new[name])}
        for _, names in GROUPS
        for name in names
        if old[name] != new[name]
    ]


def faults(fields: object) -> dict[str, str]:
    """For each field at fault, what to do about it."""
    known = fields if isinstance(fields, dict) else {}
    return {name: str(FAULTS[code]) % {"label": str(LABELS.get(name, name))} for name, code in known.items()}


def typed() -> dict[str, str]:
    """What stands in the form as it was typed, right or wrong."""
    return {name: work.typed(name, 4000) for name in NAMES}


def form(shown: Mapping[str, str]) -> list[dict[str, Any]]:
    """The form's groups of fields with their values, for the template."""
    return [{"title": str(title), "fields": [_field(name, shown[name]) for name in names]} for title, names in GROUPS]


def _field(name: str, value: str) -> dict[str, Any]:
    shipped = getattr(SHIPPED, name)
    kind = "rows" if name in _LISTS else "choice" if name in CHOICES else "yes" if isinstance(shipped, bool) else ""
    return {
        "name": name,
        "label": str(LABELS[name]),
        "hint": str(HINTS.get(name, "")),
        "value": value,
        "kind": kind or ("number" if isinstance(shipped, int) else "text"),
        "options": [(word, str(words)) for word, words in CHOICES.get(name, ())],
        "is_needed": name not in _LISTS and name not in _WORDS,
    }
