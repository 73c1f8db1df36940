"""The migrations go up, fit the models, go down to nothing with rows in the tables and up again, on both databases."""

from __future__ import annotations

import tempfile
from pathlib import Path

from click.testing import CliRunner
from flask.cli import FlaskGroup

from app import create_app
from config import read_settings
from tests.private_postgres import running_postgres

WAYS = (("db", "upgrade"), ("db", "check"), ("seed",), ("db", "downgrade", "base"), ("db", "upgrade"), ("db", "check"))


def go_both_ways(url: str) -> bool:
    """True when every way could be gone on this empty database; else what failed is printed."""
    kind = url.partition(":")[0]
    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url}))
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False, set_debug_flag=False)
    for way in WAYS:
        done = CliRunner().invoke(flask, way)
        if done.exit_code:
            print(f"✗ flask {' '.join(way)} on {kind}\n{done.output[-3000:]}{done.exception!r}")
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
