"""The listener as in the hospital, `python -m hl7_adapter`, on a PostgreSQL of its own, with doctors to be booked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine

from app import tables as _tables  # noqa: F401 - every table is made
from app.kernel.clock import SystemClock
from app.kernel.crypto import Keyring
from app.kernel.db import Base, engine_options, prepare
from app.kernel.uow import Units, Uow
from app.scheduling.models import Department, HalfDay, Practitioner, Shift
from app.scheduling.opening import open_session
from bench.mllp_load import HOST
from tests.private_postgres import free_port, running_postgres

ROOT = Path(__file__).resolve().parent.parent
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Listener:
    """A running listener: its port, its process id, and when tomorrow's sessions begin."""

    port: int
    pid: int
    session_at: datetime


@contextmanager
def running_listener(doctors: int) -> Iterator[Listener]:
    """A listener on PostgreSQL with fsync on; so many doctors sit tomorrow, each with 200 places."""
    with running_postgres(durable=True) as url:
        session_at = _prepared(url, doctors)
        port = free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith(("MENZHEN_", "HL7_"))}
        env |= {"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url, "HL7_PORT": str(port)}
        command = [sys.executable, "-m", "hl7_adapter"]
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                if not process.stdout.readline().startswith("hl7_adapter ready"):
                    raise SystemExit("the listener did not come up")
                yield Listener(port, process.pid, session_at)
            finally:
                process.terminate()


def _prepared(url: str, doctors: int) -> datetime:
    engine = create_engine(url, **engine_options(url, 2))
    prepare(engine)
    Base.metadata.create_all(engine)
    units = Units(engine, SystemClock(), Keyring([("bench", b"k" * 32)], b"i" * 32), SHANGHAI, {})
    with units.open() as uow:
        session_at = datetime.combine(uow.today() + timedelta(days=1), datetime.min.time(), SHANGHAI).replace(hour=8)
        _doctors(uow, doctors, session_at)
    engine.dispose()
    return session_at


def _doctors(uow: Uow, count: int, session_at: datetime) -> None:
    department = Department(code="GI", name="消化内科", name_en="Gastroenterology", location="门诊楼3层")
    uow.session.add(department)
    uow.session.flush()
    for number in range(count):
        doctor = Practitioner(code=f"D{number}", name=f"门诊{number}", title="主治医师", department_id=department.id)
        uow.session.add(doctor)
        uow.session.flush()
        shift = Shift(
            practitioner_id=doctor.id,
            weekday=session_at.weekday(),
            half_day=HalfDay.AM,
            starts=session_at.time(),
            places=200,
            slot_minutes=1,
            room=f"3-{number}",
            fee_fen=2500,
        )
        uow.session.add(shift)
        uow.session.flush()
        open_session(uow, shift, session_at.date())


@contextmanager
def running_server(name: str) -> Iterator[int]:
    """The port of a receiver of `bench.mllp_servers` in a process of its own."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.mllp_servers", name, str(port)], cwd=ROOT) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("a receiver did not come up")
