"""Runs the migrations on the application's database: one process at a time, with short lock waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection

import app.tables  # noqa: F401 - fills the metadata that revisions are compared with
from app.kernel.db import Base, Instant

ONE_AT_A_TIME = 7_243_001  # any number that only we lock under


def _render(kind: str, thing: Any, _context: object) -> str | bool:
    """Writes our column types as plain SQLAlchemy ones, so that a migration never imports the application."""
    if kind == "type" and isinstance(thing, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def _run(connection: Connection) -> None:
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres:
        connection.execute(sa.text("SET lock_timeout = '4s'"))
        connection.execute(sa.text("SET statement_timeout = '120s'"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if is_postgres:
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": ONE_AT_A_TIME})
    connection.commit()


@contextmanager
def _references_at_rest(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew, during which nothing refers to it; afterwards everything must again."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")  # counts only outside of a transaction, so not by way of SQLAlchemy
    yield
    raw.execute("PRAGMA foreign_keys=ON")
    lost = raw.execute("PRAGMA foreign_key_check").fetchall()
    if lost:
        raise RuntimeError(f"rows refer to nothing: {lost[:10]}")


engine = current_app.extensions["migrate"].db.engine
with engine.connect() as connection, _references_at_rest(connection):
    _run(connection)
