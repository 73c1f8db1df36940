"""The straight line to PostgreSQL: statements prepared once for each connection, and sent together in one round trip.

The driver has a way of its own for each of these, at several times the price. Nothing here decides what is said: that
is spelled by SQLAlchemy (`hot.py`), and what comes back is read, and what is refused is named, by the driver.
"""

from __future__ import annotations

import itertools
import re
import select
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import pq
from psycopg._preparing import PrepareManager
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

Maker = Callable[[Any], Any]
Fill = tuple[str | None, Maker | None, bytes | None]
Sent = list[bytes | None]
_OPEN = {pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR}
_REFUSED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}
_NAMED = re.compile(r"%(?:\((\w+)\)s|%)")
_NUMBERED = re.compile(rb"\$(\d+)")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Spelled:
    """A statement in PostgreSQL's words, and how each of its values is written: a fixed one, or one made of a fact."""

    words: bytes
    fills: tuple[Fill, ...]
    name: bytes = field(default_factory=lambda: b"hot%d" % next(_numbers))

    def values(self, facts: Mapping[str, object]) -> Sent:
        """The values of one sending, in the order of the words."""
        sent: Sent = []
        for fact, maker, fixed in self.fills:
            if fact is None:
                sent.append(fixed)
            else:
                value = facts[fact] if maker is None else maker(facts[fact])
                sent.append(_WRITE[type(value)](value))
        return sent


Order = tuple[Spelled, Sent]


def spelled(words: str, makers: Mapping[str, Maker], known: Mapping[str, object]) -> Spelled:
    """The statement `words`, whose values are named as the driver names them; the value of a `known` one is fixed."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        return f"${names.setdefault(name, len(names) + 1)}" if name else "%"

    numbered_words = _NAMED.sub(numbered, words).encode()
    return Spelled(numbered_words, tuple(_fill(name, makers.get(name), known) for name in names))


def together(statements: Sequence[Spelled]) -> Spelled:
    """All of `statements` as one, which PostgreSQL plans and runs at once; none of them sees what another does.

    A statement that comes again adds its row to the same list, whose rows are added in their order; else there is none.
    """
    parts: dict[bytes, bytes] = {}
    fills: list[Fill] = []
    for statement in statements:
        words = _NUMBERED.sub(lambda found: b"$%d" % (int(found[1]) + len(fills)), statement.words)
        fills.extend(statement.fills)
        begun = parts.get(statement.name)
        parts[statement.name] = words if begun is None else begun + b", " + words.partition(b" VALUES ")[2]
    named = (b"w%d AS (%s)" % (number, words) for number, words in enumerate(parts.values()))
    return Spelled(b"WITH " + b", ".join(named) + b" SELECT 1", tuple(fills))


def _fill(name: str, maker: Maker | None, known: Mapping[str, object]) -> Fill:
    return (None, None, written(known[name])) if name in known else (name, maker, None)


def _text(value: str) -> bytes:
    if "\x00" in value:
        raise psycopg.DataError("PostgreSQL keeps no such character")
    return value.encode()


def _bytes(value: bytes) -> bytes:
    """In hex digits: without a connection the driver writes every quote twice."""
    return b"\\x" + value.hex().encode()


def _anything(value: object) -> bytes | None:
    said = _driver.get_dumper(value, PyFormat.TEXT).dump(value)
    return None if said is None else bytes(said)


class _Writers(dict[type, Callable[[Any], bytes | None]]):
    """How each kind of value is written; what is not spelled out here the driver writes."""

    def __missing__(self, _kind: type) -> Callable[[Any], bytes | None]:
        return _anything


_driver = Transformer()
_WRITE = _Writers(
    {
        type(None): lambda _nothing: None,
        str: _text,
        bytes: _bytes,
        psycopg.Binary: lambda wrapped: _bytes(wrapped.obj),
        int: b"%d".__mod__,
        bool: lambda truth: b"t" if truth else b"f",
        datetime: lambda moment: moment.isoformat().encode(),
        date: lambda day: day.isoformat().encode(),
    }
)


def written(value: object) -> bytes | None:
    """The value as PostgreSQL reads it, None for NULL."""
    return _WRITE[type(value)](value)


_BEGIN, _COMMIT = (spelled(word, {}, {}) for word in ("BEGIN", "COMMIT"))


class _Forgetting(PrepareManager):
    """The driver's own prepared statements: when it throws out those of the connection, the line's are gone, too."""

    def __init__(self, known: PrepareManager, line: Line) -> None:
        super().__init__()
        self.__dict__.update(vars(known))
        self._line = line

    def clear(self) -> bool:
        is_thrown_out = super().clear()
        if is_thrown_out:
            self._line.forget()
        return is_thrown_out


class Line:
    """What one connection has prepared and how it is spoken to; of one thread at a time, like the connection."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        """A line lasts as long as its connection."""
        self._driver, self._postgres = driver, driver.pgconn
        self._news = select.poll()
        self._news.register(driver.pgconn.socket, select.POLLIN)
        self._prepared: set[bytes] = set()
        self._reader = Transformer(driver)
        driver._prepared = _Forgetting(driver._prepared, self)  # noqa: SLF001 - there is no other way to hear of it

    def forget(self) -> None:
        """Nothing is prepared any more."""
        self._prepared.clear()

    def roll_back(self) -> None:
        """The open transaction is undone; quiet without one. The driver would throw out what is prepared with it."""
        if self._postgres.transaction_status in _OPEN:
            self._postgres.exec_(b"ROLLBACK")

    def send(self, orders: Sequence[Order], *, commits: bool = False) -> list[pq.abc.PGresult]:
        """The answers to `orders`, one for each, after one round trip; a transaction begins with it when none is open.

        When it `commits` the transaction also ends with it. Raises the driver's error for the first that is refused;
        then nothing stands of what was sent.
        """
        is_open = self._postgres.transaction_status != pq.TransactionStatus.IDLE
        if not (orders or is_open):
            return []
        ahead: list[Order] = [] if is_open else [(_BEGIN, [])]
        sent = [*ahead, *orders, *([(_COMMIT, [])] if commits else ())]
        for statement, _ in sent:
            if statement.name not in self._prepared:
                self._prepare(statement)
        try:
            answers = self._asked(sent)
        except BaseException:
            self._driver.close()  # an answer that was not read must never be taken for that to another question
            raise
        for answer in answers:
            if answer.status in _REFUSED:
                raise error_from_result(answer, encoding="utf-8")
        if len(answers) < len(sent):
            raise psycopg.OperationalError("the connection was lost")
        return answers[len(ahead) : len(ahead) + len(orders)]

    def rows(self, answer: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        """What a question found."""
        self._reader.set_pgresult(answer)
        return self._reader.load_rows(0, answer.ntuples, tuple)

    def _prepare(self, statement: Spelled) -> None:
        answer = self._postgres.prepare(statement.name, statement.words)
        if answer.status in _REFUSED:
            raise error_from_result(answer, encoding="utf-8")
        self._prepared.add(statement.name)

    def _asked(self, sent: Sequence[Order]) -> list[pq.abc.PGresult]:
        postgres = self._postgres
        postgres.enter_pipeline_mode()
        for statement, values in sent:
            postgres.send_query_prepared(statement.name, values)
        postgres.pipeline_sync()
        while postgres.flush():  # more than the socket takes at once: what comes meanwhile is read
            select.select([postgres.socket], [postgres.socket], [])
            postgres.consume_input()
        answers: list[pq.abc.PGresult] = []
        while True:
            while postgres.is_busy():
                self._news.poll()
                postgres.consume_input()
            answer = postgres.get_result()
            if answer is None and postgres.status == pq.ConnStatus.BAD:
                return answers
            if answer is None:  # between two answers
                continue
            if answer.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            answers.append(answer)
        postgres.exit_pipeline_mode()
        return answers
