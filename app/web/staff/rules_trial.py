"""A dry run of rules in words: who would have waited how much longer or shorter, and what would have been refused."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.uow import Uow
from app.queueing.past_day import past_day
from app.queueing.simulated import simulated_day
from app.queueing.trying import Change, Comparison, Outcome, compare
from app.registration.trying import Judged, judge, past_bookings
from app.rulebook.terms import Rules
from app.web import show
from app.web.words import FOR_STAFF

WEEKS_OF_BOOKINGS = 4
SEED = 1
_GROUPS = {
    "new": _l("按时来的"),
    "late": _l("迟到的"),
    "passed": _l("过号的"),
    "returned": _l("回诊的"),
    "priority": _l("优先的"),
}


def trial(uow: Uow, before: Rules, after: Rules, *, day: date | None, department_id: int | None) -> dict[str, object]:
    """What `after` would change against `before`: that day's queue (None: a simulated one), four weeks' bookings."""
    plans = past_day(uow, day, department_id) if day else simulated_day(SEED)
    booked = past_bookings(uow, days=WEEKS_OF_BOOKINGS * 7, department_id=department_id)
    found = compare(plans, before, after)
    return {
        "day": show.day_words(day) if day else str(gettext("模拟的一天")),
        "sessions": len(plans),
        "changes": [_change_row(change) for change in found.changes],
        "most_changed": [_patient_row(old, new) for old, new in found.most_changed],
        "unseen": _unseen(found),
        "weeks": WEEKS_OF_BOOKINGS,
        "booking_rows": _booking_rows(judge(booked, before, uow.zone), judge(booked, after, uow.zone)),
        "bookings": len(booked),
    }


def _minutes(value: float) -> str:
    return str(gettext("%(minutes)s 分钟", minutes=round(value)))


def _difference(minutes: float) -> str:
    whole = round(minutes)
    if whole == 0:
        return str(gettext("不变"))
    words = (
        gettext("久 %(minutes)s 分钟", minutes=whole) if whole > 0 else gettext("短 %(minutes)s 分钟", minutes=-whole)
    )
    return str(words)


def _change_row(change: Change) -> list[str]:
    return [
        str(_GROUPS[change.group]),
        str(change.patients),
        _minutes(change.before_minutes),
        _minutes(change.after_minutes),
        _difference(change.after_minutes - change.before_minutes),
        _minutes(change.longer_most),
        _minutes(change.shorter_most),
    ]


def _patient_row(old: Outcome, new: Outcome) -> list[str]:
    who = gettext("第 %(session)s 场 %(place)s 号", session=old.session_no + 1, place=old.place_no)
    return [
        str(who),
        str(_GROUPS[old.group]),
        _minutes(old.waited_minutes),
        _minutes(new.waited_minutes),
        _difference(new.waited_minutes - old.waited_minutes),
    ]


def _unseen(found: Comparison) -> str:
    counts = {"before": found.unseen_before, "after": found.unseen_after}
    return str(gettext("来了却没有看成的：现在 %(before)s 人，新规则 %(after)s 人", **counts))


def _booking_rows(before: Judged, after: Judged) -> list[list[str]]:
    codes = sorted(set(before.refused) | set(after.refused))
    rows = [[str(FOR_STAFF[code][0]), str(before.refused[code]), str(after.refused[code])] for code in codes]
    rows.append([gettext("不能取消的"), str(before.cancel_refused), str(after.cancel_refused)])
    for percent in sorted(set(before.refunded_fen) | set(after.refunded_fen), reverse=True):
        pair = [show.yuan(each.refunded_fen.get(percent, 0)) for each in (before, after)]
        rows.append([gettext("按 %(percent)s%% 退的挂号费", percent=percent), *pair])
    rows.append([gettext("取消后不退的挂号费"), show.yuan(before.kept_fen), show.yuan(after.kept_fen)])
    rows.append([gettext("会被限约的患者"), str(before.suspended), str(after.suspended)])
    return [[str(cell) for cell in row] for row in rows]
