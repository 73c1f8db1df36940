"""The words of every message, in both languages; titles say nothing that a stranger may not read on a lock screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from zoneinfo import ZoneInfo

from app.kernel.money import yuan_text


@dataclass(frozen=True)
class Words:
    """A template: title and body in Chinese and English; `useful_minutes` is how long it is worth delivering."""

    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    useful_minutes: int = 24 * 60


@dataclass(frozen=True)
class Told:
    """A message in finished words; `fields` are its params as they stand in the body."""

    title: str
    body: str
    fields: dict[str, str]


WORDS: Mapping[str, Words] = {
    "booked": Words(
        "预约成功",
        "Your visit is booked",
        "{at}，{room}诊室，{number}号。请提前15分钟到院签到。",
        "{at}, room {room}, place {number}. Please check in 15 minutes earlier.",
    ),
    "moved": Words(
        "医院调整了您的就诊时间",
        "The hospital moved your visit",
        "改为{at}，{room}诊室，{number}号。如不方便请改约。",
        "It is now at {at}, room {room}, place {number}. If that does not suit you, please book again.",
    ),
    "substituted": Words(
        "您的预约有变动",
        "Your visit has changed",
        "{at}，{room}诊室，{number}号：医生临时调整，号仍保留。如不合适，就诊前可取消，全额退款。",
        "{at}, room {room}, place {number}: another doctor will see you. You may cancel before and get all back.",
    ),
    "rescheduled": Words(
        "改约成功",
        "Your visit has a new time",
        "改为{at}，{room}诊室，{number}号。原来的号已退回，挂号费不变。",
        "It is now at {at}, room {room}, place {number}. Your former place went back; the fee is the same.",
    ),
    "place_offered": Words(
        "候补有号了",
        "A place is kept for you",
        "{at}有号，为您保留到{until_at}。点开接受并付款；不回应就给下一位。",
        "There is a place at {at}, kept for you until {until_at}. Open to accept and pay; else it goes to the next.",
        useful_minutes=15,
    ),
    "waitlist_over": Words(
        "候补已结束",
        "You are no longer on the waiting list",
        "到{to_day}为止没有候补到号，或多次没有回应。如仍需就诊请重新候补或预约。",
        "Up to {to_day} no place came, or offers were not answered. You can join again or book another time.",
    ),
    "expired": Words(
        "未在规定时间内付款，号源已释放",
        "Your place was released",
        "{at}的号未付款，已退回。如需就诊请重新预约。",
        "The place at {at} was not paid in time and went back. You can book again.",
    ),
    "cancelled": Words(
        "预约已取消",
        "Your visit is cancelled",
        "{at}的预约已取消。已付的费用将原路退回。",
        "Your visit at {at} is cancelled. What you paid goes back the way it came.",
    ),
    "stopped": Words(
        "医院取消了您的预约",
        "The hospital cancelled your visit",
        "医院取消了{at}的预约，已付的费用将全额原路退回。很抱歉；点开可一键改约。",
        "Your visit at {at} was cancelled. What you paid goes back in full. We are sorry; one tap books another.",
    ),
    "not_exchanged": Words(
        "改约没有成功，原来的号不变",
        "Your visit stays as it was",
        "医院没能给您新的号；{at}，{room}诊室，{number}号仍是您的。为新号付的费用将全额原路退回。",
        "The hospital had no such place. Yours at {at}, room {room}, place {number} stands; what you paid goes back.",
    ),
    "checked_in": Words(
        "签到成功",
        "You are checked in",
        "您的排队号是{number}，请到{room}诊室候诊。轮到您时会再通知。",
        "Your number is {number}, room {room}. We will tell you when it is your turn.",
        useful_minutes=60,
    ),
    "checked_in_shared": Words(
        "签到成功",
        "You are checked in",
        "您的排队号是{number}，请在{rooms}诊室外候诊，到哪一间以叫号为准。轮到您时会再通知。",
        "Your number is {number}, rooms {rooms}. We will tell you which room when it is your turn.",
        useful_minutes=60,
    ),
    "called": Words(
        "请就诊",
        "It is your turn",
        "{number}，请现在到{room}诊室。",
        "{number}, please come to room {room} now.",
        useful_minutes=20,
    ),
    "come_back": Words(
        "请现在往回走",
        "Please come back now",
        "{number}，快轮到您了。按您选的{minutes}分钟路程，请现在回到{room}诊室门口。",
        "{number}, your turn is near. You are {minutes} minutes away: please come back to room {room} now.",
        useful_minutes=20,
    ),
    "come_back_shared": Words(
        "请现在往回走",
        "Please come back now",
        "{number}，快轮到您了。按您选的{minutes}分钟路程，请现在回到{rooms}诊室外，到哪一间以叫号为准。",
        "{number}, your turn is near. You are {minutes} minutes away: please come back now to rooms {rooms};"
        " we will tell you which.",
        useful_minutes=20,
    ),
    "billed": Words(
        "有一笔费用待支付",
        "There is something to pay",
        "合计{total}元，医保和个人账户支付{covered}元，您需支付{amount}元。付款或确认后开始配药。",
        "Total ¥{total}, insurance and account pay ¥{covered}, you pay ¥{amount}."
        " Your medicine is made ready once you have paid or confirmed.",
    ),
    "to_confirm": Words(
        "有一笔费用待确认",
        "There is something to confirm",
        "合计{total}元，全部由医保和个人账户支付。确认后开始配药。",
        "Total ¥{total}: insurance and account pay all of it. Your medicine is made ready once you have confirmed.",
    ),
    "paid": Words(
        "支付成功",
        "Payment received",
        "已支付{amount}元。备好后会通知您取药窗口。",
        "You paid ¥{amount}. We will tell you the window when your bag is ready.",
    ),
    "confirmed": Words(
        "费用已确认",
        "The bill is confirmed",
        "{total}元全部由医保和个人账户支付，您没有付款。备好后会通知您取药窗口。",
        "Insurance and account pay all ¥{total}, and you nothing. We will tell you the window when your bag is ready.",
    ),
    "ready": Words(
        "可以取药了",
        "Your bag is ready",
        "请到{window}（{place}）出示取药码，袋号{number}。",
        "Please show your pickup code at {window} ({place}), bag {number}.",
    ),
    "collected": Words(
        "已取药",
        "Your bag was collected",
        "{at}已在窗口取走。如非本人或家人领取，请立即联系药房。",
        "It was handed over at {at}. If this was not you or your family, tell the pharmacy at once.",
    ),
    "reported": Words(
        "有一份新报告可以查看",
        "A report can be looked up",
        "请打开页面查看，或咨询医生。",
        "Please open the page to read it, or ask your doctor.",
        useful_minutes=3 * 24 * 60,
    ),
    "reminded": Words(
        "复诊提醒",
        "Time for your next visit",
        "医生建议您在{due_day}前后复诊，点开即可预约。",
        "Your doctor would like to see you around {due_day}. One tap books it.",
        useful_minutes=12 * 60,
    ),
    "refunded": Words(
        "退款已到账",
        "Your money is back",
        "{amount}元已原路退回。",
        "¥{amount} went back the way it came.",
        useful_minutes=3 * 24 * 60,
    ),
}


def is_english(locale: str) -> bool:
    """True when the account reads English; everybody else gets Chinese."""
    return locale.startswith("en")


def say(template: str, params: Mapping[str, object], locale: str, zone: ZoneInfo) -> Told:
    """The message in the words of `locale`: instants as the hospital's wall shows them, fen as yuan."""
    words = WORDS[template]
    fields = finished(params, zone)
    title, body = (words.title_en, words.body_en) if is_english(locale) else (words.title_zh, words.body_zh)
    return Told(title, body.format_map(fields), fields)


def fields_of(template: str) -> tuple[str, ...]:
    """The fields that the message's words speak of, in their order."""
    told = (name for _, name, _, _ in Formatter().parse(WORDS[template].body_zh) if name)
    return tuple(dict.fromkeys(told))


def finished(params: Mapping[str, object], zone: ZoneInfo, *, with_year: bool = False) -> dict[str, str]:
    """The params as people read them; forms that others print want instants `with_year`."""
    form = "%Y-%m-%d %H:%M" if with_year else "%m-%d %H:%M"
    return dict(_field(name, value, zone, form) for name, value in params.items())


def _field(name: str, value: object, zone: ZoneInfo, form: str) -> tuple[str, str]:
    """A param's name says its kind: `_at` an instant, `_day` a day, `_fen` money; the field's name goes without."""
    kind = name.rpartition("_")[2]
    if kind == "fen" and isinstance(value, int):
        return name.removesuffix("_fen"), yuan_text(value)
    if kind == "at":
        return name, datetime.fromisoformat(str(value)).astimezone(zone).strftime(form)
    if kind == "day":
        return name, date.fromisoformat(str(value)).strftime("%Y-%m-%d")
    return name, str(value)
