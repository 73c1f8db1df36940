"""The registration desk (挂号窗口): find or file who has no phone, give them a place, and print the slip."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext
from markupsafe import Markup

from app.identity import for_staff as people
from app.identity import service as identity
from app.identity.errors import BadIdNumber, BadName, BadPhone
from app.identity.models import Patient
from app.identity.rules import mask_id_number, mask_phone
from app.kernel import audit
from app.kernel.uow import Uow
from app.paper import qr
from app.queueing import service as queueing
from app.queueing import shared_lines
from app.registration import at_desk, limits, visit_code
from app.registration import for_staff as visits
from app.registration import service as registrations
from app.registration.errors import AlreadyRegistered
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import BookingChannel, Department, Practitioner
from app.scheduling.service import SessionCard
from app.scheduling.states import SessionState
from app.web import edge, line_words, paper_words, show, show_work, work
from app.web.desk import NURSE, PLACE, REGISTRAR, blueprint, count_search, vouching, waiting

DAYS_SHOWN = 7
LONGEST_CARD = 18  # digits of an identity number; a slip's code has more
STILL_SHOWN = (RegistrationState.HELD, RegistrationState.BOOKED, RegistrationState.CHECKED_IN)


@blueprint.get("/register")
@work.needs(NURSE, REGISTRAR)
def register() -> edge.Answer:
    """The field for an identity card, typed or read by the card reader, which types, and for a waiting-list slip."""
    return work.page("desk/register.html", PLACE, typed={}, flaw="", is_new=False)


@blueprint.post("/register")
@work.needs(NURSE, REGISTRAR)
def find_patient() -> edge.Answer:
    """Leads to whoever has the card or the slip; nobody on file is filed with the name. Every search is on record."""
    count_search()
    uow = edge.current_uow()
    typed = {name: work.typed(name, 100) for name in ("id_number", "name", "phone")}
    if len(typed["id_number"]) > LONGEST_CARD:
        found_by_slip = waiting.find_by_slip(typed["id_number"])
        return found_by_slip or _again({}, str(gettext("没有找到这张候补凭条，请刷身份证")))
    try:
        found = people.person_with_card(uow, **typed)
    except BadIdNumber:
        return _again(typed, str(gettext("身份证号码有误，请对照证件核对 18 位号码")))
    except BadName:
        return _again(typed, str(gettext("请填写证件上的姓名")), is_new=True)
    audit.record(uow, "patient.search", "patient", found.public_id if found else "", outcome="ok" if found else "new")
    if found is None:
        return work.page("desk/register.html", PLACE, typed=typed, flaw="", is_new=True)
    return redirect(url_for("desk.at_window", patient_id=found.public_id))


def _again(typed: dict[str, str], flaw: str, *, is_new: bool = False) -> edge.Answer:
    return work.page("desk/register.html", PLACE, typed=typed, flaw=flaw, is_new=is_new), 422


@blueprint.get("/patients/<patient_id>")
@work.needs(NURSE, REGISTRAR)
def at_window(patient_id: str) -> edge.Answer:
    """The patient, what they have, and the sessions of a department with a place; `moving` names a visit to move."""
    return _at_window(patient_id)


def _at_window(patient_id: str, phone_flaw: str = "") -> str:
    uow = edge.current_uow()
    patient = people.patient_by_public_id(uow, patient_id)
    code, moving = work.asked("department"), work.asked("moving", 26)
    departments = scheduling.departments(uow)
    chosen = next((one for one in departments if one.code == code), departments[0])
    number = mask_id_number(identity.id_number_of(uow, patient))
    return work.page(
        "desk/at_window.html",
        PLACE,
        banner=work.patient_banner(uow, patient, number),
        patient_id=patient_id,
        phone=mask_phone(phone) if (phone := identity.phone_of(uow, patient)) else gettext("没有登记"),
        phone_flaw=phone_flaw,
        vouched=vouching.vouched(uow, patient),
        moving=moving,
        department=chosen.code,
        departments=[(one.code, show.in_language(one.name, one.name_en)) for one in departments],
        visits=[_visit(*row) for row in visits.of_patient(uow, patient.id) if row[0].state in STILL_SHOWN],
        sessions=[_session(card) for card in _cards(uow, chosen)],
        waits=waiting.of_patient(uow, patient),
        waitlist=waiting.form(uow, chosen),
    )


@blueprint.post("/patients/<patient_id>/phone")
@work.needs(NURSE, REGISTRAR)
def change_phone(patient_id: str) -> edge.Answer:
    """The patient, who is here, has another phone, or none."""
    try:
        people.change_phone(edge.current_uow(), public_id=patient_id, phone=work.typed("phone", 20))
    except BadPhone:
        return _at_window(patient_id, gettext("手机号码有误，请填 11 位号码")), 422
    flash(gettext("手机号已修改"), "ok")
    return redirect(url_for("desk.at_window", patient_id=patient_id))


def _visit(row: Registration, department: Department, doctor: Practitioner) -> dict[str, object]:
    return {
        "title": f"{show.day_words(row.visit_day)} {show.HALF_DAYS[row.half_day]} "
        f"{show.in_language(department.name, department.name_en)} {doctor.name}",
        "note": row.visit_number,
        "tag": show_work.tag(row.state),
        "slip": url_for("desk.slip", visit_id=row.public_id),
        "cancel": url_for("desk.cancel_visit", visit_id=row.public_id)
        if REGISTRATION.may(row.state, RegistrationAction.CANCEL)
        else "",
        "moving": row.public_id if row.state == RegistrationState.BOOKED else "",
    }


def _cards(uow: Uow, department: Department) -> list[SessionCard]:
    last = uow.today() + timedelta(days=DAYS_SHOWN)
    cards = scheduling.cards(
        uow, department_id=department.id, from_day=uow.today(), to_day=last, channel=BookingChannel.WINDOW
    )
    return [card for card in cards if card.free_places and _is_bookable(uow, card)]


def _is_bookable(uow: Uow, card: SessionCard) -> bool:
    sits = card.session
    is_open = sits.state == SessionState.OPEN and sits.ends_at > uow.now()
    return is_open and limits.is_released(uow, limits.rules_of_session(uow, sits), sits)


def _session(card: SessionCard) -> dict[str, object]:
    sits, title = card.session, show.title_words(card.practitioner.title)
    return {
        "id": sits.public_id,
        "title": f"{show.day_words(sits.visit_day)} {show.HALF_DAYS[sits.half_day]} {card.practitioner.name}",
        "note": f"{title} {show.time_span(sits.starts_at, sits.ends_at)} {show.yuan(sits.fee_fen)}",
        "free": card.free_places,
    }


@blueprint.post("/patients/<patient_id>/registrations")
@work.needs(NURSE, REGISTRAR)
@edge.do_once
def register_patient(patient_id: str) -> edge.Answer:
    """The patient has a place and the slip is shown; whoever has it already is led to its slip."""
    uow, session_id, moving = edge.current_uow(), work.typed("session", 26), work.typed("moving", 26)
    try:
        if moving:
            made = at_desk.reschedule(uow, public_id=moving, session_public_id=session_id)
        else:
            made = at_desk.register(uow, patient_public_id=patient_id, session_public_id=session_id)
    except AlreadyRegistered as standing:
        if "registration" not in standing.facts:
            raise
        return redirect(url_for("desk.slip", visit_id=standing.facts["registration"]))
    return redirect(url_for("desk.slip", visit_id=made.public_id))


@blueprint.post("/registrations/<visit_id>/cancel")
@work.needs(NURSE, REGISTRAR)
def cancel_visit(visit_id: str) -> edge.Answer:
    """The place goes back; what was paid comes back as far as the rules say."""
    uow = edge.current_uow()
    gone = at_desk.cancel(uow, public_id=visit_id)
    flash(gettext("已退号；已付费用按规则退回"), "ok")
    return redirect(url_for("desk.at_window", patient_id=people.patient_by_id(uow, gone.patient_id).public_id))


@blueprint.get("/registrations/<visit_id>/slip")
@work.needs(NURSE, REGISTRAR)
def slip(visit_id: str) -> edge.Answer:
    """The slip of 80 mm, in the patient's words."""
    uow = edge.current_uow()
    row = visits.by_public_id(uow, visit_id)
    patient = people.patient_by_id(uow, row.patient_id)
    audit.record(uow, "registration.print", "registration", visit_id)
    with paper_words.of_patient(uow, patient):
        paper = _slip(uow, row, patient)
    return work.page("desk/slip.html", PLACE, slip=paper, patient_id=patient.public_id)


def _slip(uow: Uow, row: Registration, patient: Patient) -> Markup:
    """When, where, the fee, and the code that check-in, cashier and invoice window read."""
    card, slot = scheduling.card_by_id(uow, row.session_id), registrations.slot_of(uow, row)
    department, sits = card.department, card.session
    starts_at = slot.starts_at if slot else sits.starts_at
    rooms = shared_lines.rooms_of(uow, row, queueing.ticket_of(uow, row.id))
    digits = visit_code.to_digits(row.visit_number)
    facts = (
        (gettext("科室"), show.in_language(department.name, department.name_en)),
        (gettext("医生"), show.with_title(card.practitioner.name, card.practitioner.title)),
        (gettext("时间"), f"{show.day_words(row.visit_day)} {show.clock_time(starts_at)}"),
        (gettext("地点"), line_words.where(department, rooms)),
        (gettext("序号"), gettext("第 %(number)s 号", number=row.place_no)),
        (gettext("挂号费"), show.yuan(row.fee_fen)),
        (gettext("就诊号"), row.visit_number),
    )
    return paper_words.sheet(
        "desk/slip_paper.html",
        name=patient.name_masked,
        state_tag=show_work.tag(row.state),
        is_unpaid=row.state == RegistrationState.HELD,
        by=show.clock_time(row.held_until),
        facts=[{"label": label, "value": value} for label, value in facts],
        code_svg=qr.svg(digits, version=1, label=gettext("就诊码"), module_px=6),
        digits=show.grouped(digits),
    )
