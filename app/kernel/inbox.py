"""What the outside world told us: kept byte for byte before it is acknowledged, and used exactly once."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint, bindparam, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import hot_rows
from app.kernel.db import Row, choice
from app.kernel.hot import Found
from app.kernel.uow import Uow

IS_FULL = text("state <> 'received' AND state <> 'refused' AND emptied_at IS NULL")
"""A message that is settled and holds its bytes still; written out, so that the index of those answers."""
_IS_COPY = text("copy_of_id IS NOT NULL")


def said(raw: bytes) -> bytes:
    """The bytes without line ends after the last segment: senders add and drop them between one try and the next."""
    return raw.rstrip(b"\r\n")


def digest_of(raw: bytes) -> str:
    """The hash of what the message says."""
    return hashlib.sha256(said(raw)).hexdigest()


class InboxState(enum.StrEnum):
    """`received` and not used yet, `done`, `filed` without effect, or `refused` and on a person's work list."""

    RECEIVED = "received"
    DONE = "done"
    FILED = "filed"
    REFUSED = "refused"


class InboxItem(Row):
    """One message as it came; (`source`, `key`) is what makes its second coming quiet.

    `answer_code` and `took_ms` say what it was answered at last and how long that took, up to the commit. `copy_of_id`
    is the message of which a person made this one. One that was `emptied_at` some time has no bytes and no answer any
    more (`emptying`), only the `digest` by which it is known again.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index("ix_inbox_state", "source", "state", "id"),
        Index(
            "ix_inbox_parked",
            "subject_ref",
            sqlite_where=text("state = 'received'"),
            postgresql_where=text("state = 'received'"),
        ),
        Index("ix_inbox_state_id", "state", "id"),
        Index("ix_inbox_kind", "kind", "id", postgresql_ops={"kind": "text_pattern_ops"}),
        Index("ix_inbox_copy_of_id", "copy_of_id", sqlite_where=_IS_COPY, postgresql_where=_IS_COPY),
        Index("ix_inbox_to_empty", "done_at", sqlite_where=IS_FULL, postgresql_where=IS_FULL),
    )

    source: Mapped[str] = mapped_column(String(48))
    key: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(40), default="")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[InboxState] = mapped_column(choice(InboxState), default=InboxState.RECEIVED)
    received_at: Mapped[datetime] = mapped_column(index=True)
    done_at: Mapped[datetime | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    error_code: Mapped[str] = mapped_column(String(40), default="")
    error_place: Mapped[str] = mapped_column(String(80), default="")
    repeats: Mapped[int] = mapped_column(default=0)
    subject_ref: Mapped[str] = mapped_column(String(64), default="")
    answer_code: Mapped[str] = mapped_column(String(2), default="", server_default="")
    took_ms: Mapped[int | None]
    copy_of_id: Mapped[int | None]
    emptied_at: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))

    def says(self, body: bytes) -> bool:
        """True when the message is the one in `body`, line ends behind the last segment left aside."""
        return self.digest == digest_of(body) if self.emptied_at else said(self.body) == said(body)

    def refill(self, body: bytes) -> None:
        """An emptied message came again, and is to be judged again: it holds its bytes as at first."""
        self.body, self.digest, self.emptied_at = body, None, None


def receive(uow: Uow, source: str, key: str, body: bytes, *, kind: str = "") -> tuple[InboxItem, bool]:
    """The item for (`source`, `key`) and whether it is new; of two that bring it at once, one finds it new.

    A repeat is counted in `repeats` and its bytes are not looked at.
    """
    (made,) = receive_new(uow, [InboxItem(source=source, key=key, kind=kind, body=body)])
    if made is not None:
        return made, True
    uow.session.execute(
        update(InboxItem).where(InboxItem.source == source, InboxItem.key == key).values(repeats=InboxItem.repeats + 1),
        execution_options={"synchronize_session": False},
    )
    again = select(InboxItem).where(InboxItem.source == source, InboxItem.key == key)
    return uow.session.scalars(again.execution_options(populate_existing=True)).one(), False


def receive_new(uow: Uow, items: Sequence[InboxItem]) -> list[InboxItem | None]:
    """Those of the `items` (with source, key, kind and body, none twice) that are new; None for each that is not.

    They are filed in the order of their keys, so that two that bring the same wait for each other.
    """
    in_order = sorted(items, key=lambda item: (item.source, item.key))
    for item in in_order:
        item.received_at = uow.now()
    is_new = dict(zip(map(id, in_order), hot_rows.put_unless_there(uow, in_order, key=("source", "key")), strict=True))
    return [item if is_new[id(item)] else None for item in items]


def waiting(uow: Uow, source: str, *, limit: int) -> list[InboxItem]:
    """Up to `limit` items of `source` not used yet, oldest first, each given to one caller only."""
    return list(
        uow.session.scalars(
            select(InboxItem)
            .where(InboxItem.source == source, InboxItem.state == InboxState.RECEIVED)
            .order_by(InboxItem.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def park(
    uow: Uow, item: InboxItem, subject_ref: str, *, error_code: str, error_place: str = "", **told: object
) -> None:
    """The item waits until what it needs is on file: `parked` finds it by `subject_ref`; `told` as in `finish`."""
    said = {"state": InboxState.RECEIVED, "done_at": None, "error_code": error_code, "error_place": error_place}
    hot_rows.change_later(uow, InboxItem, item.id, said | {"subject_ref": subject_ref} | told)


def parked(uow: Uow, subject_ref: str, *, limit: int) -> list[InboxItem]:
    """Up to `limit` items that wait for `subject_ref`, oldest first, locked."""
    return [item for (item,) in _PARKED.all(uow, {"p_subject_ref": subject_ref, "p_limit": limit})]


_PARKED = Found(
    InboxItem,
    which=lambda items: (
        items.where(InboxItem.subject_ref == bindparam("p_subject_ref"), InboxItem.state == text("'received'"))
        .order_by(InboxItem.id)
        .limit(bindparam("p_limit"))
        .with_for_update(skip_locked=True)
    ),
    anew=True,
)


def all_parked(uow: Uow, prefix: str, *, after: int, limit: int) -> list[InboxItem]:
    """Up to `limit` items that wait for anything whose name begins so, the first ones beyond id `after`; not locked."""
    query = select(InboxItem).where(
        InboxItem.id > after, InboxItem.state == text("'received'"), InboxItem.subject_ref.startswith(prefix)
    )
    return list(uow.session.scalars(query.order_by(InboxItem.id).limit(limit)))


def claim_parked(uow: Uow, item_id: int) -> InboxItem | None:
    """The item, which waits still, is the caller's until the unit ends; None when it has been used since."""
    claimed = uow.session.scalar(
        update(InboxItem)
        .where(InboxItem.id == item_id, InboxItem.state == InboxState.RECEIVED)
        .values(repeats=InboxItem.repeats)
        .returning(InboxItem.id),
        execution_options={"synchronize_session": False},
    )
    return None if claimed is None else uow.session.get_one(InboxItem, claimed, populate_existing=True)


def finish(
    uow: Uow, item: InboxItem, state: InboxState, *, error_code: str = "", error_place: str = "", **told: object
) -> None:
    """The item has had its effect, is filed, or waits on the work list with a code and a place.

    `told` are more of its columns: what it touched, what it was answered.
    """
    said = {"state": state, "done_at": uow.now(), "error_code": error_code, "error_place": error_place}
    hot_rows.change_later(uow, InboxItem, item.id, said | told)


def lay_to_rest(uow: Uow, item_id: int) -> bool:
    """A refused item needs nobody any more and leaves the work list; False for one that is not refused.

    Its code and place stay on it, which tell it from what was filed as it came.
    """
    rested = uow.session.execute(
        update(InboxItem)
        .where(InboxItem.id == item_id, InboxItem.state == InboxState.REFUSED)
        .values(state=InboxState.FILED, done_at=uow.now())
        .returning(InboxItem.id)
    )
    return rested.first() is not None
