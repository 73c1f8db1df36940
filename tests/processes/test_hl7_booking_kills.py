"""The sender is killed while the hospital system is asked for a place, at every commit and before the answer came."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from app.identity.models import Patient
from app.kernel import outbox, peers
from app.kernel.message_keys import MessageKey
from app.kernel.moves import Move
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from app.notifications.models import Message
from app.registration import service as registration
from app.registration.models import Registration, RegistrationNumber
from app.registration.states import RegistrationAction, RegistrationState
from app.scheduling.models import Practitioner
from app.scheduling.service import Wanted
from config import Hl7Settings
from hl7_adapter.sender import Sender
from sandbox.switches import set_switch
from tests import factories
from tests.conftest import SetClock
from tests.processes.hl7_outward import HOST, Books, simulated_his
from tests.processes.saga import Moments, WatchedUnits

LATE_SECONDS = 2
PATIENCE_SECONDS = 10
# Of a former place and the one that is to take its place: their states, and whether the answer is out.
WAITS = (RegistrationState.BOOKED, False), (RegistrationState.BOOKED, True)
DONE = (RegistrationState.CANCELLED, False), (RegistrationState.BOOKED, False)


@dataclass
class Asked:
    """One place that the hospital system is asked for, by senders that die."""

    units: Units
    clock: SetClock
    books: Books
    visit: Registration

    def send(self, kill_at: int = 0) -> bool:
        """A process sends once, or is killed at that moment; true when it lived."""
        child = self._forked(kill_at)
        _, status = os.waitpid(child, 0)
        self.clock.step(minutes=2)  # the dead one's lease is over
        return not os.WIFSIGNALED(status)

    def send_and_die_before_the_answer(self) -> None:
        """A process is killed once the hospital system has the question, while its answer is out."""
        set_switch(self.books.store, "his", "late", "next", LATE_SECONDS)
        child = self._forked(0)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not self.books.letters():
            assert time.monotonic() < give_up_at, "the question never came"
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.clock.step(minutes=2)

    def is_answered(self) -> bool:
        """True when nothing waits for the hospital system any more."""
        with self.units.open(reads_only=True) as uow:
            return uow.session.get_one(Registration, self.visit.id).asked_at is None

    def anew(self) -> None:
        """The same place is asked for once more, and nothing is remembered of before on either side."""
        with self.books.store.write() as db:
            db.execute("DELETE FROM his_received")
            db.execute("DELETE FROM his_appointment")
        with self.units.open() as uow:
            for table in (RegistrationNumber, Message, MessageKey, OutboxItem):
                uow.session.execute(delete(table))
            uow.session.execute(delete(Move).where(Move.action == RegistrationAction.HOSPITAL_ACCEPTS.value))
            visit = uow.session.get_one(Registration, self.visit.id)
            visit.asked_at, visit.asked_nth = uow.now(), 0
            facts = {"event": "RegistrationBooked", "registration_id": visit.id, "patient_id": visit.patient_id}
            outbox.post(uow, "hospital", f"RegistrationBooked:{visit.id}", facts, lane="patient-1", is_urgent=True)

    def _forked(self, kill_at: int) -> int:
        self.units.engine.dispose()
        child = os.fork()
        if child == 0:
            try:
                known = {each.name: getattr(self.units, each.name) for each in fields(Units)}
                units = WatchedUnits(**known, moments=Moments(kill_at))
                settings = Hl7Settings(his_host=HOST, his_port=self.books.port, answer_timeout_seconds=5)
                asyncio.run(Sender(units, settings).round())
                os._exit(0)
            except BaseException:  # noqa: BLE001 - a forked process must never run on into the tests
                os._exit(1)
        return child

    def has_one_effect(self) -> None:
        """One question under one control id, one appointment with one number, one confirmation, one message."""
        letters = self.books.letters()
        appointments = self.books.store.rows("SELECT number, state FROM his_appointment")
        assert len(letters) == 1
        assert [row["state"] for row in appointments] == ["Booked"]
        with self.units.open(reads_only=True) as uow:
            (row,) = uow.session.scalars(select(OutboxItem).where(OutboxItem.key.startswith("RegistrationBooked")))
            assert letters == {f"MZ{row.id:010d}": row.body}
            assert uow.session.scalars(select(RegistrationNumber.value)).all() == [appointments[0]["number"]]
            confirmed = select(func.count()).where(Move.action == RegistrationAction.HOSPITAL_ACCEPTS.value)
            assert uow.session.scalar(confirmed) == 1
            told = select(func.count()).where(Message.template == "booked")
            assert uow.session.scalar(told) == 1
            assert uow.session.get_one(Registration, self.visit.id).asked_at is None


@pytest.fixture
def asked(units: Units, clock: SetClock, tmp_path: Path) -> Iterator[Asked]:
    with units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", decides_bookings=True))
        session, who = factories.clinic(uow, fee_fen=0).session, factories.person(uow)
    with units.open() as uow:
        uow.session.execute(delete(OutboxItem))  # that the patient is new is told elsewhere
    with units.open(who.actor) as uow:
        ids = {"session_public_id": session.public_id, "patient_public_id": who.patient.public_id}
        visit = registration.hold(uow, **ids)
    with simulated_his(tmp_path) as books:
        yield Asked(units, clock, books, visit)


def test_a_sender_killed_while_the_answer_is_out_asks_again_and_one_place_is_confirmed(asked: Asked) -> None:
    asked.send_and_die_before_the_answer()

    assert asked.send()

    asked.has_one_effect()
    assert asked.books.repeats() == 1


def test_a_sender_killed_before_or_after_any_commit_leaves_one_effect(asked: Asked) -> None:
    kills = 0
    while not asked.send(kill_at=kills + 1):
        kills += 1

    asked.send()

    assert kills >= 2
    asked.has_one_effect()


def test_a_question_asked_anew_under_another_number_would_have_been_seen(asked: Asked) -> None:
    asked.send_and_die_before_the_answer()

    with asked.units.open() as uow:  # what a sender would do that writes the question anew after it died
        (row,) = uow.session.scalars(select(OutboxItem).where(OutboxItem.key.startswith("RegistrationBooked")))
        payload, lane = dict(row.payload), row.lane
        uow.session.delete(row)
        uow.session.flush()
        outbox.post(uow, "hospital", "RegistrationBooked:anew", payload, lane=lane)
    asked.send()

    with pytest.raises(AssertionError):
        asked.has_one_effect()


def exchanged(asked: Asked) -> tuple[Registration, Registration]:
    """The place is agreed, and one without a fee is asked for instead of it."""
    asked.send()
    with asked.units.open() as uow:
        former = uow.session.get_one(Registration, asked.visit.id)
        practitioner = uow.session.get_one(Practitioner, former.practitioner_id)
        session = factories.another_session(uow, practitioner, days=1, fee_fen=0)
        patient = uow.session.get_one(Patient, former.patient_id)
        new = registration.place(uow, session, patient, fee_fen=0, wanted=Wanted(None), replaces=former)
    return former, new


def stands(asked: Asked, *visits: Registration) -> tuple[tuple[RegistrationState, bool], ...]:
    """State of each place, and whether its answer is out."""
    with asked.units.open(reads_only=True) as uow:
        rows = [uow.session.get_one(Registration, visit.id) for visit in visits]
        return tuple((row.state, row.asked_at is not None) for row in rows)


def test_a_sender_killed_at_any_moment_of_an_exchange_leaves_one_place_or_the_other(asked: Asked) -> None:
    former, new = exchanged(asked)
    kills, seen = 0, {stands(asked, former, new)}
    while not asked.send(kill_at=kills + 1):
        kills += 1
        seen.add(stands(asked, former, new))
    asked.send()

    assert kills >= 2
    assert seen <= {WAITS, DONE}
    assert stands(asked, former, new) == DONE
    rows = asked.books.store.rows("SELECT placer, state FROM his_appointment ORDER BY rowid")
    assert [(row["placer"], row["state"]) for row in rows] == [
        (former.visit_number, "Cancelled"),
        (new.visit_number, "Booked"),
    ]


def test_a_former_place_that_went_back_before_the_word_would_have_been_seen(asked: Asked) -> None:
    former, new = exchanged(asked)
    set_switch(asked.books.store, "his", "refuse", "next", 0)

    with asked.units.open() as uow:  # what a place would do that took the former one's as soon as it is booked
        registration.give_back_former(uow, uow.session.get_one(Registration, new.id))
    too_early = stands(asked, former, new)
    asked.send()

    assert too_early not in {WAITS, DONE}
    assert [state for state, _ in stands(asked, former, new)] == [RegistrationState.CANCELLED] * 2


@pytest.mark.long
def test_a_hundred_kills_at_any_moment_leave_one_effect_of_each_booking(asked: Asked) -> None:
    kills = 0
    while kills < 100:
        child = asked._forked(0)
        time.sleep(random.random() * 0.15)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        asked.clock.step(minutes=2)
        if not os.WIFSIGNALED(status) or asked.is_answered():
            asked.has_one_effect()
            asked.anew()
        else:
            kills += 1
    while not asked.is_answered():
        asked.send()

    asked.has_one_effect()
