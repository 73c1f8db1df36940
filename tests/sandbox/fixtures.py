"""A sandbox of one's own: `with running_sandbox(tmp_path) as sandbox: ...`."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port nobody listens on, below 32768, so that no outgoing connection can be given it."""
    while True:
        port = 20000 + secrets.randbelow(12000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class RunningSandbox:
    """One sandbox process; `start` after `kill` opens the same books on the same ports."""

    def __init__(self, state_dir: Path, app_url: str, app_mllp: str) -> None:
        self.state_dir = state_dir
        self.http_port = free_port()
        self.his_port = free_port()
        self.http_url = f"http://127.0.0.1:{self.http_port}"
        self.settings = {
            "SANDBOX_HTTP_PORT": str(self.http_port),
            "SANDBOX_HIS_PORT": str(self.his_port),
            "SANDBOX_STATE_DIR": str(state_dir),
            "SANDBOX_APP_URL": app_url,
            "SANDBOX_APP_MLLP": app_mllp,
            "SANDBOX_RETRY_SPEEDUP": "60",
        }
        self.log_path = state_dir.with_name(state_dir.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The variables the hospital's software needs to reach this sandbox."""
        lines = (self.state_dir / "app.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def start(self, timeout_seconds: float = 60) -> None:
        """Afterwards the sandbox answers."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox"], cwd=ROOT, env=os.environ | self.settings, stdout=log, stderr=log
            )
        deadline = time.monotonic() + timeout_seconds
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the sandbox did not start:\n{self.log_path.read_text()[-4000:]}")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End it politely."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def running_sandbox(
    tmp_path: Path, app_url: str = "http://127.0.0.1:9", app_mllp: str = "127.0.0.1:9"
) -> Iterator[RunningSandbox]:
    """A sandbox on free ports with its state under `tmp_path`, gone when the block ends."""
    sandbox = RunningSandbox(tmp_path / "sandbox", app_url, app_mllp)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
