"""What can be seen of a played session at an instant: the same facts that the tickets' table gives of a real one."""

from __future__ import annotations

from app.queueing.day import Event, Happening, SessionPlan
from app.queueing.estimating import QueueFacts
from app.queueing.lines import Turn, turn_behind, turn_on_arrival


class Watched:
    """A session as far as its events have been seen; `see` them in order, then ask for `facts`."""

    def __init__(self, plan: SessionPlan) -> None:
        """Nothing has happened yet."""
        self._plan = plan
        self._people = {one.place_no: one for one in plan.expected}
        self._came: set[int] = set()
        self._line: dict[int, Turn] = {}
        self._seen: set[int] = set()
        self._out_since: dict[int, float] = {}
        self._serving: dict[int, float] = {}
        self._finished: list[float] = []
        self._returned: list[float] = []
        self._sent = 0
        self._has_begun = False

    def see(self, event: Event) -> None:
        """`event` has happened."""
        {
            Happening.ARRIVED: self._arrive,
            Happening.REJOINED: self._come_back,
            Happening.RETURNED: self._come_back,
            Happening.CALLED: self._call,
            Happening.PASSED: self._leave,
            Happening.FINISHED: self._finish,
            Happening.SENT_FOR_TESTS: self._finish,
        }[event.happening](event)

    def _arrive(self, event: Event) -> None:
        one = self._people[event.place_no]
        self._came.add(event.place_no)
        ends_at = one.slot_at + self._plan.slot_minutes
        self._line[event.place_no] = turn_on_arrival(one.slot_at, ends_at, event.at, one.is_priority)

    def _come_back(self, event: Event) -> None:
        rules, returned = self._plan.rules, event.happening == Happening.RETURNED
        behind = rules.returned_behind if returned else rules.passed_behind
        self._out_since.pop(event.place_no, None)
        self._line[event.place_no] = turn_behind(list(self._line.values()), behind, event.at)

    def _call(self, event: Event) -> None:
        self._has_begun = True
        self._line.pop(event.place_no)
        self._serving[event.place_no] = event.at

    def _leave(self, event: Event) -> None:
        del self._serving[event.place_no]

    def _finish(self, event: Event) -> None:
        lengths = self._returned if event.place_no in self._seen else self._finished
        lengths.append(event.at - self._serving.pop(event.place_no))
        self._seen.add(event.place_no)
        if event.happening == Happening.SENT_FOR_TESTS:
            self._sent += 1
            self._out_since[event.place_no] = event.at

    def facts(self, place_no: int, now: float) -> QueueFacts:
        """The queue at `now` as the waiting patient of place `place_no` would be told of it."""
        mine = (self._line[place_no], place_no)
        before = [other for other, turn in self._line.items() if (turn, other) < mine]
        absent = [one for one in self._plan.expected if one.place_no not in self._came]
        turn_at = (1, mine[0][1])
        return QueueFacts(
            now=now,
            has_begun=self._has_begun,
            ahead=sum(other not in self._seen for other in before),
            ahead_returned=sum(other in self._seen for other in before),
            due=tuple(one.slot_at for one in absent if (1, one.slot_at) < turn_at and self._in_time(one.slot_at, now)),
            due_later=tuple(one.slot_at for one in absent if (1, one.slot_at) >= turn_at),
            out_minutes=tuple(now - at for at in self._out_since.values()),
            finished_minutes=tuple(self._finished),
            returned_minutes=tuple(self._returned),
            sent_for_tests=self._sent,
            serving=tuple((now - since, other in self._seen) for other, since in self._serving.items()),
            doctors=self._plan.doctors,
            came=len(self._came),
            missing=sum(one.slot_at + self._plan.slot_minutes < now for one in absent),
        )

    def _in_time(self, slot_at: float, now: float) -> bool:
        """Whoever is later than their slot queues from the moment of coming: no longer ahead of those who are here."""
        return now <= slot_at + self._plan.slot_minutes
