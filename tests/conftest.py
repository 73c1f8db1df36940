"""What every test of the visit starts from: an empty hospital, a clock that can be set, and units of work."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from app import create_app
from app.identity import logins
from app.kernel.crypto import Keyring
from app.kernel.db import engine_options, prepare
from app.kernel.uow import Units
from app.rulebook import remembered
from app.story import STORY
from config import Settings, read_settings
from tests.one_database import Database, PostgresDatabase, SqliteFile, broken_promises, database_on
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


@pytest.fixture(scope="session")
def _one_clock() -> SetClock:
    """Of the whole run, since an application built once keeps its clock."""
    return SetClock(MORNING)


@pytest.fixture
def clock(_one_clock: SetClock) -> SetClock:
    _one_clock.at(MORNING)
    return _one_clock


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL server, or the one named by MENZHEN_TEST_POSTGRES (its databases are made and dropped)."""
    given = os.environ.get("MENZHEN_TEST_POSTGRES")
    if given:
        yield given
        return
    with running_postgres() as url:
        yield url


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


class TemplateMemory(BytecodeCache):
    """Templates compiled once for all the applications of a run."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key + bucket.checksum in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key + bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> None:
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": TemplateMemory()}


@pytest.fixture(scope="session", autouse=True)
def dear_hasher() -> PasswordHasher:
    """How the hospital hashes passwords; meanwhile the tests do so cheaply."""
    dear, logins._HASHER = logins._HASHER, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return dear


def is_postgres() -> bool:
    """Which database the run is for: MENZHEN_TEST_DATABASE is sqlite (the default) or postgresql."""
    return os.environ.get("MENZHEN_TEST_DATABASE", "sqlite") == "postgresql"


def quicken(engine: Engine) -> None:
    """A test's SQLite need not survive a power cut; what must survive a kill has a test with real processes."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))


@pytest.fixture(scope="session")
def one_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database with all tables, of the kind the run is for, that every test finds empty."""
    with contextlib.ExitStack() as ends:
        made: SqliteFile | PostgresDatabase
        if is_postgres():
            server = request.getfixturevalue("postgres_url")
            made = PostgresDatabase(ends.enter_context(database_on(server, f"tests_{os.getpid()}")))
        else:
            made = SqliteFile(tmp_path_factory.mktemp("database") / "menzhen.db")
        ends.callback(made.close)
        yield made


def _name_of(request: pytest.FixtureRequest) -> str:
    return f"t{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**10}"


@pytest.fixture
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if not is_postgres():
        yield f"sqlite:///{tmp_path / 'bare.db'}"
        return
    server, name = request.getfixturevalue("postgres_url"), _name_of(request)
    with database_on(server, name) as url:
        yield url


@pytest.fixture
def database_url(one_database: Database) -> str:
    """A database with all tables and no rows, of the kind the run is for; always at the same address."""
    remembered.forget()
    one_database.wash()
    return one_database.url


_LOCKING_SUBQUERY = re.compile(r"\bIN \(SELECT [^()]*(\([^()]*\)[^()]*)*FOR UPDATE")


def refuse_locking_subqueries(engine: Engine) -> None:
    """`IN (SELECT … FOR UPDATE)` may be run once per row of the outer table and lock more than it says: use a CTE."""

    def look(_c: object, _cursor: object, statement: str, _p: object, _context: object, _many: bool) -> None:
        assert not _LOCKING_SUBQUERY.search(statement), f"locks in a subquery of IN: {statement}"

    event.listen(engine, "before_cursor_execute", look)


@contextlib.contextmanager
def listened(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


@functools.cache
def _engine(database_url: str) -> Engine:
    """Made once: it remembers how each statement is written, which takes longer than most of them run."""
    engine = create_engine(database_url, **engine_options(database_url, pool_size=20))
    prepare(engine)
    quicken(engine)
    refuse_locking_subqueries(engine)
    return engine


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The test's own view of the engine: who listens to it is forgotten with the test."""
    return _engine(database_url).execution_options()


@functools.cache
def _application(settings: Settings, clock: SetClock, purpose: str) -> tuple[Flask, object]:
    app = create_app(settings, clock=clock)
    quicken(app.extensions["menzhen"].units.engine)
    return app, app.extensions["menzhen"]


def application(database_url: str, clock: SetClock, purpose: str) -> contextlib.AbstractContextManager[Flask]:
    """The application on the test's database, built once for each purpose, since its routes take long to compile."""
    settings = read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": database_url})
    return _lent(replace(settings, data_keys=(("test", b"k" * 32),), index_key=b"i" * 32), clock, purpose)


@contextlib.contextmanager
def _lent(settings: Settings, clock: SetClock, purpose: str) -> Iterator[Flask]:
    app, runtime = _application(settings, clock, purpose)
    app.extensions["menzhen"] = runtime
    yield app


@pytest.fixture
def keys() -> Keyring:
    return Keyring([("test", b"k" * 32)], b"i" * 32)


@pytest.fixture
def units(
    request: pytest.FixtureRequest, one_database: Database, engine: Engine, clock: SetClock, keys: Keyring
) -> Iterator[Units]:
    """Units on the test's own database; when the test is over the promises of the tables must hold.

    A unit test of one slice fabricates the steps before it, so it answers for its own slice's promises only.
    """
    yield Units(engine, clock, keys, SHANGHAI, STORY)
    folder = request.path.parent
    counts = broken_promises(one_database, within=folder.name if folder.parent.name == "unit" else "")
    assert counts == {}, "promises that do not hold after the test"
