"""The hospital system is asked for its doctors' time, and what it tells stands here as if it had sent it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.kernel import peers
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SessionState
from hl7_adapter import cli
from hl7_adapter.er7 import parse
from sandbox.his import timetable
from sandbox.switches import set_switch
from tests import factories
from tests.conftest import SHANGHAI, SetClock, application
from tests.hl7 import profiled
from tests.processes.hl7_outward import HOST, Books, simulated_his


@dataclass
class Planned:
    """A hospital whose hospital system, the sandbox's, has plans of its own."""

    app: Flask
    units: Units
    books: Books
    clock: SetClock

    def plan(self, hour: str, *, days: int = 0, **order: object) -> None:
        """A doctor's time, today or so many days later."""
        day = (self.clock.now() + timedelta(days=days)).astimezone(SHANGHAI).strftime("%Y%m%d")
        usual = {"doctor_code": "DGI", "department_code": "GI", "room": "3-07", "minutes": 30}
        timetable.plan(self.books.store, {**usual, "starts": f"{day}{hour}00+0800", **order})

    def pull(self, *words: str) -> Result:
        """`flask hl7 pull-slots HIS`."""
        return self.app.test_cli_runner().invoke(args=["hl7", "pull-slots", "HIS", *words])

    def sessions(self) -> list[tuple[str, SessionState, str, int]]:
        """Day and hour, state, room and places of each session."""
        with self.units.open(reads_only=True) as uow:
            rows = uow.session.scalars(select(ClinicSession).order_by(ClinicSession.starts_at)).all()
            places = Counter(uow.session.scalars(select(Slot.session_id)))
            return [
                (f"{row.starts_at.astimezone(uow.zone):%d %H:%M}", row.state, row.room, places[row.id]) for row in rows
            ]


@pytest.fixture
def planned(hospital: Units, clock: SetClock, database_url: str, tmp_path: Path) -> Iterator[Planned]:
    with application(database_url, clock, "command line") as app, simulated_his(tmp_path) as books:
        if "hl7" not in app.cli.commands:
            cli.register(app)
        terms = {"name": "HIS", "application": "HIS", "facility": "HOSPITAL", "out_host": HOST, "out_port": books.port}
        with hospital.open(Actor("staff", "it")) as uow:
            peers.file_peer(uow, Peer(**terms))  # type: ignore[arg-type]
        yield Planned(app, hospital, books, clock)


def test_neighbouring_slots_become_one_session_and_appointments_are_left_out(planned: Planned) -> None:
    for hour in ("1400", "1430", "1500"):
        planned.plan(hour, days=1)
    planned.plan("1530", days=1, status="Booked")
    planned.plan("1400", days=9)

    told = planned.pull()
    again = planned.pull()

    assert (told.exit_code, again.exit_code) == (0, 0), told.output
    assert "1 times told, 0 could not be taken over" in told.output
    assert planned.sessions()[1:] == [("24 14:00", SessionState.OPEN, "3-07", 6)]


def test_a_blocked_session_is_stopped_and_its_patients_lose_their_place(planned: Planned) -> None:
    with planned.units.open() as uow:
        who, session = factories.person(uow), uow.session.scalars(select(ClinicSession)).one()
    visit = factories.booked(planned.units, who, session)
    planned.plan("0930", minutes=300, status="Blocked")

    told = planned.pull("--days", "1")

    assert told.exit_code == 0, told.output
    assert [state for _, state, _, _ in planned.sessions()] == [SessionState.STOPPED]
    with planned.units.open(reads_only=True) as uow:
        assert uow.session.get_one(Registration, visit.id).state is RegistrationState.CANCELLED


def test_what_cannot_be_taken_over_says_why_and_keeps_nothing_else_back(planned: Planned) -> None:
    planned.plan("1400", days=1, doctor_code="NOBODY")
    planned.plan("0930", minutes=60, status="Blocked")
    planned.plan("1400", days=2)

    told = planned.pull()

    assert told.exit_code == 1
    assert "doctor_unknown" in told.output
    assert "block_is_partial" in told.output
    assert "3 times told, 2 could not be taken over" in told.output
    assert [state for _, state, _, _ in planned.sessions()] == [SessionState.OPEN, SessionState.OPEN]


def test_question_and_answer_are_found_in_the_message_list(planned: Planned) -> None:
    planned.plan("1400", days=1)

    planned.pull("--from", "2026-11-24", "--days", "2")

    with planned.units.open(reads_only=True) as uow:
        (item,) = uow.session.scalars(select(OutboxItem).where(OutboxItem.kind == "SQM^S25"))
    question, answer = parse(item.body or b""), parse(item.answer or b"")
    assert item.state is OutboxState.SENT
    assert (question.get("QRF-2"), question.get("QRF-3")) == ("20261124000000+0800", "20261125235900+0800")
    assert (answer.get("MSH-9.1"), answer.get("MSA-2")) == ("SQR", question.get("MSH-10"))
    assert profiled.departures(question) == []


@pytest.mark.parametrize(("mode", "words", "seconds"), [("ae207", "AE 207", 60), ("silent", "no answer within", 1)])
def test_a_system_that_tells_nothing_changes_nothing(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, mode: str, words: str, seconds: int
) -> None:
    planned.plan("1400", days=1)
    set_switch(planned.books.store, "his", mode, "next", 0)
    monkeypatch.setattr("hl7_adapter.pulling.ANSWER_SECONDS_AT_MOST", seconds)

    told = planned.pull()

    assert told.exit_code == 2
    assert "told nothing" in told.output
    assert words in told.output
    assert len(planned.sessions()) == 1


def test_a_name_that_nobody_has_is_said(planned: Planned) -> None:
    told = planned.app.test_cli_runner().invoke(args=["hl7", "pull-slots", "NOBODY"])

    assert told.exit_code == 2
    assert "no system on file" in told.output
