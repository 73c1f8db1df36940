"""A small hospital's day with mishaps on every line: both ledgers agree to the fen when it is over."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.kernel.uow import Units
from app.scheduling import master
from config import Hl7Settings
from hl7_adapter.listener import listen
from hl7_adapter.sender import Sender
from sandbox.his.day import Day
from sandbox.his.desk import Stage
from sandbox.his.listener import start_listener
from sandbox.his.script import Script, changed, read_script, scripts
from sandbox.store import Store
from tests.conftest import MORNING
from tests.private_postgres import free_port
from tools.rehearsal.command import compared, report
from tools.rehearsal.house import HouseByServices
from tools.rehearsal.till import AtOnce

FASTER = 5


class RunningClock:
    """The tests' morning goes on five times as fast as the wall's, so that nobody waits long for a second try."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=(time.monotonic() - self._began) * FASTER)

    wall_now = now


class RunningAdapter:
    """Listener and sender in a thread of their own."""

    def __init__(self, units: Units, settings: Hl7Settings) -> None:
        self._units, self._settings = units, settings
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await listen(self._units, self._settings)
        sender = Sender(self._units, self._settings)
        sending = asyncio.create_task(sender.run())
        self._ready.set()
        await self._stopping.wait()
        sender.stopping.set()
        await asyncio.gather(server.close(), sending)

    def __enter__(self) -> RunningAdapter:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)


@pytest.fixture
def stage(units: Units, tmp_path: Path) -> Iterator[Stage]:
    """The simulated hospital system and the adapter, each with the other's address."""
    running = replace(units, clock=RunningClock())
    store = Store(tmp_path / "books.sqlite3")
    his_port, our_port = free_port(), 0
    stop = start_listener(store, "127.0.0.1", his_port)
    our_port = free_port()
    settings = Hl7Settings(port=our_port, his_host="127.0.0.1", his_port=his_port, answer_timeout_seconds=10)
    with RunningAdapter(running, settings):
        house = HouseByServices(running, b"p" * 32, AtOnce())
        yield Stage(("127.0.0.1", our_port), store, running.clock.now, house, run_number=7)
    stop()


def script(visits: int, percent: float) -> Script:
    told = read_script(scripts()["hostile"])
    told = changed(replace(told, doctors=10), visits=visits, percent=percent, seed="usual")
    return replace(told, faults=replace(told.faults, late_seconds=0.2, away_seconds=0.2))


def test_a_hostile_day_ends_with_equal_ledgers(stage: Stage, units: Units) -> None:
    day = Day(stage, script(visits=20, percent=10))

    day.open()
    day.play()
    found = compared(day, units)

    told = "\n".join(report(day, found))
    assert (found, day.troubles) == ([], []), told
    assert sum(day.faults.struck().values()) > 10, told
    assert len(day.ledger.visits()) > 20 + 10, told  # and most of them booked a revisit


def test_a_hospital_system_alone_books_orders_and_reports(stage: Stage, units: Units) -> None:
    told = replace(script(visits=4, percent=0), doctors=2)
    assert stage.house is not None
    doctors = [Day(stage, told).doctor(number) for number in range(told.doctors)]
    with units.open() as uow:
        home = master.file_department(uow, code=told.department, name="演练门诊")
        for code in doctors:
            master.file_doctor(uow, master.DoctorIn(code, "演练", department_code=home.code))
    stage.house.prepare(told.department, doctors, slot_minutes=told.slot_minutes, fee_fen=told.fee_fen)

    day = Day(replace(stage, house=None), told)
    day.open()
    day.play()
    found = compared(day, units)

    assert (found, day.troubles) == ([], []), "\n".join(report(day, found))
    assert {visit.state for visit in day.ledger.visits()} >= {"checked_in", "booked"}
