"""Messages on their way: handed to a courier outside any unit, then marked; and what the provider said later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from app.identity.models import Account
from app.identity.service import openid_of_account, phone_of_account
from app.kernel import outbox
from app.kernel.crypto import CannotOpen
from app.kernel.inserts import insert_into
from app.kernel.moves import move
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Actor, Units, Uow
from app.notifications.errors import CourierAway, CourierRefused
from app.notifications.models import Message, MessageResult
from app.notifications.ports import Letter, MessageCourier, Sent
from app.notifications.service import TOPIC, file_message
from app.notifications.states import FINAL, MESSAGE, Channel, MessageAction, MessageState
from app.notifications.templates import NOT_AS_NUMBERED, in_force
from app.notifications.words import WORDS, finished, say

BATCH = 20
LEASE_SECONDS = 150  # a whole batch at the couriers' longest time-out
GIVE_UP_TRIES = 5  # by WeChat, two minutes; a text has no other way and is tried for as long as it is of use
FALLS_BACK = frozenset(
    {"blocked", "unknown_recipient", "bad_message", "no_address", "gave_up", *NOT_AS_NUMBERED}  # a text takes its place
)
# TEMPLATESENDJOBFINISH (WeChat: 模板消息 事件推送) says `failed:user block` or `failed: system failed`.
RESULTS = {"success": "", "failed:user block": "blocked", "failed: system failed": "system"}
_JOB = Actor("job", "deliver_messages")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Errand:
    """One letter under way; `item_id` is its row in the outbox."""

    item_id: int
    message_id: int
    channel: Channel
    letter: Letter


def deliver(units: Units, couriers: Mapping[Channel, MessageCourier], *, base_url: str, limit: int = 200) -> int:
    """Up to `limit` messages that wait are handed to their couriers; how many letters were tried.

    Safe in many processes at once: a message is leased to one of them. One that dies after the provider took the
    letter leaves it to be handed over again under the same reference, which the provider counts as the same.
    """
    tried = 0
    while tried < limit:
        with units.open(_JOB) as uow:
            items = outbox.claim(uow, TOPIC, limit=min(BATCH, limit - tried), lease_seconds=LEASE_SECONDS)
            errands = [errand for item in items if (errand := _errand(uow, item, base_url)) is not None]
        if not items:
            break
        away: set[Channel] = set()
        for errand in errands:
            # Where one letter found nobody, the others of this batch would only wait for the same time-out.
            outcome = CourierAway() if errand.channel in away else _hand_over(couriers, errand)
            if isinstance(outcome, CourierAway):
                away.add(errand.channel)
            with units.open(_JOB) as uow:
                _note(uow, errand, outcome)
        tried += len(items)
    return tried


def _errand(uow: Uow, item: OutboxItem, base_url: str) -> Errand | None:
    """The letter for the item, or None when there is nothing (more) to deliver: the item is finished then."""
    message = uow.session.get_one(Message, item.payload["message_id"])
    account = uow.session.get_one(Account, message.account_id)
    if message.state != MessageState.QUEUED:
        outbox.mark_sent(uow, item.id)
        return None
    if message.made_at + timedelta(minutes=WORDS[message.template].useful_minutes) < uow.now():
        move(uow, MESSAGE, message, MessageAction.SUPPRESS, reason="too_late", final_at=uow.now())
        outbox.mark_sent(uow, item.id)
        return None
    try:
        letter = _letter(uow, message, account, base_url)
        reason = "" if letter.to else "no_address"
    except (CannotOpen, KeyError, ValueError):  # one message nobody can write must not hold up the others
        reason = "bad_message"
    if reason:
        _fail(uow, message, reason)
        outbox.mark_sent(uow, item.id)
        return None
    return Errand(item.id, message.id, message.channel, letter)


def _letter(uow: Uow, message: Message, account: Account, base_url: str) -> Letter:
    is_wechat = message.channel is Channel.WECHAT
    told = say(message.template, message.params, account.locale, uow.zone)
    return Letter(
        client_ref=message.public_id,
        to=openid_of_account(uow, account.id) if is_wechat else phone_of_account(uow, account),
        template=message.template,
        title=told.title,
        body=told.body,
        fields=finished(message.params, uow.zone, with_year=True) if is_wechat else told.fields,
        url=base_url + message.link,
        numbered=in_force(uow, message.template) if is_wechat else None,
    )


def _hand_over(couriers: Mapping[Channel, MessageCourier], errand: Errand) -> Sent | CourierAway | CourierRefused:
    courier = couriers.get(errand.channel)
    if courier is None:
        return CourierRefused("no_address", is_final=True)
    try:
        return courier.send(errand.letter)
    except (CourierAway, CourierRefused) as error:
        return error
    except Exception as error:  # noqa: BLE001 - one letter's trouble must not stop the others
        _log.warning("a courier failed", extra={"topic": errand.channel.value, "code": type(error).__name__})
        return CourierAway()


def _note(uow: Uow, errand: Errand, outcome: Sent | CourierAway | CourierRefused) -> None:
    """The letter's fate is on file; a message that reached its fate meanwhile keeps it."""
    message = uow.session.get_one(Message, errand.message_id)
    tries = uow.session.get_one(OutboxItem, errand.item_id).tries
    if isinstance(outcome, Sent):
        _sent(uow, message, outcome.provider_message_id)
    elif isinstance(outcome, CourierRefused) and outcome.is_final:
        _fail(uow, message, outcome.reason)
    elif tries >= GIVE_UP_TRIES and errand.channel is Channel.WECHAT:
        _fail(uow, message, "gave_up")
    else:
        reason = outcome.reason if isinstance(outcome, CourierRefused) else outcome.code
        outbox.mark_failed(uow, errand.item_id, reason)
        return
    outbox.mark_sent(uow, errand.item_id)


def _sent(uow: Uow, message: Message, provider_message_id: str) -> None:
    if message.state != MessageState.QUEUED:
        return
    move(uow, MESSAGE, message, MessageAction.SEND, sent_at=uow.now(), provider_message_id=provider_message_id)
    result = uow.session.scalars(
        select(MessageResult).where(
            MessageResult.channel == message.channel, MessageResult.provider_message_id == provider_message_id
        )
    ).first()
    if result is not None:
        _conclude(uow, message, result.status)


def receive_result(uow: Uow, provider_message_id: str, status: str, *, channel: Channel = Channel.WECHAT) -> bool:
    """The provider's word on a message is on file and its fate follows; False when it was said before.

    It may come before we noted that the message was sent, and it may come twice. A message that has its fate keeps it.
    """
    made = uow.session.scalar(
        insert_into(uow, MessageResult)
        .values(
            channel=channel, provider_message_id=provider_message_id[:64], status=status[:60], received_at=uow.now()
        )
        .on_conflict_do_nothing(index_elements=["channel", "provider_message_id"])
        .returning(MessageResult.id)
    )
    if made is None:
        return False
    message = uow.session.scalars(
        select(Message).where(Message.channel == channel, Message.provider_message_id == provider_message_id)
    ).first()
    if message is not None:
        _conclude(uow, message, status)
    return True


def _conclude(uow: Uow, message: Message, status: str) -> None:
    if message.state in FINAL:
        return
    reason = RESULTS.get(status.strip(), "system")
    if reason:
        _fail(uow, message, reason)
    else:
        move(uow, MESSAGE, message, MessageAction.DELIVER, final_at=uow.now())


def _fail(uow: Uow, message: Message, reason: str) -> None:
    """The message has failed; where another way to the same person exists, a stand-in takes it (once)."""
    if message.state in FINAL:
        return
    move(uow, MESSAGE, message, MessageAction.FAIL, reason=reason, final_at=uow.now())
    account = uow.session.get_one(Account, message.account_id)
    if message.channel is not Channel.WECHAT or reason not in FALLS_BACK or not account.phone_sealed:
        return
    file_message(
        uow,
        account_id=message.account_id,
        patient_id=message.patient_id,
        channel=Channel.SMS,
        template=message.template,
        params=message.params,
        link=message.link,
        dedupe_key=f"{message.dedupe_key}:sms",
        stands_in_for_id=message.id,
    )
