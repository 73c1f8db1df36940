"""A demo hospital of the bench's own: PostgreSQL that keeps its promises, two web processes, and everything beside."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app
from app.cli.demo_hospital import PASSWORD
from app.identity.logins import hash_password
from app.identity.models import Staff
from app.kernel.uow import Uow
from app.runtime import Runtime
from app.scheduling.models import ClinicSession, Department, HalfDay, Practitioner, Shift
from app.scheduling.opening import open_session
from config import read_settings
from tests.private_postgres import running_postgres
from tools.demo.environment import Place, environment, read_env
from tools.demo.options import is_free, ports_of

ROOT = Path(__file__).resolve().parent.parent
DEPARTMENT = "LOAD"
PLACES = 239  # of a minute each, so that a session lasts as long as any measurement
UP_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Hospital:
    """A running demo: what `endpoints.json` says of it, and its application in this process, for looking inside.

    `processes.close()` stops all but the database.
    """

    data: Path
    app: Flask
    processes: ExitStack

    @property
    def endpoints(self) -> dict[str, Any]:
        """The addresses, the log-ins and the process ids, as they are now."""
        return dict(json.loads((self.data / "endpoints.json").read_text()))

    @property
    def runtime(self) -> Runtime:
        """The units of work on the demo's own database, keys and clock."""
        found: Runtime = self.app.extensions["menzhen"]
        return found


@dataclass(frozen=True)
class Desk:
    """A doctor who sits now with an empty queue: their log-in and the public id of their session."""

    login: str
    session: str


@contextmanager
def running_hospital() -> Iterator[Hospital]:
    """A demo on its own PostgreSQL (fsync on) and free ports, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="menzhen-bench-") as folder, running_postgres(durable=True) as url:
        data = Path(folder) / "data"
        port = next(base for base in range(21000, 31000, 200) if all(map(is_free, ports_of(base).values())))
        with ExitStack() as processes:
            processes.enter_context(_demo(data, url, port))
            yield Hospital(data, _looking_in(data, url, port), processes)


@contextmanager
def _demo(data: Path, url: str, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "tools.demo", "--data", str(data), "--port", str(port), "--database", url]
    # Each patient comes from an address of their own, as they do through the proxy in front of a real hospital.
    env = os.environ | {"MENZHEN_TRUSTED_PROXIES": "1"}
    log = data.with_name("demo.log")
    with (
        log.open("wb") as said,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=subprocess.STDOUT) as demo,
    ):
        try:
            give_up_at = time.monotonic() + UP_WITHIN_SECONDS
            while "[6/6] running" not in log.read_text(errors="replace"):
                if demo.poll() is not None or time.monotonic() > give_up_at:
                    raise SystemExit(f"the demo did not come up:\n{log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.2)
            yield
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(60)


def _looking_in(data: Path, url: str, port: int) -> Flask:
    place = Place(data, ports_of(port), url, "127.0.0.1", "127.0.0.1")
    app = create_app(read_settings({**environment(place), **read_env(data / "sandbox" / "app.env")}))
    app.config["WTF_CSRF_ENABLED"] = False
    logging.getLogger("menzhen").setLevel(logging.WARNING)
    return app


def desks(hospital: Hospital, count: int) -> list[Desk]:
    """That many more doctors have sat in a department of their own for a few minutes, each with 239 places."""
    with hospital.runtime.units.open() as uow:
        department = Department(
            code=DEPARTMENT, name="综合门诊", name_en="General clinic", location="门诊楼2层", ticket_letter="M"
        )
        uow.session.add(department)
        uow.session.flush()
        password = hash_password(PASSWORD)
        now = uow.now().astimezone(uow.zone)
        return [_desk(uow, department, number, now, password) for number in range(1, count + 1)]


def _desk(uow: Uow, department: Department, number: int, now: datetime, password: str) -> Desk:
    code, login = f"M{number:03d}", f"bench.doctor.{number}"
    doctor = Practitioner(code=code, name=f"门诊{number:02d}", title="主治医师", department_id=department.id)
    uow.session.add(doctor)
    uow.session.add(
        Staff(login=login, name=doctor.name, roles=["doctor"], practitioner_code=code, password_hash=password)
    )
    uow.session.flush()
    shift = Shift(
        practitioner_id=doctor.id,
        weekday=now.weekday(),
        half_day=HalfDay.AM,
        starts=(now - timedelta(minutes=5)).time().replace(second=0, microsecond=0),
        places=PLACES,
        slot_minutes=1,
        room=f"2{number:02d}",
        fee_fen=15_00,
    )
    uow.session.add(shift)
    uow.session.flush()
    session = open_session(uow, shift, now.date())
    assert isinstance(session, ClinicSession)
    return Desk(login, session.public_id)


def resident_mb(pids: dict[str, int]) -> dict[str, float]:
    """The resident memory of each named process, of the largest of its children where it has some, in MB."""
    parents = dict(_parent_and_memory())
    sizes = {}
    for name, pid in pids.items():
        family = [memory for parent, memory in parents.values() if parent == pid]
        sizes[name] = max([parents[pid][1], *family]) if pid in parents else 0.0
    return sizes


def _parent_and_memory() -> Iterator[tuple[int, tuple[int, float]]]:
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue  # it ended meanwhile
        yield int(facts["Pid"]), (int(facts["PPid"]), int(facts.get("VmRSS", "0 kB").split()[0]) / 1024)
