"""The nurse's check-in: a visit number is typed or scanned, and the patient has a place in the queue."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.identity import finding, for_staff
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.queueing import handing_over, shared_lines, taking_back
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.queueing.states import TICKET, TicketAction, TicketState
from app.registration import for_staff as visits
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.registration.visit_code import read_digits
from app.rulebook.service import rules_for
from app.scheduling import service as scheduling
from app.scheduling.service import SessionCard
from app.web import edge, line_words, show, show_work, work
from app.web.desk import NURSE, PLACE, blueprint, count_search

OUT = (TicketState.PASSED, TicketState.AWAY)
# Which of today's visits whoever shows a card has come for: the first of these kinds of which they have any.
SOUGHT = (
    RegistrationState.BOOKED,
    RegistrationState.CHECKED_IN,
    RegistrationState.IN_CONSULTATION,
    RegistrationState.HELD,
    RegistrationState.COMPLETED,
)


@blueprint.get("/check-in")
@work.needs(NURSE)
def check_in() -> edge.Answer:
    """The form for a visit number."""
    return _form_page()


def _form_page(found: Mapping[str, object] | None = None, flaw: str = "") -> str:
    return work.page(
        "desk/check_in.html",
        PLACE,
        found=found,
        classes=_classes(edge.current_uow()),
        typed=request.form if flaw else {},
        flaw=flaw,
    )


def _classes(uow: Uow) -> list[tuple[str, str]]:
    """Who goes before others by the hospital's rules, with the proof to ask for; empty when the rules know none."""
    known = [(each.code, show.with_note(each.name, each.proof)) for each in rules_for(uow).priority_classes]
    return [("", gettext("没有优先")), *known] if known else []


@blueprint.post("/check-in")
@work.needs(NURSE)
def do_check_in() -> edge.Answer:
    """The patient of the number is in the queue; typed twice, the same place is shown.

    A number that leads to no single visit, or to one that is not paid, is said at its field, with what was typed.
    """
    typed = work.typed("visit_number", 40).upper()
    number = read_digits(typed) or typed
    if not number.startswith("V"):
        count_search()
    uow = edge.current_uow()
    named = registration.registration_by_visit_number(uow, number)
    found = [named] if named else _visits_of_person(uow, number)
    if not found:
        return _form_page(flaw=gettext("没有这个就诊号，或这个证件号今天没有号，请核对后再输入")), 404
    if len(found) > 1:
        many = gettext("这位患者今天有 %(count)s 个号，请输入其中一个的就诊号", count=len(found))
        return _form_page(flaw=many), 422
    (visit,) = found
    if visit.state == RegistrationState.HELD and visit.held_until > uow.now():
        unpaid = gettext("这个号还没有付款，请在 %(by)s 前付款再报到", by=show.clock_time(visit.held_until))
        return _form_page(flaw=unpaid), 422
    queueing.check_in(uow, registration=visit, priority_code=work.typed("priority", 24))
    return redirect(url_for("desk.arrived", visit_id=visit.public_id))


def _visits_of_person(uow: Uow, number: str) -> list[Registration]:
    """Today's visits of whoever has this identity or hospital number, those furthest from their end first and alone."""
    named = finding.find(uow, finding.Wanted(number=number)) if number else []
    person = named[0] if len(named) == 1 else None
    outcome = "ok" if person else "not_found"
    audit.record(uow, "patient.search", "patient", person.public_id if person else "", outcome=outcome)
    today = [row for row, *_ in visits.of_patient(uow, person.id) if row.visit_day == uow.today()] if person else []
    kinds = ([row for row in today if row.state == state] for state in SOUGHT)
    return next(filter(None, kinds), [])


def _arrived(uow: Uow, visit_id: str) -> tuple[Registration, Ticket]:
    """The visit and its place in the queue; NotFound for one that is in no queue."""
    visit = visits.by_public_id(uow, visit_id)
    ticket = queueing.ticket_of(uow, visit.id)
    if ticket is None:
        raise NotFound
    return visit, ticket


@blueprint.get("/arrived/<visit_id>")
@work.needs(NURSE)
def arrived(visit_id: str) -> edge.Answer:
    """The number the patient got, the room, and how many are ahead; a passed number can queue again from here."""
    uow = edge.current_uow()
    visit, ticket = _arrived(uow, visit_id)
    position = queueing.position(uow, ticket)
    card, rooms = scheduling.card_by_id(uow, visit.session_id), shared_lines.rooms_of(uow, visit, ticket)
    found = {
        "number": ticket.number,
        "name": for_staff.patient_by_id(uow, visit.patient_id).name_masked,
        "room": line_words.where(card.department, rooms),
        "doctor": card.practitioner.name if len(rooms) == 1 else "",
        "department": show.in_language(card.department.name, card.department.name_en),
        "tag": show_work.tag(ticket.state),
        "ahead": position.ahead if ticket.state == TicketState.WAITING else None,
        "wait": show.wait_words(position.low_minutes, position.high_minutes),
        "rejoin_href": url_for("desk.rejoin", visit_id=visit_id) if ticket.state in OUT else "",
        "take_back_href": url_for("desk.take_back_check_in", visit_id=visit_id)
        if taking_back.may_take_back(ticket, visit)
        else "",
        "hand_over_href": url_for("desk.hand_over", visit_id=visit_id),
        "rooms": _rooms(uow, ticket),
    }
    return _form_page(found)


def _rooms(uow: Uow, ticket: Ticket) -> list[tuple[str, str]]:
    """The doctors to whom the waiting patient can be sent instead."""
    if not TICKET.may(ticket.state, TicketAction.HAND_OVER):
        return []
    return [_room(card) for card in handing_over.rooms_for(uow, ticket)]


def _room(card: SessionCard) -> tuple[str, str]:
    sits = card.session
    when = f"{show.HALF_DAYS[sits.half_day]} {show.time_span(sits.starts_at, sits.ends_at)}"
    return sits.public_id, f"{card.practitioner.name} · {show.room_words(sits.room)} · {when}"


@blueprint.post("/arrived/<visit_id>/hand-over")
@work.needs(NURSE)
def hand_over(visit_id: str) -> edge.Answer:
    """The patient is sent to another doctor's room and keeps number and turn."""
    uow = edge.current_uow()
    visit, ticket = _arrived(uow, visit_id)
    card = scheduling.card(uow, work.typed("session", 26))
    handing_over.hand_over(uow, ticket, card.session)
    where = line_words.where(card.department, shared_lines.rooms_of(uow, visit, ticket))
    flash(gettext("%(number)s 号已转到 %(room)s", number=ticket.number, room=where), "ok")
    return redirect(url_for("desk.arrived", visit_id=visit_id))


@blueprint.post("/arrived/<visit_id>/rejoin")
@work.needs(NURSE)
def rejoin(visit_id: str) -> edge.Answer:
    """A patient who was passed or sent for tests is back and queues again."""
    uow = edge.current_uow()
    _, ticket = _arrived(uow, visit_id)
    queueing.queue_again(uow, ticket)
    flash(gettext("%(number)s 号已重新排队", number=ticket.number), "ok")
    return redirect(url_for("desk.arrived", visit_id=visit_id))


@blueprint.post("/arrived/<visit_id>/take-back")
@work.needs(NURSE)
def take_back_check_in(visit_id: str) -> edge.Answer:
    """The check-in was a mistake: the number is void and the visit is booked as before."""
    uow = edge.current_uow()
    _, ticket = _arrived(uow, visit_id)
    taking_back.take_back(uow, ticket)
    flash(gettext("已撤销报到，%(number)s 号作废", number=ticket.number), "ok")
    return redirect(url_for("desk.check_in"))
