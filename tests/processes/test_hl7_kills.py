"""Listener and sender killed at any moment, again and again, while both sides talk: each message happened once.

What comes in has one effect here; what goes out stands once, under one control id, in the simulated hospital's books.
"""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app.identity.models import PatientIdentifier
from app.kernel import outbox
from app.kernel.db import Base, engine_options, prepare
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import MllpClient, NoAnswer
from hl7_adapter.sender import Sender
from tests.private_postgres import free_port, running_postgres
from tests.processes.hl7_outward import TOPIC, Books, Outward, simulated_his, telling, units_of
from tests.processes.test_hl7_survives_kill import HOST, a_patient, effects, running

CONNECTIONS = 10
PATIENTS = 50
PAUSE_SECONDS = 0.02


def an_admission(number: int) -> bytes:
    """A message that is only kept and filed."""
    return a_patient(number).replace(b"ADT^A04^ADT_A01", b"ADT^A01^ADT_A01")


@dataclass
class Listeners:
    """The listener that serves now and the one that stands by: when the first is killed, the other takes over."""

    database_url: str
    stack: ExitStack
    settings: dict[str, str]
    kills: int = 0
    _up: list[tuple[int, subprocess.Popen[str]]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where to send now."""
        return self._up[0][0]

    def start(self) -> None:
        """One more listener is up."""
        port = next(port for port in iter(free_port, None) if all(port != used for used, _ in self._up))
        self._up.append((port, self.stack.enter_context(running(self.database_url, port, self.settings))))

    def kill(self) -> None:
        """The one that serves is gone, whatever it was doing."""
        _, process = self._up.pop(0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills += 1


@dataclass
class Hospital:
    """Sends each message until it is answered AA, and sends again whatever had no answer."""

    listeners: Listeners
    messages: Iterator[bytes]
    count: int
    accepted: int = 0
    again: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_all(self) -> None:
        """All messages are accepted; each connection has one in hand at a time."""
        await asyncio.gather(*(self._send() for _ in range(CONNECTIONS)))

    async def _send(self) -> None:
        client = MllpClient(HOST, self.listeners.port, 10)
        for raw in self.messages:
            await self.go.wait()
            while True:
                try:
                    answer = parse(await client.send(raw))
                    break
                except (NoAnswer, OSError):
                    self.again += 1
                    await client.close()
                    await asyncio.sleep(PAUSE_SECONDS)
                    client = MllpClient(HOST, self.listeners.port, 10)
            assert (answer.get("MSA-1"), answer.get("MSA-2")) == ("AA", parse(raw).get("MSH-10"))
            self.accepted += 1
        await client.close()


async def killed_while_talking(listeners: Listeners, hospital: Hospital, outward: Outward, kills: int) -> None:
    """Kills at so many random moments; nothing new comes in while the next listener comes up.

    Before each kill its share of the events happens, as many as messages come in, so that it meets letters under way.
    """
    moments = sorted(random.sample(range(1, hospital.count - CONNECTIONS), kills))
    sending = asyncio.create_task(hospital.send_all())
    for moment in moments:
        hospital.go.clear()
        await asyncio.to_thread(listeners.start)
        await asyncio.to_thread(outward.post, hospital.count // kills)
        hospital.go.set()
        while hospital.accepted < moment and not sending.done():
            await asyncio.sleep(0.001)
        await asyncio.sleep(random.random() * 0.01)
        listeners.kill()
    hospital.go.set()
    await sending


def survives(database_url: str, engine: Engine, books: Books, kills: int, count: int) -> None:
    messages = iter([a_patient(number) if number % 2 else an_admission(number) for number in range(count)])
    outward = Outward(units_of(engine))
    outward.admit(PATIENTS)

    with ExitStack() as stack:
        listeners = Listeners(database_url, stack, telling(books.port))
        listeners.start()
        hospital = Hospital(listeners, messages, count)
        asyncio.run(killed_while_talking(listeners, hospital, outward, kills))
        outward.post(count - outward.posted)
        outward.wait_until_told()

    assert (hospital.accepted, listeners.kills, outward.posted) == (count, kills, count)
    assert hospital.again >= kills, "no kill met a message in hand"
    assert has_each_message_once(engine, count)
    outward.has_told_each_once(books)


def has_each_message_once(engine: Engine, count: int) -> bool:
    """Each message is kept once, with the one effect it has."""
    with Session(engine) as session:
        states = dict(session.execute(select(InboxItem.key, InboxItem.state)).all())
        rows = session.scalar(select(func.count()).select_from(InboxItem))
        people = session.scalar(select(func.count(PatientIdentifier.value.distinct())))
    wanted = {f"K{number}": InboxState.DONE if number % 2 else InboxState.FILED for number in range(count)}
    return (states, rows, people, effects(engine)) == (wanted, count, count // 2, count // 2)


@pytest.mark.slow
def test_a_process_killed_again_and_again_loses_nothing_and_does_nothing_twice(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    with simulated_his(tmp_path) as books:
        survives(database_url, engine, books, kills=2, count=160)


def test_the_books_would_have_shown_an_event_told_under_two_numbers(engine: Engine, tmp_path: Path) -> None:
    outward = Outward(units_of(engine))
    outward.admit(1)

    with simulated_his(tmp_path) as books:
        settings = Hl7Settings(his_host=HOST, his_port=books.port, answer_timeout_seconds=2)
        outward.post(1)
        asyncio.run(Sender(outward.units, settings).round())
        outward.has_told_each_once(books)
        with outward.units.open() as uow:  # what a sender would do that gives a number at each try
            (first,) = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == "told:0"))
            outbox.post(uow, TOPIC, "again:0", dict(first.payload), lane=first.lane)
        asyncio.run(Sender(outward.units, settings).round())

    with pytest.raises(AssertionError):
        outward.has_told_each_once(books)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_hundred_kills_among_twenty_thousand_messages_each_way(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        durable = stack.enter_context(running_postgres(durable=True)) if kind == "postgresql" else ""
        url = durable or f"sqlite:///{tmp_path / 'menzhen.db'}"
        engine = create_engine(url, **engine_options(url, 5))
        stack.callback(engine.dispose)
        prepare(engine)
        Base.metadata.create_all(engine)
        books = stack.enter_context(simulated_his(tmp_path))

        survives(url, engine, books, kills=200, count=20_000)
        assert books.repeats(), "no kill met a letter under way"
