"""Keeps the demo's processes running: starts them, starts one that died again, and stops them all."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.setup import ROOT

LIVED_SECONDS = 60
LONGEST_WAIT_SECONDS = 30
STOP_SECONDS = 15


@dataclass
class Process:
    """One process of the demo: its command, its environment, its log, and how its last lives went."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float = 0.0

    def start(self) -> None:
        """It runs, in a session of its own so that Ctrl-C reaches it only through us."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command,
                env=self.env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started_at, self.start_again_at = time.monotonic(), 0.0

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


@dataclass
class Supervisor:
    """All processes of one demo; `on_change` is called whenever a process has a new id."""

    processes: list[Process]
    on_change: Callable[[], None]
    is_stopping: bool = field(default=False)

    def listen_for_signals(self) -> None:
        """From now on SIGTERM, Ctrl-C and a closed terminal ask for the stop."""
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, self._ask_to_stop)

    def _ask_to_stop(self, *_: object) -> None:
        self.is_stopping = True

    def start(self) -> None:
        """Every process has been started."""
        for process in self.processes:
            process.start()

    def pids(self) -> dict[str, int]:
        """The process ids by name, with our own."""
        running = {each.name: each.running.pid for each in self.processes if each.running}
        return {"demo": os.getpid(), **running}

    def look(self) -> None:
        """Whoever died is started again, at once the first time, then ever later up to 30 seconds."""
        for process in self.processes:
            if process.running is None or process.running.poll() is None:
                continue
            if not process.start_again_at:
                self._note_death(process)
            elif time.monotonic() >= process.start_again_at:
                process.start()
                self.on_change()

    def _note_death(self, process: Process) -> None:
        assert process.running is not None
        _kill_session(process.running.pid)  # workers of a web server that was killed still hold its port
        lived_long = time.monotonic() - process.started_at > LIVED_SECONDS
        process.deaths = 1 if lived_long else process.deaths + 1
        wait = min(2.0 ** (process.deaths - 1) - 0.5, LONGEST_WAIT_SECONDS)
        process.start_again_at = time.monotonic() + wait
        code = process.running.returncode
        sys.stderr.write(f"! {process.name} ended ({code}); starting again in {wait:.0f} s; log: {process.log}\n")

    def run(self) -> None:
        """Watches until the stop is asked for."""
        while not self.is_stopping:
            self.look()
            time.sleep(0.2)

    def stop(self) -> None:
        """No process of ours is left: asked first, killed after 15 seconds."""
        running = [each.running for each in self.processes if each.running and each.running.poll() is None]
        for child in running:
            child.terminate()
        give_up_at = time.monotonic() + STOP_SECONDS
        while any(child.poll() is None for child in running) and time.monotonic() < give_up_at:
            time.sleep(0.05)
        for child in running:
            _kill_session(child.pid)
            child.wait()


def _kill_session(pid: int) -> None:
    """No process of the session that `pid` began is left; quiet when none was."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
