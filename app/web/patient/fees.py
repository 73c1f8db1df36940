"""The fee of a held place that goes through the insurer: being asked about, quoted, being settled, or not to be had."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.insurance import cases, choosing
from app.insurance import service as insurance
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, Purpose
from app.payment.states import BillState
from app.registration import service as registrations
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.web import edge, live, show
from app.web.patient import blueprint
from app.web.patient.bills import lines_of_split

# So long the patient is asked to wait for the insurer, of the ten minutes of a hold.
WAIT = timedelta(seconds=60)
Told = dict[str, object]


@blueprint.get("/registrations/<registration_id>/fee")
@edge.at_once
def fee_live(registration_id: str) -> edge.Answer:
    """What the registration's page says of its fee, or 304 while that is the same."""
    uow = edge.current_uow()
    row = registrations.of_account(uow, registration_id)
    fee = fee_of(uow, row, payment.newest_bill_of(uow, Purpose.REGISTRATION, row.id))
    page = url_for("patient.registration", registration_id=registration_id)
    return live.fragment("patient/_fee.html", fee=fee, page=page)


def fee_of(uow: Uow, row: Registration, bill: Bill | None) -> Told:
    """What to say and to offer; empty for a fee that is no affair of the insurer's, and for a place not held."""
    if row.state != RegistrationState.HELD or row.held_until <= uow.now():
        return {}
    if bill is not None and bill.state == BillState.SETTLING:
        done = gettext("已付款，正在医保结算") if bill.cash_fen else gettext("已确认，正在医保结算")
        text = gettext("通常几秒钟完成，结算后号就是您的。")
        return {"kind": "info", "title": done, "text": text, "is_open": True}
    if bill is not None and bill.state == BillState.OPEN:
        return _quoted(row, bill) if bill.split_id is not None else {}
    case = cases.newest_of(uow, row)
    return _unquoted(uow, row, case) if case is not None else {}


def _quoted(row: Registration, bill: Bill) -> Told:
    covered = show.yuan(bill.total_fen - bill.cash_fen)
    text = gettext("合计 %(total)s，医保和个人账户支付 %(covered)s", total=show.yuan(bill.total_fen), covered=covered)
    return {
        "kind": "warn",
        "title": gettext("待支付挂号费") if bill.cash_fen else gettext("挂号费不用再付，请确认"),
        "amount": show.yuan(bill.cash_fen),
        "text": text if bill.total_fen != bill.cash_fen else "",
        "until": show.clock_time(row.held_until),
        "href": url_for("patient.bill", bill_id=bill.public_id),
        "button": gettext("查看明细并支付") if bill.cash_fen else gettext("查看明细并确认"),
    }


def _unquoted(uow: Uow, row: Registration, case: Settlement) -> Told:
    until = show.clock_time(row.held_until)
    if case.state in choosing.UNDER_WAY:
        text = gettext("结清以后可以重新支付。号为您保留到 %(until)s。", until=until)
        return {"kind": "info", "title": gettext("正在向医保核实上一次结算"), "text": text, "is_open": True}
    if case.state is SettlementState.WANTED:
        return {"kind": "info", "is_open": True, **_asking(uow, row, case, until)}
    return {
        "kind": "warn",
        "title": gettext("医保结算未成功"),
        "text": gettext("没有扣款；已付的费用会原路退回。号为您保留到 %(until)s。", until=until),
        "again_href": url_for("patient.ask_insurer_for_fee", registration_id=row.public_id),
        "self_href": url_for("patient.pay_fee_oneself", registration_id=row.public_id),
    }


def _asking(uow: Uow, row: Registration, case: Settlement, until: str) -> Told:
    """Words for the wait, with what we think it will be, and from the deadline on the way without the insurer."""
    split = insurance.live_split_of(uow, row)
    told: Told = {
        "title": gettext("正在向医保查询挂号费"),
        "estimate": show.yuan(split.cash_fen) if split else "",
        "lines": lines_of_split(uow, split) if split else [],
    }
    waits_until = case.asked_at + WAIT
    if uow.now() < waits_until:
        at = show.clock_time(waits_until + timedelta(minutes=1))
        text = gettext(
            "一般几秒钟就有答复。到 %(at)s 还没有，可以全部自费；号为您保留到 %(until)s。", at=at, until=until
        )
        return {**told, "text": text}
    text = gettext("医保还没有答复。可以再等等，也可以全部自费；号为您保留到 %(until)s。", until=until)
    return {**told, "text": text, "self_href": url_for("patient.pay_fee_oneself", registration_id=row.public_id)}


@blueprint.post("/registrations/<registration_id>/insurance")
def ask_insurer_for_fee(registration_id: str) -> edge.Answer:
    """The insurer is asked anew what it would pay of the fee."""
    uow = edge.current_uow()
    choosing.ask_again(uow, registrations.of_account(uow, registration_id))
    flash(gettext("正在重新向医保查询"), "ok")
    return redirect(url_for("patient.registration", registration_id=registration_id))


@blueprint.post("/registrations/<registration_id>/self-pay")
def pay_fee_oneself(registration_id: str) -> edge.Answer:
    """The patient does not want to wait for insurance and pays the whole fee."""
    uow = edge.current_uow()
    choosing.pay_self(uow, registrations.of_account(uow, registration_id))
    flash(gettext("已改为自费，请支付"), "ok")
    return redirect(url_for("patient.registration", registration_id=registration_id))
