"""What must be told to the outside world: written with the deed, sent after it stands, until it is answered.

Delivery is at least once, in order within a lane (one patient), always under the same key; the other side makes the
second time quiet. A row that cannot be sent ends as `dead`, where a person sees it and can send it again.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    Index,
    LargeBinary,
    Select,
    String,
    TextClause,
    UniqueConstraint,
    any_,
    bindparam,
    false,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import hot_rows
from app.kernel.db import Row, choice
from app.kernel.errors import Refused
from app.kernel.hot_rows import Changed, insert_unless_there, spelled_for
from app.kernel.uow import Uow

BACK_OFF_SECONDS = (2, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)
JITTER_PER_CENT = 20
# Written out, never bound: only so does SQLite see that the index of open items answers the question.
_NOT_SENT = text("state <> 'sent'")
IS_FULL = text("state = 'sent' AND (body IS NOT NULL OR answer IS NOT NULL)")
"""An item that was told and holds its bytes still; written out, so that the index of those answers."""
URGENT = text("is_urgent AND state <> 'sent'")
_TO_GO = [literal_column(f"'{state}'", String) for state in ("waiting", "sending")]


class Emptied(Refused):
    """What the message said is no longer kept, so it cannot be taken or told again."""

    code: ClassVar[str] = "hl7_message_emptied"


class OutboxState(enum.StrEnum):
    """`waiting` to be sent, being `sending` under a lease, `sent` and answered, or `dead` and in need of a person."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class OutboxItem(Row):
    """One thing to tell; `key` is unique within its topic, `lane` keeps the order, `body` is fixed at the first try.

    `kind` is the message's type once it is written, before that the event it tells; `peer` whom it is written for. Once
    `emptied_at` is set, body and answer are no longer kept (`emptying`). `is_urgent`: somebody waits for the answer, so
    it goes before what only has to arrive.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index("ix_outbox_due", "topic", "state", "due_at"),
        Index("ix_outbox_lane", "topic", "lane", "state", "id"),
        Index("ix_outbox_kind", "kind", "id", postgresql_ops={"kind": "text_pattern_ops"}),
        Index("ix_outbox_peer", "peer", "id"),
        Index("ix_outbox_posted_at", "posted_at"),
        Index("ix_outbox_open", "topic", "state", sqlite_where=_NOT_SENT, postgresql_where=_NOT_SENT),
        Index("ix_outbox_to_empty", "sent_at", sqlite_where=IS_FULL, postgresql_where=IS_FULL),
        Index("ix_outbox_urgent", "topic", "due_at", sqlite_where=URGENT, postgresql_where=URGENT),
    )

    topic: Mapped[str] = mapped_column(String(24))
    key: Mapped[str] = mapped_column(String(80))
    lane: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[OutboxState] = mapped_column(choice(OutboxState), default=OutboxState.WAITING)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    posted_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    kind: Mapped[str] = mapped_column(String(40), default="", server_default="")
    peer: Mapped[str] = mapped_column(String(48), default="", server_default="")
    is_urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    emptied_at: Mapped[datetime | None]

    @property
    def control_id(self) -> str:
        """MSH-10 of the message that tells it, for good."""
        return f"MZ{self.id:010d}"

    @property
    def is_silent(self) -> bool:
        """True when it is over and nobody had to be told: no message was ever written."""
        event = str(self.payload.get("event", ""))[:40]
        return self.state == OutboxState.SENT and self.peer == "" and self.kind == event

    @property
    def is_laid_to_rest(self) -> bool:
        """True when it is over though it was not taken: its last failure stands."""
        return self.state == OutboxState.SENT and self.last_error != ""


_POST = insert_unless_there(
    OutboxItem,
    "lane",
    "payload",
    "state",
    "due_at",
    "posted_at",
    "tries",
    "last_error",
    "kind",
    "peer",
    "is_urgent",
    key=("topic", "key"),
)


def post(  # noqa: PLR0913 - a thing to tell is these facts
    uow: Uow,
    topic: str,
    key: str,
    payload: dict[str, Any],
    *,
    lane: str = "",
    due_at: datetime | None = None,
    is_urgent: bool = False,
) -> None:
    """`payload` (ids and codes) will be told under `topic` once this unit stands; the same key again is quiet."""
    now = uow.now()
    spelled_for(uow, _POST).later(
        uow,
        {
            "topic": topic,
            "key": key,
            "lane": lane or key,
            "payload": payload,
            "state": OutboxState.WAITING,
            "due_at": due_at or now,
            "posted_at": now,
            "tries": 0,
            "last_error": "",
            "kind": str(payload.get("event", ""))[:40],
            "peer": "",
            "is_urgent": is_urgent,
        },
    )


def join_lanes(uow: Uow, topic: str, lane: str, into: str) -> None:
    """What waits in `lane` waits in lane `into` from now on, in the order in which it was posted."""
    uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.topic == topic, OutboxItem.lane == lane, OutboxItem.state == OutboxState.WAITING)
        .values(lane=into)
    )


def claim(uow: Uow, topic: str, *, limit: int, lease_seconds: int, only_urgent: bool = False) -> list[OutboxItem]:
    """Up to `limit` due items, each first in its lane, leased to the caller; commit before telling anyone.

    An item whose lease ran out (its sender died) is given out again. Two callers never hold the same item.
    """
    facts = {
        "p_topic": topic,
        "p_now": uow.now(),
        "p_lease_until": uow.now() + timedelta(seconds=lease_seconds),
        "p_limit": limit,
    }
    claiming = _claiming(URGENT if only_urgent else None, uow.session.get_bind().dialect.name)
    claimed = claiming.all(uow, facts)
    return sorted((item for (item,) in claimed), key=lambda item: item.id)


@cache
def _claiming(which: TextClause | None, dialect: str) -> Changed:
    """Reads what is to go once and the firsts once, whatever plan the database has kept from quieter times.

    As a question asked for each item (is there an earlier one?) it is the dearest statement of an outage, when the
    statistics know nothing yet of all those who came to wait.
    """
    now = bindparam("p_now", type_=OutboxItem.due_at.type)
    first_of_each_lane = (
        select(func.min(OutboxItem.id))
        .where(OutboxItem.topic == bindparam("p_topic"), OutboxItem.state.in_(_TO_GO))
        .group_by(OutboxItem.lane)
    )
    is_free = (OutboxItem.state == OutboxState.WAITING) | (
        (OutboxItem.state == OutboxState.SENDING) & (OutboxItem.lease_until < now)
    )
    due = (
        select(OutboxItem.id)
        .where(_is_among(first_of_each_lane, dialect), OutboxItem.due_at <= now, is_free)
        .where(*[] if which is None else [which])
        .order_by(OutboxItem.due_at, OutboxItem.id)
        .limit(bindparam("p_limit"))
        .with_for_update(skip_locked=True)
        .cte("due")  # read once; as a subquery of IN it may be run, and lock, once per row of the table
    )
    return Changed(
        OutboxItem,
        update(OutboxItem)
        .where(_is_among(select(due.c.id), dialect))
        .values(
            state=OutboxState.SENDING,
            lease_until=bindparam("p_lease_until", type_=OutboxItem.lease_until.type),
            tries=OutboxItem.tries + 1,
        ),
    )


def _is_among(ids: Select[int], dialect: str) -> ColumnElement[bool]:
    """The item is one of these; for PostgreSQL as a list that is made first, which it cannot turn into a join."""
    if dialect == "postgresql":
        return OutboxItem.id == any_(func.array(ids.scalar_subquery()))
    return OutboxItem.id.in_(ids)


def written(uow: Uow, item_id: int, body: bytes, *, kind: str, peer: str) -> None:
    """The item's message is written: its bytes, its type, and whom it is for."""
    hot_rows.change_later(uow, OutboxItem, item_id, {"body": body, "kind": kind[:40], "peer": peer[:48]})


def mark_sent(uow: Uow, item_id: int, *, answer: bytes | None = None) -> None:
    """The item was told and answered; quiet when called twice."""
    sent = {"state": OutboxState.SENT, "sent_at": uow.now(), "answer": answer, "lease_until": None, "last_error": ""}
    hot_rows.change_later(uow, OutboxItem, item_id, sent)


def mark_failed(
    uow: Uow,
    item_id: int,
    error: str,
    *,
    is_final: bool = False,
    answer: bytes | None = None,
    at_most_seconds: int = BACK_OFF_SECONDS[-1],
) -> None:
    """The item waits for its next try by the back-off table, a fifth more or less, or is dead when `is_final`.

    `error` holds codes only. An item that was answered meanwhile, under another lease, stays as it is.
    """
    item = uow.session.get_one(OutboxItem, item_id)
    if item.state == OutboxState.SENT:
        return
    wait = min(BACK_OFF_SECONDS[min(item.tries, len(BACK_OFF_SECONDS)) - 1 if item.tries else 0], at_most_seconds)
    percent = 100 - JITTER_PER_CENT + secrets.randbelow(2 * JITTER_PER_CENT + 1)
    item.state = OutboxState.DEAD if is_final else OutboxState.WAITING
    item.due_at, item.lease_until = uow.now() + timedelta(seconds=wait * percent / 100), None
    item.answer, item.last_error = answer, error[:300]


def release(uow: Uow, item_ids: Sequence[int], error: str) -> None:
    """Leased items that were not told at all wait as before, without a try more; `error` says why."""
    uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.id.in_(item_ids), OutboxItem.state == OutboxState.SENDING)
        .values(state=OutboxState.WAITING, lease_until=None, tries=OutboxItem.tries - 1, last_error=error),
        execution_options={"synchronize_session": False},
    )


def wake(uow: Uow, topic: str, errors: Sequence[str]) -> None:
    """What waits under `topic` because of one of `errors` is due now."""
    uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.topic == topic, OutboxItem.state == OutboxState.WAITING, OutboxItem.last_error.in_(errors))
        .values(due_at=uow.now()),
        execution_options={"synchronize_session": False},
    )


def send_again(uow: Uow, item_id: int) -> None:
    """A dead item waits to be sent once more, under the same key; an item in any other state stays as it is."""
    uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.id == item_id, OutboxItem.state == OutboxState.DEAD)
        .values(state=OutboxState.WAITING, due_at=uow.now(), tries=0)
    )


def lay_to_rest(uow: Uow, item_id: int) -> bool:
    """A dead item needs nobody any more, since a person saw to it otherwise; False for one that is not dead.

    It keeps its answer and its error, which tell it from what was taken.
    """
    rested = uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.id == item_id, OutboxItem.state == OutboxState.DEAD)
        .values(state=OutboxState.SENT, sent_at=uow.now())
        .returning(OutboxItem.id)
    )
    return rested.first() is not None


def tell_again(uow: Uow, item_id: int) -> None:
    """What was told, or is dead, waits to be told once more, byte for byte; one that is on its way stays as it is.

    Refuses `hl7_message_emptied`.
    """
    if uow.session.scalar(select(OutboxItem.emptied_at).where(OutboxItem.id == item_id)) is not None:
        raise Emptied
    uow.session.execute(
        update(OutboxItem)
        .where(OutboxItem.id == item_id, OutboxItem.state.in_((OutboxState.SENT, OutboxState.DEAD)))
        .values(state=OutboxState.WAITING, due_at=uow.now(), tries=0, sent_at=None, answer=None),
        execution_options={"synchronize_session": False},
    )


def newest_in(uow: Uow, topic: str, lane: str) -> OutboxItem | None:
    """What was posted last in the lane."""
    return uow.session.scalars(
        select(OutboxItem)
        .where(OutboxItem.topic == topic, OutboxItem.lane == lane)
        .order_by(OutboxItem.id.desc())
        .limit(1)
    ).first()


def let_rest(uow: Uow, topic: str, lane: str, *, before_id: int) -> None:
    """Dead items of the lane need nobody any more, since what was posted after them did what they were to do.

    They keep their answers and errors.
    """
    uow.session.execute(
        update(OutboxItem)
        .where(
            OutboxItem.topic == topic,
            OutboxItem.lane == lane,
            OutboxItem.state == OutboxState.DEAD,
            OutboxItem.id < before_id,
        )
        .values(state=OutboxState.SENT, sent_at=uow.now()),
        execution_options={"synchronize_session": False},
    )


def held_up(uow: Uow, topics: Sequence[str]) -> Sequence[OutboxItem]:
    """What was tried under these topics in vain and is tried again by itself, oldest first."""
    return uow.session.scalars(
        select(OutboxItem)
        .where(_NOT_SENT, OutboxItem.topic.in_(topics), OutboxItem.state != OutboxState.DEAD)
        .where(OutboxItem.last_error != "")
        .order_by(OutboxItem.id)
    ).all()


def depth(uow: Uow) -> dict[tuple[str, str], int]:
    """How many items stand in each (topic, state) that is not over; those that were sent are not counted."""
    rows = uow.session.execute(
        select(OutboxItem.topic, OutboxItem.state, func.count()).where(_NOT_SENT).group_by("topic", "state")
    )
    return {(topic, state.value): count for topic, state, count in rows}
