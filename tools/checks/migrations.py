"""The migrations go up, fit the models, go down to nothing with rows in the tables and up again, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.private_postgres import running_postgres

WAYS = (("db", "upgrade"), ("db", "check"), ("seed",), ("db", "downgrade", "base"), ("db", "upgrade"), ("db", "check"))


def go_both_ways(url: str) -> bool:
    """True when every way could be gone on this empty database; else what failed is printed."""
    kind = url.partition(":")[0]
    env = {**os.environ, "MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url}
    for way in WAYS:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *way]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"✗ flask {' '.join(way)} on {kind}\n{(done.stdout + done.stderr)[-3000:]}")
            return False
    print(f"✓ flask db upgrade, check, seed, downgrade, upgrade, check on {kind}")
    return True


def main() -> int:
    """1 when a way could not be gone on one of the two."""
    with tempfile.TemporaryDirectory() as folder:
        on_sqlite = go_both_ways(f"sqlite:///{Path(folder) / 'menzhen.db'}")
    with running_postgres() as url:
        on_postgres = go_both_ways(url)
    return 0 if on_sqlite and on_postgres else 1


if __name__ == "__main__":
    raise SystemExit(main())
