"""The provider's notifications: believed, kept, acknowledged, and only then used, each exactly once."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.kernel import audit, inbox
from app.kernel.errors import VisitError
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Actor, Units, Uow
from app.payment import receipts, refunds
from app.payment.notifications import (
    Flaw,
    Notification,
    NotificationKeys,
    NotificationRefused,
    read_notification,
    strict_json,
)
from app.payment.ports import Paid, RefundFact, RefundFactState
from app.payment.receipts import Receipt

SOURCE = "wechat"
PAID = "TRANSACTION.SUCCESS"
REFUND_FACTS = {
    "REFUND.SUCCESS": RefundFactState.SUCCEEDED,
    "REFUND.ABNORMAL": RefundFactState.FAILED,
    "REFUND.CLOSED": RefundFactState.FAILED,
}
STATUS = {Flaw.TOO_LARGE: 413, Flaw.MALFORMED: 400, Flaw.SEALED: 400, Flaw.FOREIGN: 400}
PROVIDER = Actor("provider", SOURCE)
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
    with units.open(PROVIDER) as uow:
        return _keep(uow, notification, told)


def _keep(uow: Uow, notification: Notification, told: Paid | None) -> int:
    item, is_new = inbox.receive(uow, SOURCE, notification.event_id, notification.content, kind=notification.event_type)
    if is_new and told is not None:
        item.subject_ref = told.out_trade_no
        flaw = receipts.differs(uow, out_trade_no=told.out_trade_no, amount_fen=told.amount_fen)
        if flaw is not None:
            inbox.finish(uow, item, InboxState.REFUSED, error_code=flaw.value)
            audit.record(uow, "payment.receive", "payment_order", told.out_trade_no, outcome=flaw.value)
            return 400
    return 400 if not is_new and item.error_code in {Receipt.MISMATCH, Receipt.UNKNOWN_ORDER} else 204


def process_notifications(units: Units, *, limit: int = 50) -> int:
    """Kept notifications have had their effect, oldest first; returns how many. Many callers share the work."""
    for done in range(limit):
        if not _process_next(units):
            return done
    return limit


def _process_next(units: Units) -> bool:
    """Money is recorded whatever follows: when a follower fails, in a unit of its own, and the rest is tried again."""
    item_id: int | None = None
    try:
        with units.open(PROVIDER) as uow:
            item = next(iter(inbox.waiting(uow, SOURCE, limit=1)), None)
            if item is None:
                return False
            item_id = item.id
            code = _apply(uow, item)
            inbox.finish(uow, item, InboxState.REFUSED if code else InboxState.DONE, error_code=code)
    except Exception as error:
        if item_id is None:
            raise
        _log.exception("notification %s: what follows from it failed", item_id)
        _record_only(units, item_id, error.code if isinstance(error, VisitError) else "follower_failed")
    return True


def _apply(uow: Uow, item: InboxItem) -> str:
    """The effect of one notification; the code of what stood in its way, or ''."""
    facts = strict_json(item.body)
    if item.kind == PAID:
        receipt = receipts.receive_paid(uow, **vars(_payment(facts)))
        return receipt.value if receipt in {Receipt.MISMATCH, Receipt.UNKNOWN_ORDER} else ""
    state = REFUND_FACTS.get(item.kind)
    if state is None:
        return "event_not_used"
    number = _shaped(facts.get("out_refund_no"), _NUMBER)
    code = "" if state is RefundFactState.SUCCEEDED else item.kind
    return "" if refunds.finish(uow, number, RefundFact(state, code)) else "unknown_refund"


def _record_only(units: Units, item_id: int, code: str) -> None:
    with units.open(PROVIDER) as uow:
        item = uow.session.get_one(InboxItem, item_id, with_for_update=True)
        if item.state != InboxState.RECEIVED:
            return
        if item.kind == PAID:
            receipts.record_money(uow, _payment(strict_json(item.body)))
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
