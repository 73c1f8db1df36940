"""The doctor's queue: who waits in which state, and one button for what comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity.models import Patient
from app.kernel.uow import Uow
from app.queueing import service as queueing
from app.queueing import shared_lines, undoing
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction, TicketState
from app.registration import for_staff as visits_of
from app.registration.models import Registration
from app.scheduling.service import SessionCard
from app.scheduling.states import SessionState
from app.web import edge, show, show_work, work
from app.web.desk import DOCTOR, PLACE, blueprint, own
from app.web.live import fragment

Act = Callable[[Uow, Ticket], object]
# What a button does to a ticket: (the machine's action, the words on the button, its key, its look, the deed).
ACTIONS: dict[str, tuple[TicketAction, object, str, str, Act]] = {
    "begin": (TicketAction.BEGIN, _l("开始就诊"), "F2", "primary", queueing.begin),
    "finish": (TicketAction.FINISH, _l("结束就诊"), "F10", "primary", queueing.finish),
    "again": (TicketAction.CALL, _l("重呼"), "F4", "plain", queueing.call),
    "pass": (TicketAction.PASS_OVER, _l("过号"), "F6", "plain", queueing.pass_over),
    "tests": (TicketAction.SEND_FOR_TESTS, _l("去检查"), "F8", "plain", queueing.send_for_tests),
    "back": (TicketAction.COME_BACK, _l("回诊报到"), "", "plain", queueing.come_back),
    "rejoin": (TicketAction.RETURN, _l("重新排队"), "", "plain", queueing.rejoin),
}
UNDO_WORDS = {
    TicketAction.CALL: _l("叫号"),
    TicketAction.PASS_OVER: _l("过号"),
    TicketAction.BEGIN: _l("开始就诊"),
    TicketAction.FINISH: _l("结束就诊"),
}
AT_THE_DOOR = (TicketState.CALLED, TicketState.SERVING)


@blueprint.get("/")
def home() -> edge.Answer:
    """Doctors land at their queue when they sit in one session, else at the choice; nurses at the check-in."""
    if DOCTOR not in edge.actor().roles:
        return redirect(url_for("desk.check_in"))
    cards = own.sessions_today(edge.current_uow())
    if len(cards) == 1:
        return redirect(_queue_href(cards[0]))
    return redirect(url_for("desk.sessions"))


@blueprint.get("/sessions")
@work.needs(DOCTOR)
def sessions() -> edge.Answer:
    """The doctor's sessions of today."""
    uow = edge.current_uow()
    cards = [_session(card) for card in own.sessions_today(uow)]
    return work.page(
        "desk/sessions.html", PLACE, cards=cards, day=show.day_words(uow.today()), is_known=own.is_known(uow)
    )


def _queue_href(card: SessionCard) -> str:
    sits = card.session
    return url_for("desk.session_queue", session_id=sits.public_id)


def _session(card: SessionCard) -> dict[str, object]:
    sits = card.session
    return {
        "href": _queue_href(card),
        "title": f"{show.HALF_DAYS[sits.half_day]} {show.time_span(sits.starts_at, sits.ends_at)}",
        "note": f"{show.in_language(card.department.name, card.department.name_en)} · {show.room_words(sits.room)}",
        "tag": show_work.tag(sits.state),
    }


@blueprint.get("/sessions/<session_id>")
@work.needs(DOCTOR)
def session_queue(session_id: str) -> edge.Answer:
    """The session's queue with what can be done now; the list refreshes itself."""
    uow = edge.current_uow()
    card = own.session(uow, session_id)
    facts, sits = _queue_facts(uow, card), card.session
    return work.page(
        "desk/queue.html",
        PLACE,
        session_id=session_id,
        day=show.day_words(sits.visit_day),
        half_day=str(show.HALF_DAYS[sits.half_day]),
        span=show.time_span(sits.starts_at, sits.ends_at),
        room=show.room_words(sits.room),
        shared_with=_shared_with(uow, card),
        **facts,
    )


def _shared_with(uow: Uow, card: SessionCard) -> str:
    """The rooms whose doctors call from the same line; '' for a line of one."""
    sits = card.session
    others = [one for one in shared_lines.sessions_in(uow, shared_lines.line_of(uow, sits)) if one.id != sits.id]
    return show.listed(show.room_words(one.room) for one in others if one.state == SessionState.OPEN)


@blueprint.get("/sessions/<session_id>/live")
@work.needs(DOCTOR)
def queue_part(session_id: str) -> edge.Answer:
    """The queue alone, or 304 while nothing moved."""
    uow = edge.current_uow()
    return fragment("desk/queue_part.html", session_id=session_id, **_queue_facts(uow, own.session(uow, session_id)))


def _queue_facts(uow: Uow, card: SessionCard) -> dict[str, Any]:
    sits = card.session
    rows = queueing.queue(uow, sits)
    visits = visits_of.public_ids(uow, [ticket.registration_id for ticket, _ in rows])
    shown = [_row(ticket, patient, visits) for ticket, patient in rows]
    at_the_door = [row for row in shown if row["is_now"]]
    return {
        "now": at_the_door[0] if at_the_door else None,
        "rows": [row for row in shown if not row["is_now"]],
        "waiting": sum(ticket.state == TicketState.WAITING for ticket, _ in rows),
        "undo": _undo(uow, sits.id),
    }


def _undo(uow: Uow, session_id: int) -> dict[str, str] | None:
    """What was done last in this minute, and where to take it back."""
    ticket = undoing.last_deed(uow, session_id)
    if ticket is None:
        return None
    done = gettext("%(number)s 号：%(deed)s", number=ticket.number, deed=str(UNDO_WORDS[ticket.before["action"]]))
    return {"done": done, "href": url_for("desk.undo", ticket_id=ticket.public_id)}


def _row(ticket: Ticket, patient: Patient, visits: dict[int, str]) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "name": patient.name_masked,
        "tag": show_work.tag(ticket.state),
        "since": show.clock_time(ticket.checked_in_at),
        "calls": ticket.calls,
        "is_now": ticket.state in AT_THE_DOOR,
        "visit_href": url_for("desk.visit_page", visit_id=visits[ticket.registration_id]),
        "actions": [
            {
                "label": str(label),
                "href": url_for("desk.move_ticket", ticket_id=ticket.public_id, deed=name),
                "key": key,
                "kind": kind,
            }
            for name, (action, label, key, kind, _) in ACTIONS.items()
            if TICKET.may(ticket.state, action) and not (name == "again" and ticket.state == TicketState.WAITING)
        ],
    }


@blueprint.post("/sessions/<session_id>/next")
@work.needs(DOCTOR)
def call_next(session_id: str) -> edge.Answer:
    """Whose turn it is, is called to the room."""
    uow = edge.current_uow()
    ticket = queueing.call_next(uow, session=own.session(uow, session_id).session)
    flash(gettext("已呼叫 %(number)s 号", number=ticket.number), "ok")
    return redirect(url_for("desk.session_queue", session_id=session_id))


@blueprint.post("/tickets/<ticket_id>/<deed>")
@work.needs(DOCTOR)
def move_ticket(ticket_id: str, deed: str) -> edge.Answer:
    """The ticket is called again, passed over, begun, finished, sent for tests or back; begun leads to the visit."""
    uow = edge.current_uow()
    ticket, session = own.ticket(uow, ticket_id)
    if deed not in ACTIONS:
        return redirect(url_for("desk.home"))
    _, label, _, _, act = ACTIONS[deed]
    act(uow, ticket)
    flash(gettext("%(number)s 号：%(deed)s", number=ticket.number, deed=str(label)), "ok")
    if deed == "begin":
        visit = visits_of.by_id(uow, ticket.registration_id)
        return redirect(url_for("desk.visit_page", visit_id=visit.public_id))
    return redirect(url_for("desk.session_queue", session_id=session.public_id))


@blueprint.post("/tickets/<ticket_id>/undo")
@work.needs(DOCTOR)
def undo(ticket_id: str) -> edge.Answer:
    """The last call, pass, begin or finish of the ticket was a slip."""
    uow = edge.current_uow()
    ticket, session = own.ticket(uow, ticket_id)
    undoing.undo(uow, ticket)
    flash(gettext("%(number)s 号：已撤销", number=ticket.number), "ok")
    return redirect(url_for("desk.session_queue", session_id=session.public_id))


def back_to_queue(uow: Uow, registration: Registration) -> str:
    """The address of the queue that the visit belongs to."""
    for card in own.sessions_today(uow):
        sits = card.session
        if sits.id == registration.session_id:
            return _queue_href(card)
    return url_for("desk.sessions")
