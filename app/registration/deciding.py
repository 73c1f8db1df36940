"""Where the hospital system decides on appointments: what is asked of it, and what its yes or no does here.

The patient keeps the place while the answer is out. Late or not, a yes confirms it; a no gives it back with its money.
A place that is to take another's (改约) does so with the yes; until then, and after a no, the former one is theirs.
"""

from __future__ import annotations

from app import events
from app.kernel import audit, moves, peers
from app.kernel.uow import Uow
from app.registration import by_hospital, exchanges, service
from app.registration.errors import CannotCancel
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState

MOVE_REFUSED_THERE = "move_refused_in_hospital_system"
_GONE = (RegistrationState.CANCELLED, RegistrationState.EXPIRED)


def ask_when_booked(uow: Uow, booked: events.RegistrationBooked) -> None:
    """The place waits for the hospital system's word where that decides, else it is confirmed."""
    _ask(uow, booked.registration_id, nth=0)


def ask_when_rescheduled(uow: Uow, moved: events.RegistrationRescheduled) -> None:
    """The new time waits for the hospital system's word where that decides, else it is confirmed."""
    _ask(uow, moved.registration_id, nth=moved.nth)


def _ask(uow: Uow, registration_id: int, *, nth: int) -> None:
    registration = uow.session.get_one(Registration, registration_id)
    if uow.actor.kind == "peer" or not peers.somebody_decides(uow):
        _confirm(uow, registration, nth)
        return
    moves.move(uow, REGISTRATION, registration, RegistrationAction.ASK_HOSPITAL, asked_at=uow.now(), asked_nth=nth)


def _confirm(uow: Uow, registration: Registration, nth: int) -> None:
    service.give_back_former(uow, registration)
    uow.publish(events.PlaceConfirmed(registration.id, registration.patient_id, nth))


def accepted(uow: Uow, registration: Registration, *, nth: int | None = None) -> None:
    """The hospital system has the place, as it was asked for the `nth` time (None: as it is now).

    Quiet when it was not asked for that or has answered; for a place that went back meanwhile nothing is confirmed.
    """
    _lock(uow, registration)
    asked = registration.asked_nth
    is_open = asked is not None and asked == (asked if nth is None else nth)
    if asked is None or not is_open or not REGISTRATION.may(registration.state, RegistrationAction.HOSPITAL_ACCEPTS):
        return
    moves.move(uow, REGISTRATION, registration, RegistrationAction.HOSPITAL_ACCEPTS, asked_at=None, asked_nth=None)
    _confirm(uow, registration, asked)


def _lock(uow: Uow, registration: Registration) -> None:
    """The former place first, as whoever comes to it does."""
    exchanges.former_locked(uow, registration)
    uow.session.refresh(registration, with_for_update=True)


def refused(uow: Uow, registration: Registration, *, nth: int, reason: str) -> None:
    """The hospital system has no such place: it goes back with all that was paid, and the patient may have another.

    Not so when it was to take a place's which they have still: then that stays as it is. Quiet for a place
    that is gone already. Refuses `cannot_cancel` once the patient is in the house.
    """
    _lock(uow, registration)
    if registration.state in _GONE:
        return
    if not REGISTRATION.may(registration.state, RegistrationAction.CANCEL):
        raise CannotCancel(state=registration.state.value)
    why = MOVE_REFUSED_THERE if nth else by_hospital.CANCELLED_THERE
    service.give_back(uow, registration, by_hospital=True, why=why)
    service.remember_lost(uow, registration)
    audit.record(uow, "hl7.booking_refused", "registration", registration.public_id, outcome=reason[:40].strip())
