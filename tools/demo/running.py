"""One demo per data folder: who holds it, and what a killed one left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tools.demo.environment import MARK
from tools.demo.faces import forget, read_pids


class AlreadyRunning(Exception):
    """Another ./demo runs on this data folder."""


@contextlib.contextmanager
def holding(data: Path) -> Iterator[None]:
    """The folder is ours until the block ends; AlreadyRunning when it is somebody's."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield


def stop_orphans(data: Path) -> list[str]:
    """The names of processes that a killed ./demo had left running; they run no more."""
    pids = {name: pid for name, pid in read_pids(data).items() if isinstance(pid, int)}
    orphans = {name: pid for name, pid in pids.items() if name != "demo" and _is_ours(pid, data)}
    for pid in orphans.values():
        os.kill(pid, signal.SIGTERM)
    give_up_at = time.monotonic() + 15
    while any(_is_ours(pid, data) for pid in orphans.values()) and time.monotonic() < give_up_at:
        time.sleep(0.1)
    forget(data)
    return list(orphans)


def _is_ours(pid: int, data: Path) -> bool:
    """Whether this process was started by a demo on this folder; another program may have got its number since."""
    wanted = f"{MARK}={data}"
    environ = Path(f"/proc/{pid}/environ")
    if environ.parent.parent.joinpath("self").exists():
        try:
            return wanted.encode() in environ.read_bytes().split(b"\0")
        except OSError:
            return False
    listed = subprocess.run(
        ["ps", "eww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return f" {wanted} " in f"{listed.stdout.strip()} "
