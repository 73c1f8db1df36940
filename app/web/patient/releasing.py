"""Waiting for the release of a day's places: the turn on the department's page, which refreshes itself."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext

from app.scheduling import release as releases
from app.scheduling import service as scheduling
from app.scheduling.models import Department
from app.scheduling.release import Turn
from app.web import edge, live, show
from app.web.patient import blueprint


def turn_of(department: Department) -> Turn | None:
    """The turn of whoever asks; by opening the page they have one. None while no release is near."""
    near = releases.release_near(edge.current_uow(), department)
    if near is None:
        return None
    seen = releases.look(edge.current_uow(), near)
    if seen is not None:
        return seen
    with edge.fresh_unit() as uow:
        return releases.enter(uow, near)


def told(department: Department, turn: Turn) -> dict[str, object]:
    """What the page says of the turn."""
    release = turn.release
    facts = {"at": show.near_moment(release.release_at), "day": show.day_words(release.visit_day)}
    if turn.is_admitted:
        href = url_for("patient.department", code=department.code, day=release.visit_day.isoformat())
        return {
            "kind": "ok",
            "title": gettext("轮到您了，请选号"),
            "text": gettext("%(day)s 的号已放出。", **facts),
            "href": href,
        }
    if turn.is_drawn:
        wait = gettext("前面约 %(ahead)s 人，大约 %(seconds)s 秒", ahead=turn.ahead, seconds=turn.seconds)
        text = gettext("%(day)s 的号已放出，按顺序放行。请不要离开，位置不会丢。", **facts)
        return {"kind": "info", "title": wait, "text": text, "href": ""}
    return {
        "kind": "info",
        "title": gettext("%(at)s 放号：%(day)s 的号", **facts),
        "text": gettext("您已在排队。放号前来的人到时随机排序，早来晚来一样；放号后来的排在后面。"),
        "href": "",
    }


@blueprint.get("/departments/<code>/release")
def release_live(code: str) -> edge.Answer:
    """The part of the department's page that tells the turn; empty when no release is near any more."""
    found = scheduling.department_by_code(edge.current_uow(), code)
    turn = turn_of(found)
    return live.fragment("patient/_release.html", turn=told(found, turn) if turn else None)
