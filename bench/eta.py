"""How good the told waiting times are, on simulated half-days that the estimator was not tuned on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from random import Random

from bench.asking import Answered, CalledBack, Past, ask_all_day
from bench.day import hospital
from bench.figures import Figure

HELD_OUT_SEED = 90_001  # not looked at while the estimator's constants were chosen (1, 5, 6, 77 and 2027 were)
DOCTORS, QUICK_DOCTORS = 110, 10


def answers(seed: int, doctors: int) -> tuple[list[Answered], list[CalledBack]]:
    """Every question and every message of so many doctors' half-days, each doctor beginning as an unknown one."""
    said: list[Answered] = []
    told: list[CalledBack] = []
    for number, half_days in enumerate(hospital(seed, doctors)):
        past, chance = Past(), Random(f"ask:{seed}:{number}")
        for played in half_days:
            events, came = ask_all_day(played, past.habits(played.plan.slot_minutes), chance)
            said += [one for one in came if isinstance(one, Answered)]
            told += [one for one in came if isinstance(one, CalledBack)]
            past.learn(played, events)
    return said, told


def measure(*, quick: bool) -> Iterator[Figure]:
    """Mean errors beside the peers' ways and an oracle that knows the day's true pace, the range, and who was late."""
    said, told = answers(HELD_OUT_SEED, QUICK_DOCTORS if quick else DOCTORS)
    yield from _errors("", said)
    yield from _errors("_at_check_in", [one for one in said if one.is_at_check_in])
    inside = [one.ours.low_minutes <= one.wait_minutes <= one.ours.high_minutes for one in said]
    yield Figure("coverage_p20_p80", "share", round(statistics.fmean(inside), 3), len(said))
    widths = [one.ours.high_minutes - one.ours.low_minutes for one in said]
    yield Figure("range_minutes", "min", round(statistics.fmean(widths), 2), len(said))
    yield Figure("late_share", "share", round(statistics.fmean(one.spare_minutes < 0 for one in told), 4), len(told))
    yield Figure("early_minutes", "min", round(statistics.median(one.spare_minutes for one in told), 1), len(told))


def _errors(which: str, said: list[Answered]) -> Iterator[Figure]:
    """One line for each way of saying it, ours over theirs: all were asked the same questions."""
    methods = said[0].said
    errors = {name: statistics.fmean(abs(one.said[name] - one.wait_minutes) for one in said) for name in methods}
    ours = errors.pop("ours")
    for name, theirs in errors.items():
        metric = f"mae_minutes{which}" if name == "finished_waits" else f"mae_minutes{which}_{name}"
        floor = round(errors["oracle"], 2)
        yield Figure(metric, "min", round(ours, 2), len(said), round(theirs, 2), floor, round(ours / theirs, 3))
