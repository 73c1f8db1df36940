"""Makes a hospital's tables long: rows of a visit that was really played are copied by the database itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Date, Enum, Index, String, Table, UniqueConstraint, func, select, text
from sqlalchemy.engine import Connection, Engine

from app.kernel.db import Base, Instant

Keys = Mapping[str, int]
DAYS_BACK = 700


@dataclass(frozen=True)
class Rows:
    """The rows that came between two moments: by table, the keys above `after` and up to `upto`."""

    after: Keys
    upto: Keys

    def grown(self, keep: Collection[str]) -> list[Table]:
        """The tables that got rows, without those named in `keep`."""
        tables = Base.metadata.sorted_tables
        return [each for each in tables if each.name not in keep and self.step(each.name) > 0]

    def step(self, table: str) -> int:
        """How many keys one copy takes."""
        return self.upto.get(table, 0) - self.after.get(table, 0)


def keys(engine: Engine) -> Keys:
    """The highest key of each table now."""
    with engine.connect() as connection:
        return {table.name: _highest(connection, table) for table in Base.metadata.sorted_tables if "id" in table.c}


def _highest(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()


def make_room(engine: Engine) -> None:
    """The server may write much before it pauses to tidy up; for copying only."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ALTER SYSTEM SET max_wal_size = '16GB'"))
        connection.execute(text("SELECT pg_reload_conf()"))


def copy(engine: Engine, rows: Rows, times: int, *, keep: Collection[str] = (), is_past: bool) -> None:
    """The rows stand `times` more often, each copy with keys, numbers and public ids of its own.

    Tables in `keep` are not copied, so the copies belong to the same rows there (the same patient, say). Copies of the
    past lie one to seven hundred days back with all their days and times; else they are as new as the original.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the copies refer to one another
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        starts = {table.name: _highest(connection, table) for table in rows.grown(keep)}
        for table in rows.grown(keep):
            values = {column.name: _value(column, rows, starts, is_past=is_past) for column in table.columns}
            connection.execute(
                text(
                    f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())} "
                    f"FROM {table.name} t, generate_series(1, :times) k WHERE t.id > :after AND t.id <= :upto"
                ),
                {"times": times, "after": rows.after.get(table.name, 0), "upto": rows.upto[table.name]},
            )
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))")
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("ANALYZE"))


def _value(column: Column[object], rows: Rows, starts: Keys, *, is_past: bool) -> str:
    """What a copy has in this column, as SQL; `t` is the row copied and `k` the number of the copy."""
    table, name = column.table.name, f"t.{column.name}"
    if column.name == "id":
        return _shifted(name, table, rows, starts)
    if is_past and isinstance(column.type, Date):
        return f"{name} - (k % {DAYS_BACK})::int - 1"
    if is_past and isinstance(column.type, Instant):
        return f"{name} - make_interval(days => (k % {DAYS_BACK})::int + 1)"
    for key in column.foreign_keys:
        if key.column.table.name in starts:
            return _shifted(name, key.column.table.name, rows, starts)
    if table == "bill" and column.name == "subject_id":
        registration, prescription = (_shifted(name, each, rows, starts) for each in ("registration", "prescription"))
        return f"CASE t.purpose WHEN 'registration' THEN {registration} ELSE {prescription} END"
    if _must_differ(column, starts):
        kept = column.type.length - 6  # type: ignore[attr-defined]
        return f"substr(md5({name}), 1, {kept}) || lpad(to_hex(k + {starts[table]}), 6, '0')"
    return name


def _shifted(name: str, table: str, rows: Rows, starts: Keys) -> str:
    if table not in starts:
        return name
    after, step = rows.after.get(table, 0), rows.step(table)
    return f"CASE WHEN {name} > {after} THEN {starts[table]} + (k - 1) * {step} + {name} - {after} ELSE {name} END"


def _must_differ(column: Column[object], starts: Keys) -> bool:
    """True for the last text of a unique key in which no key of a copied row makes the difference."""
    for unique in _unique_keys(column.table):
        own_keys = [each for each in unique if any(key.column.table.name in starts for key in each.foreign_keys)]
        words = [each for each in unique if isinstance(each.type, String) and not isinstance(each.type, Enum)]
        if column in unique and not own_keys and words and words[-1] is column:
            return True
    return False


def _unique_keys(table: object) -> list[list[Column[object]]]:
    assert isinstance(table, Table)
    found = [list(each.columns) for each in table.constraints if isinstance(each, UniqueConstraint)]
    return found + [list(each.columns) for each in table.indexes if isinstance(each, Index) and each.unique]
