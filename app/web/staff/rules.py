"""The hospital's rules: every version, writing the next one, and trying it before it takes effect."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel.clock import at_hospital
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.rulebook import service as rulebook
from app.rulebook.errors import BadRules, RuleContradicts
from app.rulebook.models import RuleSet, Scope
from app.rulebook.published_sets import published_sets
from app.rulebook.service import HOUSE, Where
from app.rulebook.terms import as_body
from app.scheduling import service as scheduling
from app.scheduling.rules import where_of
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint, rule_terms, rules_trial


@blueprint.get("/rules")
@work.needs(ADMIN, OPERATIONS)
def rules() -> edge.Answer:
    """The versions of one scope, newest first, and what holds there now."""
    uow, where = edge.current_uow(), _where(edge.current_uow(), work.asked("scope"))
    in_force = rulebook.in_force(uow, where)
    now = rulebook.rules_for(uow, where)
    return work.page(
        "staff/rules.html",
        PLACE,
        scopes=_scopes(uow, where),
        versions=[_row(uow, where, row, in_force) for row in rulebook.versions(uow, where)],
        groups=[
            {
                "title": group["title"],
                "rows": [
                    {"label": field["label"], "value": rule_terms.said(field["name"], as_body(now)[field["name"]])}
                    for field in group["fields"]
                ],
            }
            for group in rule_terms.form(rule_terms.values(as_body(now)))
        ],
        published=[
            {
                "title": each.title,
                "says": each.says,
                "source": each.source,
                "href": url_for("staff.new_rules", scope=_code(where), start=each.name),
            }
            for each in published_sets().values()
        ],
        new_href=url_for("staff.new_rules", scope=_code(where)),
    )


def _where(uow: Uow, code: str) -> Where:
    """The scope that an address names: '' for the house, c:CAMPUS, d:DEPARTMENT; else NotFound."""
    kind, _, name = code.partition(":")
    departments = scheduling.departments(uow)
    if not code:
        return HOUSE
    if kind == "c" and name in {each.campus_code for each in departments if each.campus_code}:
        return Where(campus_code=name)
    found = next((each for each in departments if kind == "d" and each.code == name), None)
    if found is None:
        raise NotFound
    return where_of(found)


def _code(where: Where) -> str:
    return {Scope.HOSPITAL: "", Scope.CAMPUS: f"c:{where.campus_code}", Scope.DEPARTMENT: f"d:{where.department_code}"}[
        where.scope[0]
    ]


def _scopes(uow: Uow, chosen: Where) -> list[dict[str, object]]:
    departments = scheduling.departments(uow)
    campuses = sorted({each.campus_code for each in departments if each.campus_code})
    named = [("", gettext("全院"))]
    named += [(f"c:{code}", gettext("%(code)s 院区", code=code)) for code in campuses]
    named += [(f"d:{each.code}", show.in_language(each.name, each.name_en)) for each in departments]
    return [
        {"label": label, "href": url_for("staff.rules", scope=code), "current": code == _code(chosen)}
        for code, label in named
    ]


def _row(uow: Uow, where: Where, row: RuleSet, in_force: RuleSet | None) -> dict[str, object]:
    is_now = in_force is not None and row.id == in_force.id
    is_to_come = row.valid_from > uow.now()
    wider = rulebook.rules_of_nothing(uow, where)
    return {
        "version": row.version,
        "valid_from": show.moment(row.valid_from),
        "made": f"{show_work.exact(row.made_at)} · {row.by_ref or '—'}",
        "note": row.note,
        "kind": "ok" if is_now else "wait" if is_to_come else "info",
        "state": gettext("生效中") if is_now else gettext("将生效") if is_to_come else gettext("已过去"),
        "terms": rule_terms.differences(wider, rulebook.rules_of(uow, row, where)),
    }


@blueprint.get("/rules/new")
@work.needs(ADMIN, OPERATIONS)
def new_rules() -> edge.Answer:
    """The form for the scope's next version, filled from the newest one or from a published set."""
    uow, where = edge.current_uow(), _where(edge.current_uow(), work.asked("scope"))
    published = published_sets().get(work.asked("start", 24))
    if published is not None:
        return _form(uow, where, as_body(published.rules), {})
    known = rulebook.versions(uow, where)
    newest = rulebook.rules_of(uow, known[0], where) if known else rulebook.rules_for(uow, where)
    return _form(uow, where, as_body(newest), {})


@blueprint.post("/rules")
@edge.do_once
@work.needs(ADMIN, OPERATIONS)
def write_rules() -> edge.Answer:
    """The version is written and holds from its time; the form again, with words, where it cannot be.

    Refuses `rule_starts_in_past`, `rule_unchanged`, `rule_changed`.
    """
    uow, where, body = edge.current_uow(), _where(edge.current_uow(), work.typed("scope", 40)), rule_terms.typed_body()
    try:
        written = rulebook.write(
            uow,
            where,
            body,
            valid_from=_valid_from(uow),
            note=work.typed("note", 200),
            after_version=work.whole(work.typed("after_version", 9)),
        )
    except (BadRules, RuleContradicts) as refusal:
        return _form(uow, where, body, rule_terms.faults(refusal.facts["fields"])), 422
    flash(
        gettext("第 %(version)s 版已保存，%(at)s 起生效", version=written.version, at=show.moment(written.valid_from)),
        "ok",
    )
    return redirect(url_for("staff.rules", scope=_code(where)))


@blueprint.post("/rules/try")
@work.needs(ADMIN, OPERATIONS)
def try_rules() -> edge.Answer:
    """What the rules in the form would change on a past day or a simulated one; nothing is kept."""
    uow, where, body = edge.current_uow(), _where(edge.current_uow(), work.typed("scope", 40)), rule_terms.typed_body()
    try:
        after = rulebook.check(uow, where, body)
    except (BadRules, RuleContradicts) as refusal:
        return _form(uow, where, body, rule_terms.faults(refusal.facts["fields"])), 422
    department = scheduling.department_by_code(uow, where.department_code) if where.department_code else None
    before = rulebook.rules_for(uow, where)
    day = work.day(work.typed("try_day", 10))
    found = rules_trial.trial(uow, before, after, day=day, department_id=department.id if department else None)
    return _form(uow, where, body, {}, trial=found)


def _valid_from(uow: Uow) -> datetime | None:
    """The moment typed as a day and a clock; None, at once, for an empty day."""
    day = work.day(work.typed("valid_day", 10))
    if day is None:
        return None
    return at_hospital(day, work.clock_time(work.typed("valid_clock", 5)) or time(0), uow.zone)


def _form(uow: Uow, where: Where, body: dict[str, Any], errors: dict[str, str], **more: object) -> str:
    known = rulebook.versions(uow, where)
    is_sent = request.method == "POST"
    return work.page(
        "staff/rules_form.html",
        PLACE,
        scope=_code(where),
        scope_name=next(str(each["label"]) for each in _scopes(uow, where) if each["current"]),
        after_version=work.typed("after_version", 9) if is_sent else known[0].version if known else 0,
        groups=rule_terms.form(rule_terms.typed() if is_sent else rule_terms.values(body)),
        errors=errors,
        sent={name: work.typed(name, 200) for name in ("valid_day", "valid_clock", "note", "try_day")},
        list_href=url_for("staff.rules", scope=_code(where)),
        **more,
    )
