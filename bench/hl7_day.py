"""A simulated hospital day against the running demo: visits with mishaps on the line, and how two ledgers differ."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure
from bench.hl7_phones import HouseWithPhones
from bench.hospital import Hospital, running_hospital
from sandbox.his.day import Day
from sandbox.his.desk import Stage
from sandbox.his.script import Script, changed, read_script, scripts
from sandbox.store import Store
from tools.demo.hospital_clock import set_clock
from tools.rehearsal.command import compared, house_of, new_run, report

VISITS, QUICK_VISITS = 3_000, 60
PERCENT = 5.0
PATIENTS_OF_A_DOCTOR = 75
ONE_IN = 20  # patients use the pages themselves
# Below the script's `late_seconds`, so that a late answer is one that nobody waits for any more.
ANSWER_TIMEOUT_SECONDS = "2"


def measure(*, quick: bool) -> Iterator[Figure]:
    """Differences, troubles, and how fast the day went."""
    visits = QUICK_VISITS if quick else VISITS
    os.environ.setdefault("HL7_ANSWER_TIMEOUT_SECONDS", ANSWER_TIMEOUT_SECONDS)
    with running_hospital() as hospital:
        set_clock(Path(hospital.endpoints["clock_file"]), datetime.now(UTC))
        house = HouseWithPhones(house_of(hospital.runtime), hospital.runtime.units, hospital.endpoints, ONE_IN)
        day = Day(_stage(hospital, house), _script(visits))
        began = time.monotonic()
        day.open()
        day.play(_progress(visits, began))
        found = compared(day, hospital.runtime.units)
        took_seconds = time.monotonic() - began
        day.end()
        for line in report(day, found):
            print(f"  {line}", flush=True)
        yield Figure("differences", "fields", len(found), visits)
        yield Figure("troubles", "visits", len(day.troubles), visits)
        yield Figure("visits_by_pages", "visits", house.by_pages, visits)
        yield from _figures(day, visits, took_seconds)


def _stage(hospital: Hospital, house: HouseWithPhones) -> Stage:
    port = int(hospital.endpoints["mllp"]["port"])
    store = Store(hospital.data / "sandbox" / "books.sqlite3")
    now = hospital.runtime.units.clock.now
    return Stage(("127.0.0.1", port), store, now, house, run_number=new_run())


def _script(visits: int) -> Script:
    script = changed(read_script(scripts()["hostile"]), visits=visits, percent=PERCENT, seed=None)
    return replace(script, doctors=max(6, visits // PATIENTS_OF_A_DOCTOR))


def _progress(visits: int, began: float) -> Callable[[int], None]:
    def told(done: int) -> None:
        if done % 50 == 0 or done == visits:
            print(f"  {done} visits after {time.monotonic() - began:.0f} s", flush=True)

    return told


def _figures(day: Day, visits: int, took_seconds: float) -> Iterator[Figure]:
    heard = day.heard.all()
    yield Figure("visits_per_min", "visits/min", round(visits * 60 / took_seconds, 1), visits)
    yield Figure("messages_in", "messages", day.messages, day.tries)
    yield Figure("messages_out", "messages", len(heard), len(heard) + day.heard.repeats())
    yield Figure("mishaps", "mishaps", sum(day.faults.struck().values()), day.tries + len(heard) + day.heard.repeats())
    for kind, count in day.faults.struck().items():
        yield Figure(f"mishaps_{kind}", "mishaps", count, count)
