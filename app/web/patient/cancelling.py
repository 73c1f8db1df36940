"""Giving a place back: the page says what that means before anything is done."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask_babel import gettext

from app.identity import service as identity
from app.kernel.uow import Uow
from app.payment.states import BillState
from app.registration import rescheduling
from app.registration import service as registrations
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.web import edge, show
from app.web.patient import blueprint, sold_out
from app.web.patient.visit import Visit, visit_of


@blueprint.get("/registrations/<registration_id>/cancel")
def ask_cancel(registration_id: str) -> edge.Answer:
    """Asks whether the place shall really go back: whose, what of the fee comes back, and whether it counts."""
    uow = edge.current_uow()
    row = registrations.of_account(uow, registration_id)
    found = visit_of(uow, row)
    if not may_cancel(uow, found):
        return redirect(url_for("patient.registration", registration_id=registration_id))
    return render_template(
        "patient/cancel.html",
        registration_id=registration_id,
        name=identity.name_of(uow, found.patient),
        what=f"{show.in_language(found.card.department.name, found.card.department.name_en)} "
        f"{found.card.practitioner.name} · {show.day_words(row.visit_day)} {show.clock_time(found.starts_at)}",
        fee_words=_fee_words(uow, found),
        count_words=_count_words(uow, found),
        may_move=rescheduling.may_move(uow, row),
    )


@blueprint.post("/registrations/<registration_id>/cancel")
def cancel(registration_id: str) -> edge.Answer:
    """The place goes back; a paid fee is refunded by itself."""
    given_back = registrations.cancel(edge.current_uow(), public_id=registration_id)
    sold_out.forget()
    return redirect(url_for("patient.registration", registration_id=given_back.public_id))


def may_cancel(uow: Uow, found: Visit) -> bool:
    """True while the place can be given back online."""
    closes_at = registrations.cancel_closes(uow, found.registration)
    is_late = closes_at is not None and closes_at < found.now
    state = found.registration.state
    return REGISTRATION.may(state, RegistrationAction.CANCEL) and not (state == RegistrationState.BOOKED and is_late)


def cancel_words(uow: Uow, found: Visit) -> str:
    """Until when, and whether the fee comes back."""
    closes_at = registrations.cancel_closes(uow, found.registration)
    if closes_at is None or found.registration.state != RegistrationState.BOOKED:
        return str(gettext("可以在线取消。"))
    until = show.moment(closes_at)
    if registrations.is_substituted(uow, found.registration):
        return str(gettext("医生有调整：%(until)s 前可取消，不计次数，已付费用全额退回。", until=until))
    if registrations.refund_percent_now(uow, found.registration):
        return str(gettext("%(until)s 前可在线取消，已付费用原路退回。", until=until))
    return str(gettext("%(until)s 前可在线取消；按医院规则，现在取消不退挂号费。", until=until))


def _fee_words(uow: Uow, found: Visit) -> str:
    """What becomes of the fee of whoever cancels now."""
    row = found.registration
    bill = found.fee_bill
    if bill is not None and bill.state == BillState.SETTLING:
        return str(gettext("正在医保结算：您付的 %(fee)s 原路退回，医保部分撤销。", fee=show.yuan(bill.cash_fen)))
    if row.state != RegistrationState.BOOKED or not row.fee_fen:
        return str(gettext("还没有付款，不会扣款。")) if row.fee_fen else ""
    if row.fee_is_insured and bill is not None:
        own, covered = show.yuan(bill.cash_fen), show.yuan(bill.total_fen - bill.cash_fen)
        return str(
            gettext("医保支付的 %(covered)s 先退回医保，您付的 %(own)s 随后原路退回。", covered=covered, own=own)
        )
    percent = registrations.refund_percent_now(uow, row)
    if not percent:
        return str(gettext("按医院规则，现在取消不退挂号费。"))
    if percent < 100:
        return str(gettext("按医院规则，挂号费退回 %(percent)s%%，原路返回。", percent=percent))
    return str(gettext("挂号费 %(fee)s 原路退回。", fee=show.yuan(row.fee_fen)))


def _count_words(uow: Uow, found: Visit) -> str:
    """That the hospital counts it, and what it leads to; '' when it does not."""
    limit = registrations.limit_of_cancelling(uow, found.registration)
    if limit is None:
        return ""
    return str(
        gettext(
            "按医院规则，现在取消会记一次；%(within)s 个月内满 %(breaches)s 次，暂停网上预约 %(months)s 个月。",
            within=limit.within_months,
            breaches=limit.breaches,
            months=limit.suspend_months,
        )
    )
