"""The waiting list (候补) for people without a phone: joined, printed, told of a place and answered at the desk."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext
from markupsafe import Markup

from app.identity import for_staff as people
from app.identity import service as identity
from app.identity.models import Patient
from app.identity.rules import mask_phone
from app.kernel import audit
from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.paper import qr
from app.registration import waiting_at_desk, waiting_code, waitlist
from app.registration.errors import PlacesLeft
from app.registration.waitlist import Waiting
from app.scheduling import for_staff as sittings
from app.scheduling.models import Department
from app.web import edge, paper_words, show, waitlist_words, work
from app.web.desk import NURSE, PLACE, REGISTRAR, blueprint


def form(uow: Uow, department: Department) -> dict[str, object]:
    """What the form that joins shows for a department: its doctors, the next seven days."""
    doctors = [(one.code, show.with_title(one.name, one.title)) for one in sittings.doctors(uow, department.id)]
    return {
        "doctors": [("", str(gettext("任意医生"))), *doctors],
        "half_days": waitlist_words.half_days(),
        "from_day": uow.today().isoformat(),
        "to_day": (uow.today() + timedelta(days=6)).isoformat(),
    }


def of_patient(uow: Uow, patient: Patient) -> list[dict[str, object]]:
    """What the patient waits for, with what can be done about it."""
    return [_row(uow, found) for found in waiting_at_desk.of_patient(uow, patient.id)]


def _row(uow: Uow, found: Waiting) -> dict[str, object]:
    entry, offer, slot = found.entry, found.offer, found.slot
    is_open = offer is not None and slot is not None and offer.ends_at > uow.now()
    return {
        "wish": waitlist_words.wish_words(found),
        "ahead": waitlist.ahead_of(uow, entry),
        "slip": url_for("desk.waiting_slip", entry_id=entry.public_id),
        "leave": url_for("desk.leave_waitlist", entry_id=entry.public_id),
        "offered": show.moment(slot.starts_at) if is_open and slot else "",
        "by": show.clock_time(offer.ends_at) if is_open and offer else "",
        "accept": url_for("desk.accept_offer", offer_id=offer.public_id) if is_open and offer else "",
        "decline": url_for("desk.decline_offer", offer_id=offer.public_id) if is_open and offer else "",
    }


@blueprint.post("/patients/<patient_id>/waitlist")
@work.needs(NURSE, REGISTRAR)
@edge.do_once
def join_waitlist(patient_id: str) -> edge.Answer:
    """The patient waits, and the slip to take along is shown; where there is a place it says so.

    Refuses what waiting_at_desk.join does.
    """
    typed = {name: work.typed(name, 24) for name in ("doctor", "from_day", "to_day", "half_day")}
    code = work.typed("department", 24)
    try:
        wish = waitlist_words.read(code, typed)
        entry = waiting_at_desk.join(edge.current_uow(), patient_public_id=patient_id, wish=wish)
    except PlacesLeft:
        flash(gettext("还有号，可以直接挂号，不用候补"), "warn")
        return redirect(url_for("desk.at_window", patient_id=patient_id, department=code))
    except BadInput:
        flash(gettext("请选择今天起 35 天内的日期，先早后晚"), "warn")
        return redirect(url_for("desk.at_window", patient_id=patient_id, department=code))
    return redirect(url_for("desk.waiting_slip", entry_id=entry.public_id))


@blueprint.get("/waitlist/<entry_id>/slip")
@work.needs(NURSE, REGISTRAR)
def waiting_slip(entry_id: str) -> edge.Answer:
    """The slip of 80 mm, in the patient's words."""
    uow = edge.current_uow()
    found = waiting_at_desk.entry_named(uow, entry_id)
    audit.record(uow, "waitlist.print", "waitlist_entry", entry_id)
    with paper_words.of_patient(uow, found.patient):
        paper = _slip(uow, found)
    return work.page("desk/waiting_slip.html", PLACE, slip=paper, patient_id=found.patient.public_id)


def _slip(uow: Uow, found: Waiting) -> Markup:
    """What is waited for, how many are ahead, how one hears of a place, and the desk's code."""
    phone = identity.phone_of(uow, found.patient)
    code = waiting_code.to_digits(found.entry.public_id)
    facts = (
        (gettext("候补"), waitlist_words.wish_words(found)),
        (gettext("排在前面"), gettext("%(count)s 人", count=waitlist.ahead_of(uow, found.entry))),
        (gettext("登记时间"), show.moment(found.entry.joined_at)),
        (gettext("联系电话"), mask_phone(phone) if phone else gettext("没有")),
    )
    return paper_words.sheet(
        "desk/waiting_slip_paper.html",
        name=found.patient.name_masked,
        facts=[{"label": label, "value": value} for label, value in facts],
        has_phone=bool(phone),
        code_svg=qr.svg(code, version=2, label=gettext("候补码"), module_px=6),
    )


def find_by_slip(scanned: str) -> edge.Answer | None:
    """Leads to the patient whose slip was scanned, who may wait no longer; None for what is no slip of ours."""
    uow = edge.current_uow()
    entry = waiting_at_desk.entry_of_slip(uow, scanned)
    audit.record(uow, "waitlist.scan", "waitlist_entry", entry.public_id if entry else "", found=entry is not None)
    if entry is None:
        return None
    if entry.state not in waitlist.STANDS:
        flash(gettext("这张凭条的候补已经结束"), "warn")
    return redirect(url_for("desk.at_window", patient_id=people.patient_by_id(uow, entry.patient_id).public_id))


@blueprint.get("/waitlist")
@work.needs(NURSE, REGISTRAR)
def to_be_told() -> edge.Answer:
    """Whom the desk has to call up: they wait without a phone of their own here and have a place on offer."""
    uow = edge.current_uow()
    rows = [
        _row(uow, found)
        | {
            "name": identity.name_of(uow, found.patient),
            "phone": identity.phone_of(uow, found.patient),
            "href": url_for("desk.at_window", patient_id=found.patient.public_id),
        }
        for found in waiting_at_desk.to_be_told(uow)
    ]
    audit.record(uow, "waitlist.list", "waitlist_entry", "", rows=len(rows))
    return work.page("desk/to_be_told.html", PLACE, rows=rows)


@blueprint.post("/waitlist/<entry_id>/leave")
@work.needs(NURSE, REGISTRAR)
def leave_waitlist(entry_id: str) -> edge.Answer:
    """The patient waits no longer."""
    uow = edge.current_uow()
    entry = waiting_at_desk.leave(uow, public_id=entry_id)
    flash(gettext("已退出候补"), "ok")
    return redirect(url_for("desk.at_window", patient_id=people.patient_by_id(uow, entry.patient_id).public_id))


@blueprint.post("/offers/<offer_id>/accept")
@work.needs(NURSE, REGISTRAR)
def accept_offer(offer_id: str) -> edge.Answer:
    """The offered place is held and its slip is shown; refuses what waiting_at_desk.accept does."""
    made = waiting_at_desk.accept(edge.current_uow(), public_id=offer_id)
    return redirect(url_for("desk.slip", visit_id=made.public_id))


@blueprint.post("/offers/<offer_id>/decline")
@work.needs(NURSE, REGISTRAR)
def decline_offer(offer_id: str) -> edge.Answer:
    """The place goes to the next, and the patient waits on."""
    uow = edge.current_uow()
    offer = waiting_at_desk.decline(uow, public_id=offer_id)
    flash(gettext("这个号已让给下一位，患者仍在候补"), "ok")
    return redirect(url_for("desk.at_window", patient_id=people.patient_by_id(uow, offer.patient_id).public_id))
