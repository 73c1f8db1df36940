"""A hospital made for rushes: many doctors with free places, many logged-in phones, and the web servers to compare."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Connection, Engine, create_engine, insert, text

from app import create_app
from app.identity.models import Account, LoginSession, Patient, PatientLink, Relation
from app.kernel.clock import hospital_day
from app.kernel.db import Base
from app.kernel.ids import new_public_id
from app.scheduling.models import ClinicSession, Department, HalfDay, Practitioner, Slot
from bench.http_load import HOST, post
from config import read_settings
from tests.private_postgres import free_port, running_postgres
from tools.demo.environment import web_environment

ROOT = Path(__file__).resolve().parent.parent
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEB_PROCESSES = 2
UP_WITHIN_SECONDS = 30
WHAT_A_RUSH_LEAVES = "registration, bill, bill_line, once_key, audit_event, funnel_step, move, rate_count"


@dataclass(frozen=True)
class Phone:
    """A logged-in browser and the one patient it acts for."""

    cookie: str
    csrf_token: str
    patient: str

    def hold(self, session: str) -> bytes:
        """The form by which it holds a place of the session, with a key of its own."""
        once = secrets.token_urlsafe(18)
        form = {"csrf_token": self.csrf_token, "once": once, "patient": self.patient, "session": session}
        return post("/registrations", self.cookie, urlencode(form))


@dataclass(frozen=True)
class Server:
    """A web server of the house: its port and the id of its first process."""

    port: int
    pid: int


@dataclass(frozen=True)
class RushHouse:
    """The database, its application for looking inside, the phones, and the public ids of the sessions."""

    url: str
    engine: Engine
    phones: list[Phone]
    spread: list[str]
    hot: str
    sold_out: str

    def empty(self) -> None:
        """Every place is free again and nobody holds one, but in the session that is sold out."""
        with self.engine.connect() as connection:
            connection.execute(text(f"TRUNCATE {WHAT_A_RUSH_LEAVES} CASCADE"))
            connection.execute(text("UPDATE slot SET state = 'free', registration_id = NULL WHERE registration_id > 0"))
            connection.execute(text("VACUUM ANALYZE slot"))
            connection.execute(text("CHECKPOINT"))

    @property
    def postgres_pid(self) -> int:
        """The process id of the database's own first process."""
        folder = Path(str(self._said("SHOW data_directory")))
        return int((folder / "postmaster.pid").read_text().splitlines()[0])

    def _said(self, statement: str) -> object:
        with self.engine.connect() as connection:
            return connection.execute(text(statement)).scalar_one()

    def run(self, statement: str) -> None:
        """Runs the statement by itself."""
        with self.engine.connect() as connection:
            connection.execute(text(statement))

    def count(self, statement: str) -> int:
        """The single number that the statement gives."""
        return int(str(self._said(statement)))


@contextmanager
def rush_house(*, people: int, spread: tuple[int, int], hot_places: int, durable: bool = True) -> Iterator[RushHouse]:
    """A house on a PostgreSQL of its own, with fsync on when `durable`; `spread` is (sessions, places of each)."""
    with running_postgres(durable=durable) as url:
        env = {"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url}
        app = create_app(read_settings(env))
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        Base.metadata.create_all(engine)
        with engine.begin() as connection:
            phones = list(_people(connection, app, people))
            department = connection.scalar(insert(Department).values(_DEPARTMENT).returning(Department.id))
            sessions = [
                file_session(connection, department, number, spread[1] if number <= spread[0] else hot_places)
                for number in range(1, spread[0] + 2)
            ]
            sold_out = file_session(connection, department, spread[0] + 2, 50)
            connection.execute(
                text(
                    "UPDATE slot SET state = 'taken', registration_id = -id WHERE session_id ="
                    " (SELECT id FROM clinic_session WHERE public_id = :sold_out)"
                ),
                {"sold_out": sold_out},
            )
        with engine.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
        yield RushHouse(url, engine, phones, sessions[:-1], sessions[-1], sold_out)
        engine.dispose()


_DEPARTMENT = {"code": "RUSH", "name": "综合门诊", "name_en": "General clinic", "location": "门诊楼2层"}


def _people(connection: Connection, app: Flask, count: int) -> Iterator[Phone]:
    now, keys = datetime.now(UTC), app.extensions["menzhen"].units.keys
    cookies = SecureCookieSessionInterface().get_signing_serializer(app)
    assert cookies is not None
    planted = secrets.token_hex(20)
    csrf_token = str(URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(planted))
    rows: dict[type[Base], list[dict[str, object]]] = {Account: [], Patient: [], PatientLink: [], LoginSession: []}
    phones = []
    for number in range(1, count + 1):
        secret, patient = secrets.token_urlsafe(32), new_public_id()
        rows[Account].append(
            {
                "id": number,
                "public_id": new_public_id(),
                "phone_sealed": "",
                "phone_index": f"{number:032x}",
                "created_at": now,
            }
        )
        rows[Patient].append(
            {
                "id": number,
                "public_id": patient,
                "name_sealed": keys.seal("张秀英", f"patient.name:{patient}"),
                "name_masked": "张*英",
                "created_at": now,
            }
        )
        rows[PatientLink].append(
            {"account_id": number, "patient_id": number, "relation": Relation.SELF, "created_at": now}
        )
        rows[LoginSession].append(
            {
                "secret_hash": hashlib.sha256(secret.encode()).hexdigest(),
                "kind": "patient",
                "account_id": number,
                "created_at": now,
                "seen_at": now + timedelta(hours=1),
                "ends_at": now + timedelta(days=7),
            }
        )
        kept = {"_permanent": True, "csrf_token": planted, "patient": patient, "patient_secret": secret}
        phones.append(Phone(str(cookies.dumps(kept)), csrf_token, patient))
    for table, values in rows.items():
        connection.execute(insert(table), values)
    return iter(phones)


def file_session(
    connection: Connection, department_id: int | None, number: int, places: int, *, starts_at: datetime | None = None
) -> str:
    """A doctor of their own sits (tomorrow); one minute for each place, however many there are."""
    doctor = {"code": f"R{number:04d}", "name": f"门诊{number}", "title": "主治医师", "department_id": department_id}
    doctor_id = connection.scalar(insert(Practitioner).values(doctor).returning(Practitioner.id))
    starts_at = starts_at or datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=1)
    public_id, minute = new_public_id(), timedelta(minutes=1)
    session = {
        "public_id": public_id,
        "department_id": department_id,
        "practitioner_id": doctor_id,
        "visit_day": hospital_day(starts_at, SHANGHAI),
        "half_day": HalfDay.AM,
        "room": "201",
        "fee_fen": 25_00,
        "starts_at": starts_at,
        "ends_at": starts_at + places * minute,
    }
    session_id = connection.scalar(insert(ClinicSession).values(session).returning(ClinicSession.id))
    connection.execute(
        insert(Slot),
        [
            {
                "session_id": session_id,
                "seq": seq,
                "starts_at": starts_at + (seq - 1) * minute,
                "ends_at": starts_at + seq * minute,
            }
            for seq in range(1, places + 1)
        ],
    )
    return public_id


@contextmanager
def served(url: str, command: list[str], *, port: int = 0, **more: str) -> Iterator[Server]:
    """The command serves the house, as in production but with the demo's keys; on a free port unless one is given."""
    port = port or free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MENZHEN_", "GRANIAN_"))}
    own = {"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url, "MENZHEN_BASE_URL": f"http://{HOST}:{port}"}
    env = inherited | own | more
    filled = [part.format(port=port) for part in command]
    with subprocess.Popen(filled, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port, server)
            yield Server(port, server.pid)
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + UP_WITHIN_SECONDS
    while time.monotonic() < give_up_at and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("a web server did not come up")


@contextmanager
def our_server(url: str) -> Iterator[Server]:
    """The server as the demo and docs/deployment.md run it, with two processes."""
    command = [sys.executable, "-m", "granian", "--host", HOST, "--port", "{port}", "wsgi:application"]
    with served(url, command, **web_environment(), GRANIAN_WORKERS=str(WEB_PROCESSES)) as server:
        yield server


@contextmanager
def peer_server(url: str) -> Iterator[Server]:
    """The same application with the peer's way of holding a place, under gunicorn's threads."""
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", str(WEB_PROCESSES), "--threads", "4"]
    with served(
        url, [*command, "--keep-alive", "60", "-b", f"{HOST}:{{port}}", "bench.rush_peer:application"]
    ) as server:
        yield server
