"""The session of one unit of work: what is put off to its end, what goes along with a question, what is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

import psycopg
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import instance_state

from app.kernel.errors import VisitError
from app.kernel.joining import as_one
from app.kernel.wire import Line, Order

R = TypeVar("R")


def as_usual(connection: Connection, error: psycopg.Error) -> BaseException:
    """The driver's error as SQLAlchemy raises it; a connection that is lost is not used again."""
    is_lost = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        None, None, error, psycopg.Error, connection_invalidated=is_lost, dialect=connection.dialect
    )


Facts = Mapping[str, object]
Rows = Sequence[Sequence[Any]]


class Hot(Protocol):
    """A statement that can be put off to the unit's end (of app.kernel.hot)."""

    @property
    def table(self) -> str:
        """The table to which it writes."""

    @property
    def only_adds(self) -> bool:
        """True when it puts a row of its own into the table, whatever else stands there."""

    def order(self, session: UnitSession, facts: Facts) -> Order:
        """The statement as PostgreSQL is asked to run it."""

    def run_now(self, session: UnitSession, facts: Facts) -> int:
        """Runs it; returns how many rows it touched."""

    def rows_now(self, session: UnitSession, facts: Facts) -> Rows:
        """The rows that it gives back."""


class PutOff(NamedTuple):
    """What is written at the unit's end, and how it is said when the database does not take it."""

    write: Hot
    facts: Facts
    refused_as: type[VisitError] | None


class Rider(NamedTuple):
    """A question that goes along with the unit's next one, and who hears the answer before anything else is done."""

    ask: Hot
    facts: Facts
    heard: Callable[[Rows], None]


class CannotTurnBack(Exception):
    """A part failed of a unit that is in one piece: it must be dropped, and what it did be done again part by part."""


class UnitSession(Session):
    """The unit's session: what was put off to its end is written before anybody looks, or may want to turn back.

    `written` counts what may have changed something.
    """

    in_one_piece = False
    written = 0
    _spoken: tuple[SessionTransaction, Connection, Line | None] | None = None

    def get(self, entity: type[R], ident: object, **how: Any) -> R | None:  # type: ignore[override]  # noqa: ANN401
        """The row with this key, None when there is none; one that the unit has is given without more ado."""
        known = None if how else self._known(entity, ident)
        return super().get(entity, ident, **how) if known is None else known

    def get_one(self, entity: type[R], ident: object, **how: Any) -> R:  # type: ignore[override]  # noqa: ANN401
        """The row with this key; one that the unit has is given without more ado."""
        known = None if how else self._known(entity, ident)
        return super().get_one(entity, ident, **how) if known is None else known

    def _known(self, entity: type[R], ident: object) -> R | None:
        known: R | None = self.identity_map.get((entity, (ident,), None))
        return None if known is None or instance_state(known).expired else known

    def line(self) -> Line | None:
        """How the unit's database is spoken to without machinery; None on one for which there is no such way."""
        return self._speaks()[2]

    def _speaks(self) -> tuple[SessionTransaction, Connection, Line | None]:
        known = self._spoken
        if known is None or known[0] is not self.get_transaction():
            connection = self.connection()
            transaction = self.get_transaction()
            assert transaction is not None
            known = self._spoken = (transaction, connection, _line_of(connection))
        return known

    def send(self, orders: Sequence[Order], *, commits: bool = False) -> list[PGresult]:
        """The answers of PostgreSQL to `orders` after one round trip, with which the unit is committed when it must."""
        _, connection, line = self._speaks()
        assert line is not None
        riders: Sequence[Rider] = self.info.pop("riders", ())
        orders = [*(one.ask.order(self, one.facts) for one in riders), *orders]
        for look in connection.dispatch.before_cursor_execute:  # whoever counts statements counts these as well
            for statement, values in orders:
                look(connection, None, statement.words.decode(), values, None, False)
        for look in connection.dispatch.commit if commits else ():
            look(connection)
        try:
            answers = line.send(orders, commits=commits)
        except psycopg.Error as error:
            raise as_usual(connection, error) from error
        except BaseException:  # stopped in the middle
            connection.invalidate()
            raise
        for one, answer in zip(riders, answers, strict=False):
            one.heard(line.rows(answer))
        return answers[len(riders) :]

    def ride(self, ask: Hot, facts: Facts, heard: Callable[[Rows], None]) -> None:
        """`ask` goes along with the next question, and `heard` is told before whoever asks that one, and may refuse."""
        if self.line() is None:
            heard(ask.rows_now(self, facts))
        else:
            self.info.setdefault("riders", []).append(Rider(ask, facts, heard))

    def hear_riders(self) -> None:
        """Whatever would go along with the next question is asked now."""
        if self.info.get("riders"):
            self.send([])

    def put_off(self, write: Hot, facts: Facts, *, refused_as: type[VisitError] | None = None) -> None:
        """`write` runs with the unit's last statements, or before one that touches its table.

        Within a part of the unit that may be undone it runs at once.
        """
        self.written += 1
        put_off = PutOff(write, facts, refused_as)
        if self.in_nested_transaction():
            self._write([put_off])
        else:
            self.info.setdefault("put_off", []).append(put_off)
            self.info.setdefault("put_off_to", set()).add(write.table)

    def write_before(self, tables: frozenset[str]) -> None:
        """What a statement on `tables` must find there is written: changed rows, and what was put off."""
        if self.autoflush:
            self.flush()
        if not tables.isdisjoint(self.info.get("put_off_to", ())):
            self.write_the_rest()

    def write_the_rest(self, *, commits: bool = False) -> None:
        """What was put off is written; PostgreSQL takes all of it in one round trip, with the end of the unit."""
        self.hear_riders()
        rest: Sequence[PutOff] = self.info.pop("put_off", ())
        self.info.pop("put_off_to", None)
        if rest or (commits and self.in_transaction()):
            self._write(rest, commits=commits)

    def _write(self, rest: Sequence[PutOff], *, commits: bool = False) -> None:
        try:
            if self.line() is not None:
                self.send(as_one([one.write for one in rest], self._orders(rest)), commits=commits)
            else:
                for one in rest:
                    one.write.run_now(self, one.facts)
        except IntegrityError as error:
            for refused_as in (one.refused_as for one in rest if one.refused_as and _is_of(error, one.write.table)):
                raise refused_as from error
            raise

    def _orders(self, rest: Sequence[PutOff]) -> list[Order]:
        return [one.write.order(self, one.facts) for one in rest]

    def conclude(self) -> None:
        """What the unit did stands."""
        self.flush()
        self.write_the_rest(commits=True)
        if self._spoken is None or self._spoken[2] is None:
            self.commit()

    def undo(self) -> None:
        """Nothing of what the unit did stands."""
        if self._spoken is not None and self._spoken[2] is not None and not self.in_nested_transaction():
            self._spoken[2].roll_back()
        self.rollback()

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the unit that leaves nothing behind when it fails, whatever follows.

        That costs a savepoint; a unit `in_one_piece` has none, and raises CannotTurnBack where one would be needed.
        """
        if not self.in_one_piece:
            with self.begin_nested():
                yield
            return
        written = self.written
        try:
            yield
        except OperationalError:
            raise
        except Exception as failure:
            has_written = self.written != written or self.new or self.dirty or self.deleted
            if has_written or isinstance(failure, DBAPIError):
                raise CannotTurnBack from failure
            raise

    def begin_nested(self) -> SessionTransaction:
        """A part of the unit that can be undone by itself."""
        self.write_the_rest()
        self._spoken = None  # the part begins when its connection is asked for
        return super().begin_nested()

    def made(self, row: object) -> None:
        """The row was made by a statement that the session does not know of; it is forgotten where that is undone."""
        within = self.get_nested_transaction()
        if within is not None:
            self.info.setdefault("made", []).append((within, row))


def _is_of(error: IntegrityError, table: str) -> bool:
    """Whether it is a row of the table that the database does not take; SQLite names it in words."""
    if isinstance(error.orig, psycopg.Error):
        return error.orig.diag.table_name == table
    return f" {table}." in str(error.orig)


def _line_of(connection: Connection) -> Line | None:
    if connection.dialect.name != "postgresql":
        return None
    kept: Line | None = connection.info.get("line")
    if kept is None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        kept = connection.info["line"] = Line(driver)
    return kept


@event.listens_for(UnitSession, "pending_to_persistent")
def _keep(session: UnitSession, made: object) -> None:
    """What a unit has made is found again by those who follow, who would else ask the database for it."""
    session.info.setdefault("kept", []).append(made)


@event.listens_for(UnitSession, "after_soft_rollback")
def _forget_undone(session: UnitSession, undone: SessionTransaction) -> None:
    for within, row in session.info.get("made", ()):
        if row in session and undone in _with_parents(within):
            session.expunge(row)


def _with_parents(transaction: SessionTransaction | None) -> Iterator[SessionTransaction]:
    while transaction is not None:
        yield transaction
        transaction = transaction.parent


@event.listens_for(UnitSession, "do_orm_execute")
def _write_before_asking(asked: ORMExecuteState) -> None:
    session = asked.session
    assert isinstance(session, UnitSession)
    session.write_the_rest()
    session.written += not asked.is_select


@event.listens_for(UnitSession, "before_flush")
def _write_in_order(session: UnitSession, _context: object, _instances: object) -> None:
    session.write_the_rest()
    session.written += 1
