"""Who did what to whose record, and when: written with the deed, sealed each minute, checked by anyone.

Rows carry ids only. The sealer chains committed rows (SHA-256 over each row and the head before it), and those of the
history of states in a chain of its own, so that an edited, deleted or inserted row is found by `verify`; heads are also
written to the log, which leaves the machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Index, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Row
from app.kernel.hot import Hot, insert_of
from app.kernel.moves import Move
from app.kernel.uow import Uow

SEAL_AT_MOST = 5000
# A unit may still be open that took its row's key before rows already committed; none lives this long (see db.py).
SEAL_AFTER = timedelta(seconds=60)


class AuditEvent(Row):
    """One deed or one look at a record (IHE ATNA: who, what, when, whose, outcome)."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject_kind", "subject_ref"),)

    happened_at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_ref: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject_ref: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]


Sealed = TypeVar("Sealed", AuditEvent, Move)
_APPEND = Hot(
    insert_of(
        AuditEvent,
        "happened_at",
        "actor_kind",
        "actor_ref",
        "action",
        "subject_kind",
        "subject_ref",
        "outcome",
        "request_id",
        "detail",
    )
)


class AuditSeal(Row):
    """The chain's head after the rows up to `last_id`, and that of the moves up to `last_move_id`.

    Moves are sealed with the next audit rows, so a seal may hold none of them.
    """

    __tablename__ = "audit_seal"

    last_id: Mapped[int] = mapped_column(unique=True)
    rows: Mapped[int]
    head: Mapped[str] = mapped_column(String(64))
    last_move_id: Mapped[int] = mapped_column(default=0, server_default="0")
    moves: Mapped[int] = mapped_column(default=0, server_default="0")
    moves_head: Mapped[str] = mapped_column(String(64), default="", server_default="")
    sealed_at: Mapped[datetime]


def record(
    uow: Uow, action: str, subject_kind: str, subject_ref: object, *, outcome: str = "ok", **detail: object
) -> None:
    """The deed is on record in this unit; `detail` holds ids, states, codes and amounts, never personal data."""
    _APPEND.later(
        uow,
        {
            "happened_at": uow.now(),
            "actor_kind": uow.actor.kind,
            "actor_ref": uow.actor.ref,
            "action": action,
            "subject_kind": subject_kind,
            "subject_ref": str(subject_ref)[:64],
            "outcome": outcome,
            "request_id": uow.request_id,
            "detail": detail,
        },
    )


def seal(uow: Uow) -> AuditSeal | None:
    """Chains the rows older than a minute that have no seal yet, and such moves; None when there are no such rows.

    Two that seal at once collide on the seal's key, and one of them is dropped.
    """
    last = uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
    after = _after(last)
    rows = _ripe(uow, uow.session.scalars(_events(after.row_id).limit(SEAL_AT_MOST)))
    if not rows:
        return None
    moves = _ripe(uow, uow.session.scalars(_moves(after.move_id).limit(SEAL_AT_MOST)))
    made = AuditSeal(
        last_id=rows[-1].id,
        rows=len(rows),
        head=_chain(after.head, rows),
        last_move_id=moves[-1].id if moves else after.move_id,
        moves=len(moves),
        moves_head=_chain(after.moves_head, moves),
        sealed_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()
    return made


def verify(uow: Uow) -> str:
    """'' when every sealed row and move stands as it was sealed, else a sentence that names the first that does not."""
    after = _after(None)
    for made in uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id)):
        rows = uow.session.scalars(_events(after.row_id).where(AuditEvent.id <= made.last_id)).all()
        moves = uow.session.scalars(_moves(after.move_id).where(Move.id <= made.last_move_id)).all()
        when = f"are not as they were sealed at {made.sealed_at.isoformat()}"
        if (len(rows), _chain(after.head, rows)) != (made.rows, made.head):
            return f"rows {after.row_id + 1} to {made.last_id} {when}"
        if (len(moves), _chain(after.moves_head, moves)) != (made.moves, made.moves_head):
            return f"moves {after.move_id + 1} to {made.last_move_id} {when}"
        after = _after(made)
    return ""


class _End(NamedTuple):
    """Where both chains stand: up to which row and which move, and their heads there."""

    row_id: int = 0
    head: str = ""
    move_id: int = 0
    moves_head: str = ""


def _after(made: AuditSeal | None) -> _End:
    return _End(made.last_id, made.head, made.last_move_id, made.moves_head) if made else _End()


def _events(after: int) -> Select[AuditEvent]:
    return select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id)


def _moves(after: int) -> Select[Move]:
    return select(Move).where(Move.id > after).order_by(Move.id)


def _ripe(uow: Uow, rows: Iterable[Sealed]) -> list[Sealed]:
    """The first of the rows, up to one that a unit which is still open may own an earlier one than."""
    return list(takewhile(lambda row: _told(row)[0] <= uow.now() - SEAL_AFTER, rows))


def _told(row: AuditEvent | Move) -> tuple[datetime, list[object]]:
    """When the row was written, and all that it says."""
    if isinstance(row, Move):
        life = [row.machine, row.subject_id, row.from_state, row.to_state, row.action]
        return row.moved_at, [*life, row.by_kind, row.by_ref, row.why]
    deed = [row.actor_kind, row.actor_ref, row.action, row.subject_kind, row.subject_ref]
    return row.happened_at, [*deed, row.outcome, row.request_id, row.detail]


def _chain(head: str, rows: Sequence[AuditEvent | Move]) -> str:
    for row in rows:
        at, said = _told(row)
        text = json.dumps([row.id, at.isoformat(), *said], sort_keys=True, ensure_ascii=False)
        head = hashlib.sha256(f"{head}{text}".encode()).hexdigest()
    return head
