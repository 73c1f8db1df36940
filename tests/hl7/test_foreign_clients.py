"""Clients that others wrote for Node.js send to our listener and understand its answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from app.kernel.peers import AckMode
from app.kernel.uow import Units
from tests.hl7.files import visit
from tests.hl7.test_intake import patient
from tests.hl7.test_peers import agreed, asking
from tests.hl7.test_peers_wire import heard

FOLDER = Path(__file__).parent / "foreign"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="these clients need Node.js, which is not on this machine"),
]


def sent(script: str, port: int, raw: bytes, folder: Path) -> str:
    """What the client got for the message."""
    assert (FOLDER / "node_modules").is_dir(), "./test gets the clients (npm ci in tests/hl7/foreign)"
    file = folder / "message.hl7"
    file.write_bytes(raw)
    command = ["node", str(FOLDER / script), str(port), str(file)]
    run = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@pytest.mark.parametrize("script", ["simple_hl7.js", "node_hl7_client.js"])
@pytest.mark.parametrize("mode", ["original", "auto"])
def test_a_client_for_node_gets_its_answer(hospital: Units, tmp_path: Path, script: str, mode: str) -> None:
    agreed(hospital, ack_mode=AckMode(mode))

    with heard(hospital, is_strict=True) as server:
        answer = sent(script, server.port, visit("a04_new"), tmp_path)

    assert "MSA|AA|A04_NEW" in answer
    assert patient(hospital, "P20001")


@pytest.mark.parametrize("script", ["simple_hl7.js", "node_hl7_client.js"])
def test_a_client_that_asks_for_everything_gets_one_answer_in_original_mode(
    hospital: Units, tmp_path: Path, script: str
) -> None:
    agreed(hospital)

    with heard(hospital) as server:
        answer = sent(script, server.port, asking(visit("a04_new"), "AL", "AL"), tmp_path)

    assert answer.count("MSA|") == 1
    assert "MSA|AA|A04_NEW" in answer
