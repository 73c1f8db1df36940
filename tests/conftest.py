"""What every test of the visit starts from: an empty hospital, a clock that can be set, and units of work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from app.cli import invariants
from app.kernel.crypto import Keyring
from app.kernel.db import Base, engine_options, prepare
from app.kernel.uow import Units
from app.story import STORY
from tests.private_postgres import running_postgres

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # Monday 09:30 in the hospital


class SetClock:
    """A clock that stands still until the test moves it; the world's time moves with it."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant

    def wall_now(self) -> datetime:
        return self._instant

    def at(self, instant: datetime) -> None:
        self._instant = instant

    def step(self, **by: float) -> None:
        self._instant += timedelta(**by)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(MORNING)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL server, or the one named by MENZHEN_TEST_POSTGRES (its databases are made and dropped)."""
    given = os.environ.get("MENZHEN_TEST_POSTGRES")
    if given:
        yield given
        return
    with running_postgres() as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the kind the run is for (MENZHEN_TEST_DATABASE: sqlite, the default, or postgresql)."""
    if os.environ.get("MENZHEN_TEST_DATABASE", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path / 'menzhen.db'}"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**10}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield server.rsplit("/", 1)[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url, **engine_options(database_url, pool_size=20))
    prepare(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keys() -> Keyring:
    return Keyring([("test", b"k" * 32)], b"i" * 32)


@pytest.fixture
def units(request: pytest.FixtureRequest, engine: Engine, clock: SetClock, keys: Keyring) -> Iterator[Units]:
    """Units on the test's own database; when the test is over the promises of the tables must hold.

    A unit test of one slice fabricates the steps before it, so it answers for its own slice's promises only.
    """
    units = Units(engine, clock, keys, SHANGHAI, STORY)
    yield units
    folder = request.path.parent
    own = f"{folder.name}." if folder.parent.name == "unit" else ""
    with units.open(reads_only=True) as uow:
        counts = {name: count for name, count in invariants.broken(uow).items() if name.startswith(own)}
    assert counts == {}, "promises that do not hold after the test"
