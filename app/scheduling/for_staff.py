"""How large sessions are, for the console."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from app.kernel.uow import Uow
from app.scheduling.models import ClinicSession, Practitioner, Slot


def places(uow: Uow, session_ids: Collection[int]) -> dict[int, int]:
    """How many places each of the sessions has, free or not."""
    rows = uow.session.execute(
        select(Slot.session_id, func.count()).where(Slot.session_id.in_(session_ids)).group_by(Slot.session_id)
    )
    return dict(rows.all())


def session_by_id(uow: Uow, session_id: int) -> ClinicSession:
    """The session with this key."""
    return uow.session.get_one(ClinicSession, session_id)


def doctors(uow: Uow, department_id: int | None = None) -> list[Practitioner]:
    """The doctors of the department, or all, in the order of their codes."""
    query = select(Practitioner).order_by(Practitioner.code)
    return list(
        uow.session.scalars(
            query if department_id is None else query.where(Practitioner.department_id == department_id)
        )
    )


def doctor_by_id(uow: Uow, practitioner_id: int) -> Practitioner:
    """The doctor with this key."""
    return uow.session.get_one(Practitioner, practitioner_id)
