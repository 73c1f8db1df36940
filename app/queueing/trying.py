"""A day in the waiting room played again under other rules: who would have waited how much longer or shorter.

Pure, and by the very functions that place tickets in the real line (`turns`). The same plan gives the same outcome.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import fmean

from app.queueing import turns
from app.queueing.day import ABSENT_MINUTES, Expected, Happening, SessionPlan
from app.queueing.turns import TurnKind
from app.rulebook.terms import PassedComesBack, Rules, Step

START = datetime(2000, 1, 3, tzinfo=UTC)  # minute 0 of every plan
GROUPS = ("new", "late", "passed", "returned", "priority")


@dataclass(frozen=True)
class Outcome:
    """What became of one who came: the group they belong to, the minutes they waited in all, and whether seen."""

    session_no: int
    place_no: int
    group: str
    waited_minutes: float
    is_seen: bool


@dataclass(frozen=True)
class Change:
    """How long a group waited before and after, in minutes; `longer_most` and `shorter_most` of one patient."""

    group: str
    patients: int
    before_minutes: float
    after_minutes: float
    longer_most: float
    shorter_most: float


@dataclass(frozen=True)
class Comparison:
    """What other rules would have changed: by group, for the patients changed most, and who would not be seen."""

    changes: tuple[Change, ...]
    most_changed: tuple[tuple[Outcome, Outcome], ...]
    unseen_before: int
    unseen_after: int


@dataclass
class _Patient:
    plan: Expected
    kind: TurnKind = TurnKind.FIRST
    is_late: bool = False
    passes: int = 0
    back_at: float | None = None
    is_second: bool = False
    waits_since: float = 0.0
    waited: float = 0.0
    is_over: bool = False
    order: datetime = START

    @property
    def group(self) -> str:
        if self.passes:
            return "passed"
        if self.is_second:
            return "returned"
        if self.kind == TurnKind.PRIORITY:
            return "priority"
        return "late" if self.is_late else "new"


@dataclass
class _Room:
    rules: Rules
    plan: SessionPlan
    coming: list[tuple[float, int, Happening]] = field(default_factory=list)
    line: list[_Patient] = field(default_factory=list)


def _moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def play_by(rules: Rules, plan: SessionPlan, session_no: int = 0) -> list[Outcome]:
    """Everybody who came to the session, as they would have waited under `rules`."""
    room, people = _Room(rules, plan), {one.place_no: _Patient(one) for one in plan.expected}
    for one in plan.expected:
        if one.arrives_at is not None:
            heapq.heappush(room.coming, (one.arrives_at, one.place_no, Happening.ARRIVED))
    breaks, now = list(plan.breaks), plan.begins_at
    while room.coming or room.line:
        if not room.line:
            now = max(now, room.coming[0][0])
        _admit(room, people, now)
        if breaks and now >= breaks[0][0]:
            now += breaks.pop(0)[1]
        elif room.line:
            now = _call(room, room.line.pop(0), now)
    return [
        Outcome(session_no, number, each.group, each.waited, each.is_over)
        for number, each in people.items()
        if each.plan.arrives_at is not None
    ]


def _admit(room: _Room, people: dict[int, _Patient], now: float) -> None:
    while room.coming and room.coming[0][0] <= now:
        at, number, how = heapq.heappop(room.coming)
        _join(room, people[number], at, how)


def _join(room: _Room, patient: _Patient, at: float, how: Happening) -> None:
    """Somebody joins the line where the rules say; who comes too late to be seen does not."""
    patient.waits_since = max(at, patient.back_at or at)
    order = _ORDERS[how](room, patient, at)
    if order is None:
        return
    patient.order = order
    room.line.append(patient)
    room.line.sort(key=lambda each: each.order)


def _arrive(room: _Room, patient: _Patient, at: float) -> datetime | None:
    slot = (_moment(patient.plan.slot_at), _moment(patient.plan.slot_at + room.plan.slot_minutes))
    last = max(one.slot_at for one in room.plan.expected) + room.plan.slot_minutes
    patient.is_late = turns.is_late(room.rules, slot[1], _moment(at))
    order = turns.order_on_arrival(room.rules, slot=slot, session_ends_at=_moment(last), checked_in_at=_moment(at))
    if order is None or not (patient.plan.is_priority and room.rules.priority_classes):
        return order
    patient.kind = TurnKind.PRIORITY
    return min(order, _between(room, turns.place_of_priority(room.rules, _kinds(room)), at))


def _rejoin(room: _Room, patient: _Patient, at: float) -> datetime:
    step = turns.step_after(room.rules, patient.passes)
    order = _between(room, turns.place_of_passed(room.rules, _kinds(room), patient.passes), at)
    patient.kind = TurnKind.PASSED
    if step == Step.SESSION_END:
        last = max(one.slot_at for one in room.plan.expected) + room.plan.slot_minutes
        return max(order, _moment(last))
    return order


def _return(room: _Room, patient: _Patient, at: float) -> datetime:
    patient.kind, patient.is_second = TurnKind.RETURNED, True
    return _between(room, turns.place_of_returned(room.rules, _kinds(room)), at)


_ORDERS = {Happening.ARRIVED: _arrive, Happening.REJOINED: _rejoin, Happening.RETURNED: _return}


def _kinds(room: _Room) -> list[TurnKind]:
    return [each.kind for each in room.line]


def _between(room: _Room, place: int, at: float) -> datetime:
    return turns.order_in([each.order for each in room.line], place, _moment(at))


def _call(room: _Room, patient: _Patient, now: float) -> float:
    """The patient is called at minute `now`; the minute at which the doctor is free again."""
    plan = patient.plan
    is_first_call = plan.away_minutes is not None and patient.back_at is None
    if is_first_call or (patient.back_at is not None and now < patient.back_at):
        return _pass_over(room, patient, now, is_first_call=is_first_call)
    patient.waited += max(0.0, now - patient.waits_since)
    free_at = now + (plan.second_minutes if patient.is_second else plan.visit_minutes)
    if plan.tests_minutes is not None and not patient.is_second:
        heapq.heappush(room.coming, (free_at + plan.tests_minutes, plan.place_no, Happening.RETURNED))
    else:
        patient.is_over = True
    return free_at


def _pass_over(room: _Room, patient: _Patient, now: float, *, is_first_call: bool) -> float:
    free_at = now + ABSENT_MINUTES
    if is_first_call:
        patient.waited += max(0.0, now - patient.waits_since)
        patient.back_at = free_at + (patient.plan.away_minutes or 0.0)
    patient.passes += 1
    if turns.step_after(room.rules, patient.passes) == Step.VOID:
        return free_at
    by_itself = room.rules.passed_comes_back == PassedComesBack.BY_ITSELF
    joins_at = free_at if by_itself else max(free_at, patient.back_at or free_at)
    heapq.heappush(room.coming, (joins_at, patient.plan.place_no, Happening.REJOINED))
    return free_at


def compare(day: Sequence[SessionPlan], before: Rules, after: Rules, *, shown: int = 8) -> Comparison:
    """The day's sessions under both rules, patient by patient; the groups are those of the rules before."""
    pairs = list(_pairs(day, before, after))
    seen = [(old, new) for old, new in pairs if old.is_seen and new.is_seen]
    changes = tuple(
        _change(group, mine) for group in GROUPS if (mine := [pair for pair in seen if pair[0].group == group])
    )
    by_size = sorted(seen, key=lambda pair: -abs(pair[1].waited_minutes - pair[0].waited_minutes))
    return Comparison(
        changes,
        tuple(pair for pair in by_size[:shown] if abs(pair[1].waited_minutes - pair[0].waited_minutes) >= 1),
        sum(not old.is_seen for old, _ in pairs),
        sum(not new.is_seen for _, new in pairs),
    )


def _pairs(day: Sequence[SessionPlan], before: Rules, after: Rules) -> Iterator[tuple[Outcome, Outcome]]:
    for number, plan in enumerate(day):
        yield from zip(play_by(before, plan, number), play_by(after, plan, number), strict=True)


def _change(group: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> Change:
    differences = [new.waited_minutes - old.waited_minutes for old, new in pairs]
    return Change(
        group,
        len(pairs),
        fmean(old.waited_minutes for old, _ in pairs),
        fmean(new.waited_minutes for _, new in pairs),
        max(0.0, *differences),
        max(0.0, *(-each for each in differences)),
    )
