"""The end of a day 日结: our figures beside everybody else's, the cases still open, and a table of it to keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from flask import Response, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel import audit
from app.kernel.money import yuan_text
from app.kernel.uow import Uow
from app.payment.models import CashierShift, PayMethod
from app.reconciliation import closing, signing
from app.reconciliation.closing import Drawer, Side, Sums
from app.reconciliation.models import Case, Run
from app.reconciliation.states import RunState, Source
from app.web import edge, show, show_work, work
from app.web.spreadsheets import csv_file
from app.web.staff import AUDITOR, FINANCE, OPERATIONS, PLACE, blueprint, day_signing
from app.web.staff import reconciliation_words as words
from app.web.staff.lists import day_field

SIDES = {
    Source.WECHAT: _l("微信支付"),
    Source.WECHAT_FUNDS: _l("微信资金账户"),
    Source.ALIPAY: _l("支付宝"),
    Source.POS: _l("银行刷卡"),
    Source.INSURER: _l("医保"),
    Source.HOSPITAL: _l("医院系统"),
}
METHODS = {PayMethod.CASH: _l("现金"), PayMethod.CARD: _l("刷卡")}
FIGURES = (
    *(_l("本院收入笔数"), _l("本院收入（元）"), _l("本院退款笔数"), _l("本院退款（元）")),
    *(_l("对方收入笔数"), _l("对方收入（元）"), _l("对方退款笔数"), _l("对方退款（元）")),
)
HEADS = (
    *(_l("来源"), _l("项目"), _l("差错"), _l("状态"), _l("本院单号"), _l("对方单号")),
    *(_l("本院金额（元）"), _l("对方金额（元）"), _l("时间"), _l("说明")),
)
NONE = "—"


@blueprint.get("/reconciliation/day")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def day_end() -> edge.Answer:
    """One day, yesterday unless another is asked for."""
    uow = edge.current_uow()
    day = _day(uow)
    sides, drawers = closing.sides(uow, day), closing.drawers(uow, day)
    cases = closing.cases(uow, day)
    is_over, is_finance = day < uow.today(), FINANCE in edge.actor().roles
    open_points = _open_points(sides, drawers)
    if not signing.was_asked(uow, day):
        open_points.append(str(gettext("当日的核对还没有开始（次日十点）")))
    return work.page(
        "staff/day_end.html",
        PLACE,
        day=show.day_words(day),
        day_before=_address(day - timedelta(days=1)),
        day_after=_address(day + timedelta(days=1)) if is_over else "",
        filters=[day_field("day", gettext("日期"), day)],
        is_over=is_over,
        open_points=open_points,
        **day_signing.shown(uow, day, may_be_signed=is_over and not open_points),
        off_drawers=_off_drawers(drawers),
        rows=[*(_side(side) for side in sides), *(_drawer(drawer, sides) for drawer in drawers)],
        shifts=[_shift(*row) for row in closing.shifts(uow, day)],
        cases=[_case(*row) for row in cases if row[0].state in closing.PENDING],
        bring_href=url_for("staff.bring_statement", day=day.isoformat()) if is_over and is_finance else "",
        again=_again(sides) if is_finance else [],
        export_href=url_for("staff.day_end_table", day=day.isoformat()),
    )


@blueprint.get("/reconciliation/day.csv")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def day_end_table() -> Response:
    """The day's figures and all of its cases, for the finance office's own files; that they left is on record."""
    uow = edge.current_uow()
    day = _day(uow)
    audit.record(uow, "reconciliation.export", "reconciliation_day", day.isoformat())
    return csv_file(f"reconciliation-{day:%Y%m%d}.csv", _table(uow, day))


def _day(uow: Uow) -> date:
    return work.day(work.asked("day", 10)) or uow.today() - timedelta(days=1)


def _address(day: date) -> str:
    return url_for("staff.day_end", day=day.isoformat())


def _sums(sums: Sums | None) -> list[str]:
    if sums is None:
        return [NONE, NONE]
    return [f"{sums.in_count} · {yuan_text(sums.in_fen)}", f"{sums.back_count} · {yuan_text(sums.back_fen)}"]


def _side(side: Side) -> dict[str, object]:
    off = NONE if side.there is None else yuan_text(side.there.net_fen - side.here.net_fen)
    not_asked = gettext("尚未核对") if side.is_known else gettext("未接入")
    tag = words.RUN_STATES[side.run.state] if side.run else ("wait", not_asked)
    if side.run and side.run.state == RunState.MATCHED:
        tag = ("ok", gettext("相符")) if side.is_clear else ("bad", gettext("有差错"))
    return {
        "name": str(SIDES[side.source]),
        "cells": [*_sums(side.here), *_sums(side.there), off, side.pending],
        "tag": {"kind": tag[0], "text": str(tag[1])},
    }


def _drawer(drawer: Drawer, sides: list[Side]) -> dict[str, object]:
    counted, off = NONE, NONE
    has_bank = any(side.source is Source.POS and side.run for side in sides)
    tag = ("info", gettext("见银行刷卡") if has_bank else gettext("按签购单核对"))
    if drawer.method is PayMethod.CASH:
        counted = gettext("已点 %(count)s 班", count=drawer.shifts_closed)
        off = yuan_text(drawer.counted_off_fen)
        tag = ("ok", gettext("相符")) if drawer.is_clear else ("bad", gettext("长短款"))
        if drawer.shifts_open:
            tag = ("wait", gettext("%(count)s 班未结", count=drawer.shifts_open))
    return {
        "name": str(METHODS[drawer.method]),
        "cells": [*_sums(drawer.here), counted, NONE, off, NONE],
        "tag": {"kind": tag[0], "text": tag[1]},
    }


def _shift(shift: CashierShift, name: str) -> list[str]:
    """A drawer: whose, from when to when, what should have lain in it and what did."""
    is_open = shift.counted_fen is None or shift.expected_fen is None
    off = NONE if is_open else yuan_text((shift.counted_fen or 0) - (shift.expected_fen or 0))
    return [
        name,
        show_work.exact(shift.opened_at),
        show_work.exact(shift.closed_at) if shift.closed_at else gettext("未结"),
        yuan_text(shift.float_fen),
        words.yuan(shift.expected_fen),
        words.yuan(shift.counted_fen),
        off,
    ]


def _open_points(sides: list[Side], drawers: list[Drawer]) -> list[str]:
    """What keeps the day from being closed, in words."""
    points = []
    for side in sides:
        name = SIDES[side.source]
        if side.unexplained:
            points.append(gettext("%(name)s：%(count)s 笔差错待处理", name=name, count=side.unexplained))
        elif not side.is_compared:
            points.append(_not_told(side))
    points += [
        gettext("现金：%(count)s 个班次未结", count=drawer.shifts_open) for drawer in drawers if drawer.shifts_open
    ]
    return points


def _off_drawers(drawers: list[Drawer]) -> str:
    """By how much the counted drawers were off, which whoever signs the day has to explain; '' when they were not."""
    off_fen = sum(drawer.counted_off_fen for drawer in drawers)
    return str(gettext("现金：长短款 %(yuan)s 元", yuan=yuan_text(off_fen))) if off_fen else ""


def _not_told(side: Side) -> str:
    """Why the side's day is not compared yet."""
    name = SIDES[side.source]
    if side.run is None or not side.run.code:
        return str(gettext("%(name)s：还没有核对", name=name))
    why = words.CODES.get(side.run.code, side.run.code)
    return str(gettext("%(name)s：还没有核对（%(why)s）", name=name, why=why))


def _case(case: Case, run: Run) -> dict[str, object]:
    return {
        "source": str(words.SOURCES[run.source]),
        "kind": f"{words.SUBJECTS[case.subject]} · {words.KINDS[case.kind]}",
        "there": words.yuan(case.there_fen),
        "here": words.yuan(case.here_fen),
        "note": case.note or NONE,
        "href": url_for("staff.reconciliation_case", case_id=case.public_id),
    }


def _again(sides: list[Side]) -> list[dict[str, str]]:
    """The sides whose statement can be fetched, or compared, anew."""
    pages = {RunState.MATCHED: "staff.compare_again", RunState.REFUSED: "staff.fetch_statement_again"}
    return [
        {
            "label": gettext("重新核对%(name)s", name=SIDES[side.source]),
            "href": url_for(pages[side.run.state], run_id=side.run.public_id),
        }
        for side in sides
        if side.run is not None and side.run.state in pages
    ]


def _table(uow: Uow, day: date) -> Iterator[list[str]]:
    yield [gettext("日期"), day.isoformat()]
    yield [gettext("渠道"), *(str(figure) for figure in FIGURES)]
    for side in closing.sides(uow, day):
        yield [str(SIDES[side.source]), *_figures(side.here), *_figures(side.there)]
    for drawer in closing.drawers(uow, day):
        yield [str(METHODS[drawer.method]), *_figures(drawer.here)]
    yield []
    yield [str(head) for head in HEADS]
    for case, run in closing.cases(uow, day):
        yield [
            str(words.SOURCES[run.source]),
            str(words.SUBJECTS[case.subject]),
            str(words.KINDS[case.kind]),
            str(words.CASE_STATES[case.state][1]),
            case.number,
            case.foreign_no,
            words.yuan(case.here_fen),
            words.yuan(case.there_fen),
            case.at.astimezone(uow.zone).strftime("%Y-%m-%d %H:%M:%S"),
            case.note,
        ]


def _figures(sums: Sums | None) -> list[str]:
    if sums is None:
        return [""] * 4
    return [str(sums.in_count), yuan_text(sums.in_fen), str(sums.back_count), yuan_text(sums.back_fen)]
