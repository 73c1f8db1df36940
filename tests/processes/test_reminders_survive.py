"""Two processes do the jobs and are killed in the middle: every recipient is reminded exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from app.analytics.models import JobHeartbeat
from app.kernel.clock import SteppedClock, at_hospital, hospital_day
from app.kernel.crypto import Keyring
from app.kernel.ids import new_public_id
from app.kernel.uow import Units
from app.notifications.delivery import LEASE_SECONDS
from app.notifications.models import Message
from app.notifications.states import MessageState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.rules import TELL_AT
from app.revisit.states import ReminderState, Stage
from app.scheduling.models import HalfDay
from config import Settings, read_settings
from tests import factories
from tests.conftest import is_postgres

ROOT = Path(__file__).resolve().parents[2]
MANY = pytest.param(500, marks=() if is_postgres() else pytest.mark.long)  # SQLite writes one after the other anyway
PATIENCE_SECONDS = 120


@dataclass
class Provider:
    """A text provider that takes each reference once and remembers how often it was asked."""

    asked: int = 0
    taken: dict[str, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def take(self, phone: str, client_ref: str) -> str:
        with self.lock:
            self.asked += 1
            self.taken.setdefault(client_ref, phone)
        return f"id-{client_ref}"


@contextmanager
def counter(provider: Provider) -> Iterator[str]:
    """The provider's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(0.005)
            answer = json.dumps({"message_id": provider.take(form["phone"], form["client_ref"])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is written down."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


class Hospital:
    """A hospital whose clock is set and whose jobs run in processes of their own."""

    def __init__(self, engine: Engine, database_url: str, folder: Path, sms_url: str) -> None:
        self.clock_file = folder / "clock"
        self.log = folder / "jobs.log"
        self.step_to_ten()
        self.env = {
            "PATH": os.environ["PATH"],
            "MENZHEN_MODE": "demo",
            "MENZHEN_DATABASE_URL": database_url,
            "MENZHEN_CLOCK_FILE": str(self.clock_file),
            "SMS_BASE_URL": sms_url,
            "SMS_KEY": "k",
        }
        settings: Settings = read_settings(self.env)
        keys = Keyring(settings.data_keys, settings.index_key)
        self.units = Units(engine, SteppedClock(self.clock_file), keys, settings.time_zone, {})
        self.started: list[subprocess.Popen[bytes]] = []

    def step_to_ten(self) -> None:
        """It is five past ten in the hospital today."""
        zone = read_settings({"MENZHEN_MODE": "demo"}).time_zone
        now = datetime.now(UTC)
        ten = at_hospital(hospital_day(now, zone), TELL_AT, zone) + timedelta(minutes=5)
        self.step(int((ten - now).total_seconds()))

    def step(self, seconds: int) -> None:
        before = int(self.clock_file.read_text()) if self.clock_file.exists() else 0
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(str(before + seconds))
        fresh.replace(self.clock_file)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.jobs"], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def stop_all(self) -> list[int]:
        running = [process for process in self.started if process.poll() is None]
        for process in running:
            process.terminate()
        return [process.wait(30) for process in running]

    def kill_all(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait(10)

    def count(self, *conditions: object) -> int:
        with self.units.open(reads_only=True) as uow:
            return uow.session.scalar(select(func.count(Message.id)).where(*conditions)) or 0  # type: ignore[arg-type]

    def wait_for(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not what():
            if time.monotonic() > deadline or all(process.poll() is not None for process in self.started):
                raise AssertionError(self.log.read_text()[-4000:])
            time.sleep(0.02)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def hospital(engine: Engine, database_url: str, tmp_path: Path, provider: Provider) -> Iterator[Hospital]:
    with counter(provider) as sms_url:
        made = Hospital(engine, database_url, tmp_path, sms_url)
        try:
            yield made
        finally:
            made.kill_all()


def due_reminders(units: Units, people: int) -> None:
    """Each of `people` patients is to be reminded now."""
    with units.open() as uow:
        clinic = factories.clinic(uow)
        for number in range(people):
            who = factories.person(uow)
            registration = Registration(
                public_id=new_public_id(),
                visit_number=f"V{number}",
                account_id=who.account.id,
                patient_id=who.patient.id,
                session_id=clinic.session.id,
                practitioner_id=clinic.practitioner.id,
                visit_day=uow.today(),
                half_day=HalfDay.AM,
                fee_fen=0,
                state=RegistrationState.COMPLETED,
                held_at=uow.now(),
                held_until=uow.now(),
            )
            uow.session.add(registration)
            uow.session.flush()
            plan = FollowUpPlan(
                patient_id=who.patient.id,
                registration_id=registration.id,
                practitioner_id=clinic.practitioner.id,
                department_id=clinic.department.id,
                planned_day=uow.today() - timedelta(days=30),
                due_day=uow.today() + timedelta(days=7),
            )
            uow.session.add(plan)
            uow.session.flush()
            uow.session.add(Reminder(plan_id=plan.id, account_id=who.account.id, stage=Stage.WEEK, due_at=uow.now()))


@pytest.mark.parametrize("people", [MANY] if is_postgres() else [150, MANY])
def test_each_of_hundreds_is_reminded_once_across_kills(hospital: Hospital, provider: Provider, people: int) -> None:
    due_reminders(hospital.units, people)
    first, second = hospital.start(), hospital.start()

    hospital.wait_for(lambda: 0 < hospital.count() < people or len(provider.taken) > 20)
    first.kill()
    third = hospital.start()
    hospital.wait_for(lambda: len(provider.taken) > people // 4)
    second.kill()
    assert third.poll() is None
    hospital.step(LEASE_SECONDS + 1)
    hospital.wait_for(lambda: hospital.count(Message.state == MessageState.SENT) == people)

    exits = hospital.stop_all()

    with hospital.units.open() as uow:
        per_account = Counter(uow.session.scalars(select(Message.account_id)))
        told = uow.session.scalar(select(func.count()).where(Reminder.state == ReminderState.TOLD))
        assert uow.session.scalars(select(JobHeartbeat.process)).all()
    assert (len(per_account), set(per_account.values()), told) == (people, {1}, people)
    assert len(provider.taken) == people
    assert set(Counter(provider.taken.values()).values()) == {1}
    assert provider.asked >= people
    assert exits == [0]
    assert (first.returncode, second.returncode) == (-signal.SIGKILL, -signal.SIGKILL)


def test_one_job_runs_once_when_asked_for(hospital: Hospital, provider: Provider) -> None:
    due_reminders(hospital.units, 3)

    def once(name: str) -> int:
        done = subprocess.run(
            [sys.executable, "-m", "app.jobs", "--once", name],
            cwd=ROOT,
            env=hospital.env,
            capture_output=True,
            check=False,
        )
        return done.returncode

    assert [once("reminders"), once("deliver_messages"), once("no_such_job")] == [0, 0, 2]
    assert len(provider.taken) == 3
