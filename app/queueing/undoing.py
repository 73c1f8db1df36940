"""Taking back the last deed at a ticket within a minute: a slip of the finger must not cost somebody their turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.kernel import audit, moves
from app.kernel.uow import Uow
from app.queueing import own_errors
from app.queueing.errors import CannotUndo, FinishFirst
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction, TicketState
from app.queueing.turns import TurnKind
from app.queueing.waits import WITH_DOCTOR
from app.registration import correcting
from app.registration.models import Registration

UNDO_WITHIN = timedelta(seconds=60)
UNDONE_BY = {
    TicketAction.CALL: TicketAction.UNDO_CALL,
    TicketAction.PASS_OVER: TicketAction.UNDO_PASS,
    TicketAction.BEGIN: TicketAction.UNDO_BEGIN,
    TicketAction.FINISH: TicketAction.UNDO_FINISH,
}
_MOMENTS = ("order_at", "called_at", "began_at", "done_at")


def note(uow: Uow, ticket: Ticket, action: TicketAction) -> dict[str, Any]:
    """The columns by which `action`, about to be done, can be taken back."""
    registration = uow.session.get_one(Registration, ticket.registration_id)
    moments = {name: getattr(ticket, name) for name in _MOMENTS}
    before = {
        "action": action.value,
        "state": ticket.state.value,
        "visit": registration.state.value,
        "turn": ticket.turn.value,
        "passes": ticket.passes,
        "calls": ticket.calls,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
    }
    return {"before": before, "deed_at": uow.now()}


def last_deed(uow: Uow, session_id: int) -> Ticket | None:
    """The ticket of the session's last deed, while it can still be taken back; None without one."""
    ticket = uow.session.scalars(
        select(Ticket)
        .where(Ticket.session_id == session_id, Ticket.deed_at > uow.now() - UNDO_WITHIN)
        .order_by(Ticket.deed_at.desc(), Ticket.id.desc())
        .limit(1)
    ).first()
    return ticket if ticket is not None and _may_be_undone(ticket) else None


def _may_be_undone(ticket: Ticket) -> bool:
    """Nothing else was done with the ticket since, such as sending it for tests."""
    return TICKET.may(ticket.state, UNDONE_BY[TicketAction(ticket.before["action"])])


def undo(uow: Uow, ticket: Ticket) -> None:
    """The ticket and its visit stand as before the last call, pass, begin or finish; its place in the line, too.

    Refuses `cannot_undo` after a minute, twice, or when the rules have ended the visit since; `finish_first` when the
    doctor has called somebody else meanwhile.
    """
    before = ticket.before
    if not before or ticket.deed_at is None or ticket.deed_at + UNDO_WITHIN <= uow.now():
        raise CannotUndo
    if not _may_be_undone(ticket):
        raise CannotUndo
    if TicketState(before["state"]) in WITH_DOCTOR:
        _refuse_while_busy(uow, ticket)
    restored: dict[str, Any] = {name: before[name] and datetime.fromisoformat(before[name]) for name in _MOMENTS}
    restored |= {"turn": TurnKind(before["turn"]), "passes": before["passes"], "calls": before["calls"]}
    moves.move(uow, TICKET, ticket, UNDONE_BY[TicketAction(before["action"])], before={}, deed_at=None, **restored)
    if before["action"] == TicketAction.CALL and before["calls"] == 0:
        own_errors.forget_wait(uow, ticket)
    registration = uow.session.get_one(Registration, ticket.registration_id)
    if registration.state.value != before["visit"]:
        correcting.step_back(uow, registration)
    audit.record(uow, "ticket.undo", "ticket", ticket.public_id, undone=before["action"])


def _refuse_while_busy(uow: Uow, ticket: Ticket) -> None:
    other = uow.session.scalars(
        select(Ticket).where(
            Ticket.session_id == ticket.session_id, Ticket.state.in_(WITH_DOCTOR), Ticket.id != ticket.id
        )
    ).first()
    if other is not None:
        raise FinishFirst(number=other.number)
