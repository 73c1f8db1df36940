"""Refunds by hand: which lines and how many pieces, for what reason; above the limit another person decides."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import for_staff
from app.kernel import audit
from app.kernel.logbook import PAGE_ROWS
from app.kernel.uow import Uow
from app.payment import claims, held_refunds
from app.payment import service as payment
from app.payment.held_refunds import HeldUp
from app.payment.models import Bill, BillLine, Refund, RefundClaim
from app.payment.refunds import REFUNDABLE
from app.payment.states import ClaimState
from app.runtime import runtime
from app.web import edge, show, show_work, work
from app.web.staff import AUDITOR, CASHIER, FINANCE, PLACE, blueprint

PROVIDERS = {"wechat": _l("微信支付"), "alipay": _l("支付宝")}
# By the provider's code: why a refund waits, and what to do.
_TOP_UP = (_l("商户账户余额不足"), _l("请为商户账户充值，然后点“已充值，立即重试”。"))
_SIGNATURE = (_l("签名未被接受"), _l("请信息科核对商户密钥和证书。"))
HELD_UP = {
    **dict.fromkeys(held_refunds.SHORT, _TOP_UP),
    **dict.fromkeys(("SIGN_ERROR", "isv.invalid-signature"), _SIGNATURE),
    "FREQUENCY_LIMITED": (_l("支付平台限制了频率"), _l("会自动重试，不用处理。")),
    "provider_away": (_l("支付平台没有回答"), _l("会自动重试，不用处理。")),
}


@blueprint.get("/refunds")
@work.needs(FINANCE, CASHIER, AUDITOR)
def refund_claims() -> edge.Answer:
    """What the provider does not take on at present, what waits for a second person; then what was decided."""
    uow = edge.current_uow()
    held = held_refunds.held_up(uow)
    is_short = any(map(held_refunds.is_short, held))
    rows = claims.waiting_and_recent(uow)
    names = for_staff.names(uow, {by for claim, _ in rows for by in (claim.asked_by, claim.decided_by) if by})
    waiting = [_claim(claim, bill, names) for claim, bill in rows if claim.state == ClaimState.WAITING]
    decided = [_claim(claim, bill, names) for claim, bill in rows if claim.state != ClaimState.WAITING]
    return work.page(
        "staff/refunds.html",
        PLACE,
        held=[_held(each, uow.now()) for each in held[:PAGE_ROWS]],
        held_count=len(held),
        held_total=show.yuan(sum(each.refund.amount_fen for each in held)),
        try_now=url_for("staff.try_refunds") if is_short and FINANCE in edge.actor().roles else "",
        waiting=waiting,
        decided=decided,
    )


@blueprint.post("/refunds/again")
@work.needs(FINANCE)
def try_refunds() -> edge.Answer:
    """The merchant's account was topped up: the refunds that waited for it are tried at once."""
    held_refunds.try_now(edge.current_uow())
    flash(gettext("即将重试"), "ok")
    return redirect(url_for("staff.refund_claims"))


@blueprint.get("/refunds/bills/<bill_id>")
@work.needs(FINANCE, CASHIER)
def refund_bill(bill_id: str) -> edge.Answer:
    """The bill's lines with what is left of each; that it was looked at is on record."""
    uow = edge.current_uow()
    bill = claims.bill_named(uow, bill_id)
    audit.record(uow, "bill.read", "bill", bill.public_id, page="staff.refund_bill")
    return work.page(
        "staff/refund_bill.html",
        PLACE,
        facts=_facts(uow, bill),
        refunds=[_sent_back(refund) for refund in payment.refunds_of(uow, bill.id)],
        lines=[_line(line) for line in payment.lines_of(uow, bill.id)] if bill.state in REFUNDABLE else [],
        post=url_for("staff.ask_refund", bill_id=bill.public_id),
        limit=show.yuan(runtime().settings.refund_approval_fen),
        once=edge.once_key(),
    )


@blueprint.post("/refunds/bills/<bill_id>")
@work.needs(FINANCE, CASHIER)
@edge.do_once
def ask_refund(bill_id: str) -> edge.Answer:
    """Part of the bill goes back, or waits for a second person; refuses as `claims.ask` does."""
    uow = edge.current_uow()
    pieces = {
        line_no: work.whole(value.strip() or "0") or 0
        for name, value in request.form.items()
        if name.startswith("line-") and (line_no := work.whole(name.removeprefix("line-"))) is not None
    }
    claim = claims.ask(
        uow,
        claims.bill_named(uow, bill_id),
        {line_no: quantity for line_no, quantity in pieces.items() if quantity},
        reason=work.typed("reason", 200),
        limit_fen=runtime().settings.refund_approval_fen,
    )
    is_waiting = claim.state == ClaimState.WAITING
    flash(gettext("已提交，等待第二人复核") if is_waiting else gettext("退费已发起"), "ok")
    return redirect(url_for("staff.refund_claims"))


@blueprint.post("/refunds/<claim_id>")
@work.needs(FINANCE)
def decide_refund(claim_id: str) -> edge.Answer:
    """Another person agrees or does not; refuses `second_person_needed`, `illegal_move`."""
    uow = edge.current_uow()
    if work.typed("deed", 8) == "grant":
        claims.grant(uow, public_id=claim_id)
        flash(gettext("已同意，退费已发起"), "ok")
    else:
        claims.decline(uow, public_id=claim_id)
        flash(gettext("已拒绝"), "ok")
    return redirect(url_for("staff.refund_claims"))


def _held(held: HeldUp, now: datetime) -> list[object]:
    why, next_step = HELD_UP.get(held.code, (held.code, HELD_UP["provider_away"][1]))
    since = gettext("%(time)s 前", time=show_work.ago_words(held.refund.requested_at, now))
    return [
        f"{show_work.exact(held.refund.requested_at)} · {since}",
        held.refund.out_refund_no,
        str(PROVIDERS[held.provider]),
        show.yuan(held.refund.amount_fen),
        str(why),
        str(next_step),
        show_work.exact(held.next_at),
    ]


def _claim(claim: RefundClaim, bill: Bill, names: dict[int, str]) -> dict[str, object]:
    is_own = claim.asked_by == edge.actor().id
    lines = show.listed(gettext("第 %(line)s 行 × %(count)s", line=line, count=count) for line, count in claim.lines)
    return {
        "title": f"{show_work.PURPOSES[bill.purpose]} · {show.yuan(claim.total_fen)}",
        "rows": [
            {"label": gettext("账单"), "value": bill.public_id},
            {"label": gettext("退回"), "value": lines},
            {"label": gettext("理由"), "value": claim.reason},
            {"label": gettext("申请人"), "value": names.get(claim.asked_by, "")},
            {"label": gettext("申请时间"), "value": show_work.exact(claim.asked_at)},
        ],
        "cells": [
            show_work.exact(claim.asked_at),
            show.yuan(claim.total_fen),
            claim.reason,
            names.get(claim.asked_by, ""),
            names.get(claim.decided_by or 0, "—"),
            show_work.tag(claim.state),
        ],
        "post": ""
        if is_own or FINANCE not in edge.actor().roles
        else url_for("staff.decide_refund", claim_id=claim.public_id),
    }


def _facts(uow: Uow, bill: Bill) -> list[dict[str, str]]:
    return [
        {"label": gettext("患者"), "value": for_staff.patient_by_id(uow, bill.patient_id).name_masked},
        {"label": gettext("项目"), "value": str(show_work.PURPOSES[bill.purpose])},
        {"label": gettext("合计"), "value": show.yuan(bill.total_fen)},
        {"label": gettext("医保"), "value": show.yuan(bill.fund_fen + bill.other_fen + bill.account_fen)},
        {"label": gettext("现金"), "value": show.yuan(bill.cash_fen)},
        {"label": gettext("状态"), "value": show_work.tag(bill.state)["text"]},
    ]


def _sent_back(refund: Refund) -> list[object]:
    return [
        show_work.exact(refund.requested_at),
        refund.out_refund_no,
        show.yuan(refund.amount_fen),
        show.yuan(refund.fund_fen + refund.other_fen + refund.account_fen),
        refund.failure or "—",
        show_work.tag(refund.state),
    ]


def _line(line: BillLine) -> dict[str, object]:
    return {
        "no": line.line_no,
        "name": f"{line.line_no}. {line.name}",
        "facts": gettext(
            "%(quantity)s%(unit)s · %(amount)s，已退 %(back)s%(unit)s",
            quantity=line.quantity,
            unit=line.unit,
            amount=show.yuan(line.amount_fen),
            back=line.refunded_quantity,
        ),
        "left": line.quantity - line.refunded_quantity,
    }
