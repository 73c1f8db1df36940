"""What payment decides without looking anything up."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.payment.models import PayMethod, Purpose

ORDER_MINUTES = 30
# WeChat Pay takes no order that lapses within a minute (直连商户 JSAPI 下单, time_expire).
SHORTEST_LIFE = timedelta(seconds=90)

# Shown to the payer by the provider, so it names the fee and nothing of the illness or the department.
DESCRIPTIONS = {Purpose.REGISTRATION: "门诊挂号费", Purpose.PRESCRIPTION: "门诊药费"}

REFUND_WORDS = {
    "late": "付款超时，费用退回",
    "surplus": "重复付款，费用退回",
    "too_late": "号源已释放，费用退回",
    "cancelled": "预约已取消，费用退回",
    "voided": "处方已作废，费用退回",
}


def expiry(now: datetime, hold_ends_at: datetime | None) -> datetime:
    """When an order made `now` stops being payable: after 30 minutes, or with the hold if that ends sooner."""
    latest = now + timedelta(minutes=ORDER_MINUTES)
    return min(latest, hold_ends_at) if hold_ends_at else latest


def lapse(wall_now: datetime, now: datetime, expires_at: datetime) -> datetime:
    """`expires_at` of the hospital's clock in the provider's time: whole seconds, never under its shortest life."""
    return (wall_now + max(expires_at - now, SHORTEST_LIFE)).replace(microsecond=0)


def live_key(method: PayMethod, account_id: int | None) -> str:
    """Who is asked and how; inside WeChat an order belongs to one payer, a code to whoever scans it."""
    return f"{method}:{account_id}" if method is PayMethod.JSAPI else method.value
