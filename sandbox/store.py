"""The books on disk: one SQLite file, so that a killed sandbox forgets nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")


class Store:
    """Reads and writes of one SQLite file, from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the books at `path`, ruling the pages when they are new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        # Kept open between uses: each request comes in a thread of its own, and opening costs more than asking.
        self._idle: list[sqlite3.Connection] = []
        with self._borrowed() as connection:
            connection.executescript(SCHEMA.read_text())

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=20, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
        return connection

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One writing transaction: kept when the block ends, undone when it raises."""
        with self._borrowed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._borrowed() as connection:
            return connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._borrowed() as connection:
            row: sqlite3.Row | None = connection.execute(sql, values).fetchone()
            return row


def insert(db: sqlite3.Connection, table: str, **columns: object) -> sqlite3.Row:
    """Write one row and return it as stored; sqlite3.IntegrityError when a rule of the table forbids it."""
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    # Table and column names are written in this program, never taken from a request.
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING *"  # noqa: S608
    row: sqlite3.Row = db.execute(statement, tuple(columns.values())).fetchone()
    return row
