"""The patient's front page: the visit of now, its timeline, and one button."""

from __future__ import annotations

from flask import render_template, session

from app.analytics import traces
from app.identity.models import Patient
from app.kernel.uow import Uow
from app.notifications import service as notifications
from app.payment import service as payment
from app.payment.states import BillState
from app.web import edge, live
from app.web.patient import blueprint, family
from app.web.patient.headline import headline
from app.web.patient.timeline import steps
from app.web.patient.visit import current_of, visit_of


@blueprint.get("/")
def home() -> edge.Answer:
    """What to do now and where, then the steps of the visit; without a visit, two ways to begin one."""
    uow = edge.current_uow()
    patient = family.chosen_patient(uow)
    unpaid = [bill for bill in payment.list_of_account(uow) if bill.state == BillState.OPEN]
    return render_template(
        "patient/home.html",
        patient_switch=family.switch_of(uow, patient) if patient else None,
        has_patient=patient is not None,
        unpaid=len(unpaid),
        unread=notifications.unread_count(uow),
        **_current(uow, patient),
    )


@blueprint.get("/live")
@edge.at_once
def home_live() -> edge.Answer:
    """The part of the front page that changes by itself, or 304 while nothing has happened."""
    uow = edge.current_uow()
    trace = (session.get(family.CHOSEN), traces.of_account(uow))
    return live.news("patient/_visit.html", trace, lambda: _current(uow, family.chosen_patient(uow)))


def _current(uow: Uow, patient: Patient | None) -> dict[str, object]:
    registration = current_of(uow, patient) if patient else None
    if registration is None:
        return {"head": None, "steps": []}
    visit = visit_of(uow, registration, patient)
    return {"head": headline(visit), "steps": steps(visit)}
