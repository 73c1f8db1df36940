"""Asking during simulated half-days how long the wait will be, and comparing with what then happened."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from app.queueing.day import Event, Happening, play
from app.queueing.estimating import Estimate, Habits, QueueFacts, estimate, is_time_to_return
from app.queueing.estimating_pace import USUAL_SPREAD, Pace
from app.queueing.watching import Watched
from bench.day import Played

WALKS = (5, 10, 15, 20)
SHARE_THAT_WALKS = 0.25  # of the patients; each is looked at once a minute, which is dear
DONE = (Happening.FINISHED, Happening.SENT_FOR_TESTS)


@dataclass(frozen=True)
class Answered:
    """One question: how it came out, and what each method had said (minutes); `ours` with its range."""

    wait_minutes: float
    is_at_check_in: bool
    ours: Estimate
    said: Mapping[str, float]


@dataclass(frozen=True)
class CalledBack:
    """Somebody away was told to come back: minutes to spare beyond the walk, negative when the call was earlier."""

    spare_minutes: float


@dataclass
class Past:
    """What the doctor's earlier half-days have shown."""

    sessions: int = 0
    visits: int = 0
    minutes: float = 0.0
    late: float = 0.0
    booked: int = 0
    missing: int = 0
    sent: int = 0

    def habits(self, planned: float) -> Habits:
        """The habits to expect on the next half-day: the usual ones, corrected by what was seen."""
        usual = Habits(planned)
        return Habits(
            planned_minutes=planned,
            past_minutes=self.minutes / self.visits if self.visits else 0.0,
            past_visits=self.visits,
            late_minutes=(2 * usual.late_minutes + self.late) / (2 + self.sessions),
            no_show_share=(30 * usual.no_show_share + self.missing) / (30 + self.booked),
            return_share=(30 * usual.return_share + self.sent) / (30 + self.visits),
        )

    def learn(self, played: Played, events: list[Event]) -> None:
        """The half-day is over."""
        called: dict[int, float] = {}
        seen: set[int] = set()
        for event in events:
            if event.happening == Happening.CALLED:
                called[event.place_no] = event.at
            if event.happening in DONE and event.place_no not in seen:
                seen.add(event.place_no)
                self.visits += 1
                self.minutes += event.at - called[event.place_no]
                self.sent += event.happening == Happening.SENT_FOR_TESTS
        self.sessions += 1
        self.late += played.plan.begins_at
        self.booked += len(played.plan.expected)
        self.missing += sum(one.arrives_at is None for one in played.plan.expected)


@dataclass
class Peers:
    """What queue programs usually know: the waits that are over, and how long consultations took."""

    arrived: dict[int, float] = field(default_factory=dict)
    called: dict[int, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)

    def see(self, event: Event) -> None:
        """`event` has happened."""
        if event.happening == Happening.ARRIVED:
            self.arrived[event.place_no] = event.at
        elif event.happening == Happening.CALLED:
            if event.place_no not in self.called:
                self.waits.append(event.at - self.arrived[event.place_no])
            self.called[event.place_no] = event.at
        elif event.happening in DONE:
            self.lengths.append(event.at - self.called[event.place_no])

    def answers(self, facts: QueueFacts, waited: float, planned: float) -> dict[str, float]:
        """Each peer's answer; before anything is known they go by what was planned."""
        ahead = facts.ahead + facts.ahead_returned + bool(facts.serving)
        mean = statistics.fmean(self.lengths) if self.lengths else planned
        rolling = statistics.fmean(self.lengths[-10:]) if self.lengths else planned
        finished = statistics.fmean(self.waits) if self.waits else ahead * planned
        return {
            "finished_waits": max(finished - waited, 0.0),
            "position_mean": ahead * mean,
            "rolling_10": ahead * rolling,
        }


@dataclass(frozen=True)
class _Question:
    at: float
    place_no: int
    walk_minutes: int = 0
    is_at_check_in: bool = False


@dataclass
class _Asked:
    """A half-day during which questions are asked."""

    played: Played
    habits: Habits
    events: list[Event]
    called: dict[int, float] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)
    back: set[int] = field(default_factory=set)


def ask_all_day(played: Played, habits: Habits, chance: Random) -> tuple[list[Event], list[Answered | CalledBack]]:
    """Plays the half-day; everyone asks at check-in and once later, and some are away and wait to be told to return."""
    asked = _Asked(played, habits, play(played.plan))
    for event in asked.events:
        if event.happening == Happening.CALLED:
            asked.called.setdefault(event.place_no, event.at)
    watched, peers, upcoming = Watched(played.plan), Peers(), deque(asked.events)
    answers: list[Answered | CalledBack] = []
    for question in sorted(_questions(asked, chance), key=lambda one: (one.at, one.place_no, one.walk_minutes)):
        while upcoming and upcoming[0].at <= question.at:
            event = upcoming.popleft()
            watched.see(event)
            peers.see(event)
        if asked.called[question.place_no] > question.at:
            facts = watched.facts(question.place_no, question.at)
            answer = _tell(asked, question, facts) if question.walk_minutes else _say(asked, question, facts, peers)
            answers += [answer] if answer else []
    return asked.events, answers


def _questions(asked: _Asked, chance: Random) -> Iterator[_Question]:
    for event in asked.events:
        if event.happening != Happening.ARRIVED:
            continue
        called_at = asked.called[event.place_no]
        yield _Question(event.at, event.place_no, is_at_check_in=True)
        yield _Question(chance.uniform(event.at, called_at), event.place_no)
        if chance.random() < SHARE_THAT_WALKS:
            walk = chance.choice(WALKS)
            for minute in range(1, int(called_at - event.at) + 1):
                yield _Question(event.at + minute, event.place_no, walk)


def _say(asked: _Asked, question: _Question, facts: QueueFacts, peers: Peers) -> Answered:
    ours = estimate(facts, asked.habits)
    true_pace = Pace(asked.played.true_minutes, 0.03, USUAL_SPREAD)
    waited = question.at - peers.arrived[question.place_no]
    said = {
        "ours": ours.middle_minutes,
        "oracle": estimate(facts, asked.habits, true_pace).middle_minutes,
        **peers.answers(facts, waited, asked.played.plan.slot_minutes),
    }
    return Answered(asked.called[question.place_no] - question.at, question.is_at_check_in, ours, said)


def _tell(asked: _Asked, question: _Question, facts: QueueFacts) -> CalledBack | None:
    """Told once, when the safe wait is down to the walk; who is not told to stay at once is away."""
    number = question.place_no
    if number in asked.back:
        return None
    if not is_time_to_return(estimate(facts, asked.habits), question.walk_minutes):
        asked.away.add(number)
        return None
    asked.back.add(number)
    if number not in asked.away:
        return None
    return CalledBack(asked.called[number] - question.at - question.walk_minutes)
