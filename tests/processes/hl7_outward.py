"""The way out of the HL7 process: what is to be told to a simulated hospital system, and what that has in its books."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from app.kernel import outbox
from app.kernel.clock import SystemClock
from app.kernel.crypto import Keyring
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Units
from config import read_settings
from hl7_adapter.er7 import parse
from sandbox.his.listener import start_listener
from sandbox.store import Store
from tests import factories
from tests.private_postgres import free_port

HOST = "127.0.0.1"
TOPIC = "hospital"
ANSWER_SECONDS = 2
PATIENCE_SECONDS = 180


def units_of(engine: Engine) -> Units:
    """Units on the database of a running demo process, with its keys; nothing follows any event."""
    settings = read_settings({"MENZHEN_MODE": "demo"})
    return Units(engine, SystemClock(), Keyring(settings.data_keys, settings.index_key), settings.time_zone, {})


@dataclass
class Outward:
    """Events of some patients, told one by one; every event is one more letter about its patient."""

    units: Units
    patients: list[int] = field(default_factory=list)
    posted: int = 0

    def admit(self, count: int) -> None:
        """So many patients are there whom the hospital system does not know."""
        with self.units.open() as uow:
            self.patients += [factories.person(uow).patient.id for _ in range(count)]

    def post(self, count: int, lane: str = "patient-{patient}") -> None:
        """So many more events are to be told, each patient's in turn."""
        with self.units.open() as uow:
            for number in range(self.posted, self.posted + count):
                patient = self.patients[number % len(self.patients)]
                payload = {"event": "PatientFiled", "patient_id": patient}
                where = lane.format(patient=patient, number=number)
                outbox.post(uow, TOPIC, f"told:{number}", payload, lane=where)
        self.posted += count

    def waiting(self) -> int:
        """How many events are not told yet."""
        with self.units.open(reads_only=True) as uow:
            open_rows = select(func.count()).where(
                OutboxItem.topic == TOPIC, OutboxItem.key.startswith("told:"), OutboxItem.state != OutboxState.SENT
            )
            return uow.session.scalar(open_rows) or 0

    def wait_until_told(self) -> float:
        """Seconds until nothing waited any more."""
        began = time.monotonic()
        while self.waiting():
            assert time.monotonic() - began < PATIENCE_SECONDS, f"{self.waiting()} events were never told"
            time.sleep(0.05)
        return time.monotonic() - began

    def rows(self) -> list[OutboxItem]:
        """The events in the order in which they happened."""
        with self.units.open(reads_only=True) as uow:
            told = select(OutboxItem).where(OutboxItem.topic == TOPIC, OutboxItem.key.startswith("told:"))
            return list(uow.session.scalars(told.order_by(OutboxItem.id)))

    def has_told_each_once(self, books: Books) -> None:
        """Each event has one control id and stands in the books once, as it was sent, and was answered for itself."""
        rows = self.rows()
        assert len(rows) == self.posted
        assert {row.state for row in rows} <= {OutboxState.SENT}
        assert books.letters() == {f"MZ{row.id:010d}": row.body for row in rows}
        answers = [(parse(row.answer or b"").get("MSA-1"), parse(row.answer or b"").get("MSA-2")) for row in rows]
        assert answers == [("AA", f"MZ{row.id:010d}") for row in rows]


@dataclass
class Books:
    """What the simulated hospital system wrote down; `port` is where it listens."""

    store: Store
    port: int

    def letters(self) -> dict[str, bytes]:
        """The bytes of each control id; a control id with two entries has none."""
        rows = self.store.rows("SELECT control_id, raw FROM his_received")
        twice = {name for name, count in Counter(row["control_id"] for row in rows).items() if count > 1}
        return {row["control_id"]: b"" if row["control_id"] in twice else bytes(row["raw"]) for row in rows}

    def repeats(self) -> int:
        """How many letters came once more."""
        (row,) = self.store.rows("SELECT coalesce(sum(repeats), 0) AS n FROM his_received")
        return int(row["n"])


@contextmanager
def simulated_his(folder: Path) -> Iterator[Books]:
    """The simulator's hospital system, listening, without any mishaps of its own."""
    books = Books(Store(folder / "books.sqlite3"), free_port())
    stop = start_listener(books.store, HOST, books.port)
    try:
        yield books
    finally:
        stop()


def telling(port: int, answer_seconds: int = ANSWER_SECONDS) -> dict[str, str]:
    """The settings of a process that tells the hospital system on this port and waits so long for each answer."""
    return {"HL7_HIS_HOST": HOST, "HL7_HIS_PORT": str(port), "HL7_ANSWER_TIMEOUT_SECONDS": str(answer_seconds)}
