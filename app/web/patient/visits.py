"""The visit's page with one's number in the queue, coming back after one's turn has passed, and all registrations."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext

from app.analytics import traces
from app.identity import service as identity
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.payment.states import BillState
from app.queueing import service as queueing
from app.queueing import shared_lines
from app.registration import rescheduling
from app.registration import service as registrations
from app.registration.listing import Listed, listed_of_account
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.web import edge, line_words, live, show
from app.web.patient import blueprint
from app.web.patient.another_place import offers
from app.web.patient.cancelling import cancel_words, may_cancel
from app.web.patient.fees import fee_of
from app.web.patient.headline import headline
from app.web.patient.hospital_word import word_on
from app.web.patient.timeline import steps
from app.web.patient.visit import Visit, door_opens_at, may_check_in, visit_of
from app.web.patient.walking import walk_facts


@blueprint.get("/visits/<registration_id>")
def visit(registration_id: str) -> edge.Answer:
    """One visit's page: what to do now, and all its steps."""
    uow = edge.current_uow()
    found = visit_of(uow, registrations.of_account(uow, registration_id))
    return render_template(
        "patient/visit.html",
        patient_name=identity.name_of(uow, found.patient),
        live_url=url_for("patient.visit_live", registration_id=registration_id),
        **_told(uow, found),
    )


@blueprint.get("/visits/<registration_id>/live")
@edge.at_once
def visit_live(registration_id: str) -> edge.Answer:
    """The part of the visit's page that changes by itself, or 304 while nothing has happened."""
    uow = edge.current_uow()
    trace = (registration_id, traces.of_account(uow))
    return live.news(
        "patient/_visit.html", trace, lambda: _told(uow, visit_of(uow, registrations.of_account(uow, registration_id)))
    )


def _told(uow: Uow, found: Visit) -> dict[str, object]:
    return {"head": headline(found), "steps": steps(found), "walk": walk_facts(uow, found)}


def row_of(uow: Uow, found: Listed) -> dict[str, object]:
    """A registration in a list: what, who, when, where, and where it leads."""
    row, department = found.registration, found.department
    opens_at = door_opens_at(uow, found.clinic_session)
    ticket = queueing.ticket_of(uow, row.id) if row.state == RegistrationState.CHECKED_IN else None
    return {
        "title": f"{show.in_language(department.name, department.name_en)} {found.practitioner.name}",
        "name": identity.name_of(uow, found.patient),
        "when": f"{show.day_words(row.visit_day)} {show.clock_time(found.starts_at)}",
        "room": line_words.room(shared_lines.rooms_of(uow, row, ticket)),
        **_state(row),
        "may_check_in": may_check_in(row, found.clinic_session, opens_at, uow.now()),
        "is_booked": row.state == RegistrationState.BOOKED,
        "opens_at": show.clock_time(opens_at),
        "href": url_for("patient.visit", registration_id=row.public_id),
        "detail": url_for("patient.registration", registration_id=row.public_id),
    }


def _state(row: Registration) -> dict[str, object]:
    """The registration's state in words and colour; a place of which the hospital system has the last word waits."""
    if row.asked_at is not None and row.state == RegistrationState.BOOKED:
        return {"kind": "wait", "state": gettext("等待医院确认")}
    return {"kind": show.state_kind(row.state), "state": show.state_words(row.state)}


@blueprint.post("/visits/<registration_id>/rejoin")
def rejoin(registration_id: str) -> edge.Answer:
    """A patient whose turn has passed, or who is back from tests, queues again."""
    uow = edge.current_uow()
    ticket = queueing.ticket_of(uow, registrations.of_account(uow, registration_id).id)
    if ticket is None:
        raise NotFound
    queueing.queue_again(uow, ticket)
    flash(gettext("已重新排队"), "ok")
    return redirect(url_for("patient.visit", registration_id=registration_id))


@blueprint.get("/registrations")
def registrations_list() -> edge.Answer:
    """The account's registrations, newest first."""
    uow = edge.current_uow()
    rows = [row_of(uow, row) for row in listed_of_account(uow)]
    return render_template("patient/registrations.html", registrations=rows)


@blueprint.get("/registrations/<registration_id>")
def registration(registration_id: str) -> edge.Answer:
    """One registration: until when it is held, what it costs, and the way back."""
    uow = edge.current_uow()
    row = registrations.of_account(uow, registration_id)
    found = visit_of(uow, row)
    is_held = found.stage == "held"
    return render_template(
        "patient/registration.html",
        head=headline(found),
        is_held=is_held,
        by=show.clock_time(row.held_until),
        minutes=show.minutes_left(row.held_until, uow.now()),
        bill_id=found.fee_bill.public_id if found.fee_bill and found.fee_bill.state == BillState.OPEN else "",
        fee=show.yuan(row.fee_fen),
        fee_told=fee_of(uow, row, found.fee_bill),
        facts=_facts(uow, found),
        **_state(row),
        replaces=row.replaces_id is not None,
        may_move=rescheduling.may_move(uow, row),
        may_cancel=may_cancel(uow, found),
        cancel_words=cancel_words(uow, found),
        registration_id=registration_id,
        word=word_on(uow, row),
        department_href=url_for("patient.department", code=found.card.department.code),
        **offers(uow, row),
    )


def _facts(uow: Uow, found: Visit) -> list[dict[str, str]]:
    row, department = found.registration, found.card.department
    end = f"–{show.clock_time(found.slot.ends_at)}" if found.slot else ""
    return [
        {"label": gettext("就诊人"), "value": identity.name_of(uow, found.patient)},
        {"label": gettext("科室"), "value": show.in_language(department.name, department.name_en)},
        {
            "label": gettext("医生"),
            "value": show.with_title(found.card.practitioner.name, found.card.practitioner.title),
            "note": gettext("原来约的医生临时停诊，由这位医生替诊") if registrations.is_substituted(uow, row) else "",
        },
        {"label": gettext("时间"), "value": f"{show.day_words(row.visit_day)} {show.clock_time(found.starts_at)}{end}"},
        {"label": gettext("地点"), "value": line_words.where(department, found.rooms)},
        {"label": gettext("序号"), "value": gettext("第 %(number)s 号", number=row.place_no)},
        {"label": gettext("挂号费"), "value": show.yuan(row.fee_fen)},
        {"label": gettext("就诊号"), "value": row.visit_number},
    ]
