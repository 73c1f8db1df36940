"""Several doctors, one line: whoever is free first calls its first.

By the rule `doctors_share_a_line` the sessions of one department, day, half-day and fee share a line, so that whoever
paid for an expert is called by nobody else. The line is called after the session that was opened first, which no stop
changes. Whoever is back from tests waits for the doctor who sent them. Which room it will be is known from the call on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from app.kernel.uow import Uow
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import TurnKind
from app.registration.limits import rules_of_session
from app.registration.models import Registration
from app.registration.states import ACTIVE, RegistrationState
from app.scheduling.models import ClinicSession
from app.scheduling.states import SessionState


def line_of(uow: Uow, session: ClinicSession) -> int:
    """The session after which the line of `session` is called: itself where its doctor shares with nobody."""
    return sessions_in(uow, session.id)[0].id


def sessions_in(uow: Uow, session_id: int) -> list[ClinicSession]:
    """The sessions whose doctors call from the session's line, in the order of their keys."""
    named = uow.session.get_one(ClinicSession, session_id)
    if not rules_of_session(uow, named).doctors_share_a_line:
        return [named]
    found = select(ClinicSession).where(
        ClinicSession.department_id == named.department_id,
        ClinicSession.visit_day == named.visit_day,
        ClinicSession.half_day == named.half_day,
        ClinicSession.fee_fen == named.fee_fen,
    )
    return list(uow.session.scalars(found.order_by(ClinicSession.id)))


def rooms_ahead(uow: Uow, session: ClinicSession) -> tuple[str, ...]:
    """The rooms to which whoever has a place in the session, and no number yet, may be called, in order.

    One question where several doctors share the line, none elsewhere.
    """
    return _open_rooms(sessions_in(uow, session.id)) or (session.room,)


def _open_rooms(line: Sequence[ClinicSession]) -> tuple[str, ...]:
    return tuple(sorted({one.room for one in line if one.state == SessionState.OPEN}))


def rooms_of(uow: Uow, registration: Registration, ticket: Ticket | None) -> tuple[str, ...]:
    """The rooms to which the visit's patient may be called, in order; the one they are called to from the call on.

    `ticket` is None before check-in.
    """
    session = uow.session.get_one(ClinicSession, registration.session_id)
    if registration.state in (RegistrationState.HELD, RegistrationState.BOOKED):
        return rooms_ahead(uow, session)
    if ticket is None:
        return (session.room,)
    if not _waits_for_any(ticket):
        return (ticket.room,)
    line = sessions_in(uow, session.id)
    is_in_line = ticket.line_id == line[0].id
    return (_open_rooms(line) if is_in_line else ()) or (ticket.room,)


def _waits_for_any(ticket: Ticket) -> bool:
    """Whoever is still to be called, by no doctor in particular; who was passed goes back into the whole line."""
    is_sent_back = ticket.turn == TurnKind.RETURNED
    return ticket.state == TicketState.PASSED or (ticket.state == TicketState.WAITING and not is_sent_back)


def waits_for(uow: Uow, ticket: Ticket, session: ClinicSession) -> bool:
    """Whether the patient waits, and the session's doctor may be the one who calls."""
    asked = select(Ticket.id).where(
        Ticket.id == ticket.id, Ticket.state == TicketState.WAITING, may_be_called_by(uow, session)
    )
    return uow.session.scalar(asked) is not None


def may_be_called_by(uow: Uow, session: ClinicSession) -> ColumnElement[bool]:
    """The tickets of the session, and those of its line except who waits for another doctor or has a place here too.

    A session's own tickets stay its own when the rule changes during the day, so nobody is left behind.
    """
    if not rules_of_session(uow, session).doctors_share_a_line:
        return Ticket.session_id == session.id
    other = aliased(Registration)
    has_place_here = (
        select(other.id)
        .where(
            other.patient_id == Ticket.patient_id,
            other.practitioner_id == session.practitioner_id,
            other.visit_day == session.visit_day,
            other.half_day == session.half_day,
            other.state.in_(ACTIVE),
            other.id != Ticket.registration_id,
        )
        .exists()
    )
    in_line = and_(Ticket.line_id == line_of(uow, session), Ticket.turn != TurnKind.RETURNED, ~has_place_here)
    return or_(Ticket.session_id == session.id, in_line)
