"""Refunds that their provider does not take on at present: they are tried again by themselves, and some need a hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.kernel import audit, outbox
from app.kernel.uow import Uow
from app.payment.models import Refund
from app.payment.rules import refund_topic

# What is left on the merchant's account does not suffice (微信支付 申请退款, 支付宝 alipay.trade.refund).
SHORT = ("NOT_ENOUGH", "ACQ.SELLER_BALANCE_NOT_ENOUGH")
TOPICS = {refund_topic(provider): provider for provider in ("wechat", "alipay")}


@dataclass(frozen=True)
class HeldUp:
    """A refund that waits: with which provider, why (`code`), and when it is tried again."""

    refund: Refund
    provider: str
    code: str
    next_at: datetime


def held_up(uow: Uow) -> list[HeldUp]:
    """The refunds that were tried in vain and wait for their next try, oldest first."""
    items = outbox.held_up(uow, tuple(TOPICS))
    wanted = select(Refund).where(Refund.id.in_([int(item.payload["refund_id"]) for item in items]))
    refunds = {refund.id: refund for refund in uow.session.scalars(wanted)}
    return [
        HeldUp(refunds[int(item.payload["refund_id"])], TOPICS[item.topic], item.last_error, item.due_at)
        for item in items
    ]


def is_short(held: HeldUp) -> bool:
    """Whether the merchant's account must be topped up first."""
    return held.code in SHORT


def short_fen(uow: Uow) -> list[int]:
    """The sums of the refunds that wait for the merchant's account to be topped up."""
    return [held.refund.amount_fen for held in held_up(uow) if is_short(held)]


def try_now(uow: Uow) -> None:
    """Somebody has topped up the merchant's account: what waited for that is tried at the next bell."""
    for topic in TOPICS:
        outbox.wake(uow, topic, SHORT)
    audit.record(uow, "refund.try_now", "refund", "")
