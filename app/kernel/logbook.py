"""What the operator reads: long lists of rows newest first, the messages in and out, and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from app.kernel.audit import AuditEvent, AuditSeal
from app.kernel.errors import NotFound
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow

PAGE_ROWS = 50
DONE_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Asked:
    """What a reader asks of a list: a state ('' is any), instants, and the page before."""

    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None


@dataclass(frozen=True)
class AskedOfTrail:
    """What a reader asks of the audit trail besides instants and page; '' is anything."""

    actor_ref: str = ""
    action: str = ""
    subject: str = ""
    outcome: str = ""


def within(
    asked: Asked, key: InstrumentedAttribute[int], at: InstrumentedAttribute[datetime]
) -> list[ColumnElement[bool]]:
    """The conditions for instants and page on a table's key and time."""
    wanted = []
    if asked.since is not None:
        wanted.append(at >= asked.since)
    if asked.until is not None:
        wanted.append(at <= asked.until)
    if asked.before_id is not None:
        wanted.append(key < asked.before_id)
    return wanted


def refused_count(uow: Uow, source: str) -> int:
    """How many messages from sources that begin with `source` wait on the work list."""
    asked = select(func.count()).where(
        InboxItem.source.startswith(source, autoescape=True), InboxItem.state == InboxState.REFUSED
    )
    return uow.session.scalar(asked) or 0


def received_item(uow: Uow, source: str, item_id: int) -> InboxItem:
    """One message from a source that begins with `source`; else NotFound."""
    item = uow.session.get(InboxItem, item_id)
    if item is None or not item.source.startswith(source):
        raise NotFound
    return item


def posted(uow: Uow, topic: str, asked: Asked) -> Sequence[OutboxItem]:
    """A page of what was or will be told under `topic` ('' is every topic)."""
    wanted = within(asked, OutboxItem.id, OutboxItem.posted_at)
    if topic:
        wanted.append(OutboxItem.topic == topic)
    if asked.state:
        wanted.append(OutboxItem.state == OutboxState(asked.state))
    return uow.session.scalars(select(OutboxItem).where(*wanted).order_by(OutboxItem.id.desc()).limit(PAGE_ROWS)).all()


def posted_item(uow: Uow, topic: str, item_id: int) -> OutboxItem:
    """One item under `topic` ('' is every topic); else NotFound."""
    item = uow.session.get(OutboxItem, item_id)
    if item is None or topic not in {"", item.topic}:
        raise NotFound
    return item


def trail(uow: Uow, of: AskedOfTrail, asked: Asked) -> Sequence[AuditEvent]:
    """A page of the audit trail; `action` is what the deed's name begins with."""
    wanted: list[Any] = list(within(asked, AuditEvent.id, AuditEvent.happened_at))
    same = {AuditEvent.actor_ref: of.actor_ref, AuditEvent.subject_ref: of.subject, AuditEvent.outcome: of.outcome}
    wanted += [column == value for column, value in same.items() if value]
    if of.action:
        wanted.append(AuditEvent.action.startswith(of.action, autoescape=True))
    return uow.session.scalars(select(AuditEvent).where(*wanted).order_by(AuditEvent.id.desc()).limit(PAGE_ROWS)).all()


def deeds_on(uow: Uow, subject_kind: str, subject_ref: str) -> Sequence[AuditEvent]:
    """The newest deeds on one thing, oldest first."""
    wanted = (AuditEvent.subject_kind == subject_kind, AuditEvent.subject_ref == subject_ref)
    found = uow.session.scalars(select(AuditEvent).where(*wanted).order_by(AuditEvent.id.desc()).limit(PAGE_ROWS))
    return list(found)[::-1]


def deeds_by(uow: Uow, item: InboxItem) -> Sequence[AuditEvent]:
    """What a message did: the deeds of its sender, under its control id, in the unit in which it was done."""
    if item.done_at is None:
        return []
    peer, control_id = item.source.partition(":")[2], item.key.partition("#")[0][:40]
    wanted = (
        AuditEvent.happened_at.between(item.done_at - DONE_WITHIN, item.done_at + timedelta(seconds=1)),
        AuditEvent.actor_ref == peer,
        AuditEvent.request_id == control_id,
        AuditEvent.subject_kind != "hl7_message",
    )
    return uow.session.scalars(select(AuditEvent).where(*wanted).order_by(AuditEvent.id).limit(PAGE_ROWS)).all()


def last_seal(uow: Uow) -> AuditSeal | None:
    """The newest seal of the audit trail; None before the first."""
    return uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
