"""A place that is to take another's (改约 for another fee): which stands in for which, and whether that is settled.

Until the new place is paid for, and agreed to where the hospital system decides, the former one is the patient's.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from app.kernel.uow import Uow
from app.registration import sql
from app.registration.models import Registration
from app.registration.states import RegistrationState


def is_open() -> ColumnElement[bool]:
    """The place waits for its fee, or for the hospital system's word."""
    is_asked = (Registration.state == RegistrationState.BOOKED) & Registration.asked_at.is_not(None)
    return (Registration.state == RegistrationState.HELD) | is_asked


def open_for(uow: Uow, registration: Registration) -> list[Registration]:
    """The places that wait to take this booked one's, the newest last."""
    return list(
        uow.session.scalars(
            select(Registration).where(Registration.replaces_id == registration.id, is_open()).order_by(Registration.id)
        )
    )


def exchange_of(uow: Uow, registration: Registration) -> Registration | None:
    """The place that waits to take this booked one's, the newest of several."""
    waiting = open_for(uow, registration)
    return waiting[-1] if waiting else None


def former_of(uow: Uow, registration: Registration) -> Registration | None:
    """The booked place which this one was to take and which is the patient's still; None without one."""
    if registration.replaces_id is None:
        return None
    former = uow.session.get_one(Registration, registration.replaces_id)
    return former if former.state == RegistrationState.BOOKED else None


def former_locked(uow: Uow, registration: Registration) -> Registration | None:
    """The place which this one was to take, whatever became of it, as it stands now; nobody else changes it."""
    if registration.replaces_id is None:
        return None
    return uow.session.get_one(Registration, registration.replaces_id, with_for_update=True, populate_existing=True)


def taker_of(uow: Uow, registration_id: int) -> Registration | None:
    """The place that took this one's and is in use."""
    found: Registration | None = sql.TAKER_OF.row(uow, {"p_registration_id": registration_id})
    return found
