"""Clients that others wrote send to our listener, plain and by TLS, and understand its answer."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import hl7
import pytest
from hl7.mllp import open_hl7_connection

from app.kernel.peers import AckMode
from app.kernel.uow import Units
from tests.hl7.certificates import Authority
from tests.hl7.files import visit
from tests.hl7.test_intake import patient
from tests.hl7.test_mllp import HOST
from tests.hl7.test_peers import agreed, asking
from tests.hl7.test_peers_wire import heard

FOLDER = Path(__file__).parent / "foreign"
pytestmark = pytest.mark.slow
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="these clients need Node.js")


def sent(script: str, port: int, raw: bytes, folder: Path, *more: str) -> str:
    """What the client got for the message."""
    assert (FOLDER / "node_modules").is_dir(), "./test gets the clients (npm ci in tests/hl7/foreign)"
    file = folder / "message.hl7"
    file.write_bytes(raw)
    command = ["node", str(FOLDER / script), str(port), str(file), *more]
    run = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@needs_node
@pytest.mark.parametrize("script", ["simple_hl7_client.js", "node_hl7_client.js"])
@pytest.mark.parametrize("mode", ["original", "auto"])
def test_a_client_for_node_gets_its_answer(hospital: Units, tmp_path: Path, script: str, mode: str) -> None:
    agreed(hospital, ack_mode=AckMode(mode))

    with heard(hospital, is_strict=True) as server:
        answer = sent(script, server.port, visit("a04_new"), tmp_path)

    assert "MSA|AA|A04_NEW" in answer
    assert patient(hospital, "P20001")


@needs_node
@pytest.mark.parametrize("script", ["simple_hl7_client.js", "node_hl7_client.js"])
@pytest.mark.parametrize(("mode", "code"), [("original", "AA"), ("enhanced", "CA")])
def test_a_client_that_asks_for_everything_gets_what_was_agreed(
    hospital: Units, tmp_path: Path, script: str, mode: str, code: str
) -> None:
    agreed(hospital, ack_mode=AckMode(mode))

    with heard(hospital) as server:
        answer = sent(script, server.port, asking(visit("a04_new"), "AL", "AL"), tmp_path)

    assert f"MSA|{code}|A04_NEW" in answer
    assert mode == "enhanced" or answer.count("MSA|") == 1
    assert patient(hospital, "P20001")


def by_tls(authority: Authority) -> dict[str, str]:
    """The settings of a listener with a certificate."""
    pair = authority.pair("listener")
    return {"tls_cert_file": pair.cert, "tls_key_file": pair.key}


@needs_node
@pytest.mark.parametrize("mode", ["original", "enhanced"])
def test_a_client_for_node_gets_its_answer_by_tls(hospital: Units, tmp_path: Path, mode: str) -> None:
    authority = Authority(tmp_path)
    agreed(hospital, ack_mode=AckMode(mode))

    with heard(hospital, is_strict=True, **by_tls(authority)) as server:
        answer = sent("node_hl7_client.js", server.port, visit("a04_new"), tmp_path, authority.file)

    assert f"MSA|{'AA' if mode == 'original' else 'CA'}|A04_NEW" in answer
    assert patient(hospital, "P20001")


@pytest.mark.parametrize(("mode", "codes"), [("original", ["AA"]), ("enhanced", ["CA", "AA"])])
def test_the_client_of_python_hl7_gets_its_answers_by_tls(
    hospital: Units, tmp_path: Path, mode: str, codes: list[str]
) -> None:
    authority = Authority(tmp_path)
    agreed(hospital, ack_mode=AckMode(mode))
    trusting = ssl.create_default_context(cafile=authority.file)

    async def ask(port: int) -> list[str]:
        reader, writer = await open_hl7_connection(HOST, port, encoding="utf-8", ssl=trusting)
        writer.writemessage(hl7.parse(asking(visit("a04_new"), "AL", "AL").decode()))
        await writer.drain()
        answers = [await asyncio.wait_for(reader.readmessage(), 10) for _ in codes]
        writer.close()
        return [str(answer.segment("MSA")) for answer in answers]

    with heard(hospital, is_strict=True, **by_tls(authority)) as server:
        assert asyncio.run(ask(server.port)) == [f"MSA|{code}|A04_NEW" for code in codes]
