"""The demo as a newcomer starts it: a whole visit by its real interfaces, and nobody's data where it must not be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import is_postgres
from tests.private_postgres import free_port
from tools.demo import __main__ as demo_command
from tools.demo import running
from tools.demo.options import is_free, ports_of
from tools.play.book import STEPS, play
from tools.play.visit import Visit

ROOT = Path(__file__).resolve().parent.parent.parent
UP_WITHIN_SECONDS = 300

pytestmark = pytest.mark.slow


class RunningDemo:
    """A demo in a folder of its own."""

    def __init__(self, data: Path, process: subprocess.Popen[str]) -> None:
        self.data, self.process = data, process

    @property
    def endpoints(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "endpoints.json").read_text()))

    def logs(self) -> dict[str, str]:
        return {file.name: file.read_text(errors="replace") for file in (self.data / "logs").iterdir()}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path / "data") as demo:
        yield demo


@contextmanager
def running_demo(data: Path, *more: str) -> Iterator[RunningDemo]:
    command = [sys.executable, "-m", "tools.demo", "--data", str(data), "--port", str(port_for_a_demo()), *more]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            wait_until(lambda: process.poll() is not None or says_running(process))
            assert process.poll() is None, "./demo did not come up"
            yield RunningDemo(data, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def port_for_a_demo() -> int:
    """A port for the demo's pages that leaves its other ports free, too."""
    while True:
        port = free_port()
        if all(is_free(number) for number in ports_of(port).values()):
            return port


def says_running(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    line = process.stdout.readline()
    sys.stdout.write(line)
    return line.startswith("[6/6]")


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + UP_WITHIN_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "did not come in time"
        time.sleep(0.1)


def leaks(texts: dict[str, str], canaries: tuple[str, ...]) -> list[str]:
    """Where one of the canaries stands, as `text: place of the canary`; never the canary itself."""
    return [
        f"{name}: {number}"
        for name, text in texts.items()
        for number, canary in enumerate(canaries)
        if canary in text or ascii(canary)[1:-1] in text
    ]


def test_a_whole_visit_is_played_and_leaves_nobodys_data_behind_and_its_processes_rise_again(demo: RunningDemo) -> None:
    _is_played(demo)

    _a_process_that_dies_is_started_again_and_stopping_leaves_none(demo)


@pytest.mark.long
@pytest.mark.skipif(not is_postgres(), reason="the same without a database of its own")
def test_a_whole_visit_is_played_on_postgresql(bare_database_url: str, tmp_path: Path) -> None:
    with running_demo(tmp_path / "data", "--database", bare_database_url) as demo:
        _is_played(demo)


def _is_played(demo: RunningDemo) -> None:
    visit = Visit(demo.endpoints)

    outcomes = [play(step, visit) for step in STEPS]

    assert [(one.step, one.seen) for one in outcomes if not one.ok] == []
    # play.log holds every address asked for and every code read.
    texts = demo.logs()
    assert {"web.log", "jobs.log", "hl7_adapter.log", "sandbox.log", "play.log"} <= set(texts)
    assert len(texts["web.log"]) > 1000
    pushes = visit.world.json("GET", f"/sandbox/wxoa/messages?openid={visit['openid']}")
    texts["pushes"] = json.dumps(pushes, ensure_ascii=False)
    texts["seen"] = json.dumps([dict(one.seen) for one in outcomes], ensure_ascii=False)
    assert leaks(texts, visit.person.canaries) == []
    # The search finds what is there: the text message's page holds the phone.
    inbox = visit.world.json("GET", f"/sms/inbox?phone=%2B86{visit.person.phone}")
    assert leaks({"inbox": json.dumps(inbox)}, visit.person.canaries) == ["inbox: 2"]


def _a_process_that_dies_is_started_again_and_stopping_leaves_none(demo: RunningDemo) -> None:
    before = demo.endpoints

    os.kill(before["pids"]["hl7_adapter"], signal.SIGKILL)
    os.kill(before["pids"]["web"], signal.SIGKILL)

    wait_until(lambda: is_well(before["base_url"]) and demo.endpoints["pids"]["web"] != before["pids"]["web"])
    wait_until(lambda: demo.endpoints["pids"]["hl7_adapter"] != before["pids"]["hl7_adapter"])
    after = demo.endpoints["pids"]
    assert after["jobs"] == before["pids"]["jobs"]
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(timeout=60)
    assert [name for name, pid in after.items() if name != "demo" and Path(f"/proc/{pid}").exists()] == []
    assert not (demo.data / "endpoints.json").exists()


def is_well(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_visit_is_not_played_on_a_demo_that_does_not_come_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_command, "COMES_UP_WITHIN_SECONDS", 0)

    with running.holding(tmp_path):
        assert demo_command.main(["--play", "--data", str(tmp_path)]) == 1

    assert "does not come up" in capsys.readouterr().err
