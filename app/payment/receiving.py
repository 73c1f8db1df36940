"""The providers' notifications: believed, kept, acknowledged, and only then used, each exactly once."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.kernel import audit, inbox
from app.kernel.errors import VisitError
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Actor, Units, Uow
from app.payment import alipay_notifications, mixed_querying, receipts, refunds
from app.payment.alipay_notifications import PAID_STATES, AlipayKeys, read_alipay
from app.payment.notifications import (
    Flaw,
    NotificationKeys,
    NotificationRefused,
    read_notification,
    strict_json,
)
from app.payment.ports import Paid, RefundFact, RefundFactState
from app.payment.receipts import Receipt

WECHAT, ALIPAY = "wechat", "alipay"
PAID = "TRANSACTION.SUCCESS"
MIXED_PAID = "MEDICAL_INSURANCE.SUCCESS"
REFUND_FACTS = {
    "REFUND.SUCCESS": RefundFactState.SUCCEEDED,
    "REFUND.ABNORMAL": RefundFactState.FAILED,
    "REFUND.CLOSED": RefundFactState.FAILED,
}
STATUS = {Flaw.TOO_LARGE: 413, Flaw.MALFORMED: 400, Flaw.SEALED: 400, Flaw.FOREIGN: 400}
_NUMBER = re.compile(r"[0-9A-Za-z_|*@-]{1,64}", re.ASCII)
_TRANSACTION = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
_log = logging.getLogger(__name__)


def accept(units: Units, keys: NotificationKeys, headers: Mapping[str, str], body: bytes) -> int:
    """The notification is kept for use and the answer is 204; what is not believed is 4xx and changes nothing.

    Never raises for anything a stranger can send and makes no call to anybody. A repeat is answered as the first one
    was. Money that does not fit its order is put on the work list and answered 400; the provider is asked by the
    query job what is true.
    """
    try:
        notification = read_notification(headers, body, units.clock.wall_now(), keys)
        told = _payment(notification.facts) if notification.event_type == PAID else None
    except NotificationRefused as refusal:
        _log.warning("a payment notification was not believed: %s", refusal.flaw)
        return STATUS.get(refusal.flaw, 401)
    kept = _Told(WECHAT, notification.event_id, notification.event_type, notification.content, told)
    return 204 if _keep(units, kept) else 400


def accept_alipay(units: Units, keys: AlipayKeys, body: bytes) -> int:
    """As `accept`, for what Alipay tells; 200 asks for the answer `success`, which alone ends its tries."""
    try:
        notification = read_alipay(body, units.clock.wall_now(), keys)
    except NotificationRefused as refusal:
        _log.warning("a notification of Alipay was not believed: %s", refusal.flaw)
        return STATUS.get(refusal.flaw, 401)
    kept = _Told(ALIPAY, notification.notify_id, notification.kind, notification.content, notification.paid)
    return 200 if _keep(units, kept) else 400


@dataclass(frozen=True)
class _Told:
    """A believed notification as it is kept; `paid` when it tells of money that came in."""

    source: str
    key: str
    kind: str
    content: bytes
    paid: Paid | None


def _keep(units: Units, told: _Told) -> bool:
    """It is kept, once; False when its money does not fit its order, then and at every repeat."""
    with units.open(Actor("provider", told.source)) as uow:
        item, is_new = inbox.receive(uow, told.source, told.key, told.content, kind=told.kind)
        if is_new and told.paid is not None:
            item.subject_ref = told.paid.out_trade_no
            flaw = receipts.differs(
                uow,
                provider=told.source,
                out_trade_no=told.paid.out_trade_no,
                amount_fen=told.paid.amount_fen,
            )
            if flaw is not None:
                inbox.finish(uow, item, InboxState.REFUSED, error_code=flaw.value)
                audit.record(uow, "payment.receive", "payment_order", told.paid.out_trade_no, outcome=flaw.value)
                return False
        return is_new or item.error_code not in {Receipt.MISMATCH, Receipt.UNKNOWN_ORDER}


def process_notifications(units: Units, *, limit: int = 50) -> int:
    """Kept notifications have had their effect, oldest first; returns how many. Many callers share the work."""
    done = 0
    for source in _READERS:
        while done < limit and _process_next(units, source):
            done += 1
    return done


def _process_next(units: Units, source: str) -> bool:
    """Money is recorded whatever follows: when a follower fails, in a unit of its own, and the rest is tried again."""
    item_id: int | None = None
    provider = Actor("provider", source)
    try:
        with units.open(provider) as uow:
            item = next(iter(inbox.waiting(uow, source, limit=1)), None)
            if item is None:
                return False
            item_id = item.id
            code = _apply(uow, item)
            inbox.finish(uow, item, InboxState.REFUSED if code else InboxState.DONE, error_code=code)
    except Exception as error:
        if item_id is None:
            raise
        _log.exception("notification %s: what follows from it failed", item_id)
        _record_only(units, provider, item_id, error.code if isinstance(error, VisitError) else "follower_failed")
    return True


def _apply(uow: Uow, item: InboxItem) -> str:
    """The effect of one notification; the code of what stood in its way, or ''."""
    read = _READERS[item.source](item.kind, item.body)
    if isinstance(read, str):
        return "" if mixed_querying.hasten(uow, read) else Receipt.UNKNOWN_ORDER.value
    if isinstance(read, Paid):
        receipt = receipts.receive_paid(uow, **vars(read))
        return receipt.value if receipt in {Receipt.MISMATCH, Receipt.UNKNOWN_ORDER} else ""
    if read is None:
        return "event_not_used"
    number, fact = read
    return "" if refunds.finish(uow, number, fact) else "unknown_refund"


# What a kept notification says: money that came in, a refund's number and fate, a mixed order to ask about, or nothing.
_Read = Paid | tuple[str, RefundFact] | str | None


def _read_wechat(kind: str, content: bytes) -> _Read:
    facts = strict_json(content)
    if kind == PAID:
        return _payment(facts)
    if kind == MIXED_PAID:
        return _shaped(facts.get("out_trade_no"), _NUMBER)
    state = REFUND_FACTS.get(kind)
    if state is None:
        return None
    code = "" if state is RefundFactState.SUCCEEDED else kind
    return _shaped(facts.get("out_refund_no"), _NUMBER), RefundFact(state, code)


def _read_alipay(kind: str, content: bytes) -> _Read:
    """Alipay answers a refund at once, so that only payments are told of."""
    return alipay_notifications.payment(json.loads(content)) if kind in PAID_STATES else None


_READERS: Mapping[str, Callable[[str, bytes], _Read]] = {WECHAT: _read_wechat, ALIPAY: _read_alipay}


def _record_only(units: Units, provider: Actor, item_id: int, code: str) -> None:
    with units.open(provider) as uow:
        item = uow.session.get_one(InboxItem, item_id, with_for_update=True)
        if item.state != InboxState.RECEIVED:
            return
        with contextlib.suppress(NotificationRefused):
            read = _READERS[item.source](item.kind, item.body)
            if isinstance(read, Paid):
                receipts.record_money(uow, read)
        inbox.finish(uow, item, InboxState.REFUSED, error_code=code)


def _payment(facts: Mapping[str, Any]) -> Paid:
    """A payment notification's content, checked; NotificationRefused when a part is missing or of a wrong kind."""
    amount, payer = facts.get("amount"), facts.get("payer", {})
    if not isinstance(amount, dict) or not isinstance(payer, dict) or facts.get("trade_state") != "SUCCESS":
        raise NotificationRefused(Flaw.MALFORMED)
    total = amount.get("total")
    if type(total) is not int or not 0 < total < 10**12 or amount.get("currency", "CNY") != "CNY":
        raise NotificationRefused(Flaw.MALFORMED)
    return Paid(
        out_trade_no=_shaped(facts.get("out_trade_no"), _NUMBER),
        transaction_id=_shaped(facts.get("transaction_id"), _TRANSACTION),
        amount_fen=total,
        payer_ref=_shaped(payer["openid"], _NUMBER) if "openid" in payer else "",
        paid_at=_instant(facts.get("success_time")),
    )


def _shaped(value: object, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotificationRefused(Flaw.MALFORMED)
    return value


def _instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise NotificationRefused(Flaw.MALFORMED) from None
    if instant.tzinfo is None or not 2000 <= instant.year < 2100:
        raise NotificationRefused(Flaw.MALFORMED)
    return instant
