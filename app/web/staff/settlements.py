"""Settlements with the insurer that need somebody: why, and the ways on."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.insurance import choosing, for_staff
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.payment import insured_refunds
from app.runtime import runtime
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
    deeds = _deeds_of(case) if may_act else ()
    return {
        "at": show_work.exact(case.asked_at),
        "batch": case.batch_no,
        "flaw": _flaw(case),
        "tries": case.tries,
        "tag": show_work.tag(case.state),
        "deeds": [
            {
                "label": str(DEEDS[deed][0]),
                "href": url_for("staff.decide_settlement", case_id=case.public_id, deed=deed),
                "kind": "quiet" if deed == "close" else "plain",
            }
            for deed in deeds
        ],
    }


def _flaw(case: Settlement) -> str:
    if case.flaw == "costs_more":
        return str(gettext("留下的部分比原来要付得多"))
    return case.flaw or "—"


def _deeds_of(case: Settlement) -> tuple[str, ...]:
    if case.state in choosing.NOT_CERTAIN:
        return ("take-back", "by-word")
    if case.state in choosing.NOT_UNDONE:
        return ("by-word",)
    if case.state not in ENDED:
        return ()
    return ("again", "give-all-back") if case.root_split_id is not None else ("again", "self-pay", "close")


@blueprint.post("/settlements/<case_id>/<deed>")
@work.needs(ADMIN, OPERATIONS, FINANCE)
def decide_settlement(case_id: str, deed: str) -> edge.Answer:
    """One of the ways on, as somebody decided; NotFound for a way that is none."""
    if deed not in DEEDS:
        raise NotFound
    _, done, act = DEEDS[deed]
    act(edge.current_uow(), case_id)
    flash(str(done), "ok")
    return redirect(url_for("staff.settlements"))


def _ask_again(uow: Uow, case_id: str) -> None:
    choosing.ask_again(uow, choosing.case_for_staff(uow, case_id)[1])


def _pay_self(uow: Uow, case_id: str) -> None:
    choosing.pay_self(uow, choosing.case_for_staff(uow, case_id)[1])


def _give_all_back(uow: Uow, case_id: str) -> None:
    case, _ = choosing.case_for_staff(uow, case_id)
    insured_refunds.give_all_back(uow, case.id, limit_fen=runtime().settings.refund_approval_fen)


# By the address: the button, what is said when it is done, and what it does.
DEEDS: dict[str, tuple[object, object, Callable[[Uow, str], None]]] = {
    "again": (_l("重新查询"), _l("已重新向医保查询"), _ask_again),
    "self-pay": (_l("改为自费"), _l("已改为自费，请患者支付"), _pay_self),
    "close": (_l("已处理"), _l("已处理"), choosing.close_case),
    "take-back": (_l("再次撤销"), _l("已再次请医保撤销"), choosing.take_back_again),
    "by-word": (_l("医保已确认撤销"), _l("已记录，退款继续"), choosing.take_back_by_word),
    "give-all-back": (_l("整单退费"), _l("已改为整单退费"), _give_all_back),
}
