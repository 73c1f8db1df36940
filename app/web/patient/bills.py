"""What is to be paid: each line with what insurance pays of it and why, and what is left to the patient."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import service as identity
from app.insurance import consents
from app.insurance import service as insurance
from app.insurance.models import Split, SplitLine, SplitSource
from app.kernel.uow import Uow
from app.payment import asking, mixing
from app.payment import service as payment
from app.payment.models import Bill, BillLine, Purpose
from app.payment.states import BillState, OrderState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.registration import service as registrations
from app.web import edge, refund_words, show
from app.web.insurance_words import reason, why_so_much
from app.web.patient import blueprint, family, ways_to_pay

PURPOSES = {Purpose.REGISTRATION: _l("挂号费"), Purpose.PRESCRIPTION: _l("药费")}

TOTALS = {Purpose.REGISTRATION: _l("挂号费合计"), Purpose.PRESCRIPTION: _l("药费合计")}


@blueprint.get("/bills")
def bills() -> edge.Answer:
    """The account's bills: what is to be paid first, then what was paid."""
    uow = edge.current_uow()
    names = family.names(uow)
    rows = [_row(found, names) for found in payment.list_of_account(uow)]
    return render_template(
        "patient/bills.html",
        unpaid=[row for row in rows if row["state_name"] == BillState.OPEN],
        others=[row for row in rows if row["state_name"] != BillState.OPEN],
    )


def _row(found: Bill, names: dict[int, str]) -> dict[str, object]:
    is_to_confirm = found.state == BillState.OPEN and found.cash_fen == 0
    return {
        "title": str(PURPOSES[found.purpose]),
        "name": names[found.patient_id],
        "at": show.moment(found.opened_at),
        "amount": show.yuan(found.cash_fen),
        "kind": show.state_kind(found.state),
        "state": gettext("待确认") if is_to_confirm else show.state_words(found.state),
        "button": gettext("查看明细并确认") if is_to_confirm else gettext("查看明细并支付"),
        "state_name": found.state,
        "href": url_for("patient.bill", bill_id=found.public_id),
    }


@blueprint.get("/bills/<bill_id>")
def bill(bill_id: str) -> edge.Answer:
    """One bill: the patient's part large, a button while it is open, and every line with its reason."""
    uow = edge.current_uow()
    found = payment.bill_of_account(uow, bill_id)
    split = insurance.split_of(uow, found.split_id)
    return render_template(
        "patient/bill.html",
        bill=_row(found, family.names(uow)),
        bill_id=bill_id,
        is_open=found.state == BillState.OPEN,
        is_void=found.state == BillState.VOID,
        received=received(uow, found),
        is_free=found.cash_fen == 0,
        can_pay=found.cash_fen == 0 or bool(ways_to_pay.offered()),
        by=show.clock_time(found.expires_at) if found.expires_at else "",
        minutes=show.minutes_left(found.expires_at, uow.now()) if found.expires_at else 0,
        is_late=found.expires_at is not None and found.expires_at <= uow.now(),
        lines=_lines(uow, found),
        why=why_so_much(split) if split else [],
        total_label=str(TOTALS[found.purpose]),
        total=show.yuan(found.total_fen),
        fund=show.yuan(-found.fund_fen) if split else "",
        by_whom=_by_whom(split),
        uncovered=_uncovered(uow, split) if split and found.state == BillState.OPEN else [],
        totals=_totals(found),
        subject=_subject(uow, found),
        mixed=_mixed(uow, found),
        other_ways=ways_to_pay.others() if found.cash_fen else [],
        refunds=refund_words.rows_of(uow, found),
    )


def received(uow: Uow, found: Bill) -> dict[str, str]:
    """What is said of an open bill for which money has come already, so that nobody pays it twice; empty otherwise."""
    state = asking.money_of_open(uow, found)
    if state is None:
        return {}
    if state is OrderState.PAID:
        return {"title": gettext("已收到您的付款"), "text": gettext("正在处理，请稍候，不要重复付款。")}
    return {
        "title": gettext("支付结果还不明确"),
        "text": gettext("医院正在与支付平台核对，请不要重复付款。如有疑问，请到收费窗口咨询。"),
    }


def _by_whom(split: Split | None) -> str:
    """Whose figures the bill has: the insurer's, or our estimate of them."""
    if split is None or not split.coverage_id:
        return ""
    return str(gettext("医保支付（已核定）") if split.source is SplitSource.INSURER else gettext("医保支付（预估）"))


def _uncovered(uow: Uow, split: Split) -> list[dict[str, object]]:
    """What the patient must agree to pay before anything is charged, or may leave out."""
    waiting = {line.line_no for line in consents.without_consent(uow, split)}
    return [
        {
            "line_no": line.line_no,
            "name": line.drug_name,
            "amount": show.yuan(line.amount_fen),
            "is_agreed": line.line_no not in waiting,
        }
        for line in consents.uncovered(uow, split)
    ]


def lines_of_split(uow: Uow, split: Split) -> list[dict[str, str]]:
    """A split's lines as a bill has them, for one that has no bill yet."""
    return [
        {
            "name": line.drug_name,
            "spec": "",
            "amount": show.yuan(line.amount_fen),
            "insurance": show.yuan(line.fund_fen + line.other_fen),
            "self": show.yuan(line.account_fen + line.cash_fen),
            "reason": reason(line.chargeable_class, line.rules),
        }
        for line in insurance.lines_of(uow, split.id)
    ]


def _mixed(uow: Uow, found: Bill) -> str:
    """What all of the bill comes to, when it can be settled and paid in one go here; '' otherwise."""
    if found.state != BillState.OPEN or ways_to_pay.mixing() is None or not mixing.may_mix(uow, found):
        return ""
    return show.yuan(found.total_fen) if identity.openid_of_account(uow, uow.actor.id or 0) else ""


def _lines(uow: Uow, found: Bill) -> list[dict[str, str]]:
    splits = {line.line_no: line for line in insurance.lines_of(uow, found.split_id)} if found.split_id else {}
    return [_line(line, splits) for line in payment.lines_of(uow, found.id)]


def _line(line: BillLine, splits: Mapping[int, SplitLine]) -> dict[str, str]:
    split = splits.get(line.line_no)
    return {
        "name": gettext("挂号费") if line.invoice_category == "registration" else line.name,
        "spec": show.amount_words(f"{line.spec} × {line.quantity} {line.unit}".strip(" ×")),
        "amount": show.yuan(line.amount_fen),
        "insurance": show.yuan(line.fund_fen + line.other_fen),
        "self": show.yuan(line.account_fen + line.cash_fen),
        "reason": reason(split.chargeable_class, split.rules) if split else "",
    }


def _totals(found: Bill) -> list[dict[str, object]]:
    rows = [
        (gettext("合计"), found.total_fen, True),
        (gettext("医保统筹支付"), found.fund_fen, found.split_id is not None),
        (gettext("其他基金支付"), found.other_fen, found.other_fen > 0),
        (gettext("个人账户支付"), found.account_fen, found.account_fen > 0),
    ]
    shown: list[dict[str, object]] = [
        {"label": label, "amount": show.yuan(amount_fen)} for label, amount_fen, is_shown in rows if is_shown
    ]
    return [*shown, {"label": gettext("个人自付"), "amount": show.yuan(found.cash_fen), "strong": True}]


def _subject(uow: Uow, found: Bill) -> dict[str, str]:
    """The page of what the bill is for; the list of such things when it is not among the newest."""
    if found.purpose == Purpose.REGISTRATION:
        held = registration_of(uow, found)
        return {"label": gettext("挂号详情"), "href": held or url_for("patient.registrations_list")}
    written = _prescription_of(uow, found)
    if written is None:
        return {}
    return {"label": gettext("处方详情"), "href": url_for("patient.prescription", prescription_id=written.public_id)}


def _prescription_of(uow: Uow, found: Bill) -> Prescription | None:
    """What the drugs of the bill were prescribed by; None for a fee and when it is not among the newest."""
    if found.purpose != Purpose.PRESCRIPTION:
        return None
    return next((row for row in prescriptions.list_of_account(uow) if row.id == found.subject_id), None)


def registration_of(uow: Uow, found: Bill, endpoint: str = "patient.registration") -> str:
    """The page of the registration that the bill belongs to; '' when there is none or it is not among the newest."""
    written = _prescription_of(uow, found)
    wanted = found.subject_id if found.purpose == Purpose.REGISTRATION else written and written.registration_id
    held = next((row for row in registrations.list_of_account(uow) if row.id == wanted), None)
    return url_for(endpoint, registration_id=held.public_id) if held else ""
