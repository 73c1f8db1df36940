"""Settlements with the insurer that need somebody: why, and the two ways on."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.insurance import choosing, for_staff
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.web import edge, show_work, work
from app.web.staff import ADMIN, AUDITOR, FINANCE, OPERATIONS, PLACE, blueprint

ENDED = (SettlementState.HELD, SettlementState.FAILED)


@blueprint.get("/settlements")
@work.needs(ADMIN, OPERATIONS, FINANCE, AUDITOR)
def settlements() -> edge.Answer:
    """What is held, what was refused, and about what the insurer does not answer."""
    uow = edge.current_uow()
    may_act = bool(edge.actor().roles & {ADMIN, OPERATIONS, FINANCE})
    rows = [_row(case, may_act=may_act) for case in for_staff.to_look_at(uow)]
    return work.page("staff/settlements.html", PLACE, rows=rows)


def _row(case: Settlement, *, may_act: bool) -> dict[str, object]:
    acts = may_act and case.state in ENDED
    return {
        "at": show_work.exact(case.asked_at),
        "batch": case.batch_no,
        "flaw": case.flaw or "—",
        "tries": case.tries,
        "tag": show_work.tag(case.state),
        "again_href": url_for("staff.settle_again", case_id=case.public_id) if acts else "",
        "self_href": url_for("staff.settle_by_self_pay", case_id=case.public_id) if acts else "",
        "done_href": url_for("staff.close_settlement", case_id=case.public_id) if acts else "",
    }


@blueprint.post("/settlements/<case_id>/again")
@work.needs(ADMIN, OPERATIONS, FINANCE)
def settle_again(case_id: str) -> edge.Answer:
    """The insurer is asked anew, under a new batch number."""
    uow = edge.current_uow()
    choosing.ask_again(uow, choosing.case_for_staff(uow, case_id)[1])
    flash(gettext("已重新向医保查询"), "ok")
    return redirect(url_for("staff.settlements"))


@blueprint.post("/settlements/<case_id>/self-pay")
@work.needs(ADMIN, OPERATIONS, FINANCE)
def settle_by_self_pay(case_id: str) -> edge.Answer:
    """The patient asked to pay all of it."""
    uow = edge.current_uow()
    choosing.pay_self(uow, choosing.case_for_staff(uow, case_id)[1])
    flash(gettext("已改为自费，请患者支付"), "ok")
    return redirect(url_for("staff.settlements"))


@blueprint.post("/settlements/<case_id>/close")
@work.needs(ADMIN, OPERATIONS, FINANCE)
def close_settlement(case_id: str) -> edge.Answer:
    """Somebody has looked: the case is off the list, and what was uploaded is withdrawn."""
    uow = edge.current_uow()
    choosing.close_case(uow, case_id)
    flash(gettext("已处理"), "ok")
    return redirect(url_for("staff.settlements"))
