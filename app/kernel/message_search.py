"""Finds HL7 messages: by the numbers in them, by type, sender or receiver, state and time, newest first, by index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, false, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, defer

from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction, KeyKind, items_with
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow

PAGE_ROWS = 50
SOURCE = "hl7:"
TOPIC = "hospital"
_TYPE = re.compile(r"[A-Za-z0-9^]{1,40}", re.ASCII)
_PEERS_AT_MOST = 200
COUNTED_AT_MOST = 10_000
REASONS_AT_MOST = 20
# Keys are given in the order of time but for units that were open at once; so many may stand out of it.
_OUT_OF_ORDER = 10_000


@dataclass(frozen=True)
class Wanted:
    """What is asked for; '' and None are anything.

    `numbers` are kinds with values as `message_keys.searched` gives them. `kind` is what the message's type begins
    with (ADT, ADT^A04). `error` is the code of a refusal, or the failure of a dead letter: without a `state` these
    are looked for. `before_id` begins the page.
    """

    numbers: tuple[tuple[KeyKind, str], ...] = ()
    kind: str = ""
    peer: str = ""
    state: str = ""
    error: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None


def received(uow: Uow, wanted: Wanted, *, limit: int = PAGE_ROWS, is_oldest_first: bool = False) -> Sequence[InboxItem]:
    """What came and fits, without the messages' own bytes."""
    query = select(InboxItem).where(*_of_inbox(uow, wanted)).limit(limit)
    order = InboxItem.id if is_oldest_first else InboxItem.id.desc()
    return uow.session.scalars(query.order_by(order).options(defer(InboxItem.body), defer(InboxItem.answer))).all()


def sent(uow: Uow, wanted: Wanted, *, limit: int = PAGE_ROWS, is_oldest_first: bool = False) -> Sequence[OutboxItem]:
    """What was or will be told to the hospital's systems and fits, without the messages' own bytes."""
    query = select(OutboxItem).where(*_of_outbox(uow, wanted)).limit(limit)
    order = OutboxItem.id if is_oldest_first else OutboxItem.id.desc()
    return uow.session.scalars(query.order_by(order).options(defer(OutboxItem.body), defer(OutboxItem.answer))).all()


def count(uow: Uow, direction: Direction, wanted: Wanted, *, at_most: int) -> int:
    """How many fit, counted no further than `at_most`."""
    if direction is Direction.IN:
        found = select(InboxItem.id).where(*_of_inbox(uow, wanted)).limit(at_most).subquery()
    else:
        found = select(OutboxItem.id).where(*_of_outbox(uow, wanted)).limit(at_most).subquery()
    return uow.session.scalar(select(func.count()).select_from(found)) or 0


@dataclass(frozen=True)
class Reason:
    """Why messages of one type of one system were refused, or not taken: how many, and from when to when."""

    error: str
    place: str
    kind: str
    peer: str
    count: int
    first_at: datetime
    last_at: datetime


def refusals(uow: Uow, wanted: Wanted) -> list[Reason]:
    """Why what came and fits was refused, the most frequent first; of the newest 10,000."""
    columns = (InboxItem.error_code, InboxItem.error_place, InboxItem.kind, InboxItem.source, InboxItem.received_at)
    terms = _of_inbox(uow, replace(wanted, state=InboxState.REFUSED))
    return _reasons(uow, select(*columns).where(*terms).order_by(InboxItem.id.desc()))


def failures(uow: Uow, wanted: Wanted) -> list[Reason]:
    """Why what was to be told and fits is dead, the most frequent first; of the newest 10,000."""
    no_place = literal("").label("place")
    columns = (OutboxItem.last_error, no_place, OutboxItem.kind, OutboxItem.peer, OutboxItem.posted_at)
    terms = _of_outbox(uow, replace(wanted, state=OutboxState.DEAD))
    return _reasons(uow, select(*columns).where(*terms).order_by(OutboxItem.id.desc()))


def _reasons(uow: Uow, newest: Select[str, str, str, str, datetime]) -> list[Reason]:
    *columns, at = newest.limit(COUNTED_AT_MOST).subquery().c
    count = func.count()
    query = select(*columns, count, func.min(at, type_=at.type), func.max(at, type_=at.type)).group_by(*columns)
    rows = uow.session.execute(query.order_by(count.desc(), func.max(at).desc()).limit(REASONS_AT_MOST))
    return [Reason(error, place, kind, peer.removeprefix(SOURCE), *rest) for error, place, kind, peer, *rest in rows]


def _of_inbox(uow: Uow, wanted: Wanted) -> list[ColumnElement[bool]]:
    is_whose = InboxItem.source == SOURCE + wanted.peer if wanted.peer else _begins(InboxItem.source, SOURCE)
    terms = [is_whose, *_common(uow, wanted, Direction.IN, (InboxItem.id, InboxItem.kind, InboxItem.received_at))]
    state = wanted.state or (InboxState.REFUSED if wanted.error else "")
    if state:
        terms.append(InboxItem.state == InboxState(state))
    if wanted.error:
        terms.append(InboxItem.error_code == wanted.error)
    return terms


def _of_outbox(uow: Uow, wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = (OutboxItem.id, OutboxItem.kind, OutboxItem.posted_at)
    terms = [OutboxItem.topic == TOPIC, *_common(uow, wanted, Direction.OUT, columns)]
    if wanted.peer:
        terms.append(OutboxItem.peer == wanted.peer)
    state = wanted.state or (OutboxState.DEAD if wanted.error else "")
    if state:
        terms.append(OutboxItem.state == OutboxState(state))
    if wanted.error:
        terms.append(OutboxItem.last_error == wanted.error)
    return terms


_Columns = tuple[InstrumentedAttribute[int], InstrumentedAttribute[str], InstrumentedAttribute[datetime]]


def _common(uow: Uow, wanted: Wanted, direction: Direction, columns: _Columns) -> list[ColumnElement[bool]]:
    key, kind, at = columns
    terms: list[ColumnElement[bool]] = [key.in_(items_with(direction, *number)) for number in wanted.numbers]
    if wanted.kind:
        terms.append(_begins(kind, wanted.kind) if _TYPE.fullmatch(wanted.kind) else kind == wanted.kind)
    if wanted.since is not None:
        first = uow.session.scalars(select(key).where(at >= wanted.since).order_by(at).limit(1)).first()
        terms += [at >= wanted.since, false() if first is None else key >= first - _OUT_OF_ORDER]
    if wanted.until is not None:
        last = uow.session.scalars(select(key).where(at <= wanted.until).order_by(at.desc()).limit(1)).first()
        terms += [at <= wanted.until, false() if last is None else key <= last + _OUT_OF_ORDER]
    if wanted.before_id is not None:
        terms.append(key < wanted.before_id)
    return terms


def _begins(column: InstrumentedAttribute[str], start: str) -> ColumnElement[bool]:
    """As a literal: PostgreSQL finds the start of a word by index only where it sees it when planning."""
    pattern: Any = bindparam(None, f"{start}%", type_=String, literal_execute=True)
    return column.like(pattern)


def senders(uow: Uow) -> list[str]:
    """Everyone a message came from, by name: each step leaps to the next name in the index."""
    step = select(func.min(InboxItem.source).label("source")).where(InboxItem.source >= SOURCE).cte(recursive=True)
    next_one = select(func.min(InboxItem.source)).where(InboxItem.source > step.c.source).scalar_subquery()
    names = step.union_all(select(next_one).where(step.c.source.is_not(None)))
    found = uow.session.scalars(select(names.c.source).where(names.c.source.is_not(None)).limit(_PEERS_AT_MOST))
    return sorted(name.removeprefix(SOURCE) for name in found if name.startswith(SOURCE))


def copies_of(uow: Uow, item: InboxItem) -> Sequence[InboxItem]:
    """The messages that a person made of this one, oldest first."""
    return uow.session.scalars(select(InboxItem).where(InboxItem.copy_of_id == item.id).order_by(InboxItem.id)).all()
