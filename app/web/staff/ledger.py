"""The ledger: a day's trial balance with its nightly proof, the day's journals, and all that one bill moved."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel import audit
from app.kernel.money import yuan_text
from app.kernel.uow import Uow
from app.ledger import for_staff, proving
from app.ledger.accounts import Account, Movement
from app.ledger.models import Journal, Proof
from app.web import edge, show, show_work, work
from app.web.staff import AUDITOR, FINANCE, OPERATIONS, PLACE, blueprint
from app.web.staff.lists import before_id, day_field, paging

ACCOUNTS = {
    Account.IN_TRANSIT: _l("在途资金"),
    Account.FUND: _l("应收统筹基金"),
    Account.OTHER_FUND: _l("应收其他基金"),
    Account.PERSONAL_ACCOUNT: _l("应收个人账户"),
    Account.ADVANCE: _l("预收医疗款"),
    Account.REFUNDS_PAYABLE: _l("应退款"),
    Account.INCOME: _l("医疗收入"),
}
MOVEMENTS = {
    Movement.RECEIVE: _l("收到患者付款"),
    Movement.INSURE: _l("医保结算"),
    Movement.UNINSURE: _l("医保撤销"),
    Movement.EARN: _l("账单结清"),
    Movement.GIVE_BACK: _l("退款发起"),
    Movement.ARRIVE_BACK: _l("退款到账"),
}
PARTIES = {
    "wechat": _l("微信支付"),
    "alipay": _l("支付宝"),
    "window": _l("收费窗口"),
    "patient": _l("患者"),
    "insurer": _l("医保"),
    "registration": _l("挂号"),
    "prescription": _l("处方"),
    "": _l("无"),
}
FLAWS = {
    "journal_unbalanced": _l("凭证借贷不平"),
    "received_differs": _l("收款与支付单不符"),
    "earned_differs": _l("收入与账单不符"),
    "given_back_differs": _l("应退款与退款单不符"),
    "returned_differs": _l("医保部分退回与退款单不符"),
    "arrived_back_differs": _l("已退款与退款单不符"),
    "insured_differs": _l("医保应收与结算不符"),
    "uninsured_differs": _l("医保冲销与结算不符"),
    "advance_left_over": _l("账单结清后预收不为零"),
    "invoiced_differs": _l("票据与收入不符"),
    "day_balance_differs": _l("日终余额与凭证不符"),
}


@blueprint.get("/ledger")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def ledger() -> edge.Answer:
    """One day: what each account held and moved, and its journals; how the nights' proofs ended.

    With `prove=1` the whole ledger is proven now, which takes a while when it is long.
    """
    uow = edge.current_uow()
    is_proven = work.asked("prove", 1) == "1"
    day = work.day(work.asked("day", 10)) or uow.today()
    balances = for_staff.trial_balance(uow, day)
    rows = for_staff.journals(uow, day, before_id=before_id())
    return work.page(
        "staff/ledger.html",
        PLACE,
        day=show.day_words(day),
        day_before=url_for("staff.ledger", day=(day - timedelta(days=1)).isoformat()),
        day_after=url_for("staff.ledger", day=(day + timedelta(days=1)).isoformat()) if day < uow.today() else "",
        filters=[day_field("day", gettext("日期"), day)],
        balances=[_balance(row) for row in balances],
        total_fen=sum(row.after_fen for row in balances),
        total=yuan_text(sum(row.after_fen for row in balances)),
        is_proven=is_proven,
        prove_href=url_for("staff.ledger", day=day.isoformat(), prove=1),
        flaws=_flaws(uow, proving.flaws(uow) if is_proven else proving.latest_flaws(uow)),
        proofs=[_proof(row) for row in for_staff.proofs(uow)],
        journals=[_journal(*row) for row in rows],
        paging=paging([journal for journal, _, _ in rows]),
    )


@blueprint.get("/ledger/bills/<bill_id>")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def ledger_bill(bill_id: str) -> edge.Answer:
    """All that one bill moved, journal by journal; that it was looked at is on record."""
    uow = edge.current_uow()
    bill = for_staff.bill_named(uow, bill_id)
    audit.record(uow, "ledger.read", "bill", bill.public_id)
    journals = [
        {
            "title": f"{MOVEMENTS[journal.movement]} · {journal.day} · {journal.id}",
            "rows": [
                [
                    account_words(posting.account, posting.party),
                    yuan_text(posting.amount_fen) if posting.amount_fen > 0 else "",
                    yuan_text(-posting.amount_fen) if posting.amount_fen < 0 else "",
                ]
                for posting in postings
            ],
        }
        for journal, postings in for_staff.of_bill(uow, bill.id)
    ]
    facts = [
        {"label": gettext("项目"), "value": str(show_work.PURPOSES[bill.purpose])},
        {"label": gettext("合计"), "value": show.yuan(bill.total_fen)},
        {"label": gettext("医保"), "value": show.yuan(bill.fund_fen + bill.other_fen)},
        {"label": gettext("个人账户"), "value": show.yuan(bill.account_fen)},
        {"label": gettext("现金"), "value": show.yuan(bill.cash_fen)},
        {"label": gettext("状态"), "value": show_work.tag(bill.state)["text"]},
    ]
    may_refund = FINANCE in edge.actor().roles
    return work.page(
        "staff/ledger_bill.html",
        PLACE,
        facts=facts,
        journals=journals,
        number=bill.public_id,
        refund_href=url_for("staff.refund_bill", bill_id=bill.public_id) if may_refund else "",
    )


def account_words(account: Account, party: str) -> str:
    """在途资金 · 微信支付: an account and who stands behind it."""
    return f"{ACCOUNTS[account]} · {PARTIES.get(party, party)}"


def _balance(row: for_staff.Balance) -> list[str]:
    amounts = (row.before_fen, row.debit_fen, row.credit_fen, row.after_fen)
    return [account_words(row.account, row.party), *(yuan_text(amount_fen) for amount_fen in amounts)]


def _flaws(uow: Uow, found: list[proving.Flaw]) -> list[dict[str, str]]:
    names = for_staff.public_ids(uow, {flaw.bill_id for flaw in found if flaw.bill_id is not None})
    return [
        {
            "words": str(FLAWS[flaw.kind]),
            "journal": str(flaw.journal_id or "—"),
            "off": yuan_text(flaw.off_fen),
            "bill": names.get(flaw.bill_id or 0, ""),
        }
        for flaw in found
    ]


def _proof(row: Proof) -> list[object]:
    kind, words = ("bad", gettext("%(count)s 处不符", count=len(row.flaws))) if row.flaws else ("ok", gettext("相符"))
    return [row.day.isoformat(), row.journals, yuan_text(row.turnover_fen), {"kind": kind, "text": words}]


def _journal(journal: Journal, moved_fen: int, bill: str) -> dict[str, str]:
    return {
        "at": show_work.exact(journal.posted_at),
        "number": str(journal.id),
        "movement": str(MOVEMENTS[journal.movement]),
        "amount": yuan_text(moved_fen),
        "bill": bill,
    }
