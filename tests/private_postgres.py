"""A PostgreSQL of the tests' own: made in a temporary folder by an ordinary user, gone when the tests are."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def _bin() -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    raise RuntimeError("PostgreSQL is not installed; ./test installs it")


def postgres_program(name: str) -> str:
    """Where the server's own program of that name is."""
    return str(_bin() / name)


def _as_ordinary_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root, so root hands it to the postgres or nobody user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no ordinary user to run PostgreSQL as")


def free_port(*spoken_for: int) -> int:
    """A port that nobody listens on, none of those given, below the range from which clients get theirs.

    Drawn by lot, since several runs look for theirs at the same time and each takes its own a moment later.
    """
    for _ in range(1000):
        port = 20000 + secrets.randbelow(12000)
        if port in spoken_for:
            continue
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port")


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[str]:
    """The address of a running server, `postgresql+psycopg://…/postgres`; with `durable` it keeps fsync on."""
    folder = Path(tempfile.mkdtemp(prefix="menzhen-pg-"))
    run_as = _as_ordinary_user()
    if run_as:
        os.chown(folder, int(str(run_as["user"])), int(str(run_as["group"])))
    port, binaries = free_port(), _bin()
    env = {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)}

    def run(program: str, *arguments: str) -> None:
        command = [binaries / program, "-D", folder / "data", *arguments]
        subprocess.run(command, env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL, **run_as)

    run("initdb", "-U", "menzhen", "-A", "trust", "-E", "UTF8", "--no-sync")
    quick = "" if durable else "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c max_connections=200 {quick}"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://menzhen@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
