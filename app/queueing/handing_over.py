"""A patient who waits is sent to another doctor's room of the department, and keeps number and turn."""

from __future__ import annotations

from app.kernel import audit, moves
from app.kernel.uow import Uow
from app.queueing import shared_lines
from app.queueing.errors import CannotHandOver
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction
from app.registration import correcting
from app.registration.models import Registration
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession
from app.scheduling.service import SessionCard
from app.scheduling.states import SessionState


def rooms_for(uow: Uow, ticket: Ticket) -> list[SessionCard]:
    """The other sessions of the department that sit today and are not over: where the patient can be sent.

    Those whose doctor may call the patient anyway are left out: to be sent there would change nothing.
    """
    cards = scheduling.cards(uow, department_id=ticket.department_id, from_day=uow.today(), to_day=uow.today())
    can_take = [card for card in cards if _can_take(uow, ticket, card.session)]
    return [card for card in can_take if not shared_lines.waits_for(uow, ticket, card.session)]


def _can_take(uow: Uow, ticket: Ticket, session: ClinicSession) -> bool:
    is_there = session.department_id == ticket.department_id and session.visit_day == ticket.visit_day
    is_open = session.state == SessionState.OPEN and session.ends_at > uow.now()
    return is_there and is_open and session.id != ticket.session_id


def hand_over(uow: Uow, ticket: Ticket, session: ClinicSession) -> None:
    """The waiting (or called) patient waits for the session's doctor, by the turn they had; quiet when they do already.

    Refuses `cannot_hand_over` to another department, another day or a session that is over, and whoever has a place
    with that doctor already.
    """
    if ticket.session_id == session.id or shared_lines.waits_for(uow, ticket, session):
        return
    registration = uow.session.get_one(Registration, ticket.registration_id)
    if not _can_take(uow, ticket, session) or correcting.has_place_with(uow, registration, session):
        raise CannotHandOver
    moves.move(
        uow,
        TICKET,
        ticket,
        TicketAction.HAND_OVER,
        why=f"session:{session.public_id}",
        session_id=session.id,
        line_id=shared_lines.line_of(uow, session),
        room=session.room,
        before={},
        deed_at=None,
    )
    correcting.see_another(uow, registration, session)
    audit.record(uow, "ticket.hand_over", "ticket", ticket.public_id, session=session.public_id)
