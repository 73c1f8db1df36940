"""The list of prescriptions that wait, and one prescription with all that the four checks compare."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.identity import for_staff
from app.kernel.uow import Uow
from app.prescription import service as prescription
from app.prescription.models import Prescription, ReviewCheck
from app.prescription.states import PrescriptionState
from app.web import edge, show, show_work, work
from app.web.review import PLACE, blueprint


@blueprint.get("/")
def home() -> edge.Answer:
    """What waits for review, longest waiting first; numbers and doctors only."""
    uow = edge.current_uow()
    waiting = [
        {
            "href": url_for("review.one", prescription_id=written.public_id),
            "number": written.number,
            "doctor": f"{written.prescriber_name} · {written.department_name}",
            "waits": show_work.ago_words(written.received_at, uow.now()),
            "source": str(show_work.SOURCES[written.source]),
        }
        for written in prescription.waiting_for_review(uow)
    ]
    return work.page("review/waiting.html", PLACE, waiting=waiting)


@blueprint.get("/<prescription_id>")
def one(prescription_id: str) -> edge.Answer:
    """The prescription with its patient; the look at it is on record."""
    uow = edge.current_uow()
    return _page(uow, prescription.one_for_staff(uow, prescription_id))


def _page(uow: Uow, written: Prescription) -> str:
    diagnosis = prescription.diagnosis_of(uow, written)
    return work.page(
        "review/one.html",
        PLACE,
        prescription_id=written.public_id,
        number=written.number,
        banner=work.patient_banner(uow, for_staff.patient_by_id(uow, written.patient_id)),
        tag_state=show_work.tag(written.state),
        is_waiting=written.state == PrescriptionState.ISSUED,
        facts=[
            {"label": gettext("科室"), "value": written.department_name},
            {"label": gettext("医生"), "value": written.prescriber_name},
            {
                "label": gettext("临床诊断"),
                "value": f"{diagnosis.code} {diagnosis.text}".strip(),
            },
            {"label": gettext("长期用药理由"), "value": diagnosis.long_course_reason or "—"},
            {"label": gettext("开具时间"), "value": show.moment(written.issued_at)},
            {"label": gettext("有效期至"), "value": show.last_day(written.valid_until)},
        ],
        lines=[show_work.drug_row(line) for line in prescription.lines_of(uow, written.id)],
        total=show.yuan(written.total_fen),
        checks=check_options(),
    )


def check_options() -> list[dict[str, str]]:
    """The four checks as boxes to tick."""
    return [{"value": kind.value, "label": str(what), "note": str(of)} for kind, (what, of) in show_work.CHECKS.items()]


def _checks() -> list[ReviewCheck]:
    return [check for check in ReviewCheck if check.value in request.form.getlist("check")]


@blueprint.post("/<prescription_id>/approve")
def approve(prescription_id: str) -> edge.Answer:
    """The prescription passes; what insurance pays of it and the bill follow."""
    written = prescription.approve(edge.current_uow(), public_id=prescription_id, checks=_checks())
    flash(gettext("处方 %(number)s 审核通过", number=written.number), "ok")
    return redirect(url_for("review.home"))


@blueprint.post("/<prescription_id>/send-back")
def send_back(prescription_id: str) -> edge.Answer:
    """The prescription goes back to its doctor with the reason."""
    written = prescription.send_back(
        edge.current_uow(), public_id=prescription_id, reason=work.typed("reason"), checks=_checks()
    )
    flash(gettext("处方 %(number)s 已退回医生", number=written.number), "ok")
    return redirect(url_for("review.home"))
