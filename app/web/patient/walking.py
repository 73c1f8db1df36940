"""Walking while one waits: how many minutes the way back takes, and the hint when it is time."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.queueing import service as queueing
from app.queueing import walking
from app.queueing.estimating import is_time_to_return
from app.registration import service as registrations
from app.web import edge, work
from app.web.patient import blueprint
from app.web.patient.visit import Visit


def walk_facts(uow: Uow, visit: Visit) -> dict[str, object] | None:
    """What stands under the number of somebody who has the time to walk, or chose to; None for all others."""
    if visit.ticket is None or visit.position is None:
        return None
    walk = walking.walk_of(uow, visit.ticket.id)
    minutes = walk.walk_minutes if walk else 0
    told = visit.position.told
    offered = [each for each in walking.WALKS if each == minutes or not is_time_to_return(told, each)]
    if not offered:
        return None
    is_now = minutes > 0 and is_time_to_return(told, minutes)
    labels = [(each, gettext("%(minutes)s 分钟", minutes=each)) for each in offered]
    choices = [*labels, (0, gettext("不走开"))] if minutes else labels
    return {
        "is_now": is_now,
        "text": _text(minutes, is_now=is_now),
        "post": url_for("patient.walk", registration_id=visit.registration.public_id),
        "choices": [
            {"minutes": each, "label": label, "is_chosen": each == minutes and each > 0} for each, label in choices
        ],
    }


def _text(minutes: int, *, is_now: bool) -> str:
    if is_now:
        return str(gettext("快轮到您了，请现在回到诊室门口。"))
    if minutes:
        return str(gettext("路上 %(minutes)s 分钟：该往回走时发消息告诉您，请留意手机。", minutes=minutes))
    return str(gettext("走回来要几分钟？选一个，该往回走时发消息告诉您。"))


@blueprint.post("/visits/<registration_id>/walk")
def walk(registration_id: str) -> edge.Answer:
    """The patient is so many minutes away, or stays; refuses `cannot_walk`."""
    uow = edge.current_uow()
    ticket = queueing.ticket_of(uow, registrations.of_account(uow, registration_id).id)
    if ticket is None:
        raise NotFound
    minutes = work.whole(request.form.get("minutes", ""))
    walking.choose(uow, ticket, -1 if minutes is None else minutes)
    flash(gettext("已记下"), "ok")
    return redirect(url_for("patient.visit", registration_id=registration_id))
