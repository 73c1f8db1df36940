"""The visit told in steps: what is done, what is now, what comes next and where."""

from __future__ import annotations

from collections.abc import Callable

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.payment.states import BillState
from app.pharmacy.states import BagState
from app.registration.states import RegistrationState
from app.revisit.states import PlanState
from app.web import line_words, show
from app.web.patient.visit import Visit

Step = dict[str, str]
STEPS: tuple[tuple[str, object], ...] = (
    ("register", _l("挂号")),
    ("check_in", _l("签到")),
    ("wait", _l("候诊")),
    ("see", _l("就诊")),
    ("pay", _l("缴费")),
    ("collect", _l("取药")),
    ("invoice", _l("发票")),
    ("revisit", _l("复诊")),
)
_ORDER = [name for name, _ in STEPS]
# At which step a visit in this stage stands.
_STEP_OF_STAGE = {
    "held": "register",
    "expired": "register",
    "cancelled": "register",
    "booked": "check_in",
    "check_in": "check_in",
    "no_show": "check_in",
    "waiting": "wait",
    "called": "wait",
    "passed": "wait",
    "away": "wait",
    "serving": "see",
    "review": "pay",
    "insurance": "pay",
    "pay": "pay",
    "picking": "collect",
    "pickup": "collect",
    "revisit": "revisit",
}
_PROBLEMS = {"expired", "cancelled", "no_show", "passed"}


def steps(visit: Visit) -> list[Step]:
    """The eight steps with their state, a note and a link where there is something to see."""
    stage = visit.stage
    at = _ORDER.index(_STEP_OF_STAGE[stage]) if stage in _STEP_OF_STAGE else len(_ORDER)
    told = []
    for place, (name, title) in enumerate(STEPS):
        state = "done" if place < at else "todo" if place > at else "problem" if stage in _PROBLEMS else "current"
        told.append({"title": str(title), "state": state, **_DETAILS[name](visit, state)})
    return told


def _register(visit: Visit, _state: str) -> Step:
    department = show.in_language(visit.card.department.name, visit.card.department.name_en)
    when = f"{show.day_words(visit.registration.visit_day)} {show.clock_time(visit.starts_at)}"
    href = url_for("patient.registration", registration_id=visit.registration.public_id)
    return {
        "note": f"{department} {visit.card.practitioner.name} {when}",
        "state_text": show.state_words(visit.registration.state) if _is_lost(visit) else "",
        "href": href,
        "action": gettext("挂号详情"),
    }


def _is_lost(visit: Visit) -> bool:
    return visit.registration.state in {RegistrationState.EXPIRED, RegistrationState.CANCELLED}


def _check_in(visit: Visit, state: str) -> Step:
    if visit.ticket:
        return {"note": gettext("%(at)s 已签到", at=show.clock_time(visit.ticket.checked_in_at))}
    if state == "todo" or visit.stage in {"no_show", "done", "revisit"}:
        return {}
    return {"note": gettext("%(at)s 起可以签到", at=show.clock_time(visit.check_in_opens_at))}


def _wait(visit: Visit, _state: str) -> Step:
    if not visit.ticket:
        return {}
    href = url_for("patient.visit", registration_id=visit.registration.public_id)
    note = f"{visit.ticket.number} · {line_words.room(visit.rooms)}"
    return {"note": note, "href": href, "action": gettext("查看候诊")}


def _see(visit: Visit, _state: str) -> Step:
    return {"note": line_words.room(visit.rooms)} if visit.stage == "serving" else {}


def _pay(visit: Visit, state: str) -> Step:
    if visit.unpaid and visit.unpaid.bill:
        href = url_for("patient.bill", bill_id=visit.unpaid.bill.public_id)
        return {
            "note": gettext("需自付 %(amount)s", amount=show.yuan(visit.unpaid.bill.cash_fen)),
            "href": href,
            "action": gettext("去缴费"),
        }
    if visit.stage == "review":
        return {"note": gettext("药师正在审核处方"), "state_text": gettext("审核中")}
    if visit.stage == "insurance":
        return _insurance(visit)
    paid = next((errand.bill for errand in visit.errands if errand.bill), None)
    if paid:
        return {"href": url_for("patient.bill", bill_id=paid.public_id), "action": gettext("查看账单")}
    return _none_this_time(state)


def _insurance(visit: Visit) -> Step:
    """How far it is between the insurer's figures and its settlement."""
    errand = visit.unsettled
    if errand and errand.has_failed:
        return {"note": gettext("医保结算未成功"), "state_text": gettext("需处理")}
    if errand and errand.bill and errand.bill.state is BillState.SETTLING:
        return {"note": gettext("正在医保结算"), "state_text": gettext("结算中")}
    return {"note": gettext("正在向医保查询金额"), "state_text": gettext("查询中")}


def _none_this_time(state: str) -> Step:
    """A step the visit has passed without needing it."""
    return {"state_text": gettext("本次无需")} if state == "done" else {}


def _collect(visit: Visit, state: str) -> Step:
    errand = visit.errand(BagState.READY, BagState.BEING_SERVED, BagState.QUEUED, BagState.PICKING, BagState.COLLECTED)
    if errand is None or errand.bag is None:
        return _none_this_time(state)
    href = url_for("patient.pickup", bag_id=errand.bag.public_id)
    note = show.window_words(errand.window.name, errand.window.location) if errand.window else ""
    return {"note": note, "href": href, "action": gettext("取药码") if state == "current" else gettext("查看")}


def _invoice(visit: Visit, state: str) -> Step:
    if visit.invoices:
        note = gettext("已开具 %(count)s 张", count=len(visit.invoices))
        words = {"state_text": gettext("已开具")} if state != "done" else {}
        return {"note": note, "href": url_for("patient.invoices"), "action": gettext("查看票据"), **words}
    return _none_this_time(state)


def _revisit(visit: Visit, state: str) -> Step:
    if visit.plan is None or visit.plan.state in {PlanState.CANCELLED, PlanState.LAPSED}:
        return {"state": "todo", "state_text": gettext("遵医嘱")} if state != "current" else {}
    href = url_for("patient.revisit", plan_id=visit.plan.public_id)
    note = gettext("建议 %(day)s 前后", day=show.day_words(visit.plan.due_day))
    is_booked = visit.plan.state in {PlanState.BOOKED, PlanState.DONE}
    words = {"state": "done", "state_text": gettext("已预约")} if is_booked else {}
    return {"note": note, "href": href, "action": gettext("查看复诊") if is_booked else gettext("一键预约"), **words}


_DETAILS: dict[str, Callable[[Visit, str], Step]] = {
    "register": _register,
    "check_in": _check_in,
    "wait": _wait,
    "see": _see,
    "pay": _pay,
    "collect": _collect,
    "invoice": _invoice,
    "revisit": _revisit,
}
