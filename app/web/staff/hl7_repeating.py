"""Many messages at once: taken again, or sent again, by the search that found them; first it is told which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel import audit, message_search, outbox, replays
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction
from app.kernel.message_search import Wanted
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow
from app.web import edge, work
from app.web.staff import IT, PLACE, blueprint
from app.web.staff.hl7 import direction_asked, in_row, out_row, terms_asked, wanted_of
from app.web.staff.lists import address

SHOWN = 50


@blueprint.get("/hl7/again")
@work.needs(IT)
def hl7_again() -> edge.Answer:
    """What would be taken or sent again: how many, and the first 50 of them; nothing happens yet."""
    uow = edge.current_uow()
    direction, wanted, limit = _asked(uow)
    found = _found(uow, direction, wanted, limit)
    is_open = wanted.state in (InboxState.REFUSED, OutboxState.DEAD)
    return work.page(
        "staff/hl7_again.html",
        PLACE,
        direction=direction,
        count=len(found),
        at_most=replays.AT_ONCE,
        limit=limit,
        all_count=message_search.count(uow, direction, wanted, at_most=10 * replays.AT_ONCE),
        rows=[in_row(row) if isinstance(row, InboxItem) else out_row(row) for row in found[:SHOWN]],
        kept=terms_asked(),
        upto=max((row.id for row in found), default=0),
        do_href=address("staff.hl7_again_do", {**terms_asked(), "limit": str(limit)}),
        close_href=address("staff.hl7_close_found", {**terms_asked(), "limit": str(limit)}) if is_open else "",
        list_href=address("staff.hl7", terms_asked()),
    )


@blueprint.post("/hl7/again")
@work.needs(IT)
@edge.do_once
def hl7_again_do() -> edge.Answer:
    """The messages of the list, and none that came later, are taken or sent again; who asked and why is on record."""
    uow = edge.current_uow()
    direction, found, reason = _chosen(uow)
    replays.ask_all(uow, [row for row in found if isinstance(row, InboxItem)], reason=reason)
    for row in found:
        if isinstance(row, OutboxItem):
            outbox.send_again(uow, row.id)
            audit.record(uow, "outbox.send_again", "outbox", row.key, topic=row.topic, reason=reason)
    flash(gettext("已重新排队 %(count)s 条", count=len(found)), "ok")
    return redirect(url_for("staff.hl7", direction=direction.value))


@blueprint.post("/hl7/again/close")
@work.needs(IT)
@edge.do_once
def hl7_close_found() -> edge.Answer:
    """The messages of the list, and none that came later, need nobody any more; who says so and why is on record."""
    uow = edge.current_uow()
    direction, found, reason = _chosen(uow)
    closed = sum(replays.lay_to_rest(uow, row, reason=reason) for row in found)
    flash(gettext("已标记 %(count)s 条为处理完毕", count=closed), "ok")
    return redirect(url_for("staff.hl7", direction=direction.value))


def _chosen(uow: Uow) -> tuple[Direction, Sequence[InboxItem | OutboxItem], str]:
    """The messages that the page had listed, and why whoever sent its form wants something done with them."""
    direction, wanted, limit = _asked(uow)
    reason = replays.given(request.form.get("reason", ""))
    upto = work.whole(work.typed("upto", 15)) or 0
    return direction, _found(uow, direction, replace(wanted, before_id=upto + 1), limit), reason


def _asked(uow: Uow) -> tuple[Direction, Wanted, int]:
    """The search, with a state: refused messages and dead letters unless it names another that can be taken again."""
    direction = direction_asked()
    wanted = replace(wanted_of(uow, direction), before_id=None)
    if direction is Direction.OUT:
        wanted = replace(wanted, state=OutboxState.DEAD.value)
    elif not wanted.state:
        wanted = replace(wanted, state=InboxState.REFUSED.value)
    limit = work.whole(work.asked("limit", 5)) or replays.AT_ONCE
    return direction, wanted, min(max(limit, 1), replays.AT_ONCE)


def _found(uow: Uow, direction: Direction, wanted: Wanted, limit: int) -> Sequence[InboxItem | OutboxItem]:
    if direction is Direction.IN:
        return message_search.received(uow, wanted, limit=limit, is_oldest_first=True)
    return message_search.sent(uow, wanted, limit=limit, is_oldest_first=True)
