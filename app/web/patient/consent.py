"""A guardian's consent (监护人同意) for a child's record: read, given, and taken back just as easily."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.identity import guardians
from app.identity import service as identity
from app.identity.errors import GuardianNameMissing
from app.kernel.uow import Uow
from app.registration import listing
from app.web import consent_words, edge
from app.web.paths import lead_back, own_path
from app.web.patient import blueprint

FIELDS = ("guardian", "guardianship", "consent", "next")


@blueprint.get("/patients/<patient_id>/consent")
def consent(patient_id: str) -> edge.Answer:
    """What was agreed to and by whom, with the way back; or the form. Who is no child is led away."""
    return _page(edge.current_uow(), patient_id, {"next": own_path(request.args.get("next", ""))})


def _page(uow: Uow, patient_id: str, typed: dict[str, str], flaw: str = "") -> edge.Answer:
    patient = identity.patient_of_account(uow, patient_id)
    told = consent_words.told(uow, patient)
    if told is None:
        return redirect(url_for("patient.patients"))
    return render_template(
        "patient/consent.html",
        name=identity.name_of(uow, patient),
        patient_id=patient_id,
        told=told,
        asked=consent_words.asked_for(),
        standing=listing.count_standing(uow, patient),
        typed=typed,
        errors=[{"field": "guardian" if "consent" in typed else "consent", "text": flaw}] if flaw else [],
    ), 422 if flaw else 200


@blueprint.post("/patients/<patient_id>/consent")
def give_consent(patient_id: str) -> edge.Answer:
    """The consent stands, and the page that asked for it follows."""
    uow = edge.current_uow()
    patient = identity.patient_of_account(uow, patient_id)
    typed = {name: request.form[name] for name in FIELDS if name in request.form}
    said = consent_words.read(typed)
    if said is None:
        return _page(uow, patient_id, typed, str(gettext("请阅读后勾选“我同意”")))
    try:
        guardians.give(uow, patient, said)
    except GuardianNameMissing:
        return _page(uow, patient_id, typed, str(gettext("请填写监护人证件上的姓名")))
    flash(gettext("已记录监护人同意"), "ok")
    return redirect(lead_back(typed["next"]) if own_path(typed.get("next", "")) else url_for("patient.patients"))


@blueprint.post("/patients/<patient_id>/consent/withdraw")
def withdraw_consent(patient_id: str) -> edge.Answer:
    """Nothing new is booked for the child; what was booked stands, which the page says."""
    uow = edge.current_uow()
    guardians.withdraw(uow, identity.patient_of_account(uow, patient_id))
    flash(gettext("已撤回监护人同意"), "ok")
    return redirect(url_for("patient.consent", patient_id=patient_id))
