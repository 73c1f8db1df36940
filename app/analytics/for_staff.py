"""One channel for the console."""

from __future__ import annotations

from sqlalchemy import select

from app.analytics.models import Channel
from app.kernel.errors import NotFound
from app.kernel.uow import Uow


def channel(uow: Uow, public_id: str) -> Channel:
    """The channel named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Channel).where(Channel.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found
