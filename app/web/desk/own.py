"""What a doctor may see at the desk: their own sessions of today, the tickets in them, and their own visits."""

from __future__ import annotations

from app.identity import for_staff as staff
from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration import for_staff as visits
from app.registration.models import Registration
from app.scheduling import for_staff as sittings
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Practitioner
from app.scheduling.service import SessionCard


def practitioner(uow: Uow) -> Practitioner:
    """The asking staff member as the doctor who sits in sessions; NotFound when they are none."""
    member = staff.colleague(uow)
    return scheduling.practitioner_by_code(uow, member.practitioner_code if member else "")


def is_known(uow: Uow) -> bool:
    """Whether the asking staff member's doctor's code names somebody who sits in sessions."""
    try:
        practitioner(uow)
    except NotFound:
        return False
    return True


def sessions_today(uow: Uow) -> list[SessionCard]:
    """The asking doctor's sessions of today, in their order; none for whose code names nobody."""
    if not is_known(uow):
        return []
    return scheduling.cards(uow, practitioner_id=practitioner(uow).id, from_day=uow.today(), to_day=uow.today())


def session(uow: Uow, public_id: str) -> SessionCard:
    """The session of that name if it is the asking doctor's; else NotFound."""
    card = scheduling.card(uow, public_id)
    if card.practitioner.id != practitioner(uow).id:
        raise NotFound
    return card


def ticket(uow: Uow, public_id: str) -> tuple[Ticket, ClinicSession]:
    """The ticket of that name if it is in one of the asking doctor's sessions; else NotFound."""
    found = queueing.ticket_by_public_id(uow, public_id)
    sits_in = sittings.session_by_id(uow, found.session_id)
    if sits_in.practitioner_id != practitioner(uow).id:
        raise NotFound
    return found, sits_in


def visit(uow: Uow, public_id: str) -> tuple[Registration, Patient]:
    """The visit of that name if it is with the asking doctor; else NotFound."""
    return visits.of_practitioner(uow, public_id, practitioner(uow).id)
