"""Whether somebody waits for a place (候补): what comes back while they do is set aside for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.kernel.uow import Uow
from app.registration.models import WaitlistEntry, WaitlistOffer
from app.registration.states import EntryState, OfferState
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SessionState, SlotState


def fits() -> ColumnElement[bool]:
    """A place of the session is what the entry waits for; to join the two tables by."""
    return and_(
        WaitlistEntry.department_id == ClinicSession.department_id,
        or_(WaitlistEntry.practitioner_id.is_(None), WaitlistEntry.practitioner_id == ClinicSession.practitioner_id),
        WaitlistEntry.from_day <= ClinicSession.visit_day,
        WaitlistEntry.to_day >= ClinicSession.visit_day,
        or_(WaitlistEntry.half_day.is_(None), WaitlistEntry.half_day == ClinicSession.half_day),
    )


def give_back(uow: Uow, *, slot_id: int, registration_id: int, free_from: datetime | None) -> None:
    """The registration's place is free from `free_from` on, or set aside for those who wait for one like it."""
    if not scheduling.free_slot(uow, slot_id=slot_id, registration_id=registration_id, free_from=free_from):
        return
    session = uow.session.get_one(ClinicSession, uow.session.get_one(Slot, slot_id).session_id)
    if wanted_in(uow, session) > 0:
        scheduling.set_aside(uow, slot_id=slot_id)


def wanted_in(uow: Uow, session: ClinicSession) -> int:
    """How many more places of the session those who wait would take, beyond what is set aside there already."""
    if session.state != SessionState.OPEN:
        return 0
    waiting = uow.session.scalar(
        select(func.count())
        .select_from(WaitlistEntry)
        .join(ClinicSession, fits())
        .where(ClinicSession.id == session.id, WaitlistEntry.state == EntryState.WAITING)
    )
    if not waiting:
        return 0
    unoffered = select(func.count()).where(
        Slot.session_id == session.id, Slot.state == SlotState.SET_ASIDE, ~is_on_offer()
    )
    return waiting - (uow.session.scalar(unoffered) or 0)


def is_on_offer() -> ColumnElement[bool]:
    """The place is offered to somebody at this moment."""
    return (
        select(WaitlistOffer.id)
        .where(WaitlistOffer.slot_id == Slot.id, WaitlistOffer.state == OfferState.OPEN)
        .correlate(Slot)
        .exists()
    )
