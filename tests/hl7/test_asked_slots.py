"""The hospital system is asked for its doctors' time by itself: as often as was set, once, and what fails is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select

from app.couriers.chosen import Couriers
from app.jobs import work
from app.kernel import outbox, peers
from app.kernel.errors import TryLater
from app.kernel.message_health import backlog
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from app.runtime import Runtime
from app.scheduling.asking import LANE, TOPIC
from app.scheduling.models import ClinicSession, Department, HalfDay, Shift
from config import Hl7Settings, read_settings
from hl7_adapter.er7 import parse
from hl7_adapter.sender import Sender
from sandbox.his import timetable
from sandbox.switches import set_switch
from tests import factories
from tests.conftest import SetClock
from tests.hl7 import profiled
from tests.processes.hl7_outward import HOST, Books, simulated_his


@dataclass
class Timed:
    """A hospital whose hospital system, the sandbox's, is asked every hour for its doctors' time in three days."""

    runtime: Runtime
    clock: SetClock
    books: Books

    def plan(self, doctor: str, starts: str = "202611241400") -> None:
        """The doctor has half an hour, tomorrow afternoon unless said otherwise."""
        usual = {"department_code": "GI", "room": "3-07", "minutes": 30}
        timetable.plan(self.books.store, {**usual, "doctor_code": doctor, "starts": f"{starts}00+0800"})

    def ring(self, *, minutes: int = 60) -> int:
        """So much later the job's bell rings; how often it asked."""
        self.clock.step(minutes=minutes)
        return work.pull_slots(self.runtime)

    def tell(self) -> None:
        """The sender tells what is due."""
        asyncio.run(Sender(self.runtime.units, self.runtime.settings.hl7).round())

    def asked(self) -> list[tuple[OutboxState, str]]:
        """State and error of each question, in order."""
        return [(item.state, item.last_error) for item in self.items()]

    def items(self) -> list[OutboxItem]:
        """The questions, in order."""
        with self.runtime.units.open(reads_only=True) as uow:
            rows = select(OutboxItem).where(OutboxItem.lane == LANE).order_by(OutboxItem.id)
            return list(uow.session.scalars(rows))

    def rooms(self) -> list[str]:
        """The room of each session that was told."""
        with self.runtime.units.open(reads_only=True) as uow:
            told = select(ClinicSession.room).where(ClinicSession.room == "3-07").order_by(ClinicSession.starts_at)
            return list(uow.session.scalars(told))

    def dead(self) -> int:
        """How many dead letters hospital IT sees."""
        with self.runtime.units.open(reads_only=True) as uow:
            return sum(each.dead for each in backlog(uow))


def runtime_of(units: Units, port: int, minutes: int = 60) -> Runtime:
    hl7 = Hl7Settings(his_host=HOST, his_port=port, answer_timeout_seconds=1)
    settings = read_settings({"MENZHEN_MODE": "demo"})
    nobody = Couriers(payments=None, notification_keys=None, texts=None, wechat=None)
    return Runtime(replace(settings, hl7=replace(hl7, pull_slots_minutes=minutes, pull_slots_days=3)), units, nobody)


@pytest.fixture
def timed(units: Units, clock: SetClock, tmp_path: Path) -> Iterator[Timed]:
    with units.open() as uow:
        factories.clinic(uow)
    with simulated_his(tmp_path) as books:
        yield Timed(runtime_of(units, books.port), clock, books)


def test_each_hour_has_one_question_and_what_is_told_stands_here(timed: Timed) -> None:
    timed.plan("DGI")
    bells = [timed.ring(), timed.ring(minutes=1)]
    timed.tell()
    bells += [timed.ring(minutes=1), timed.ring()]
    timed.tell()

    assert bells == [1, 0, 0, 1]
    assert timed.asked() == [(OutboxState.SENT, ""), (OutboxState.SENT, "")]
    assert timed.rooms() == ["3-07"]
    question = parse(timed.items()[0].body or b"")
    assert (question.get("QRF-2"), question.get("QRF-3")) == ("20261123000000+0800", "20261125235900+0800")
    assert profiled.departures(question) == []


def test_off_as_shipped_nobody_is_asked(timed: Timed) -> None:
    never = replace(timed, runtime=runtime_of(timed.runtime.units, timed.books.port, minutes=0))

    assert read_settings({"MENZHEN_MODE": "demo"}).hl7.pull_slots_minutes == 0
    assert (never.ring(), never.asked()) == (0, [])


def test_a_question_under_way_is_waited_for_and_asked_under_the_same_number(timed: Timed) -> None:
    timed.plan("DGI")
    set_switch(timed.books.store, "his", "silent", "next", 0)
    timed.ring()
    timed.tell()
    silent = timed.asked(), timed.ring()

    timed.tell()

    assert silent == ([(OutboxState.WAITING, "Timeout")], 0)
    assert timed.asked() == [(OutboxState.SENT, "")]
    assert timed.books.repeats() == 1
    assert timed.rooms() == ["3-07"]


def test_a_refusal_is_a_dead_letter_until_a_later_question_is_answered(timed: Timed) -> None:
    timed.plan("DGI")
    with timed.runtime.units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", retry_codes=()))
    set_switch(timed.books.store, "his", "ae207", "next", 0)
    timed.ring()
    timed.tell()
    refused, seen = timed.asked(), timed.dead()

    timed.ring()
    timed.tell()

    assert refused == [(OutboxState.DEAD, "AE 207")]
    assert (seen, timed.dead()) == (1, 0)
    assert timed.rooms() == ["3-07"]
    assert timed.asked()[0] == (OutboxState.SENT, refused[0][1]), "why it was refused is still told"


def test_what_cannot_be_taken_over_is_named_and_stands_once_it_can(timed: Timed) -> None:
    timed.plan("DGI")
    timed.plan("NEW", "202611251400")
    timed.ring()
    timed.tell()
    partly = timed.asked(), timed.rooms(), timed.dead()

    with timed.runtime.units.open() as uow:
        doctor = factories.another_doctor(uow, uow.session.scalars(select(Department)).one(), code="NEW")
        weekly = {"weekday": 2, "half_day": HalfDay.PM, "starts": time(14), "room": "3-07", "fee_fen": 2500}
        uow.session.add(Shift(practitioner_id=doctor.id, places=2, slot_minutes=15, **weekly))
        outbox.send_again(uow, timed.items()[0].id)
    timed.tell()

    assert partly == ([(OutboxState.DEAD, "AA doctor_unknown")], ["3-07"], 1)
    assert (timed.asked(), timed.rooms()) == ([(OutboxState.SENT, "")], ["3-07", "3-07"])


def at_once(work_of: list[Callable[[], object]]) -> None:
    start = Barrier(len(work_of))

    def begin(step: Callable[[], object]) -> None:
        start.wait()
        for _ in range(100):
            try:
                step()
            except TryLater:
                continue
            return

    with ThreadPoolExecutor(len(work_of)) as pool:
        list(pool.map(begin, work_of))


def test_four_jobs_processes_at_the_same_instant_ask_once(timed: Timed) -> None:
    timed.clock.step(minutes=60)

    at_once([lambda: work.pull_slots(timed.runtime)] * 4)

    assert len(timed.items()) == 1


def test_without_one_key_for_each_hour_they_would_have_asked_four_times(timed: Timed) -> None:
    """The control: look whether somebody asks, then ask under a number of one's own."""
    looked = Barrier(4)

    def naive(number: int) -> None:
        with timed.runtime.units.open(reads_only=True) as uow:
            before = outbox.newest_in(uow, TOPIC, LANE)
        looked.wait()
        if before is None:
            with timed.runtime.units.open() as uow:
                outbox.post(uow, TOPIC, f"SlotsAsked:{number}", {"event": "SlotsAsked"}, lane=LANE)

    at_once([lambda number=number: naive(number) for number in range(4)])

    assert len(timed.items()) == 4
