"""What could not be told to the outside world and waits for a person to send it again."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel import audit, logbook, message_search, outbox
from app.kernel.outbox import OutboxItem, OutboxState
from app.web import edge, show_work, work
from app.web.paths import own_path
from app.web.staff import ADMIN, IT, PLACE, blueprint
from app.web.staff.lists import before_id, paging


@blueprint.get("/dead")
@work.needs(ADMIN, IT)
def dead() -> edge.Answer:
    """The dead letters of every topic, newest first."""
    uow = edge.current_uow()
    asked = logbook.Asked(state=OutboxState.DEAD.value, before_id=before_id())
    rows = logbook.posted(uow, "", asked)
    return work.page("staff/dead.html", PLACE, rows=[_row(item) for item in rows], paging=paging(rows))


def _row(item: OutboxItem) -> dict[str, object]:
    return {
        "topic": show_work.topic_words(item.topic),
        "key": item.key,
        "href": url_for("staff.hl7_out", item_id=item.id) if item.topic == message_search.TOPIC else "",
        "posted": show_work.exact(item.posted_at),
        "tries": item.tries,
        "error": item.last_error or "—",
        "again_href": url_for("staff.send_again", item_id=item.id),
    }


@blueprint.post("/dead/<int:item_id>/again")
@work.needs(ADMIN, IT)
def send_again(item_id: int) -> edge.Answer:
    """The dead letter waits to be sent once more under the same key; one that is not dead stays as it is."""
    uow = edge.current_uow()
    item = logbook.posted_item(uow, "", item_id)
    outbox.send_again(uow, item_id)
    audit.record(uow, "outbox.send_again", "outbox", item.key, topic=item.topic)
    flash(gettext("已重新排队发送"), "ok")
    return redirect(own_path(request.form.get("next", "")) or url_for("staff.dead"))
