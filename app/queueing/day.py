"""A session's half-day played in advance: who comes when, who is called when, and how long each stays.

Pure: no tables, no clock, no chance of its own. Times are minutes from the session's planned start.
"""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass, field

from app.queueing.lines import Turn, turn_behind, turn_on_arrival

ABSENT_MINUTES = 1.5  # how long a doctor waits for somebody who was called and does not come


class Happening(enum.StrEnum):
    """What can happen in a waiting room; `passed` is 过号, `returned` is 回诊: back from tests."""

    ARRIVED = "arrived"
    CALLED = "called"
    PASSED = "passed"
    REJOINED = "rejoined"
    FINISHED = "finished"
    SENT_FOR_TESTS = "sent_for_tests"
    RETURNED = "returned"


@dataclass(frozen=True)
class Event:
    """Something that happened to the patient of place `place_no`, `at` minutes after the planned start."""

    at: float
    happening: Happening
    place_no: int


@dataclass(frozen=True)
class Expected:
    """A booked patient and what will become of them.

    `arrives_at` None is a no-show; `away_minutes` is how long somebody is away who is not there when first called;
    `tests_minutes` None is a patient who is done after one consultation, else `second_minutes` follow after the tests.
    """

    place_no: int
    slot_at: float
    arrives_at: float | None
    visit_minutes: float
    away_minutes: float | None = None
    tests_minutes: float | None = None
    second_minutes: float = 0.0
    is_priority: bool = False


@dataclass(frozen=True)
class LineRules:
    """Where a patient queues who comes back: behind so many of those who wait; None is behind all of them."""

    passed_behind: int | None = None
    returned_behind: int | None = 2


@dataclass(frozen=True)
class SessionPlan:
    """A half-day as it will be: `begins_at` is when the doctor really sits down, `breaks` are (not before, minutes).

    So many `doctors` sit down together and call from one line; a break is taken by one of them.
    """

    slot_minutes: float
    begins_at: float
    expected: tuple[Expected, ...]
    breaks: tuple[tuple[float, float], ...] = ()
    rules: LineRules = LineRules()
    doctors: int = 1


@dataclass
class _Room:
    plan: SessionPlan
    events: list[Event] = field(default_factory=list)
    coming: list[tuple[float, int, Happening]] = field(default_factory=list)
    line: list[tuple[Turn, int]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)


def play(plan: SessionPlan) -> list[Event]:
    """Everything that happens in the session, in order, until everybody who came has been seen.

    Whichever doctor is free first calls whoever's turn it is; the same plan always gives the same events.
    """
    room = _Room(plan)
    people = {one.place_no: one for one in plan.expected}
    for one in plan.expected:
        if one.arrives_at is not None:
            heapq.heappush(room.coming, (one.arrives_at, one.place_no, Happening.ARRIVED))
    breaks = list(plan.breaks)
    free_at = [plan.begins_at] * plan.doctors
    now = plan.begins_at
    while room.coming or room.line:
        now = max(now, heapq.heappop(free_at))
        if not room.line:
            now = max(now, room.coming[0][0])
        _admit(room, people, now)
        if breaks and now >= breaks[0][0]:
            heapq.heappush(free_at, now + breaks.pop(0)[1])
            continue
        room.line.sort()
        _, place_no = room.line.pop(0)
        heapq.heappush(free_at, _serve(room, people[place_no], now))
    return sorted(room.events, key=lambda event: event.at)


def _admit(room: _Room, people: dict[int, Expected], now: float) -> None:
    while room.coming and room.coming[0][0] <= now:
        at, place_no, how = heapq.heappop(room.coming)
        room.line.append((_turn(room, people[place_no], at, how), place_no))
        room.line.sort()
        room.events.append(Event(at, how, place_no))


def _turn(room: _Room, patient: Expected, at: float, how: Happening) -> Turn:
    if how == Happening.ARRIVED:
        return turn_on_arrival(patient.slot_at, patient.slot_at + room.plan.slot_minutes, at, patient.is_priority)
    behind = room.plan.rules.passed_behind if how == Happening.REJOINED else room.plan.rules.returned_behind
    return turn_behind([turn for turn, _ in room.line], behind, at)


def _serve(room: _Room, patient: Expected, now: float) -> float:
    room.events.append(Event(now, Happening.CALLED, patient.place_no))
    if patient.away_minutes is not None and patient.place_no not in room.passed:
        room.passed.add(patient.place_no)
        free_at = now + ABSENT_MINUTES
        room.events.append(Event(free_at, Happening.PASSED, patient.place_no))
        heapq.heappush(room.coming, (free_at + patient.away_minutes, patient.place_no, Happening.REJOINED))
        return free_at
    is_second = patient.place_no in room.seen
    free_at = now + (patient.second_minutes if is_second else patient.visit_minutes)
    room.seen.add(patient.place_no)
    if patient.tests_minutes is not None and not is_second:
        room.events.append(Event(free_at, Happening.SENT_FOR_TESTS, patient.place_no))
        heapq.heappush(room.coming, (free_at + patient.tests_minutes, patient.place_no, Happening.RETURNED))
    else:
        room.events.append(Event(free_at, Happening.FINISHED, patient.place_no))
    return free_at
