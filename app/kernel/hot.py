"""The statements of the hot paths: written once with SQLAlchemy, and sent to PostgreSQL without its machinery.

What SQLAlchemy does around a statement costs two to four times what the driver needs for it, which is nothing on a
page and half of a rush. A `Hot` statement is spelled out once for each dialect and then handed to the driver as it is.
It runs inside the unit like any other and sees what the unit has flushed. On SQLite it goes the usual way.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Column, ColumnElement, Executable, Select, Table, bindparam, func, insert, select
from sqlalchemy.orm import class_mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from app.kernel.db import Base, Row
from app.kernel.uow import Uow, as_usual

Facts = Mapping[str, object]
Span = tuple[type[Row], int, list[tuple[str, Callable[[Any], Any] | None]]]
Written = tuple[str, dict[str, Any], Mapping[str, Callable[[Any], Any]]]


class Hot:
    """One statement whose every value is a named bind; rows come back as plain tuples."""

    def __init__(self, statement: Executable) -> None:
        """`statement` is complete: no column of it is filled in by a default of the model."""
        self._statement = statement
        self._written: Written | None = None

    def rows(self, uow: Uow, facts: Facts) -> Sequence[Sequence[Any]]:
        """The rows that it gives back."""
        uow.session.write_the_rest()
        connection = uow.session.connection()
        if connection.dialect.name != "postgresql":
            return connection.execute(self._statement, facts).all()
        cursor = self._sent(uow, facts)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
        return found

    def first(self, uow: Uow, facts: Facts) -> Sequence[Any] | None:
        """The first of the rows, None when there is none."""
        return next(iter(self.rows(uow, facts)), None)

    def run(self, uow: Uow, facts: Facts) -> int:
        """Runs a statement that gives nothing back; returns how many rows it touched."""
        uow.session.write_the_rest()
        return self._run_now(uow, facts)

    def _run_now(self, uow: Uow, facts: Facts) -> int:
        connection = uow.session.connection()
        if connection.dialect.name != "postgresql":
            return int(connection.execute(self._statement, facts).rowcount)
        return int(self._sent(uow, facts).rowcount)

    def later(self, uow: Uow, facts: Facts) -> None:
        """Runs with the last statements of the unit, for a row that nobody asks for before: all in one round trip."""
        uow.session.put_off(functools.partial(self._run_now, uow, facts))

    def _sent(self, uow: Uow, facts: Facts) -> Any:  # noqa: ANN401 - the driver's cursor
        if self._written is None:
            self._written = self._write(uow, facts)
        words, known, made_of = self._written
        said = known | {name: made_of[name](value) if name in made_of else value for name, value in facts.items()}
        connection = uow.session.connection()
        for look in connection.dispatch.before_cursor_execute:  # whoever counts statements counts these as well
            look(connection, None, words, said, None, False)
        driver = connection.connection.driver_connection
        assert driver is not None
        try:
            return driver.execute(words, said)
        except psycopg.Error as error:
            raise as_usual(connection, error) from error

    def _write(self, uow: Uow, facts: Facts) -> Written:
        statement = self._statement
        assert isinstance(statement, ClauseElement)
        dialect = uow.session.get_bind().dialect
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        spelled = compiled.construct_expanded_state(dict(facts))  # lists of values are spelled out, too
        makers = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
        }
        made_of = {name: maker for name, maker in {**makers, **spelled.processors}.items() if maker is not None}
        own = {name: value for name, value in spelled.parameters.items() if name not in facts}
        known = {name: made_of[name](value) if name in made_of else value for name, value in own.items()}
        return spelled.statement, known, made_of


class Found:
    """A statement that finds whole rows of some tables, which then belong to the unit as if the session had found them.

    `which` joins and filters the tables' columns: it is given a select of all of them.
    """

    def __init__(
        self, *kinds: type[Row], which: Callable[[Select[Any]], Select[Any]], also: Sequence[ColumnElement[Any]] = ()
    ) -> None:
        """The rows of each of `kinds` and the single values `also`, in this order."""
        self._kinds, self._also = kinds, len(also)
        self._statement = Hot(which(select(*(column for kind in kinds for column in _columns(kind)), *also)))
        self._spans: list[Span] | None = None

    def first(self, uow: Uow, facts: Facts) -> tuple[Any, ...] | None:
        """The first found row of each table, None when there is none; what the unit holds already stays as it is."""
        row = self._statement.first(uow, facts)
        if row is None:
            return None
        is_plain = uow.session.get_bind().dialect.name == "postgresql"
        found = [self._row(uow, span, row, is_plain=is_plain) for span in self._spans_of(uow)]
        return (*found, *row[len(row) - self._also :])

    def _spans_of(self, uow: Uow) -> list[Span]:
        if self._spans is None:
            dialect, start, self._spans = uow.session.get_bind().dialect, 0, []
            for kind in self._kinds:
                makers: list[tuple[str, Callable[[Any], Any] | None]] = [
                    (column.key, column.type.dialect_impl(dialect).result_processor(dialect, None))
                    for column in _columns(kind)
                ]
                self._spans.append((kind, start, makers))
                start += len(makers)
        return self._spans

    @staticmethod
    def _row(
        uow: Uow,
        span: Span,
        row: Sequence[Any],
        *,
        is_plain: bool,
    ) -> Row:
        kind, start, makers = span
        values = {
            name: maker(row[start + at]) if maker and is_plain else row[start + at]
            for at, (name, maker) in enumerate(makers)
        }
        known: Row | None = uow.session.identity_map.get(identity_key(kind, values["id"]))
        if known is not None:
            return known
        found: Row = class_mapper(kind).class_manager.new_instance()
        for name, value in values.items():
            set_committed_value(found, name, value)
        _belongs(uow, found)
        return found


def _columns(kind: type[Row]) -> list[Column[Any]]:
    table = kind.__table__
    assert isinstance(table, Table)
    return list(table.columns)


def insert_of(table: type[Base], *columns: str) -> Insert:
    """Puts one row into the table: each of `columns` from the fact of its name."""
    rows = table.__table__
    assert isinstance(rows, Table)
    return insert(rows).values({name: bindparam(name, type_=rows.c[name].type) for name in columns}).inline()


def new_key(uow: Uow, kind: type[Row]) -> int:
    """A key that no row of the table has or will have, for a row that others must know before it stands."""
    if uow.session.get_bind().dialect.name != "postgresql":  # SQLite has one writer, which is this unit
        return int(uow.session.scalar(select(func.coalesce(func.max(kind.id), 0) + 1)) or 1)
    kept = _keys.setdefault((uow.session.get_bind(), kind.__tablename__), deque())
    try:
        return kept.popleft()
    except IndexError:
        name = f"{kind.__tablename__}_id_seq"
        drawn = uow.session.scalars(select(func.nextval(name)).select_from(func.generate_series(1, KEYS_AT_ONCE))).all()
        kept.extend(drawn[1:])
        return int(drawn[0])


def put(uow: Uow, row: Row) -> None:
    """The new row stands, as after adding it to the session and flushing, at a third of the price."""
    statement, facts = _insert(uow, row)
    statement.run(uow, facts)
    _belongs(uow, row)


def put_later(uow: Uow, row: Row) -> None:
    """The new row has its key and can be got in this unit, and is written with the unit's last statements."""
    statement, facts = _insert(uow, row)
    statement.later(uow, facts)
    _belongs(uow, row)


def _insert(uow: Uow, row: Row) -> tuple[Hot, dict[str, object]]:
    kind = type(row)
    columns, statement = _inserts.get(kind) or _inserts.setdefault(kind, _insert_of(kind))
    if "id" not in row.__dict__:
        row.id = new_key(uow, kind)
    for column in columns:
        if column.key not in row.__dict__:
            setattr(row, column.key, _default_of(column))
    return statement, {column.key: row.__dict__[column.key] for column in columns}


def _belongs(uow: Uow, row: Row) -> None:
    make_transient_to_detached(row)
    uow.session.add(row)
    uow.keep(row)


KEYS_AT_ONCE = 32
_keys: dict[tuple[object, str], deque[int]] = {}


_inserts: dict[type[Row], tuple[list[Column[Any]], Hot]] = {}


def _insert_of(kind: type[Row]) -> tuple[list[Column[Any]], Hot]:
    columns = _columns(kind)
    return columns, Hot(insert_of(kind, *(column.key for column in columns)))


def _default_of(column: Column[Any]) -> object:
    default = column.default
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return default.arg(None) if isinstance(default, CallableColumnDefault) else None  # type: ignore[arg-type]
