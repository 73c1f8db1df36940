"""The revisit: the doctor's wish, the place that suits it best, and one tap that books it."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import service as identity
from app.kernel.uow import Uow
from app.registration import service as registrations
from app.revisit import service as revisits_service
from app.revisit.models import FollowUpPlan
from app.revisit.service import Place
from app.revisit.states import Note, PlanState
from app.web import edge, show
from app.web.patient import blueprint, family

NOTES = {
    Note.NONE: "",
    Note.BRING_RESULTS: _l("请带上检查结果"),
    Note.COME_FASTING: _l("请空腹前来"),
    Note.BRING_MEDICINE_BOX: _l("请带上正在服用的药盒"),
}
STATES: dict[PlanState, tuple[str, object]] = {
    PlanState.ACTIVE: ("wait", _l("待预约")),
    PlanState.BOOKED: ("ok", _l("已预约")),
    PlanState.DONE: ("ok", _l("已复诊")),
    PlanState.CANCELLED: ("warn", _l("已取消")),
    PlanState.LAPSED: ("warn", _l("已过期")),
}
SHOWN_PLACES = 4


@blueprint.get("/revisits")
def revisits() -> edge.Answer:
    """The account's plans, the next one due first."""
    rows = []
    uow = edge.current_uow()
    for plan, patient in revisits_service.list_of_account(uow):
        kind, words = STATES[plan.state]
        rows.append(
            {
                "day": show.day_words(plan.due_day),
                "name": identity.name_of(uow, patient),
                "kind": kind,
                "state": str(words),
                "href": url_for("patient.revisit", plan_id=plan.public_id),
            }
        )
    return render_template("patient/revisits.html", plans=rows)


@blueprint.get("/revisits/<plan_id>")
def revisit(plan_id: str) -> edge.Answer:
    """One plan, with the best place and a few others."""
    uow = edge.current_uow()
    plan = revisits_service.plan_of_account(uow, plan_id)
    is_active = plan.state == PlanState.ACTIVE
    kind, words = STATES[plan.state]
    places = [_place(place) for place in revisits_service.places(uow, plan)[:SHOWN_PLACES]] if is_active else []
    return render_template(
        "patient/revisit.html",
        plan_id=plan_id,
        patient_name=family.names(uow)[plan.patient_id],
        day=show.day_words(plan.due_day),
        note=str(NOTES[plan.note_code]),
        kind=kind,
        state=str(words),
        is_active=is_active,
        is_reminding=is_active and revisits_service.is_reminding(uow, plan),
        best=places[0] if places else None,
        others=places[1:],
        booked_href=_booked(uow, plan),
    )


def _place(place: Place) -> dict[str, str]:
    session, who = place.card.session, place.card.practitioner
    return {
        "session_id": session.public_id,
        "who": show.with_title(who.name, who.title),
        "same": gettext("上次就诊的医生") if place.is_same_practitioner else gettext("同科室医生"),
        "when": f"{show.day_words(session.visit_day)} {show.HALF_DAYS[session.half_day]}",
        "fee": show.yuan(session.fee_fen),
        "free": gettext("余 %(places)s", places=place.card.free_places),
    }


def _booked(uow: Uow, plan: FollowUpPlan) -> str:
    held = next((row for row in registrations.list_of_account(uow) if row.id == plan.revisit_id), None)
    if held is None or plan.state not in {PlanState.BOOKED, PlanState.DONE}:
        return ""
    return url_for("patient.registration", registration_id=held.public_id)


@blueprint.post("/revisits/<plan_id>/book")
@edge.not_too_often
@edge.do_once
def book_revisit(plan_id: str) -> edge.Answer:
    """A place for the revisit is held; its fee is the next page's business."""
    held = revisits_service.book(
        edge.current_uow(), plan_public_id=plan_id, session_public_id=request.form.get("session", "")
    )
    return redirect(url_for("patient.registration", registration_id=held.public_id))


@blueprint.post("/revisits/<plan_id>/stop-reminding")
def stop_reminding(plan_id: str) -> edge.Answer:
    """This account is not reminded of the plan any more."""
    revisits_service.opt_out(edge.current_uow(), public_id=plan_id)
    return redirect(url_for("patient.revisit", plan_id=plan_id))
