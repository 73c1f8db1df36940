"""The tables' common ground: column types that refuse what would hurt later, and how connections are opened."""

from __future__ import annotations

import enum
import math
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Engine, Enum, Integer, MetaData, String, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from app.kernel import ids

BUSY_SECONDS = 15
RESTED_SECONDS = 1.0
_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive one is refused, since nobody knows when it is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Hands the database UTC; SQLite, which has no zones, gets it without the mark."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time has no place in the hospital")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives back an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts keys by itself only in a column typed INTEGER; PostgreSQL gets the wide one.
Key = BigInteger().with_variant(Integer(), "sqlite")
Fen = BigInteger


class Base(DeclarativeBase):
    """What every table of the hospital inherits."""

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES),
        type_annotation_map={int: Key, datetime: Instant, dict[str, Any]: JSON, list[Any]: JSON},
    )


class Row(Base):
    """A table row with the integer key that never leaves the house."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(Key, primary_key=True)


class PublicRow(Row):
    """A row that has a page or a message of its own, named there by 26 random letters."""

    __abstract__ = True

    public_id: Mapped[str] = mapped_column(String(26), unique=True, default=ids.new_public_id)

    @property
    def seal_name(self) -> str:
        """What its sealed columns are bound to: the place of `x_sealed` is `<table>.x:<seal_name>`."""
        return self.public_id


def choice(kind: type[enum.StrEnum]) -> Enum:
    """A column of `kind`'s words, kept as text with a CHECK, so that no other word can stand there."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda words: [word.value for word in words],
    )


db = SQLAlchemy(metadata=Base.metadata)


def engine_options(database_url: str, pool_size: int) -> dict[str, Any]:
    """How connections to `database_url` are opened: short waits, never a silent hang."""
    if database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    waits = "-c lock_timeout=5s -c statement_timeout=20s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
    return {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": 10,
        "connect_args": {"options": waits, "connect_timeout": 5},
    }


def prepare(engine: Engine) -> None:
    """Makes SQLite keep what it acknowledged (WAL, synchronous=FULL) and take its write lock when a unit begins.

    A deferred BEGIN that reads first and writes later fails at once under concurrency whatever the busy time-out says,
    so only units opened for reading begin deferred.
    """
    if engine.dialect.name != "sqlite":
        _look_before_use(engine)
        return

    @event.listens_for(engine, "connect")
    def _open(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _look_before_use(engine: Engine) -> None:
    """A connection that has rested is asked whether it still lives; one just given back need not be asked each time."""

    @event.listens_for(engine, "checkin")
    def _rest(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _look(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rests_since", math.inf) <= RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool opens another one
