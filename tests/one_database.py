"""The one database of a run: emptied before each test, and asked after it whether its tables' promises hold.

Its own connection to it stays open, so that the questions, which are always the same, are understood only once.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import NullPool, create_engine, text

from app import tables as _tables  # noqa: F401 - it holds every table
from app.cli import invariants
from app.kernel.db import Base

LOCKED_SECONDS = 30
TABLES = [f'"{name}"' for name in Base.metadata.tables]
_WASH = " ".join(f"DELETE FROM {table};" for table in TABLES)


class Database(Protocol):
    """What a test asks of the database that it is given."""

    @property
    def url(self) -> str:
        """Where an application finds it."""

    def wash(self) -> None:
        """Empties every table."""

    def row(self, question: str) -> list[int]:
        """The one row of counts that answers it."""


def broken_promises(database: Database, *, within: str = "") -> dict[str, int]:
    """The promises that do not hold now, with the rows that break each; those of one slice when it is named."""
    names, question = _promises(within)
    if not names:
        return {}
    return {name: count for name, count in zip(names, database.row(question), strict=True) if count}


@functools.cache
def _promises(within: str) -> tuple[list[str], str]:
    """The names of the promises, and one question with a column for each: to ask costs more than to look."""
    asked = {
        name: sql for name, sql in invariants.statements().items() if name.startswith(f"{within}." if within else "")
    }
    return list(asked), f"SELECT {', '.join(f'({sql})' for sql in asked.values())}"


class SqliteFile:
    """A file that stays where it is, so that whoever has it open need not learn its tables again."""

    def __init__(self, file: Path) -> None:
        self.url = f"sqlite:///{file}"
        _make_tables(self.url)
        self._connection = sqlite3.connect(
            file, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=1000
        )
        for pragma in ("journal_mode=WAL", "synchronous=OFF"):
            self._connection.execute(f"PRAGMA {pragma}")

    def wash(self) -> None:
        with self._unit("IMMEDIATE") as ask:
            for table in TABLES:
                if ask(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
                    ask(f"DELETE FROM {table}")

    def row(self, question: str) -> list[int]:
        with self._unit("DEFERRED") as ask:
            return [int(count or 0) for count in ask(question).fetchone()]

    @contextlib.contextmanager
    def _unit(self, kind: str) -> Iterator[Callable[[str], sqlite3.Cursor]]:
        self._connection.execute(f"BEGIN {kind}")
        try:
            yield self._connection.execute
        finally:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class PostgresDatabase:
    """A database of the run's server: to wash it takes a fraction of the time that a new one takes."""

    def __init__(self, url: str) -> None:
        self.url = url
        _make_tables(url)
        self._connection = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, prepare_threshold=0)
        self._connection.prepared_max = None
        self._connection.execute("SET jit = off")  # the one long question is asked of a few rows
        self._connection.execute("SET session_replication_role = replica")  # foreign keys stand still meanwhile
        self._connection.execute(
            f"CREATE FUNCTION pg_temp.wash() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {_WASH} END $$".encode()
        )

    def wash(self) -> None:
        """Keys go on from where they were, since an application that serves many tests has drawn some of the next."""
        self._connection.execute("SELECT pg_temp.wash()")

    def row(self, question: str) -> list[int]:
        (row,) = self._connection.execute(question.encode())
        return [int(count or 0) for count in row]

    def close(self) -> None:
        self._connection.close()


def _make_tables(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    Base.metadata.create_all(engine)
    engine.dispose()


@contextlib.contextmanager
def database_on(server: str, name: str) -> Iterator[str]:
    """A new database without tables on the PostgreSQL at `server`, dropped at the end."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield f"{server.rsplit('/', 1)[0]}/{name}"
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
