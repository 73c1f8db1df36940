"""Who did what to whose record, and when: written with the deed, sealed each minute, checked by anyone.

Rows carry ids only. The sealer chains committed rows (SHA-256 over each row and the head before it), so that an
edited, deleted or inserted row is found by `verify`; heads are also written to the log, which leaves the machine.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Row
from app.kernel.hot import Hot, insert_of
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
    """The chain's head after the rows up to `last_id`."""

    __tablename__ = "audit_seal"

    last_id: Mapped[int] = mapped_column(unique=True)
    rows: Mapped[int]
    head: Mapped[str] = mapped_column(String(64))
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
    """Chains the rows older than a minute that have no seal yet; None when there are none.

    Two that seal at once collide on the seal's key, and one of them is dropped.
    """
    last = uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
    after, head = (last.last_id, last.head) if last else (0, "")
    unsealed = uow.session.scalars(
        select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id).limit(SEAL_AT_MOST)
    )
    rows = list(takewhile(lambda row: row.happened_at <= uow.now() - SEAL_AFTER, unsealed))
    if not rows:
        return None
    made = AuditSeal(last_id=rows[-1].id, rows=len(rows), head=_chain(head, rows), sealed_at=uow.now())
    uow.session.add(made)
    uow.session.flush()
    return made


def verify(uow: Uow) -> str:
    """'' when every sealed row stands as it was sealed, else a sentence that names the seal which does not fit."""
    after, head = 0, ""
    for made in uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id)):
        rows = list(
            uow.session.scalars(
                select(AuditEvent).where(AuditEvent.id > after, AuditEvent.id <= made.last_id).order_by(AuditEvent.id)
            )
        )
        if len(rows) != made.rows or _chain(head, rows) != made.head:
            return f"rows {after + 1} to {made.last_id} are not as they were sealed at {made.sealed_at.isoformat()}"
        after, head = made.last_id, made.head
    return ""


def _chain(head: str, rows: list[AuditEvent]) -> str:
    for row in rows:
        text = json.dumps(
            [
                row.id,
                row.happened_at.isoformat(),
                row.actor_kind,
                row.actor_ref,
                row.action,
                row.subject_kind,
                row.subject_ref,
                row.outcome,
                row.request_id,
                row.detail,
            ],
            sort_keys=True,
            ensure_ascii=False,
        )
        head = hashlib.sha256(f"{head}{text}".encode()).hexdigest()
    return head
