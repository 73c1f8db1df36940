"""The statements of the hot paths: written once with SQLAlchemy, and sent to PostgreSQL without its machinery.

What SQLAlchemy does around a statement costs two to four times what the driver needs for it, which is nothing on a
page and half of a rush. A `Hot` statement is spelled out once for each dialect and then handed to the driver as it is.
It runs inside the unit like any other and sees what the unit has flushed. On SQLite it goes the usual way.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import psycopg
from sqlalchemy import Column, ColumnElement, Executable, Select, Table, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import class_mapper
from sqlalchemy.orm.attributes import instance_dict, instance_state, set_committed_value
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault

from app.kernel.db import Base, Row
from app.kernel.errors import VisitError
from app.kernel.unit_session import Facts, Rows, UnitSession, as_usual
from app.kernel.uow import Uow
from app.kernel.wire import Order, Spelled, spelled

R = TypeVar("R", bound=Row)


class Span(NamedTuple):
    """Where in a found row a table's columns stand, and which of them SQLAlchemy has still to make something of."""

    kind: type[Row]
    where: slice
    names: tuple[str, ...]
    makers: tuple[tuple[str, Callable[[Any], Any]], ...]


class Hot:
    """One statement whose every value is a named bind; rows come back as plain tuples."""

    def __init__(self, statement: Executable) -> None:
        """`statement` is complete: no column of it is filled in by a default of the model."""
        self._statement = statement
        self._spelled: Spelled | None = None
        self._touches = _touched(statement)
        self.table = statement.table.description if isinstance(statement, Insert | Update) else ""
        self.only_adds = isinstance(statement, Insert) and statement._post_values_clause is None  # noqa: SLF001

    def rows(self, uow: Uow, facts: Facts) -> Rows:
        """The rows that it gives back."""
        return self.rows_now(self._prepared(uow), facts)

    def rows_now(self, session: UnitSession, facts: Facts) -> Rows:
        """The rows that it gives back, before what was put off is written."""
        line = session.line()
        if line is None:
            return session.connection().execute(self._statement, facts).all()
        return line.rows(session.send([self.order(session, facts)])[0])

    def ride(self, uow: Uow, facts: Facts, heard: Callable[[Rows], None]) -> None:
        """Asks together with the unit's next question; `heard` is told before anything else is done, and may refuse."""
        uow.session.ride(self, facts, heard)

    def first_of_each(self, uow: Uow, facts: Sequence[Facts]) -> list[Sequence[Any] | None]:
        """What `first` gives for each, in their order; PostgreSQL is asked all of it in one round trip."""
        session = self._prepared(uow)
        line = session.line()
        if line is None:
            return [session.connection().execute(self._statement, each).first() for each in facts]
        answers = session.send([self.order(session, each) for each in facts])
        return [next(iter(line.rows(answer)), None) for answer in answers]

    def first(self, uow: Uow, facts: Facts) -> Sequence[Any] | None:
        """The first of the rows, None when there is none."""
        return next(iter(self.rows(uow, facts)), None)

    def run(self, uow: Uow, facts: Facts) -> int:
        """Runs a statement that gives nothing back; returns how many rows it touched."""
        return self.run_now(self._prepared(uow), facts)

    def _prepared(self, uow: Uow) -> UnitSession:
        session = uow.session
        session.write_before(self._touches)
        session.written += bool(self.table)
        return session

    def later(self, uow: Uow, facts: Facts, *, refused_as: type[VisitError] | None = None) -> None:
        """Runs with the last statements of the unit, or before one that touches its table: all in one round trip.

        When the database does not take the row the unit ends with `refused_as`.
        """
        uow.session.put_off(self, facts, refused_as=refused_as)

    def run_now(self, session: UnitSession, facts: Facts) -> int:
        """Runs it before what was put off; returns how many rows it touched."""
        if session.line() is None:
            return int(session.connection().execute(self._statement, facts).rowcount)
        return session.send([self.order(session, facts)])[0].command_tuples or 0

    def order(self, session: UnitSession, facts: Facts) -> Order:
        """The statement as PostgreSQL is asked to run it."""
        if self._spelled is None:
            self._spelled = self._spell(session, facts)
        try:
            return self._spelled, self._spelled.values(facts)
        except psycopg.Error as error:
            raise as_usual(session.connection(), error) from error

    def _spell(self, session: UnitSession, facts: Facts) -> Spelled:
        statement = self._statement
        assert isinstance(statement, ClauseElement)
        dialect = session.get_bind().dialect
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        full = compiled.construct_expanded_state(dict(facts))  # lists of values are spelled out, too
        makers = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
        }
        made_of = {name: maker for name, maker in {**makers, **full.processors}.items() if maker is not None}
        own = {name: value for name, value in full.parameters.items() if name not in facts}
        known = {name: made_of[name](value) if name in made_of else value for name, value in own.items()}
        return spelled(full.statement, made_of, known)


class Found:
    """A statement that finds whole rows of some tables, which then belong to the unit as if the session had found them.

    `which` joins and filters the tables' columns: it is given a select of all of them. What the unit holds already
    stays as it is, unless it is found `anew`, as by a statement that locks.
    """

    def __init__(
        self,
        *kinds: type[Row],
        which: Callable[[Select[Any]], Executable],
        also: Sequence[ColumnElement[Any]] = (),
        anew: bool = False,
    ) -> None:
        """The rows of each of `kinds` and the single values `also`, in this order."""
        every = select(*(column for kind in kinds for column in columns_of(kind)), *also)
        self._kinds, self._also, self._anew = kinds, len(also), anew
        self._statement = Hot(which(every))
        self._spans: dict[str, list[Span]] = {}

    def first(self, uow: Uow, facts: Facts) -> tuple[Any, ...] | None:
        """The first found row of each table, None when there is none."""
        row = self._statement.first(uow, facts)
        return None if row is None else self._made_of(uow, row)

    def row(self, uow: Uow, facts: Facts) -> Any:  # noqa: ANN401 - a row of the first table
        """The first found row of the first table, None when there is none."""
        found = self.first(uow, facts)
        return None if found is None else found[0]

    def all(self, uow: Uow, facts: Facts) -> list[tuple[Any, ...]]:
        """Every found row of each table."""
        return [self._made_of(uow, row) for row in self._statement.rows(uow, facts)]

    def _made_of(self, uow: Uow, row: Sequence[Any]) -> tuple[Any, ...]:
        is_plain = uow.session.line() is not None
        found = [_found(uow, span, row, is_plain=is_plain, anew=self._anew) for span in self._spans_of(uow)]
        return (*found, *row[len(row) - self._also :])

    def _spans_of(self, uow: Uow) -> list[Span]:
        dialect = uow.session.get_bind().dialect
        known = self._spans.get(dialect.name)
        if known is None:
            start, known = 0, []
            for kind in self._kinds:
                columns = columns_of(kind)
                makers = {
                    column.key: column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
                }
                names = tuple(makers)
                needed = tuple((name, maker) for name, maker in makers.items() if maker is not None)
                known.append(Span(kind, slice(start, start + len(names)), names, needed))
                start += len(names)
            self._spans[dialect.name] = known
        return known


def _found(uow: Uow, span: Span, row: Sequence[Any], *, is_plain: bool, anew: bool) -> Row:
    values = dict(zip(span.names, row[span.where], strict=True))
    if is_plain:
        for name, maker in span.makers:
            values[name] = maker(values[name])
    session = uow.session
    key = class_mapper(span.kind).identity_key_from_primary_key((values["id"],))
    known: Row | None = session.identity_map.get(key)
    if known is None:
        return belongs(uow, made(span.kind, **values))
    if anew:
        renew(known, values)
    return known


def renew(row: Row, values: Facts) -> None:
    """The row has these values, as if it had been loaded so."""
    for name, value in values.items():
        set_committed_value(row, name, value)


def columns_of(kind: type[Row]) -> list[Column[Any]]:
    """The table's columns, in its order."""
    return list(table_of(kind).columns)


def table_of(kind: type[Base]) -> Table:
    """The table itself."""
    table = kind.__table__
    assert isinstance(table, Table)
    return table


def _touched(statement: object) -> frozenset[str]:
    """The tables that a statement looks at or changes, and those in which a row that it makes must find another one."""
    assert isinstance(statement, ClauseElement)
    named = {each.name for each in visitors.iterate(statement) if isinstance(each, Table)}
    if isinstance(statement, Insert | Update) and isinstance(statement.table, Table):
        named |= {key.target_fullname.partition(".")[0] for key in statement.table.foreign_keys}
    return frozenset(named)


def insert_of(table: type[Base], *columns: str) -> Insert:
    """Puts one row into the table: each of `columns` from the fact of its name."""
    return insert(table_of(table)).values(from_facts(table, columns)).inline()


def from_facts(table: type[Base], columns: Sequence[str], told_as: str = "") -> dict[str, Any]:
    """A named bind for each of the columns, whose fact has the column's name behind `told_as`."""
    return {name: bindparam(f"{told_as}{name}", type_=table_of(table).c[name].type) for name in columns}


def new_key(uow: Uow, kind: type[Row]) -> int:
    """A key that no row of the table has or will have, for a row that others must know before it stands."""
    if uow.session.line() is None:  # SQLite has one writer, which is this unit
        return int(uow.session.scalar(select(func.coalesce(func.max(kind.id), 0) + 1)) or 1)
    kept = _keys.setdefault((uow.session.bind, kind), deque())
    try:
        return kept.popleft()
    except IndexError:
        drawn = [row[0] for row in _draw(kind).rows(uow, {})]
        kept.extend(drawn[1:])
        return int(drawn[0])


@functools.cache
def _draw(kind: type[Row]) -> Hot:
    name = f"{kind.__tablename__}_id_seq"
    return Hot(select(func.nextval(name)).select_from(func.generate_series(1, KEYS_AT_ONCE)))


def made(kind: type[R], /, **values: object) -> R:
    """A row that is new or was found, with these values and without the session's way of minding how it got them."""
    row: R = class_mapper(kind).class_manager.new_instance()
    instance_dict(row).update(values)
    return row


class Put(Protocol):
    """How a new row comes to stand: `put` or `put_later`."""

    def __call__(self, uow: Uow, row: Row, *, refused_as: type[VisitError] | None = None) -> None:
        """The row belongs to the unit; when the database does not take it `refused_as` is raised."""


def put(uow: Uow, row: Row, *, refused_as: type[VisitError] | None = None) -> None:
    """The new row stands, as after adding it to the session and flushing, at a third of the price.

    When another row of the table stands in its way `refused_as` is raised.
    """
    statement, facts = _insert(uow, row)
    try:
        statement.run(uow, facts)
    except IntegrityError as error:
        if refused_as is None:
            raise
        raise refused_as from error
    belongs(uow, row)
    uow.session.made(row)


def put_later(uow: Uow, row: Row, *, refused_as: type[VisitError] | None = None) -> None:
    """The new row has its key and can be got in this unit, and is written with the unit's last statements.

    When another row of the table stands in its way the unit ends with `refused_as`.
    """
    statement, facts = _insert(uow, row)
    statement.later(uow, facts, refused_as=refused_as)
    belongs(uow, row)
    uow.session.made(row)


def _insert(uow: Uow, row: Row) -> tuple[Hot, dict[str, object]]:
    kind = type(row)
    _, statement = _inserts.get(kind) or _inserts.setdefault(kind, _insert_of(kind))
    values = with_defaults(row)
    if "id" not in values:
        values["id"] = new_key(uow, kind)
    return statement, values


def with_defaults(row: Row) -> dict[str, object]:
    """The row's values, each column that has none filled by its default; but for the key."""
    kind = type(row)
    defaults, _ = _inserts.get(kind) or _inserts.setdefault(kind, _insert_of(kind))
    values = instance_dict(row)
    for name, default in defaults.items():
        if name not in values:
            values[name] = default()
    return values


def belongs(uow: Uow, row: R) -> R:
    """The row, of which every column is known, is the session's as if it had been loaded."""
    state, session = instance_state(row), uow.session
    state.key = state.mapper.identity_key_from_primary_key((instance_dict(row)["id"],))
    state._commit_all(state.dict)  # noqa: SLF001 - what make_transient_to_detached does, but for looking for what is missing
    state.session_id = session.hash_key
    session.identity_map.add(state)
    uow.keep(row)
    return row


KEYS_AT_ONCE = 32
_keys: dict[tuple[object, type[Row]], deque[int]] = {}
_inserts: dict[type[Row], tuple[dict[str, Callable[[], object]], Hot]] = {}


def _insert_of(kind: type[Row]) -> tuple[dict[str, Callable[[], object]], Hot]:
    columns = columns_of(kind)
    defaults = {column.key: _default_of(column) for column in columns if column.key != "id"}
    return defaults, Hot(insert_of(kind, *(column.key for column in columns)))


def _default_of(column: Column[Any]) -> Callable[[], object]:
    default = column.default
    if isinstance(default, CallableColumnDefault):
        return functools.partial(default.arg, None)  # type: ignore[arg-type]
    value = default.arg if isinstance(default, ScalarElementColumnDefault) else None
    return lambda: value
