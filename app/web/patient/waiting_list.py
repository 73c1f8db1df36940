"""The waiting list (候补): what one waits for, what is on offer with its two buttons, and the form that joins."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.identity import service as identity
from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.queueing import shared_lines
from app.registration import waitlist
from app.registration.errors import AlreadyRegistered, PlacesLeft
from app.registration.waitlist import Waiting
from app.rulebook.terms import LONGEST_WINDOW_DAYS
from app.scheduling import service as scheduling
from app.scheduling.service import SessionCard
from app.web import edge, line_words, show, waitlist_words
from app.web.patient import blueprint, family


@blueprint.get("/waitlist")
def waiting_list() -> edge.Answer:
    """What the account's patients wait for; a place on offer comes first."""
    uow = edge.current_uow()
    return render_template("patient/waitlist.html", rows=[_row(uow, found) for found in waitlist.of_account(uow)])


def _row(uow: Uow, found: Waiting) -> dict[str, object]:
    entry = found.entry
    return {
        "name": identity.name_of(uow, found.patient),
        "wish": waitlist_words.wish_words(found),
        "ahead": waitlist.ahead_of(uow, entry),
        "leave": url_for("patient.leave_waitlist", entry_id=entry.public_id),
        "offer": _offer(uow, found),
    }


def _offer(uow: Uow, found: Waiting) -> dict[str, object] | None:
    offer, sits, slot = found.offer, found.session, found.slot
    if offer is None or sits is None or slot is None or offer.ends_at <= uow.now():
        return None
    return {
        "at": f"{show.day_words(sits.visit_day)} {show.time_span(slot.starts_at, slot.ends_at)}",
        "place": line_words.room(shared_lines.rooms_ahead(uow, sits)),
        "fee": show.yuan(sits.fee_fen),
        "by": show.clock_time(offer.ends_at),
        "minutes": show.minutes_left(offer.ends_at, uow.now()),
        "accept": url_for("patient.accept_offer", offer_id=offer.public_id),
        "decline": url_for("patient.decline_offer", offer_id=offer.public_id),
    }


@blueprint.get("/waitlist/new")
def join_form() -> edge.Answer:
    """The form for a department, filled in for a session when one is named."""
    uow = edge.current_uow()
    named = request.args.get("session", "")
    card = scheduling.card(uow, named) if named else None
    code = card.department.code if card else request.args.get("department", "")
    return _form(uow, code, _typed_of(card, uow.today()))


def _typed_of(card: SessionCard | None, today: date) -> dict[str, str]:
    if card is None:
        week = today + timedelta(days=6)
        return {"doctor": "", "from_day": today.isoformat(), "to_day": week.isoformat(), "half_day": ""}
    sits = card.session
    day = sits.visit_day.isoformat()
    return {"doctor": card.practitioner.code, "from_day": day, "to_day": day, "half_day": sits.half_day.value}


def _form(uow: Uow, code: str, typed: dict[str, str], flaw: str = "") -> edge.Answer:
    department = scheduling.department_by_code(uow, code)
    last = uow.today() + timedelta(days=LONGEST_WINDOW_DAYS)
    cards = scheduling.cards(uow, department_id=department.id, from_day=uow.today(), to_day=last)
    doctors = {
        card.practitioner.code: show.with_title(card.practitioner.name, card.practitioner.title) for card in cards
    }
    chosen = family.chosen_patient(uow)
    return render_template(
        "patient/waitlist_new.html",
        department=show.in_language(department.name, department.name_en),
        code=code,
        typed=typed,
        doctors=[("", gettext("任意医生")), *doctors.items()],
        half_days=waitlist_words.half_days(),
        members=[
            {"value": patient.public_id, "label": identity.name_of(uow, patient)}
            for patient, _ in identity.patients_of(uow)
        ],
        chosen=chosen.public_id if chosen else "",
        errors=[{"field": "from_day", "text": flaw}] if flaw else [],
    ), 422 if flaw else 200


@blueprint.post("/waitlist")
@edge.do_once
def join() -> edge.Answer:
    """The patient waits; when there is a place already, one is led to it."""
    uow, code = edge.current_uow(), request.form.get("department", "")
    typed = {name: request.form.get(name, "") for name in ("doctor", "from_day", "to_day", "half_day")}
    patient_id = request.form.get("patient", "")
    if not patient_id:
        raise BadInput(fields={"patient": "required"})
    try:
        waitlist.join(uow, patient_public_id=patient_id, wish=waitlist_words.read(code, typed))
    except PlacesLeft as left:
        flash(gettext("这个班次还有号，可以直接预约"), "info")
        return redirect(url_for("patient.clinic_session", session_id=left.facts["session"]))
    except BadInput:
        return _form(uow, code, typed, str(gettext("请选择今天起 35 天内的日期，先早后晚")))
    flash(gettext("已加入候补，有号时会通知您"), "ok")
    return redirect(url_for("patient.waiting_list"))


@blueprint.post("/waitlist/<entry_id>/leave")
def leave_waitlist(entry_id: str) -> edge.Answer:
    """The patient waits no longer."""
    waitlist.leave(edge.current_uow(), public_id=entry_id)
    flash(gettext("已退出候补"), "ok")
    return redirect(url_for("patient.waiting_list"))


@blueprint.post("/waitlist/offers/<offer_id>/accept")
def accept_offer(offer_id: str) -> edge.Answer:
    """The offered place is held and its fee is to be paid; tapped twice, it leads to the same registration."""
    try:
        held = waitlist.accept(edge.current_uow(), public_id=offer_id)
    except AlreadyRegistered as standing:
        if "registration" not in standing.facts:
            raise
        return redirect(url_for("patient.registration", registration_id=standing.facts["registration"]))
    return redirect(url_for("patient.registration", registration_id=held.public_id))


@blueprint.post("/waitlist/offers/<offer_id>/decline")
def decline_offer(offer_id: str) -> edge.Answer:
    """The place goes to the next, and the patient waits on."""
    waitlist.decline(edge.current_uow(), public_id=offer_id)
    flash(gettext("这个号已让给下一位，您仍在候补"), "ok")
    return redirect(url_for("patient.waiting_list"))
