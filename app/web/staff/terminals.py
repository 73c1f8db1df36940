"""The bank's statement of the card terminals 银行刷卡对账单, as a file that finance brings day by day."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel.uow import Uow
from app.reconciliation import terminals
from app.reconciliation.errors import StatementRefused
from app.reconciliation.reading_pos import Form
from app.runtime import runtime
from app.web import edge, show, work
from app.web.staff import FINANCE, PLACE, blueprint
from app.web.staff import reconciliation_words as words


@blueprint.get("/reconciliation/pos")
@work.needs(FINANCE)
def bring_statement() -> edge.Answer:
    """The form for a day's file, yesterday's unless another is asked for, and what its columns must be called."""
    uow = edge.current_uow()
    return _page(uow, work.day(work.asked("day", 10)) or uow.today() - timedelta(days=1))


@blueprint.post("/reconciliation/pos")
@work.needs(FINANCE)
def take_statement() -> edge.Answer:
    """The day's file is compared and its day shown; a flawed one is refused at its line and column.

    Refuses `day_not_over`.
    """
    uow = edge.current_uow()
    day = work.day(work.typed("day", 10)) or uow.today()
    file = request.files.get("file")
    try:
        run = terminals.take_in(uow, day=day, content=file.read() if file else b"", form=_form())
    except StatementRefused as refused:
        return _page(uow, day, _where(refused.facts)), 422
    flash(gettext("已读入 %(count)s 笔并核对", count=run.rows_there), "ok")
    return redirect(url_for("staff.day_end", day=day.isoformat()))


def _form() -> Form:
    settings = runtime().settings.pos_statement
    return Form(dict(settings.columns), dict(settings.kinds))


def _page(uow: Uow, day: date, error: str = "") -> str:
    form = _form()
    kinds = {"pay": gettext("收款"), "refund": gettext("退款"), "skip": gettext("不计")}
    return work.page(
        "staff/terminals.html",
        PLACE,
        day=day.isoformat(),
        latest=(uow.today() - timedelta(days=1)).isoformat(),
        error=error,
        columns=show.listed(" ".join(names) for names in form.columns.values()),
        kinds=show.listed(show.with_note(word, kinds[kind]) for word, kind in form.kinds.items()),
        day_href=url_for("staff.day_end", day=day.isoformat()),
    )


def _where(facts: dict[str, object]) -> str:
    """What is wrong with the file, and where, in words."""
    flaw, line, column = (facts[name] for name in ("flaw", "line", "column"))
    why = words.CODES.get(str(flaw), flaw)
    if line and column:
        return str(gettext("第 %(line)s 行“%(column)s”：%(why)s", line=line, column=column, why=why))
    if line:
        return str(gettext("第 %(line)s 行：%(why)s", line=line, why=why))
    return str(gettext("“%(column)s”：%(why)s", column=column, why=why)) if column else str(why)
