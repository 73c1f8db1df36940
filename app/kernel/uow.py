"""One request, job or message is one unit of work: everything it did stands, or nothing does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import psycopg
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from app.kernel import clock as clocks
from app.kernel.clock import Clock
from app.kernel.crypto import Keyring
from app.kernel.errors import VisitError
from app.kernel.joining import as_one
from app.kernel.wire import Line, Order


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is patient, staff, device, peer, provider, client, job or nobody.

    `ref` names them without personal data; `id` is the account's, staff member's or device's key; `roles` are
    the staff member's.
    """

    kind: str
    ref: str = ""
    id: int | None = None
    roles: frozenset[str] = frozenset()


NOBODY = Actor("nobody")


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


Follower = Callable[["Uow", object], None]
Story = Mapping[type, Sequence[Callable[..., None]]]


@dataclass
class Uow:
    """The open unit of work: its session, its time, who acts in it, and what has happened so far.

    `partners` names the outside parties this house works with whose presence changes what follows (`insurer`).
    """

    session: UnitSession
    clock: Clock
    keys: Keyring
    zone: ZoneInfo
    story: Story
    actor: Actor = NOBODY
    request_id: str = ""
    partners: frozenset[str] = frozenset()
    _happened: deque[object] = field(default_factory=deque)

    def now(self) -> datetime:
        """The hospital's time, in UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The hospital's calendar day."""
        return clocks.hospital_day(self.clock.now(), self.zone)

    def keep(self, row: object) -> None:
        """The row is remembered as long as the unit is open, so that to get it again asks nobody."""
        self.session.info.setdefault("kept", []).append(row)

    def hear(self) -> None:
        """What would go along with the unit's next question is asked now, and may refuse."""
        self.session.hear_riders()

    def forget(self) -> None:
        """What was remembered is asked for anew from now on."""
        self.session.info.pop("kept", None)

    def publish(self, event: object) -> None:
        """Says that `event` (of app.events) has happened; what follows runs before the unit is committed."""
        self._happened.append(event)

    def settle(self) -> None:
        """Runs what follows every event so far, in the order of the visit, until nothing more happens."""
        while self._happened:
            event = self._happened.popleft()
            for follower in self.story.get(type(event), ()):
                follower(self, event)


@dataclass(frozen=True)
class Units:
    """Opens units of work; one per process, safe to use from many threads."""

    engine: Engine
    clock: Clock
    keys: Keyring
    zone: ZoneInfo
    story: Story
    partners: frozenset[str] = frozenset()

    def begin(self, actor: Actor = NOBODY, *, reads_only: bool = False, request_id: str = "") -> Uow:
        """An open unit that the caller finishes with `finish` or `drop`."""
        session = UnitSession(self.engine, expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":  # whose units that write wait for each other at their beginning
            session.connection(execution_options={"reads_only": reads_only})
        return Uow(session, self.clock, self.keys, self.zone, self.story, actor, request_id, self.partners)

    def finish(self, uow: Uow) -> None:
        """What `uow` did stands, with everything that follows from it; raises and keeps nothing if that fails."""
        try:
            uow.settle()
            uow.session.conclude()
        except BaseException:
            uow.session.undo()
            raise
        finally:
            uow.session.close()

    def drop(self, uow: Uow) -> None:
        """Nothing of what `uow` did stands; quiet when called twice."""
        uow.session.undo()
        uow.session.close()

    @contextmanager
    def open(self, actor: Actor = NOBODY, *, reads_only: bool = False, request_id: str = "") -> Iterator[Uow]:
        """A unit that is finished at the end of the block and dropped when the block raises."""
        uow = self.begin(actor, reads_only=reads_only, request_id=request_id)
        try:
            yield uow
        except BaseException:
            self.drop(uow)
            raise
        self.finish(uow)
