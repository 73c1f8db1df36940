"""The HL7 log: every message in and out, the refused ones as a work list, the dead ones to be sent again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel import audit, inbox, logbook
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem, OutboxState
from app.web import edge, show_work, work
from app.web.staff import ADMIN, IT, PLACE, blueprint
from app.web.staff.hl7_masking import masked, text_of
from app.web.staff.lists import asked, day_fields, field, paging

SOURCE = "hl7:"
TOPIC = "hospital"
DIRECTIONS = ("in", "out")


@blueprint.get("/hl7")
@work.needs(ADMIN, IT)
def hl7() -> edge.Answer:
    """Messages of one direction by state, type and day, newest first."""
    uow = edge.current_uow()
    direction = work.one_of(work.asked("direction", 3), DIRECTIONS, "in")
    states = InboxState if direction == "in" else OutboxState
    wanted = asked(uow, states, kind=work.asked("type", 40))
    rows: Sequence[InboxItem | OutboxItem] = (
        logbook.received(uow, SOURCE, wanted) if direction == "in" else logbook.posted(uow, TOPIC, wanted)
    )
    return work.page(
        "staff/hl7.html",
        PLACE,
        direction=direction,
        tabs=[
            {"label": words, "href": url_for("staff.hl7", direction=name), "current": name == direction}
            for name, words in zip(DIRECTIONS, (gettext("收到"), gettext("发出")), strict=True)
        ],
        filters=[
            field("state", gettext("状态"), options=show_work.options(states)),
            field("type", gettext("类型")),
            *day_fields(),
        ],
        rows=[_in_row(row) if isinstance(row, InboxItem) else _out_row(row) for row in rows],
        paging=paging(rows),
    )


def _in_row(item: InboxItem) -> dict[str, object]:
    return {
        "at": show_work.exact(item.received_at),
        "kind": item.kind or "—",
        "key": item.key,
        "peer": item.source.removeprefix(SOURCE),
        "tag": show_work.tag(item.state),
        "error": " ".join(part for part in (item.error_code, item.error_place) if part),
        "repeats": item.repeats,
        "href": url_for("staff.hl7_in", item_id=item.id),
    }


def _out_row(item: OutboxItem) -> dict[str, object]:
    return {
        "at": show_work.exact(item.posted_at),
        "kind": str(item.payload.get("event", "—")),
        "key": item.key,
        "peer": item.lane,
        "tag": show_work.tag(item.state),
        "error": item.last_error,
        "repeats": max(item.tries - 1, 0),
        "href": url_for("staff.hl7_out", item_id=item.id),
    }


@blueprint.get("/hl7/in/<int:item_id>")
@work.needs(ADMIN, IT)
def hl7_in(item_id: int) -> edge.Answer:
    """A received message and our answer, persons hidden; the look is on record."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    audit.record(uow, "hl7.read", "inbox", item.key)
    return work.page(
        "staff/hl7_message.html",
        PLACE,
        row=_in_row(item),
        request_text=masked(text_of(item.body)),
        answer_text=masked(text_of(item.answer)) if item.answer else "",
        done=show_work.exact(item.done_at),
        list_href=url_for("staff.hl7"),
        close_href=url_for("staff.close_refused", item_id=item_id) if item.state == InboxState.REFUSED else "",
        again_href="",
    )


@blueprint.post("/hl7/in/<int:item_id>/close")
@work.needs(ADMIN, IT)
def close_refused(item_id: int) -> edge.Answer:
    """A refused message that a person has dealt with leaves the work list; its code and place stay on it."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    if item.state == InboxState.REFUSED:
        inbox.finish(uow, item, InboxState.FILED, error_code=item.error_code, error_place=item.error_place)
        audit.record(uow, "hl7.close_refused", "inbox", item.key, code=item.error_code)
        flash(gettext("已标记为处理完毕"), "ok")
    return redirect(url_for("staff.hl7", state=InboxState.REFUSED.value))


@blueprint.get("/hl7/out/<int:item_id>")
@work.needs(ADMIN, IT)
def hl7_out(item_id: int) -> edge.Answer:
    """A message to the hospital system and its answer, persons hidden; before the first try, what it will tell."""
    uow = edge.current_uow()
    item = logbook.posted_item(uow, TOPIC, item_id)
    audit.record(uow, "hl7.read", "outbox", item.key)
    planned = json.dumps(item.payload, ensure_ascii=False, indent=1, sort_keys=True)
    is_dead = item.state == OutboxState.DEAD
    return work.page(
        "staff/hl7_message.html",
        PLACE,
        row=_out_row(item),
        request_text=masked(text_of(item.body)) if item.body else planned,
        answer_text=masked(text_of(item.answer)) if item.answer else "",
        done=show_work.exact(item.sent_at),
        list_href=url_for("staff.hl7", direction="out"),
        close_href="",
        again_href=url_for("staff.send_again", item_id=item_id) if is_dead else "",
    )
