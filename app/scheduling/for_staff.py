"""How large sessions are, for the console."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from app.kernel.uow import Uow
from app.scheduling.models import ClinicSession, Slot


def places(uow: Uow, session_ids: Collection[int]) -> dict[int, int]:
    """How many places each of the sessions has, free or not."""
    rows = uow.session.execute(
        select(Slot.session_id, func.count()).where(Slot.session_id.in_(session_ids)).group_by(Slot.session_id)
    )
    return dict(rows.all())


def session_by_id(uow: Uow, session_id: int) -> ClinicSession:
    """The session with this key."""
    return uow.session.get_one(ClinicSession, session_id)
