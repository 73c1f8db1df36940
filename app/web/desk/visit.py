"""One visit at the doctor's desk: who the patient is, what was prescribed, and when they should come again."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.identity.models import Patient
from app.insurance import consents
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.prescription import service as prescription
from app.prescription.models import Prescription
from app.prescription.states import PRESCRIPTION, PrescriptionAction
from app.prescription.writing import PRESCRIBING_STATES
from app.queueing import service as queueing
from app.registration import for_staff as visits
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.revisit import service as revisit
from app.revisit.states import Note, PlanState
from app.web import edge, show, show_work, work
from app.web.desk import DOCTOR, PLACE, blueprint, own
from app.web.desk.queue import back_to_queue

REVISIT_DAYS = (3, 7, 14, 28)


@blueprint.get("/visits/<visit_id>")
@work.needs(DOCTOR)
def visit_page(visit_id: str) -> edge.Answer:
    """The visit; that the patient's record was opened is on record."""
    uow = edge.current_uow()
    visit, patient = own.visit(uow, visit_id)
    ticket = queueing.ticket_of(uow, visit.id)
    is_prescribing = visit.state in PRESCRIBING_STATES and visit.visit_day == uow.today()
    is_with_doctor = visit.state == RegistrationState.IN_CONSULTATION and ticket is not None
    return work.page(
        "desk/visit.html",
        PLACE,
        visit_id=visit_id,
        banner=banner(uow, visit, patient),
        tag_state=show_work.tag(visit.state),
        prescriptions=[_prescription(uow, written) for written in prescription.list_of_registration(uow, visit.id)],
        prescribe_href=url_for("desk.prescribe", visit_id=visit_id) if is_prescribing else "",
        finish_href=url_for("desk.move_ticket", ticket_id=ticket.public_id, deed="finish")
        if ticket and is_with_doctor
        else "",
        queue_href=back_to_queue(uow, visit),
        **_follow_up_facts(uow, visit),
    )


def banner(uow: Uow, visit: Registration, patient: Patient) -> dict[str, object]:
    """Whose record it is, with the visit's number."""
    return work.patient_banner(uow, patient, gettext("就诊号 %(number)s", number=visit.visit_number))


def _follow_up_facts(uow: Uow, visit: Registration) -> dict[str, object]:
    plans = revisit.plans_of_registration(uow, visit.id)
    return {
        "plans": [
            {
                "day": show.day_words(plan.due_day),
                "note": str(show_work.NOTES[plan.note_code]),
                "tag": show_work.tag(plan.state),
                "is_standing": plan.state == PlanState.ACTIVE,
            }
            for plan in plans
        ],
        "revisit_days": [
            {"days": days, "note": show.short_day(uow.today() + timedelta(days))} for days in REVISIT_DAYS
        ],
        "notes": [(note.value, str(words)) for note, words in show_work.NOTES.items()],
        "first_day": (uow.today() + timedelta(days=1)).isoformat(),
    }


def _prescription(uow: Uow, written: Prescription) -> dict[str, object]:
    review = prescription.review_of(uow, written.id)
    may_void = written.prescriber_staff_id == uow.actor.id and PRESCRIPTION.may(written.state, PrescriptionAction.VOID)
    return {
        "number": written.number,
        "tag": show_work.tag(written.state),
        "source": str(show_work.SOURCES[written.source]),
        "total": show.yuan(written.total_fen),
        "issued": show.moment(written.issued_at),
        "reason": review.reason if review else "",
        "declined": show.listed(choice.drug_name for choice in consents.declined_of(uow, written.id)),
        "lines": [show_work.drug_row(line) for line in prescription.lines_of(uow, written.id)],
        "public_id": written.public_id,
        "void_href": url_for("desk.void", prescription_id=written.public_id) if may_void else "",
    }


@blueprint.post("/prescriptions/<prescription_id>/void")
@work.needs(DOCTOR)
def void(prescription_id: str) -> edge.Answer:
    """The doctor's own unpaid prescription holds no longer."""
    uow = edge.current_uow()
    written = prescription.void(uow, public_id=prescription_id, reason=work.typed("reason"))
    flash(gettext("处方 %(number)s 已作废", number=written.number), "ok")
    return redirect(_visit_of(uow, written))


def _visit_of(uow: Uow, written: Prescription) -> str:
    if written.registration_id is None:
        raise NotFound
    return url_for("desk.visit_page", visit_id=visits.by_id(uow, written.registration_id).public_id)


@blueprint.post("/visits/<visit_id>/follow-up")
@work.needs(DOCTOR)
def follow_up(visit_id: str) -> edge.Answer:
    """The patient is to come again: so many days from now by a button, or on a chosen day."""
    uow = edge.current_uow()
    visit, _ = own.visit(uow, visit_id)
    ahead = work.whole(work.typed("days", 4))
    due_day = uow.today() + timedelta(days=ahead) if ahead else work.day(work.typed("due_day", 10))
    note = work.one_of(work.typed("note", 24), Note)
    plan = revisit.plan(uow, registration=visit, due_day=due_day or uow.today(), note_code=note)
    flash(gettext("复诊计划：%(day)s", day=show.day_words(plan.due_day)), "ok")
    return redirect(url_for("desk.visit_page", visit_id=visit_id))


@blueprint.post("/visits/<visit_id>/follow-up/withdraw")
@work.needs(DOCTOR)
def withdraw_follow_up(visit_id: str) -> edge.Answer:
    """The patient need not come again after all; leads back to the visit, which shows a plan that is booked already."""
    uow = edge.current_uow()
    visit, _ = own.visit(uow, visit_id)
    if revisit.withdraw(uow, registration=visit):
        flash(gettext("已取消复诊计划，不再提醒患者"), "ok")
    return redirect(url_for("desk.visit_page", visit_id=visit_id))
