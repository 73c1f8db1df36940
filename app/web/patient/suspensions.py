"""Why and until when a patient of the account cannot book online, and objecting to it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel.uow import Uow
from app.registration import conduct
from app.registration.models import Suspension
from app.registration.states import SUSPENSION, SuspensionAction, SuspensionState
from app.rulebook.terms import Breach
from app.web import edge, show
from app.web.patient import blueprint

REASONS = {
    Breach.NO_SHOW: _l("%(within_months)s 个月内预约未到 %(breaches)s 次"),
    Breach.LATE_CANCEL: _l("%(within_months)s 个月内临时取消 %(breaches)s 次"),
    Breach.CANCEL: _l("%(within_months)s 个月内退号 %(breaches)s 次"),
    Breach.SAME_DAY_REFUND: _l("%(within_months)s 个月内当日退号 %(breaches)s 次"),
    Breach.NO_SHOW_OR_LATE_CANCEL: _l("%(within_months)s 个月内未到或临时取消 %(breaches)s 次"),
}
STATES = {
    SuspensionState.STANDING: _l("可以申诉"),
    SuspensionState.APPEALED: _l("申诉已收到，等待医院答复"),
    SuspensionState.UPHELD: _l("医院已答复，维持限约"),
    SuspensionState.LIFTED: _l("医院已解除限约"),
}


def reason_words(row: Suspension) -> str:
    """What was counted, in words."""
    return str(REASONS[row.breach]) % {"within_months": row.within_months, "breaches": row.breaches}


@blueprint.get("/suspensions")
def suspensions() -> edge.Answer:
    """The suspensions in force, each with its reason, its end, and a form to object."""
    uow = edge.current_uow()
    return render_template("patient/suspensions.html", rows=[_row(uow, *found) for found in conduct.of_account(uow)])


def _row(uow: Uow, row: Suspension, patient: Patient) -> dict[str, object]:
    return {
        "name": identity.name_of(uow, patient),
        "reason": reason_words(row),
        "until": show.moment(row.ends_at),
        "state": str(STATES[row.state]),
        "answer": row.answer,
        "post": url_for("patient.appeal", suspension_id=row.public_id)
        if SUSPENSION.may(row.state, SuspensionAction.APPEAL)
        else "",
    }


@blueprint.post("/suspensions/<suspension_id>/appeal")
@edge.do_once
def appeal(suspension_id: str) -> edge.Answer:
    """The objection is with the hospital; refuses `appeal_empty`, `illegal_move` for a second one."""
    conduct.appeal(edge.current_uow(), public_id=suspension_id, words=request.form.get("words", ""))
    flash(gettext("申诉已提交，医院会答复"), "ok")
    return redirect(url_for("patient.suspensions"))
