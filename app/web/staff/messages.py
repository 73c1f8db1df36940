"""Every message's fate, one row per recipient and way."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

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
# Why a message has no better fate, in words for whoever can do something about it; what is not here stands as it came.
REASONS: dict[str, object] = {
    "blocked": _l("对方拒收（未关注或已屏蔽）"),
    "unknown_recipient": _l("对方的账号或号码不存在"),
    "bad_message": _l("对方平台不接受这条内容"),
    "no_address": _l("没有可发送的账号或手机号"),
    "gave_up": _l("多次没有发出，不再重试"),
    "too_late": _l("已过时效，不再发送"),
    "system": _l("对方平台故障"),
    "no_template": _l("没有登记模板编号：请在“消息模板”中登记"),
    "unknown_template": _l("公众号没有这个模板编号：请在“消息模板”中核对"),
    "wrong_keywords": _l("关键词与公众号的模板不符：请在“消息模板”中核对"),
}


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
        templates_href=url_for("staff.templates"),
        fates=[
            [str(show_work.WAYS[way]), show_work.tag(fate)["text"], _why(reason), str(count)]
            for way, fate, reason, count in fates
        ],
    )


def _why(reason: str) -> str:
    return str(REASONS.get(reason, reason or "—"))


def title_of(template: str) -> str:
    """The message's title in the reader's language."""
    told = WORDS.get(template)
    return show.in_language(told.title_zh, told.title_en) if told else template


def _row(message: Message, recipient: str) -> dict[str, object]:
    return {
        "made": show_work.exact(message.made_at),
        "to": recipient,
        "way": str(show_work.WAYS[message.channel]),
        "template": title_of(message.template),
        "tag": show_work.tag(message.state),
        "reason": _why(message.reason),
        "final": show_work.exact(message.final_at or message.sent_at) or "—",
        "read": show_work.exact(message.read_at) or "—",
    }
