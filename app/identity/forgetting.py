"""Log-ins that are over: ended sessions, spent codes and tokens that ran out are forgotten after their time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, select, text

from app.identity.models import ApiToken, LoginSession, PhoneCode
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Uow


def forget_over(uow: Uow, *, over_before: datetime, limit: int) -> int:
    """Up to `limit` of each that were over before that moment are gone; how many altogether.

    A code that could not be sent and may still be sent again stays. Who logged in when is in the audit trail.
    """
    sessions = select(LoginSession.id).where(LoginSession.ends_at < over_before).order_by(LoginSession.ends_at)
    codes = select(PhoneCode.id).where(PhoneCode.expires_at < over_before, ~_may_be_sent().exists())
    tokens = select(ApiToken.id).where(ApiToken.ends_at < over_before).order_by(ApiToken.ends_at)
    over = [
        uow.session.scalars(asked.limit(limit).with_for_update(skip_locked=True)).all()
        for asked in (sessions, codes.order_by(PhoneCode.expires_at), tokens)
    ]
    uow.session.execute(delete(LoginSession).where(LoginSession.id.in_(over[0])))
    uow.session.execute(delete(PhoneCode).where(PhoneCode.id.in_(over[1])))
    uow.session.execute(delete(ApiToken).where(ApiToken.id.in_(over[2])))
    return sum(map(len, over))


def _may_be_sent() -> Select[int]:
    is_unsent = text("outbox.state <> 'sent'")
    return select(OutboxItem.id).where(
        OutboxItem.topic == "phone_code", OutboxItem.key == PhoneCode.public_id, is_unsent
    )
