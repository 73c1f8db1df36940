"""Finished words for screens: amounts, times, days and states, in the reader's language and the hospital's time."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from app.identity.models import IdentityProof, Relation, Sex
from app.kernel.clock import hospital_day
from app.kernel.money import yuan_text
from app.payment.states import BillState
from app.pharmacy.states import BagState
from app.prescription.models import PrescriptionLine
from app.prescription.states import PrescriptionState
from app.queueing.states import TicketState
from app.registration.states import RegistrationState
from app.runtime import runtime
from app.scheduling.models import HalfDay

_DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

HALF_DAYS = {HalfDay.AM: _l("上午"), HalfDay.PM: _l("下午"), HalfDay.EVE: _l("晚上")}
RELATIONS = {
    Relation.SELF: _l("本人"),
    Relation.CHILD: _l("子女"),
    Relation.PARENT: _l("父母"),
    Relation.SPOUSE: _l("配偶"),
    Relation.OTHER: _l("其他亲属"),
}
PROOFS = {
    IdentityProof.UNVERIFIED: _l("未实名核验"),
    IdentityProof.DESK: _l("已实名：窗口核验"),
    IdentityProof.HOSPITAL: _l("已实名：医院系统核验"),
}
SEXES = {Sex.MALE: _l("男"), Sex.FEMALE: _l("女"), Sex.UNKNOWN: _l("未说明")}

# The four grades of doctors; a hospital that has others has them as it writes them.
_TITLES = {
    "主任医师": _l("主任医师"),
    "副主任医师": _l("副主任医师"),
    "主治医师": _l("主治医师"),
    "住院医师": _l("住院医师"),
}

# How often a drug is taken: the usual abbreviations, in Chinese and English.
_FREQUENCIES = {
    "qd": ("每日 1 次", "once a day"),
    "bid": ("每日 2 次", "twice a day"),
    "tid": ("每日 3 次", "three times a day"),
    "qid": ("每日 4 次", "four times a day"),
    "q6h": ("每 6 小时 1 次", "every 6 hours"),
    "q8h": ("每 8 小时 1 次", "every 8 hours"),
    "q12h": ("每 12 小时 1 次", "every 12 hours"),
    "qn": ("每晚 1 次", "every night"),
    "qod": ("隔日 1 次", "every other day"),
    "qw": ("每周 1 次", "once a week"),
    "prn": ("必要时", "when needed"),
    "st": ("立即", "at once"),
}
# How a drug is taken, as it stands on prescriptions and in the code table of HL7 orders.
_ROUTES = {
    "口服": "by mouth",
    "外用": "on the skin",
    "含服": "in the mouth, sucked",
    "舌下含服": "under the tongue",
    "吸入": "inhaled",
    "静脉注射": "into a vein",
    "肌内注射": "into a muscle",
    "皮下注射": "under the skin",
}
# What drugs are counted in, in as much of it as is said: 1 tablet, 2 tablets.
_UNITS = {
    "片": ("tablet", "tablets"),
    "粒": ("capsule", "capsules"),
    "丸": ("pill", "pills"),
    "袋": ("sachet", "sachets"),
    "支": ("tube", "tubes"),
    "瓶": ("bottle", "bottles"),
    "盒": ("box", "boxes"),
    "滴": ("drop", "drops"),
    "喷": ("puff", "puffs"),
    "贴": ("patch", "patches"),
    "次": ("time", "times"),
}
_AMOUNT = re.compile(rf"(?<!\d)(\d+(?:\.\d+)?)\s*([{''.join(_UNITS)}])(?![\u4e00-\u9fff])")
_WINDOW = re.compile(r"(\d+)\s*号窗口")

# The kind is a tag's colour and icon (templates/macros/ui.html), the words say the same.
_STATES: tuple[tuple[enum.StrEnum, str, object], ...] = (
    (RegistrationState.HELD, "wait", _l("待支付")),
    (RegistrationState.BOOKED, "ok", _l("已预约")),
    (RegistrationState.CHECKED_IN, "info", _l("候诊中")),
    (RegistrationState.IN_CONSULTATION, "info", _l("就诊中")),
    (RegistrationState.COMPLETED, "ok", _l("已就诊")),
    (RegistrationState.EXPIRED, "warn", _l("超时未付，已释放")),
    (RegistrationState.CANCELLED, "warn", _l("已取消")),
    (RegistrationState.NO_SHOW, "warn", _l("未到诊")),
    (TicketState.WAITING, "wait", _l("候诊中")),
    (TicketState.CALLED, "ok", _l("请就诊")),
    (TicketState.SERVING, "info", _l("就诊中")),
    (TicketState.PASSED, "warn", _l("已过号")),
    (TicketState.AWAY, "wait", _l("检查中")),
    (TicketState.DONE, "ok", _l("已就诊")),
    (TicketState.VOID, "warn", _l("已作废")),
    (PrescriptionState.ISSUED, "wait", _l("药师审核中")),
    (PrescriptionState.APPROVED, "wait", _l("正在结算")),
    (PrescriptionState.RETURNED, "warn", _l("已退回医生修改")),
    (PrescriptionState.BILLED, "wait", _l("待支付")),
    (PrescriptionState.PAID, "ok", _l("已支付")),
    (PrescriptionState.DISPENSED, "ok", _l("已取药")),
    (PrescriptionState.VOIDED, "warn", _l("已作废")),
    (PrescriptionState.EXPIRED, "warn", _l("已过期")),
    (BillState.OPEN, "wait", _l("待支付")),
    (BillState.SETTLING, "info", _l("正在医保结算")),
    (BillState.PAID, "ok", _l("已支付")),
    (BillState.VOID, "warn", _l("已作废")),
    (BillState.PARTLY_REFUNDED, "info", _l("部分退款")),
    (BillState.REFUNDING, "info", _l("退款中")),
    (BillState.REFUNDED, "info", _l("已退款")),
    (BagState.UNPAID, "wait", _l("待支付")),
    (BagState.QUEUED, "wait", _l("等待配药")),
    (BagState.PICKING, "wait", _l("正在配药")),
    (BagState.READY, "ok", _l("可以取药")),
    (BagState.BEING_SERVED, "info", _l("正在发药")),
    (BagState.COLLECTED, "ok", _l("已取药")),
    (BagState.CANCELLED, "warn", _l("已取消")),
)
# Words of different machines are equal as text, so the machine's type is part of the key.
_BY_STATE = {(type(state), state.value): (kind, words) for state, kind, words in _STATES}


def is_english() -> bool:
    """True when the reader chose English."""
    return str(get_locale()) == "en"


def yuan(amount_fen: int) -> str:
    """¥38.60, -¥38.60 below zero."""
    return f"-¥{yuan_text(-amount_fen)}" if amount_fen < 0 else f"¥{yuan_text(amount_fen)}"


def clock_time(instant: datetime) -> str:
    """14:32, on the hospital's wall."""
    return instant.astimezone(runtime().settings.time_zone).strftime("%H:%M")


def time_span(starts_at: datetime, ends_at: datetime) -> str:
    """09:00–09:10."""
    return f"{clock_time(starts_at)}–{clock_time(ends_at)}"


def weekday(day: date) -> str:
    """周一 or Mon."""
    return (_DAYS_EN if is_english() else _DAYS_ZH)[day.weekday()]


def short_day(day: date) -> str:
    """11-23."""
    return day.strftime("%m-%d")


def proof_tag(proof: IdentityProof) -> dict[str, str]:
    """Whether the person is verified, as a tag; `note` says what to do about it."""
    if proof != IdentityProof.UNVERIFIED:
        return {"kind": "ok", "text": str(PROOFS[proof]), "note": ""}
    note = gettext("带身份证（儿童可带户口簿）到挂号窗口核验一次即可；有的科室只接受核验过的就诊人网上预约。")
    return {"kind": "wait", "text": str(PROOFS[proof]), "note": str(note)}


def day_words(day: date) -> str:
    """11月23日 周一, or Mon 23 Nov."""
    if is_english():
        return f"{weekday(day)} {day.day} {_MONTHS_EN[day.month - 1]}"
    return f"{day.month}月{day.day}日 {weekday(day)}"


def last_day(until: datetime) -> str:
    """The last day on which something holds that ends `until` then: 12月3日 周四 for midnight of the fourth."""
    return day_words(hospital_day(until - timedelta(seconds=1), runtime().settings.time_zone))


def moment(instant: datetime) -> str:
    """The day and the time: 11月23日 周一 14:32."""
    return f"{day_words(hospital_day(instant, runtime().settings.time_zone))} {clock_time(instant)}"


def near_moment(instant: datetime) -> str:
    """14:32 for a time of today, else with its day."""
    zone = runtime().settings.time_zone
    is_today = hospital_day(instant, zone) == hospital_day(runtime().units.clock.now(), zone)
    return clock_time(instant) if is_today else moment(instant)


def minutes_left(until: datetime, now: datetime) -> int:
    """Whole minutes until then, one as long as a second is left, nought afterwards."""
    seconds = (until - now).total_seconds()
    return max(0, -int(-seconds // 60))


def wait_words(low_minutes: int, high_minutes: int) -> str:
    """约 8–16 分钟."""
    if high_minutes <= 1:
        return str(gettext("马上就到"))
    if low_minutes >= high_minutes:
        return str(gettext("约 %(minutes)s 分钟", minutes=high_minutes))
    return str(gettext("约 %(low)s–%(high)s 分钟", low=low_minutes, high=high_minutes))


def in_language(chinese: str, english: str) -> str:
    """The name in the reader's language; the Chinese one where there is no other."""
    return english if is_english() and english else chinese


def title_words(title: str) -> str:
    """A doctor's title in the reader's language."""
    return str(_TITLES.get(title, title))


def with_title(name: str, title: str) -> str:
    """张伟 主任医师, or 张伟 Chief physician."""
    return f"{name} {title_words(title)}".strip()


def room_words(room: str) -> str:
    """305 诊室, or Room 305; '' without a room."""
    if not room:
        return ""
    return f"Room {room}" if is_english() else f"{room} 诊室"


def where_words(place: str, room: str) -> str:
    """门诊楼3层东区 305 诊室, or Building A, floor 3 east, Room 305."""
    return (", " if is_english() else " ").join(part for part in (place, room_words(room)) if part)


def listed(words: Iterable[object]) -> str:
    """甲、乙、丙, or A, B, C."""
    return (", " if is_english() else "、").join(str(word) for word in words)


def with_note(words: object, note: object) -> str:
    """张秀英（本人）, or 张秀英 (Self)."""
    return f"{words} ({note})" if is_english() else f"{words}（{note}）"


def route_words(route: str) -> str:
    """口服, or by mouth; anything unusual as it was written."""
    return in_language(route, _ROUTES.get(route.strip(), ""))


def usage_words(line: PrescriptionLine) -> str:
    """0.5g 每日 3 次 口服 7 天: how the drug is taken."""
    words = [amount_words(line.dose), frequency_words(line.frequency), route_words(line.route)]
    return " ".join([*filter(None, words), gettext("%(days)s 天", days=line.days)])


def amount_words(text: str) -> str:
    """0.25g×24粒, 2 盒, or 0.25g×24 capsules, 2 boxes; a unit that is not known as it was written."""
    return _AMOUNT.sub(_amount_in_english, text) if is_english() else text


def _amount_in_english(found: re.Match[str]) -> str:
    one, more = _UNITS[found[2]]
    return f"{found[1]} {one if found[1] == '1' else more}"


def window_words(name: str, place: str = "") -> str:
    """1号窗口 门诊药房1层, or Window 1 门诊药房1层; a window with another kind of name as it is called."""
    shown = _WINDOW.sub(r"Window \1", name) if is_english() else name
    return f"{shown} {place}".strip()


def frequency_words(code: str) -> str:
    """每日 2 次 for bid, in the reader's language; anything that is no such abbreviation as it was written."""
    known = _FREQUENCIES.get(code.strip().lower())
    return in_language(*known) if known else code


def state_kind(state: enum.StrEnum) -> str:
    """The state's tag: ok, info, wait, warn or bad."""
    return _BY_STATE[(type(state), state.value)][0]


def state_words(state: enum.StrEnum) -> str:
    """The state in the reader's words."""
    return str(_BY_STATE[(type(state), state.value)][1])


def grouped(digits: str) -> str:
    """1234 5678 9012 …: long numbers in groups of four."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
