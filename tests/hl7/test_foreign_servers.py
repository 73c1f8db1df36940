"""Servers that others wrote are told of patients: each is told everything once, whatever else it says or forgets."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hl7
import pytest
from hl7.mllp import start_hl7_server
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message
from sqlalchemy import select

from app.kernel import peers
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.secured import listening
from hl7_adapter.sender import Sender
from tests import factories
from tests.conftest import SetClock
from tests.hl7.certificates import Authority, Pair
from tests.hl7.test_foreign_clients import FOLDER
from tests.hl7.test_mllp import HOST, free_port
from tests.hl7.test_peers_wire import HIS, IT

PATIENTS = 12
ROUNDS = 20
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="these servers need Node.js")


@contextmanager
def python_hl7(context: ssl.SSLContext | None = None, codes: tuple[str, ...] = ("AA",)) -> Iterator[int]:
    """The asyncio server of python-hl7, which gives an answer of its own making for each of `codes`."""
    loop, port = asyncio.new_event_loop(), free_port()

    async def answer(reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                for code in codes:
                    writer.writemessage(message.create_ack(code))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    starting = start_hl7_server(answer, host=HOST, port=port, encoding="utf-8", ssl=context)
    server = loop.run_until_complete(starting)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Told(AbstractHandler):
    """What the documentation of hl7apy answers, with the MSA-2 that it leaves to its reader."""

    def reply(self) -> str:
        message = parse_message(self.incoming_message, find_groups=False)
        head = f"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||ACK|1|P|2.5.1\rMSA|AA|{message.msh.msh_10.value}\r"
        return f"\x0b{head}\x1c\r"


@contextmanager
def hl7apy() -> Iterator[int]:
    """The threading server of hl7apy, which hangs up after each message."""
    port = free_port()
    with MLLPServer(HOST, port, {"ADT^A04^ADT_A01": (Told,)}) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield port
        finally:
            server.shutdown()
            thread.join(10)


@contextmanager
def node(script: str, pair: Pair | None = None) -> Iterator[int]:
    """A server for Node.js in a process of its own."""
    assert (FOLDER / "node_modules").is_dir(), "./test gets the servers (npm ci in tests/hl7/foreign)"
    port, shown = free_port(), [pair.key, pair.cert] if pair else []
    command = ["node", str(FOLDER / script), str(port), *shown]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield port
        finally:
            process.kill()


def tell(units: Units, clock: SetClock, port: int, settings: Hl7Settings | None = None, **terms: object) -> None:
    """Several patients are to be told of; the sender tries until nothing waits, the clock a minute on each time."""
    with units.open(IT) as uow:
        peers.file_peer(uow, replace(HIS, out_port=port, **terms))
        for _ in range(PATIENTS):
            factories.person(uow)

    async def run() -> None:
        sender = Sender(units, settings or Hl7Settings(answer_timeout_seconds=2))
        for _ in range(ROUNDS):
            await sender.round()
            if all(row.state is OutboxState.SENT for row in letters(units)):
                break
            clock.step(minutes=1)
        sender.stopping.set()
        await sender.run()

    asyncio.run(run())


def letters(units: Units) -> list[OutboxItem]:
    with units.open(reads_only=True) as uow:
        wanted = select(OutboxItem).where(OutboxItem.topic == "hospital").order_by(OutboxItem.id)
        return [row for row in uow.session.scalars(wanted) if row.payload["event"] == "PatientFiled"]


def assert_each_was_answered(units: Units) -> None:
    rows = [row for row in letters(units) if row.body]
    assert len(rows) == PATIENTS
    for row in rows:
        told = parse(row.answer or b"")
        assert (row.state, told.get("MSA-1")) in {(OutboxState.SENT, "AA"), (OutboxState.SENT, "CA")}
        assert told.get("MSA-2") == parse(row.body or b"").get("MSH-10") == f"MZ{row.id:010d}"


PLAIN = {
    "python-hl7": python_hl7,
    "python-hl7, enhanced": lambda: python_hl7(codes=("CA", "AA")),
    "hl7apy": hl7apy,
    "node-hl7-server": lambda: node("node_hl7_server.js"),
    "simple-hl7": lambda: node("simple_hl7_server.js"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(each, marks=needs_node if "-" in each else ()) for each in PLAIN])
def test_a_foreign_server_is_told_of_every_patient(hospital: Units, clock: SetClock, name: str) -> None:
    with PLAIN[name]() as port:
        tell(hospital, clock, port)

    assert_each_was_answered(hospital)


BY_TLS: dict[str, Callable[[Pair], object]] = {
    "python-hl7": lambda pair: python_hl7(listening(Hl7Settings(tls_cert_file=pair.cert, tls_key_file=pair.key))),
    "node-hl7-server": lambda pair: node("node_hl7_server.js", pair),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["python-hl7", pytest.param("node-hl7-server", marks=needs_node)])
def test_a_foreign_server_is_told_by_tls(hospital: Units, clock: SetClock, tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)
    settings = Hl7Settings(answer_timeout_seconds=2, his_ca_file=authority.file)

    with BY_TLS[name](authority.pair("his")) as port:  # type: ignore[attr-defined]
        tell(hospital, clock, port, settings, out_tls=True)

    assert_each_was_answered(hospital)
