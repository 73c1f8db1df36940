"""Whether somebody waits for a place (候补): what comes back while they do is set aside for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from app.kernel.uow import Uow
from app.registration import sql
from app.registration.models import WaitlistOffer
from app.registration.states import OfferState
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SessionState, SlotState


def give_back(uow: Uow, *, slot_id: int, registration_id: int, free_from: datetime | None) -> None:
    """The registration's place is free from `free_from` on, or set aside for those who wait for one like it."""
    session_id = scheduling.free_slot(uow, slot_id=slot_id, registration_id=registration_id, free_from=free_from)
    if session_id is None:
        return
    session = uow.session.get_one(ClinicSession, session_id)
    if wanted_in(uow, session) > 0:
        scheduling.set_aside(uow, slot_id=slot_id)


def wanted_in(uow: Uow, session: ClinicSession) -> int:
    """How many more places of the session those who wait would take, beyond what is set aside there already."""
    if session.state != SessionState.OPEN:
        return 0
    ((waiting,),) = sql.WAITING.rows(uow, {"p_session_id": session.id})
    if not waiting:
        return 0
    unoffered = select(func.count()).where(
        Slot.session_id == session.id, Slot.state == SlotState.SET_ASIDE, ~is_on_offer()
    )
    return int(waiting) - (uow.session.scalar(unoffered) or 0)


def is_on_offer() -> ColumnElement[bool]:
    """The place is offered to somebody at this moment."""
    return (
        select(WaitlistOffer.id)
        .where(WaitlistOffer.slot_id == Slot.id, WaitlistOffer.state == OfferState.OPEN)
        .correlate(Slot)
        .exists()
    )
