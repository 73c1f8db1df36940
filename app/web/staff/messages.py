"""Every message's fate, one row per recipient and way."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext

from app.identity import for_staff
from app.kernel.logbook import PAGE_ROWS
from app.notifications import service as notifications
from app.notifications.models import Message
from app.notifications.states import MessageState
from app.notifications.words import WORDS
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, IT, OPERATIONS, PLACE, blueprint
from app.web.staff.lists import before_id, field, paging

SINCE_DAYS = 7


@blueprint.get("/messages")
@work.needs(ADMIN, OPERATIONS, IT)
def messages() -> edge.Answer:
    """The newest messages with their fates, and how many had which fate in the last week."""
    uow = edge.current_uow()
    state = work.one_of(work.asked("state", 16), MessageState)
    rows = list(notifications.messages(uow, state=state, before_id=before_id(), limit=PAGE_ROWS))
    accounts = for_staff.masked_phones(uow, {message.account_id for message in rows})
    fates = notifications.fates(uow, since=uow.now() - timedelta(days=SINCE_DAYS))
    return work.page(
        "staff/messages.html",
        PLACE,
        filters=[field("state", gettext("状态"), options=show_work.options(MessageState))],
        rows=[_row(message, accounts.get(message.account_id, "")) for message in rows],
        paging=paging(rows),
        since_days=SINCE_DAYS,
        fates=[
            [str(show_work.WAYS[way]), show_work.tag(fate)["text"], reason or "—", str(count)]
            for way, fate, reason, count in fates
        ],
    )


def _title(template: str) -> str:
    told = WORDS.get(template)
    return show.in_language(told.title_zh, told.title_en) if told else template


def _row(message: Message, recipient: str) -> dict[str, object]:
    return {
        "made": show_work.exact(message.made_at),
        "to": recipient,
        "way": str(show_work.WAYS[message.channel]),
        "template": _title(message.template),
        "tag": show_work.tag(message.state),
        "reason": message.reason or "—",
        "final": show_work.exact(message.final_at or message.sent_at) or "—",
        "read": show_work.exact(message.read_at) or "—",
    }
