"""Where in the waiting line somebody goes who comes late, was passed over (过号), or is back from tests (回诊).

Pure: a line is the kinds of those who wait, in the order of their turns; a place in it is how many are before it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.rulebook.terms import LateRule, PriorityClass, Rules, Step

A_MOMENT = timedelta(microseconds=1)


class TurnKind(enum.StrEnum):
    """Why somebody waits: for the first consultation, again after being passed or after tests, or before others."""

    FIRST = "first"
    RETURNED = "returned"
    PASSED = "passed"
    PRIORITY = "priority"


Line = Sequence[TurnKind]


def place_of_returned(rules: Rules, line: Line) -> int:
    """Behind so many new patients for each one back from tests; fewer when those who are back outnumber the new."""
    back = sum(kind == TurnKind.RETURNED for kind in line) + 1
    new = sum(kind == TurnKind.FIRST for kind in line)
    fewer = rules.new_per_returned_when_outnumbered
    return _between(line, TurnKind.RETURNED, fewer if fewer and back > new else rules.new_per_returned)


def place_of_priority(rules: Rules, line: Line) -> int:
    """Behind so many new patients for each one with priority; 0 is before everybody."""
    return _between(line, TurnKind.PRIORITY, rules.new_per_priority)


def step_after(rules: Rules, passes: int) -> str:
    """What the rules say for the so-manieth time somebody was passed; the last step holds for all further times."""
    return rules.passed_steps[min(passes, len(rules.passed_steps)) - 1]


def place_of_passed(rules: Rules, line: Line, passes: int) -> int:
    """Where somebody goes who was passed for the so-manieth time: n back, between the new ones, or behind all."""
    step = step_after(rules, passes)
    if step == Step.BETWEEN:
        return _between(line, TurnKind.PASSED, rules.new_per_passed)
    return min(int(step), len(line)) if step.isdecimal() else len(line)


def _between(line: Line, kind: TurnKind, new_per_one: int) -> int:
    """After `new_per_one` new patients behind the last of this kind; those passed stand behind those returned there."""
    last = max((at + 1 for at, found in enumerate(line) if found == kind), default=0)
    new, at = 0, last
    while new < new_per_one and at < len(line):
        new += line[at] == TurnKind.FIRST
        at += 1
    while kind == TurnKind.PASSED and at < len(line) and line[at] == TurnKind.RETURNED:
        at += 1
    return at


def order_in(line: Sequence[datetime], place: int, now: datetime) -> datetime:
    """The moment that puts somebody at `place` of the line, whose moments are given in their order."""
    before = line[place - 1] if place else None
    after = line[place] if place < len(line) else None
    if before is None:
        return now if after is None else after - A_MOMENT
    if after is None:
        return max(now, before + A_MOMENT)
    return before + (after - before) / 2


def is_late(rules: Rules, slot_ends_at: datetime, checked_in_at: datetime) -> bool:
    """True for whoever checks in after their time and the minutes that the rules grant."""
    return checked_in_at > slot_ends_at + timedelta(minutes=rules.late_after_minutes)


def order_on_arrival(
    rules: Rules, *, slot: tuple[datetime, datetime], session_ends_at: datetime, checked_in_at: datetime
) -> datetime | None:
    """Whoever comes in time keeps the place's turn; None for whoever comes too late to be seen at all."""
    slot_starts_at, slot_ends_at = slot
    if not is_late(rules, slot_ends_at, checked_in_at):
        return slot_starts_at
    if rules.late_rule == LateRule.RE_REGISTER:
        return None
    return checked_in_at if rules.late_rule == LateRule.FROM_ARRIVAL else max(session_ends_at, checked_in_at)


def class_by_age(rules: Rules, age_years: int | None) -> PriorityClass | None:
    """The class that somebody of this age belongs to without further proof, the oldest first; None without one."""
    age = age_years or 0
    fitting = [each for each in rules.priority_classes if each.from_age_years and age >= each.from_age_years]
    return max(fitting, key=lambda each: each.from_age_years, default=None)
