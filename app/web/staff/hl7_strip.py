"""What stands above the HL7 log: what waits and for how long, what was answered in the last hour, and the alarm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask_babel import gettext

from app.kernel import message_health
from app.kernel.message_health import Alarm, AlarmCode, Backlog
from app.kernel.uow import Uow
from app.runtime import runtime
from app.web import show_work

SPOKEN_FROM_SECONDS = 180
_CODES = ("AA", "AE", "AR")


def strip(uow: Uow) -> dict[str, object]:
    """Figures as tiles, a row for each receiver, and `alarms` in words: who is away, and what has waited too long."""
    backlog, answers = message_health.backlog(uow), message_health.answers(uow)
    deadline = runtime().settings.hl7.booking_deadline_seconds
    return {
        "alarms": alarm_words(message_health.alarms(uow)),
        "tiles": [
            {"value": sum(each.waiting for each in backlog), "label": gettext("等待发送")},
            {
                "value": message_health.overdue(uow, deadline),
                "label": gettext("医院系统未答的预约"),
                "note": gettext("超过 %(seconds)s 秒", seconds=deadline),
            },
            {"value": sum(each.dead for each in backlog), "label": gettext("发送失败")},
            {"value": answers.parked, "label": gettext("等待患者建档")},
            *({"value": answers.by_code.get(code, 0), "label": code, "note": gettext("最近一小时")} for code in _CODES),
            {"value": "—" if answers.p99_ms is None else f"{answers.p99_ms} ms", "label": gettext("应答时间 p99")},
        ],
        "rows": [_row(each) for each in backlog if each.waiting or each.dead],
    }


def alarm_words(alarms: Sequence[Alarm]) -> list[str]:
    """Each alarm in a sentence."""
    return [_alarm_words(alarm) for alarm in alarms]


def _alarm_words(alarm: Alarm) -> str:
    if alarm.code == AlarmCode.TOO_OLD:
        return str(gettext("最久的一条已等待 %(span)s", span=_span(alarm.seconds)))
    words = gettext("%(peer)s 已 %(span)s 没有应答，消息保留待发", peer=alarm.peer, span=_span(alarm.seconds))
    return f"{words} · {alarm.error}"


def _span(seconds: int) -> str:
    """`61 秒`, and from three minutes on `36 分钟`, `5 小时`, `2 天`."""
    if seconds < SPOKEN_FROM_SECONDS:
        return str(gettext("%(seconds)s 秒", seconds=seconds))
    now = runtime().units.clock.now()
    return show_work.ago_words(now - timedelta(seconds=seconds), now)


def _row(each: Backlog) -> list[str]:
    age = _span(each.oldest_seconds) if each.waiting else "—"
    return [show_work.topic_words(each.topic), each.peer or "—", str(each.waiting), age, str(each.dead)]
