"""The message templates (模板消息): under which number the hospital's Official Account knows each of our messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.notifications import templates as kept
from app.notifications.models import WechatTemplate
from app.notifications.templates import BadTemplate, Shown
from app.notifications.words import WORDS, fields_of
from app.runtime import runtime
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, IT, OPERATIONS, PLACE, blueprint
from app.web.staff.messages import SINCE_DAYS, title_of

# Our fields as the hospital's people call them, and how each looks in a message.
FIELDS: dict[str, tuple[object, str]] = {
    "number": (_l("号码（候诊号或袋号）"), "A012"),
    "at": (_l("就诊或办理时间"), "2026-11-30 09:00"),
    "until_at": (_l("保留到"), "2026-11-30 09:15"),
    "due_day": (_l("建议复诊日期"), "2026-12-14"),
    "to_day": (_l("候补截止日期"), "2026-12-14"),
    "room": (_l("诊室"), "3-05"),
    "rooms": (_l("可能的诊室"), "3-05/3-11"),
    "window": (_l("取药窗口"), "1号窗口"),
    "place": (_l("窗口位置"), "一楼大厅"),
    "amount": (_l("个人支付或退款金额"), "12.50"),
    "total": (_l("合计金额"), "62.50"),
    "covered": (_l("医保支付金额"), "50.00"),
    "minutes": (_l("路程分钟数"), "10"),
}
FAULTS: dict[str, object] = {
    "no_number": _l("模板编号只有字母、数字、横线和下划线，6 到 64 位"),
    "no_keyword": _l("关键词是小写字母加数字，如 thing4"),
    "no_lines": _l("每行一个：关键词 = 文字，文字不超过 20 个字，最多 8 行"),
    "no_keywords": _l("至少要有一个关键词"),
    "twice": _l("同一个关键词用了两次"),
}
FIXED_TYPED_CHARS = 1000


@blueprint.get("/templates")
@work.needs(ADMIN, OPERATIONS, IT)
def templates() -> edge.Answer:
    """Every message with its number, which are missing, and how many the account refused in the last week."""
    uow = edge.current_uow()
    found = kept.templates(uow, refused_since=uow.now() - timedelta(days=SINCE_DAYS))
    return work.page(
        "staff/templates.html",
        PLACE,
        is_connected=bool(runtime().settings.wxoa.base_url),
        missing=sum(not shown.number for shown in found),
        since_days=SINCE_DAYS,
        rows=[_row(shown) for shown in found],
    )


@blueprint.get("/templates/<name>")
@work.needs(ADMIN, OPERATIONS, IT)
def template(name: str) -> edge.Answer:
    """One message: its words and fields, its number and keywords to be changed, and every version so far."""
    shown = kept.template(edge.current_uow(), name)
    return _form(shown, {"number": shown.number, **_in_fields(shown.keywords), "fixed": _lines(shown.fixed)}, {})


@blueprint.post("/templates/<name>")
@work.needs(ADMIN, OPERATIONS, IT)
def save_template(name: str) -> edge.Answer:
    """The message goes under the typed number; refuses `template_changed`, and shows what is wrong again."""
    uow = edge.current_uow()
    shown = kept.template(uow, name)
    keywords = {field: work.typed(f"field.{field}", 60) for field in fields_of(name)}
    number, fixed = work.typed("number", 80), work.typed("fixed", FIXED_TYPED_CHARS)
    version = work.whole(work.typed("version", 12))
    try:
        made = kept.save(
            uow,
            name,
            number=number,
            keywords=keywords,
            fixed_lines=fixed.splitlines(),
            version=-1 if version is None else version,
        )
    except BadTemplate as refusal:
        return _form(shown, {"number": number, **_in_fields(keywords), "fixed": fixed}, _faults(refusal)), 422
    flash(gettext("“%(title)s”已保存为第 %(version)s 版", title=title_of(name), version=made.version), "ok")
    return redirect(url_for("staff.templates"))


def _row(shown: Shown) -> dict[str, object]:
    return {
        "title": title_of(shown.name),
        "name": shown.name,
        "number": shown.number,
        "fields": show.listed(_label(field) for field in fields_of(shown.name)) or "—",
        "refused": str(shown.refused or "—"),
        "href": url_for("staff.template", name=shown.name),
    }


def _label(field: str) -> str:
    return str(FIELDS[field][0])


def _in_fields(keywords: Mapping[str, str]) -> dict[str, str]:
    return {f"field.{field}": keyword for field, keyword in keywords.items()}


def _lines(fixed: Mapping[str, str]) -> str:
    return "\n".join(f"{keyword} = {words}" for keyword, words in fixed.items())


def _faults(refusal: BadTemplate) -> dict[str, str]:
    found = refusal.facts["fields"]
    told = found if isinstance(found, dict) else {}
    return {name: str(FAULTS[code]) for name, code in told.items()}


def _form(shown: Shown, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    words = WORDS[shown.name]
    fields = fields_of(shown.name)
    example = {field: FIELDS[field][1] for field in fields}
    body = show.in_language(words.body_zh, words.body_en)
    return work.page(
        "staff/template.html",
        PLACE,
        title=title_of(shown.name),
        shown=shown,
        body=body.format_map(example),
        fields=[{"name": f"field.{field}", "label": _label(field), "example": example[field]} for field in fields],
        values=values,
        errors=errors,
        versions=[_version(row) for row in kept.versions_of(edge.current_uow(), shown.name)],
    )


def _version(row: WechatTemplate) -> dict[str, object]:
    told = [f"{_label(field)} → {keyword}" for field, keyword in row.keywords.items() if keyword]
    return {
        "version": row.version,
        "at": show_work.exact(row.saved_at),
        "by": row.by_ref or "—",
        "number": row.number or "—",
        "words": [*told, *(f"{keyword} = {words}" for keyword, words in row.fixed.items())],
    }
