"""Telling a patient's accounts something, and the inbox in which they read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update

from app.identity.models import Account
from app.identity.service import accounts_of_patient, linked_patient_ids, openid_of_account
from app.kernel import outbox
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.inserts import insert_into
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.notifications.models import Message
from app.notifications.states import MESSAGE, Channel, MessageAction, MessageState
from app.notifications.words import WORDS, say

TOPIC = "message"


@dataclass(frozen=True)
class Note:
    """A message as its recipient reads it; `leads_on` while they act for its patient, whose pages `link` opens."""

    public_id: str
    template: str
    title: str
    body: str
    link: str
    made_at: datetime
    is_read: bool
    leads_on: bool


def tell(
    uow: Uow, *, patient_id: int, template: str, dedupe: str, params: Mapping[str, object], link: str
) -> list[Message]:
    """Every account that acts for the patient is told once per `dedupe`; the new messages.

    `params` hold numbers, rooms, instants (`…_at`), days (`…_day`) and amounts (`…_fen`), never a name, a department
    or a finding. Called twice with the same `dedupe`, the second time is quiet.
    """
    accounts = accounts_of_patient(uow, patient_id)
    told = [
        tell_account(uow, account, patient_id=patient_id, template=template, dedupe=dedupe, params=params, link=link)
        for account in accounts
    ]
    return [message for message in told if message is not None]


def tell_account(  # noqa: PLR0913 - a message is these facts
    uow: Uow,
    account: Account,
    *,
    patient_id: int,
    template: str,
    dedupe: str,
    params: Mapping[str, object],
    link: str,
) -> Message | None:
    """One account is told once per `dedupe`; None when it was told before."""
    channel = Channel.WECHAT if openid_of_account(uow, account.id) else Channel.SMS
    return file_message(
        uow,
        account_id=account.id,
        patient_id=patient_id,
        channel=channel if account.phone_sealed or channel is Channel.WECHAT else Channel.INAPP,
        template=template,
        params={name: _plain(value) for name, value in params.items()},
        link=link,
        dedupe_key=f"{dedupe}:{account.id}",
    )


def file_message(uow: Uow, **columns: object) -> Message | None:
    """The message is on file and posted to the outbox, or None when its `dedupe_key` is there already."""
    if columns["template"] not in WORDS:
        raise KeyError(columns["template"])
    made = uow.session.scalar(
        insert_into(uow, Message)
        .values(public_id=new_public_id(), state=MessageState.QUEUED, reason="", made_at=uow.now(), **columns)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Message.id)
    )
    if made is None:
        return None
    message = uow.session.get_one(Message, made)
    if message.channel is Channel.INAPP:
        move(uow, MESSAGE, message, MessageAction.SHOW, final_at=uow.now())
    else:
        outbox.post(uow, TOPIC, message.public_id, {"message_id": message.id})
    return message


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime | date) else value


def inbox_of_account(uow: Uow, *, locale: str, limit: int = 50) -> list[Note]:
    """What the asking account was told, newest first, in the words of `locale`.

    A stand-in for a failed message is not shown twice.
    """
    messages = uow.session.scalars(
        select(Message)
        .where(Message.account_id == uow.actor.id, Message.stands_in_for_id.is_(None))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    linked = set(uow.session.scalars(linked_patient_ids(uow)))
    return [_note(uow, message, locale, linked) for message in messages]


def unread_count(uow: Uow) -> int:
    """How many messages the asking account has not opened."""
    return (
        uow.session.scalar(
            select(func.count(Message.id)).where(
                Message.account_id == uow.actor.id, Message.read_at.is_(None), Message.stands_in_for_id.is_(None)
            )
        )
        or 0
    )


def open_message(uow: Uow, public_id: str) -> Note:
    """The message is read now (the first time counts); NotFound when it is not the asking account's."""
    message = uow.session.scalars(
        select(Message).where(Message.public_id == public_id, Message.account_id == uow.actor.id)
    ).first()
    if message is None or uow.actor.kind != "patient":
        raise NotFound
    message.read_at = message.read_at or uow.now()
    linked = set(uow.session.scalars(linked_patient_ids(uow)))
    return _note(uow, message, uow.session.get_one(Account, uow.actor.id).locale, linked)


def read_all(uow: Uow) -> None:
    """Everything in the asking account's inbox is read."""
    uow.session.execute(
        update(Message).where(Message.account_id == uow.actor.id, Message.read_at.is_(None)).values(read_at=uow.now())
    )


def messages(uow: Uow, *, state: str = "", before_id: int | None = None, limit: int = 50) -> Sequence[Message]:
    """Messages and their fate for the staff console, newest first; `state` '' is all of them."""
    asked = select(Message).order_by(Message.id.desc()).limit(limit)
    if state:
        asked = asked.where(Message.state == MessageState(state))
    if before_id is not None:
        asked = asked.where(Message.id < before_id)
    return uow.session.scalars(asked).all()


def fates(uow: Uow, *, since: datetime) -> list[tuple[Channel, MessageState, str, int]]:
    """How many messages since `since` stand in each (channel, state, reason)."""
    rows = uow.session.execute(
        select(Message.channel, Message.state, Message.reason, func.count(Message.id))
        .where(Message.made_at >= since)
        .group_by(Message.channel, Message.state, Message.reason)
        .order_by(Message.channel, Message.state, Message.reason)
    )
    return [(channel, state, reason, count) for channel, state, reason, count in rows]


def _note(uow: Uow, message: Message, locale: str, linked: AbstractSet[int]) -> Note:
    params: dict[str, Any] = message.params
    told = say(message.template, params, locale, uow.zone)
    return Note(
        message.public_id,
        message.template,
        told.title,
        told.body,
        message.link,
        message.made_at,
        is_read=message.read_at is not None,
        leads_on=message.patient_id in linked,
    )
