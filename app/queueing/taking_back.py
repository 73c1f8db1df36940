"""A check-in that was a mistake (报错到): somebody else was meant, or the patient is not in the house after all."""

from __future__ import annotations

from typing import Any

from app import events
from app.kernel import audit, moves
from app.kernel.uow import Uow
from app.queueing import own_errors
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction
from app.queueing.turns import TurnKind
from app.registration import correcting
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction

AS_NEW: dict[str, Any] = {
    "priority": 0,
    "priority_class": "",
    "turn": TurnKind.FIRST,
    "passes": 0,
    "calls": 0,
    "called_at": None,
    "began_at": None,
    "done_at": None,
    "before": {},
    "deed_at": None,
}
"""What a ticket forgets when its patient checks in once more."""


def may_take_back(ticket: Ticket, registration: Registration) -> bool:
    """True while the patient was not with the doctor yet and is not being called."""
    is_here = REGISTRATION.may(registration.state, RegistrationAction.UNDO_CHECK_IN)
    return is_here and TICKET.may(ticket.state, TicketAction.TAKE_BACK)


def take_back(uow: Uow, ticket: Ticket) -> None:
    """The number is void, and the place is booked as before; who checks in again gets a new number.

    Refuses `illegal_move` once the patient is called or was with the doctor.
    """
    registration = uow.session.get_one(Registration, ticket.registration_id)
    moves.move(uow, TICKET, ticket, TicketAction.TAKE_BACK, done_at=uow.now(), before={}, deed_at=None)
    own_errors.forget_all(uow, ticket)
    nth = correcting.undo_check_in(uow, registration)
    audit.record(uow, "ticket.take_back", "registration", registration.public_id, number=ticket.number)
    uow.publish(events.CheckInTakenBack(registration.id, registration.patient_id, ticket.id, nth))
