"""A hospital of simulated doctors: `python -m bench.day [--seed N]` plays one half-day and prints what happened."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from app.queueing.day import Expected, SessionPlan, play

SESSIONS_OF_A_DOCTOR = 12


@dataclass(frozen=True)
class Doctor:
    """What a simulated doctor, their patients and their department are like; minutes, shares and relative spreads."""

    planned_minutes: float
    mean_minutes: float
    spread: float
    late_minutes: float
    no_show_share: float
    return_share: float
    tests_minutes: float
    away_share: float
    priority_share: float
    early_minutes: float
    punctuality_minutes: float
    places: int


@dataclass(frozen=True)
class Played:
    """A half-day that was drawn: its plan, and the mean minutes the doctor really needed on that day."""

    doctor: Doctor
    plan: SessionPlan
    true_minutes: float


def lognormal(chance: Random, mean: float, spread: float) -> float:
    """A random length with this mean and this standard deviation relative to it."""
    sigma2 = math.log(1 + spread**2)
    return chance.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))


def doctor(chance: Random) -> Doctor:
    """A doctor drawn at random: quick or slow, punctual or not, with few or many who do not come."""
    planned = chance.choice((5.0, 6.0, 8.0, 10.0, 12.0))
    return Doctor(
        planned_minutes=planned,
        mean_minutes=lognormal(chance, planned * 0.97, 0.25),
        spread=chance.uniform(0.5, 0.9),
        late_minutes=chance.uniform(1, 16),
        no_show_share=chance.uniform(0.03, 0.15),
        return_share=chance.uniform(0.05, 0.35),
        tests_minutes=chance.uniform(18, 45),
        away_share=chance.uniform(0.0, 0.10),
        priority_share=chance.uniform(0.0, 0.08),
        early_minutes=chance.uniform(6, 20),
        punctuality_minutes=chance.uniform(8, 20),
        places=chance.randint(18, 40),
    )


def half_day(chance: Random, who: Doctor) -> Played:
    """One half-day of the doctor, drawn at random around their habits."""
    pace = who.mean_minutes * lognormal(chance, 1.0, 0.18)
    expected = tuple(_patient(chance, who, pace, number) for number in range(1, who.places + 1))
    begins_at = chance.expovariate(1 / who.late_minutes)
    middle = who.places * who.planned_minutes / 2
    breaks = ((middle * chance.uniform(0.7, 1.3), chance.uniform(5, 15)),) if chance.random() < 0.3 else ()
    return Played(who, SessionPlan(who.planned_minutes, begins_at, expected, breaks), pace)


def _patient(chance: Random, who: Doctor, pace: float, number: int) -> Expected:
    slot_at = (number - 1) * who.planned_minutes
    comes = chance.random() >= who.no_show_share
    arrives_at = max(slot_at + chance.gauss(-who.early_minutes, who.punctuality_minutes), -60.0)
    tests = chance.random() < who.return_share
    return Expected(
        place_no=number,
        slot_at=slot_at,
        arrives_at=arrives_at if comes else None,
        visit_minutes=lognormal(chance, pace, who.spread),
        away_minutes=lognormal(chance, 15, 0.6) if chance.random() < who.away_share else None,
        tests_minutes=lognormal(chance, who.tests_minutes, 0.5) if tests else None,
        second_minutes=lognormal(chance, pace * 0.6, who.spread),
        is_priority=chance.random() < who.priority_share,
    )


def hospital(seed: int, doctors: int) -> Iterator[list[Played]]:
    """So many doctors, each with their half-days in order."""
    for number in range(doctors):
        chance = Random(f"{seed}:{number}")
        who = doctor(chance)
        yield [half_day(chance, who) for _ in range(SESSIONS_OF_A_DOCTOR)]


def main() -> None:
    """Prints one half-day, an event a line."""
    ask = argparse.ArgumentParser("python -m bench.day", description="Plays one simulated half-day of a clinic.")
    ask.add_argument("--seed", type=int, default=1)
    chance = Random(ask.parse_args().seed)
    played = half_day(chance, doctor(chance))
    print(
        f"# {played.doctor}\n# this day's mean: {played.true_minutes:.1f} min, sits down at {played.plan.begins_at:.1f}"
    )
    for event in play(played.plan):
        print(f"{event.at:7.1f}  {event.place_no:3d}  {event.happening}")


if __name__ == "__main__":
    main()
