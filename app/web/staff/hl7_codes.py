"""The code tables: what the codes of other systems mean here, for the whole hospital, with every version."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel import code_tables as kept
from app.kernel.code_tables import BadCodes, Edit, Shown
from app.web import edge, show_work, work
from app.web.staff import ADMIN, IT, PLACE, blueprint

NAMES: dict[str, object] = {
    "sex": _l("性别"),
    "number_type": _l("号码种类"),
    "patient_class": _l("患者类别"),
    "order_control": _l("医嘱控制"),
    "route": _l("给药途径"),
    "frequency": _l("频次"),
    "duration_unit": _l("天数的单位"),
    "report_status": _l("报告状态"),
    "abnormal_flag": _l("异常标志"),
    "appointment_status": _l("预约状态"),
    "slot_status": _l("号源状态"),
    "insurance_plan": _l("医保险种"),
}
LINES_CHARS = 40_000


@blueprint.get("/codes")
@work.needs(ADMIN, IT)
def code_tables() -> edge.Answer:
    """Every table."""
    rows = [
        {
            "name": str(NAMES[shown.name]),
            "key": shown.name,
            "fields": shown.table.fields,
            "count": len(shown.codes),
            "version": shown.version,
            "href": url_for("staff.code_table", name=shown.name),
        }
        for shown in kept.tables(edge.current_uow())
    ]
    return work.page("staff/codes.html", PLACE, rows=rows)


@blueprint.get("/codes/<name>")
@work.needs(ADMIN, IT)
def code_table(name: str) -> edge.Answer:
    """One table, to be changed, and every change so far."""
    shown = kept.table(edge.current_uow(), name)
    return _form(shown, _lines(shown.codes), "")


@blueprint.post("/codes/<name>")
@work.needs(ADMIN, IT)
def save_code_table(name: str) -> edge.Answer:
    """The table says what was typed, one version on; refuses `codes_changed`, and shows wrong lines again."""
    uow = edge.current_uow()
    text = work.typed("codes", LINES_CHARS)
    version = work.whole(work.typed("version", 12))
    try:
        made = kept.save(uow, name, text.splitlines(), version=-1 if version is None else version)
    except BadCodes as refusal:
        found = refusal.facts["lines"]
        numbers = ", ".join(str(number) for number in found) if isinstance(found, list) else ""
        return _form(kept.table(uow, name), text, gettext("这些行不能这样填写：%(lines)s", lines=numbers)), 422
    flash(gettext("已保存为第 %(version)s 版", version=made.version), "ok")
    return redirect(url_for("staff.code_table", name=name))


def _lines(codes: Mapping[str, str]) -> str:
    return "\n".join(f"{code} = {ours}" for code, ours in codes.items())


def _form(shown: Shown, text: str, error: str) -> str:
    edits = kept.edits_of(edge.current_uow(), shown.name)
    return work.page(
        "staff/code_table.html",
        PLACE,
        title=str(NAMES[shown.name]),
        shown=shown,
        text=text,
        error=error,
        edits=[_edit(edit) for edit in edits],
    )


def _edit(edit: Edit) -> dict[str, object]:
    words = [f"{code}: {before or '—'} → {after or '—'}" for code, (before, after) in edit.codes.items()]
    return {
        "version": edit.version,
        "at": show_work.exact(edit.changed_at),
        "by": edit.by_ref or "—",
        "codes": words,
    }
