"""What settled messages said is not kept for ever: their bytes and answers go, the line in the log stays.

A message that came in keeps its key, its state, its answer's code and the hash of its bytes, so that the same one again
is still known, has no second effect and is answered; a message that went out keeps what it told of, when and to whom.
The numbers by which either is found go too, but for its control id. What is open, parked, refused and not closed,
waiting or dead is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from app.kernel import audit
from app.kernel.inbox import IS_FULL as RECEIVED_FULL
from app.kernel.inbox import InboxItem, digest_of
from app.kernel.message_keys import Direction, KeyKind, MessageKey
from app.kernel.outbox import IS_FULL as TOLD_FULL
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Uow


def empty_received(uow: Uow, *, settled_before: datetime, limit: int) -> int:
    """Up to `limit` messages that came in and were settled before that moment are emptied; how many.

    Two that do it at once take different ones.
    """
    due = select(InboxItem.id).where(RECEIVED_FULL, InboxItem.done_at < settled_before).order_by(InboxItem.done_at)
    item_ids = uow.session.scalars(due.limit(limit).with_for_update(skip_locked=True)).all()
    for item_id in item_ids:  # one body at a time: a report may be of many megabytes
        body = uow.session.scalars(select(InboxItem.body).where(InboxItem.id == item_id)).one()
        emptied = {"body": b"", "answer": None, "digest": digest_of(body), "emptied_at": uow.now()}
        uow.session.execute(
            update(InboxItem).where(InboxItem.id == item_id).values(**emptied),
            execution_options={"synchronize_session": False},
        )
    return _note(uow, Direction.IN, item_ids)


def empty_told(uow: Uow, *, told_before: datetime, limit: int) -> int:
    """Up to `limit` messages that went out and were answered before that moment are emptied; how many."""
    due = select(OutboxItem.id).where(TOLD_FULL, OutboxItem.sent_at < told_before).order_by(OutboxItem.sent_at)
    item_ids = uow.session.scalars(due.limit(limit).with_for_update(skip_locked=True)).all()
    uow.session.execute(
        update(OutboxItem).where(OutboxItem.id.in_(item_ids)).values(body=None, answer=None, emptied_at=uow.now()),
        execution_options={"synchronize_session": False},
    )
    return _note(uow, Direction.OUT, item_ids)


def _note(uow: Uow, direction: Direction, item_ids: Sequence[int]) -> int:
    """Their numbers go but for the control id, and that it was done is on record: once for all of them."""
    if item_ids:
        uow.session.execute(
            delete(MessageKey).where(
                MessageKey.direction == direction, MessageKey.item_id.in_(item_ids), MessageKey.kind != KeyKind.CONTROL
            ),
            execution_options={"synchronize_session": False},
        )
        kind = "inbox" if direction is Direction.IN else "outbox"
        audit.record(uow, "messages.empty", kind, "", count=len(item_ids))
    return len(item_ids)
