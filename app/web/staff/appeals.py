"""Objections of patients who were suspended, and the hospital's answers."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.identity.models import Patient
from app.kernel.errors import Refused
from app.kernel.uow import Uow
from app.registration import conduct
from app.registration.models import Suspension
from app.web import edge, show, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint, rule_words


class AnswerReasonMissing(Refused):
    """The patient reads why."""

    code = "reason_required"
    http_status = 422


@blueprint.get("/appeals")
@work.needs(ADMIN, OPERATIONS)
def appeals() -> edge.Answer:
    """The objections that wait, the oldest first; that each was read is on record."""
    uow = edge.current_uow()
    return work.page("staff/appeals.html", PLACE, rows=[_row(uow, *found) for found in conduct.appeals(uow)])


def _row(uow: Uow, row: Suspension, patient: Patient) -> dict[str, object]:
    return {
        "id": row.public_id,
        "name": patient.name_masked,
        "reason": f"{rule_words.BREACHES[row.breach]} × {row.breaches}",
        "until": show.moment(row.ends_at),
        "since": show.moment(row.appealed_at) if row.appealed_at else "",
        "words": conduct.words_of(uow, row),
        "post": url_for("staff.answer_appeal", suspension_id=row.public_id),
    }


@blueprint.post("/appeals/<suspension_id>")
@work.needs(ADMIN, OPERATIONS)
def answer_appeal(suspension_id: str) -> edge.Answer:
    """The suspension is lifted, or stands, for the reason given; refuses `reason_required`, `illegal_move`."""
    why = work.typed("reason", 200)
    if not why:
        raise AnswerReasonMissing
    is_granted = work.typed("deed", 8) == "lift"
    conduct.answer(edge.current_uow(), public_id=suspension_id, is_granted=is_granted, why=why)
    flash(gettext("已解除限约") if is_granted else gettext("已维持限约"), "ok")
    return redirect(url_for("staff.appeals"))
