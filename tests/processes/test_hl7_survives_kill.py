"""The HL7 process, started as in the hospital: killed between commit and answer, and fed by a foreign client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import frame, send_once
from tests.private_postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


def a_patient(number: int, control_id: str = "") -> bytes:
    control_id = control_id or f"K{number}"
    return (
        f"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123080000||ADT^A04^ADT_A01|{control_id}|P|2.5.1\r"
        f"PID|1||P{number}^^^HIS^PI||张秀英||19500101|F\r"
    ).encode()


@contextmanager
def running(database_url: str, port: int, more: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`python -m hl7_adapter` on this database, up and listening; `more` are further settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MENZHEN_", "HL7_"))}
    env |= {"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": database_url, "HL7_PORT": str(port)} | (more or {})
    process = subprocess.Popen(
        [sys.executable, "-m", "hl7_adapter"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"hl7_adapter ready: listening on {HOST}:{port}")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def one_way(port: int) -> Iterator[int]:
    """The port of a line that carries everything to `port` and swallows whatever comes back."""
    with closing(socket.create_server((HOST, 0))) as door:

        def carry() -> None:
            with suppress(OSError):
                near, _ = door.accept()
                with closing(near), socket.create_connection((HOST, port)) as far:
                    threading.Thread(target=swallow, args=(far,), daemon=True).start()
                    while data := near.recv(65536):
                        far.sendall(data)

        def swallow(far: socket.socket) -> None:
            with suppress(OSError):
                while far.recv(65536):
                    pass

        threading.Thread(target=carry, daemon=True).start()
        yield door.getsockname()[1]


def effects(engine: Engine) -> int:
    """How often a patient was put on file."""
    with Session(engine) as session:
        return session.scalar(select(func.count()).where(AuditEvent.action == "patient.file")) or 0


def rows(engine: Engine) -> list[InboxItem]:
    with Session(engine) as session:
        return list(session.scalars(select(InboxItem).order_by(InboxItem.id)))


def wait_for_row(engine: Engine, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(rows(engine)) < count:
        assert time.monotonic() < deadline, "the message was never kept"


@pytest.mark.slow
def test_a_listener_killed_between_commit_and_answer_has_one_effect(engine: Engine, database_url: str) -> None:
    port = free_port()
    with ExitStack() as ended:
        listener = ended.enter_context(running(database_url, port))
        for number in (1, 2):
            with one_way(port) as door, socket.create_connection((HOST, door)) as his:
                his.sendall(frame(a_patient(number)))
                wait_for_row(engine, number)
                listener.send_signal(signal.SIGKILL)
                listener.wait()
                his.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    his.recv(1)
            before = effects(engine)

            listener = ended.enter_context(running(database_url, port))
            answer = parse(send_once(HOST, port, a_patient(number), 10))

            assert (answer.get("MSA-1"), answer.get("MSA-2")) == ("AA", f"K{number}")
            assert before == effects(engine) == number
            row = rows(engine)[-1]
            assert (row.state, row.repeats, row.answer) == (InboxState.DONE, 1, answer.raw)


@pytest.mark.slow
def test_the_count_of_effects_would_have_seen_a_second_one(engine: Engine, database_url: str) -> None:
    port = free_port()

    with running(database_url, port):
        send_once(HOST, port, a_patient(1, "FIRST"), 10)
        send_once(HOST, port, a_patient(1, "SECOND"), 10)

    assert effects(engine) == 2


@pytest.mark.slow
def test_a_foreign_client_delivers_and_prints_our_answer(engine: Engine, database_url: str, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "patient.hl7"
    file.write_bytes(a_patient(1).replace(b"\r", b"\n"))

    with running(database_url, port) as listener:
        sent = subprocess.run(
            [Path(sys.executable).parent / "mllp_send", "--loose", "--port", str(port), "--file", file, HOST],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        own = subprocess.run(
            [sys.executable, "-m", "hl7_adapter.send", file, "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        listener.send_signal(signal.SIGTERM)
        stopped = listener.wait(15)

    assert "MSA|AA|K1" in sent.stdout
    assert (own.returncode, own.stdout) == (0, "AA: accepted (message K1)\n")
    assert effects(engine) == 1
    assert stopped == 0
