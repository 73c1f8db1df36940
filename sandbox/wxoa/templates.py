"""The message templates (模板) that this account was granted: nothing goes under another number or half filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.wxoa.tokens import OaError

GRANTED: Mapping[str, str] = {
    "Demo-booked": "time2 thing4 character_string1",
    "Demo-moved": "time2 thing4 character_string1",
    "Demo-substituted": "time2 thing4 character_string1",
    "Demo-rescheduled": "time2 thing4 character_string1",
    "Demo-place_offered": "time2 time10",
    "Demo-waitlist_over": "date11",
    "Demo-expired": "time2",
    "Demo-cancelled": "time2",
    "Demo-stopped": "time2",
    "Demo-not_exchanged": "time2 thing4 character_string1",
    "Demo-checked_in": "character_string1 thing4",
    "Demo-checked_in_shared": "character_string1 thing4",
    "Demo-called": "character_string1 thing4",
    "Demo-come_back": "character_string1 number12 thing4",
    "Demo-come_back_shared": "character_string1 number12 thing4",
    "Demo-billed": "amount8 amount9 amount7",
    "Demo-to_confirm": "amount8",
    "Demo-paid": "amount7",
    "Demo-confirmed": "amount8",
    "Demo-ready": "thing5 thing6 character_string1",
    "Demo-collected": "time2",
    "Demo-reported": "thing1",
    "Demo-reminded": "date3",
    "Demo-refunded": "amount7",
}
"""By number: the keywords of each, all of which a message fills in."""
_DAY = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
# What a keyword takes by its kind (模板消息 参数类型).
_TAKES: Mapping[str, re.Pattern[str]] = {
    "thing": re.compile(r".{1,20}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "number": re.compile(r"\d{1,32}(\.\d+)?", re.ASCII),
    "amount": re.compile(r"[¥￥]?\d{1,10}(\.\d+)?元?", re.ASCII),
    "date": re.compile(rf"{_DAY}( \d\d:\d\d)?", re.ASCII),
    "time": re.compile(rf"({_DAY} )?\d\d:\d\d(:\d\d)?", re.ASCII),
}


def keywords_of(number: object) -> tuple[str, ...]:
    """The keywords of the template with this number; OaError 40037 when the account has none."""
    if not isinstance(number, str) or number not in GRANTED:
        raise OaError(40037, "invalid template_id")
    return tuple(GRANTED[number].split())


def demand_filled(keywords: tuple[str, ...], data: Mapping[str, Any]) -> None:
    """Every keyword has words of its kind, else OaError 47003, naming the first that has not."""
    for keyword in keywords:
        told = data.get(keyword)
        words = told.get("value") if isinstance(told, dict) else None
        if not isinstance(words, str) or not _TAKES[keyword.rstrip("0123456789")].fullmatch(words):
            raise OaError(47003, f"argument invalid! data.{keyword}.value invalid")
