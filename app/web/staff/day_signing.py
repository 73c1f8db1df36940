"""Signing a day off 日结签字: what it is signed for, who did, what changed since, and the sheet to print and file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.money import yuan_text
from app.kernel.uow import Uow
from app.reconciliation import service, signing, totals
from app.reconciliation.models import DaySignature
from app.reconciliation.states import CaseKind, Source, Subject
from app.reconciliation.totals import Change, Totals
from app.web import edge, show, show_work, work
from app.web.staff import AUDITOR, FINANCE, OPERATIONS, PLACE, blueprint
from app.web.staff import reconciliation_words as words

# What a day is signed for, in the order in which it is read.
LINES = {
    "borne.fund": _l("费用 · 统筹基金支付"),
    "borne.other": _l("费用 · 其他基金支付"),
    "borne.account": _l("费用 · 个人账户支付"),
    "borne.cash": _l("费用 · 个人现金支付"),
    "taken.wechat": _l("收款 · 微信支付"),
    "taken.alipay": _l("收款 · 支付宝"),
    "taken.mixed": _l("收款 · 医保混合支付"),
    "taken.cash": _l("收款 · 现金"),
    "taken.card": _l("收款 · 刷卡"),
    "returned.wechat": _l("退款 · 微信支付"),
    "returned.alipay": _l("退款 · 支付宝"),
    "returned.mixed": _l("退款 · 医保混合支付"),
    "returned.cash": _l("退款 · 现金"),
    "returned.card": _l("退款 · 刷卡"),
    "returned.fund": _l("退回 · 统筹基金"),
    "returned.other": _l("退回 · 其他基金"),
    "returned.account": _l("退回 · 个人账户"),
    "invoiced.blue": _l("票据 · 蓝字"),
    "invoiced.red": _l("票据 · 红字"),
}
# Said of every day, also of one on which nothing of the kind happened.
ALWAYS = frozenset({"borne.fund", "borne.account", "borne.cash", "invoiced.blue", "invoiced.red"})


@blueprint.post("/reconciliation/day/sign")
@work.needs(FINANCE)
def sign_day() -> edge.Answer:
    """The day is signed off for its totals as they stand.

    Refuses NotFound, `day_not_over`, `day_signed`, `day_not_compared`, `cases_open`, `drawers_off`.
    """
    uow = edge.current_uow()
    day = work.day(work.typed("day", 10)) or uow.today()
    signing.sign(uow, day=day, note=work.typed("note", 200))
    flash(gettext("已签字"), "ok")
    return redirect(url_for("staff.signed_day", day=day.isoformat()))


@blueprint.get("/reconciliation/day/signed")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def signed_day() -> edge.Answer:
    """The sheet of a signed day: its totals, differences left open, corrections; refuses NotFound."""
    uow = edge.current_uow()
    signature = signing.signed(uow, work.day(work.asked("day", 10)) or uow.today())
    return work.page(
        "staff/day_signed.html",
        PLACE,
        day=show.day_words(signature.day),
        facts=[
            {"label": gettext("日期"), "value": signature.day.isoformat()},
            {"label": gettext("签字人"), "value": signature.signed_name},
            {"label": gettext("签字时间"), "value": f"{signature.signed_at.astimezone(uow.zone):%Y-%m-%d %H:%M:%S}"},
            {"label": gettext("现金长短款（元）"), "value": yuan_text(signature.drawers_off_fen)},
            {"label": gettext("说明"), "value": signature.note or "—"},
            {"label": gettext("校验"), "value": f"{signature.digest[:16]} · {_intact(signature)}"},
        ],
        lines=lines(signing.figures(signature.totals)),
        left_open=[_left(each) for each in signature.left_open],
        corrections=correction_lines(uow, signature.day),
        changed=changed_lines(uow, signature),
        day_href=url_for("staff.day_end", day=signature.day.isoformat()),
    )


@blueprint.post("/reconciliation/cases/<case_id>/leave")
@work.needs(FINANCE)
def leave_case(case_id: str) -> edge.Answer:
    """The case stays open with its reason; refuses NotFound, `note_required`, `illegal_move`."""
    service.leave_open(edge.current_uow(), public_id=case_id, note=work.typed("note", 200))
    flash(gettext("已保留，理由已记录"), "ok")
    return redirect(url_for("staff.reconciliation_case", case_id=case_id))


def shown(uow: Uow, day: date, *, may_be_signed: bool) -> dict[str, Any]:
    """What the day's page says of its signature, and what it can be signed for."""
    signature = signing.of_day(uow, day)
    return {
        "totals": lines(totals.of_day(uow, day)),
        "day_iso": day.isoformat(),
        "corrections": correction_lines(uow, day),
        "signed": _signed(uow, signature) if signature else None,
        "may_sign": may_be_signed and signature is None and FINANCE in edge.actor().roles,
    }


def lines(figures: Totals) -> list[list[str]]:
    """The totals, line by line, with the sums of what came in and went back."""
    named = [what for what in LINES if what in figures or what in ALWAYS]
    named += sorted(what for what in figures if what not in LINES)
    rows = [_line(str(LINES.get(what, what)), figures.get(what, (0, 0))) for what in named]
    taken, returned = totals.in_sums(figures, "taken"), totals.in_sums(figures, "returned")
    return [*rows, _line(gettext("收款合计"), taken), _line(gettext("退款退回合计"), returned)]


def correction_lines(uow: Uow, day: date) -> list[str]:
    """What changed on days that were signed before, in words; part of this day."""
    return [
        f"{show.day_words(each.day)}：{text}"
        for each in signing.corrections(uow, day)
        for text in _changes(each.changes)
    ]


def changed_lines(uow: Uow, signature: DaySignature) -> list[str]:
    """What the day was signed for and what it is now, where that differs, in words."""
    return list(_changes(signing.changed_since(uow, signature)))


def _signed(uow: Uow, signature: DaySignature) -> dict[str, Any]:
    return {
        "by": signature.signed_name,
        "at": show_work.exact(signature.signed_at),
        "changed": changed_lines(uow, signature),
        "href": url_for("staff.signed_day", day=signature.day.isoformat()),
    }


def _line(name: str, figures: tuple[int, int]) -> list[str]:
    return [name, str(figures[0]), yuan_text(figures[1])]


def _changes(changes: Iterable[Change]) -> Iterable[str]:
    for change in changes:
        yield gettext(
            "%(what)s：签字时 %(was)s，现为 %(now)s",
            what=LINES.get(change.what, change.what),
            was=_figures(change.was),
            now=_figures(change.now),
        )


def _figures(figures: tuple[int, int]) -> str:
    return str(gettext("%(count)s 笔 %(yuan)s 元", count=figures[0], yuan=yuan_text(figures[1])))


def _intact(signature: DaySignature) -> str:
    return str(gettext("与签字时一致") if signing.is_as_signed(signature) else gettext("与签字时不一致，请报告信息科"))


def _left(kept: dict[str, Any]) -> list[str]:
    return [
        str(words.SOURCES[Source(kept["source"])]),
        f"{words.SUBJECTS[Subject(kept['subject'])]} · {words.KINDS[CaseKind(kept['kind'])]}",
        words.yuan(kept["there_fen"]),
        words.yuan(kept["here_fen"]),
        kept["note"],
    ]
