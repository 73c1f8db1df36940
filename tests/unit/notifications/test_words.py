"""The words of messages: both languages, every field filled, and nothing a stranger may not read."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

import pytest

from app.notifications.words import WORDS, say
from tests.factories_revisit import SHANGHAI

PARAMS = {
    "at": datetime(2026, 11, 23, 1, 30, tzinfo=UTC).isoformat(),
    "until_at": datetime(2026, 11, 23, 1, 45, tzinfo=UTC).isoformat(),
    "due_day": "2026-12-07",
    "to_day": "2026-12-07",
    "room": "3-05",
    "rooms": "3-05/3-11",
    "number": "A012",
    "minutes": 10,
    "total_fen": 12345,
    "covered_fen": 10000,
    "amount_fen": 2345,
    "window": "2号窗口",
    "place": "一楼大厅",
}
TELLING = re.compile(
    "科|诊断|化验|检验|结果|药|病|处方|阳性|阴性|result|diagnos|clinic|department|prescri|drug|medic", re.IGNORECASE
)


@pytest.mark.parametrize("locale", ["zh_Hans_CN", "en"])
@pytest.mark.parametrize("template", WORDS)
def test_every_template_is_complete_in_both_languages(template: str, locale: str) -> None:
    told = say(template, PARAMS, locale, SHANGHAI)

    assert told.title
    assert told.body
    assert not re.search(r"[{}]", told.title + told.body)


def test_money_is_in_yuan_and_instants_as_on_the_hospitals_wall() -> None:
    billed, booked = say("billed", PARAMS, "en", SHANGHAI), say("booked", PARAMS, "zh_Hans_CN", SHANGHAI)

    assert billed.body.startswith("Total ¥123.45, insurance and account pay ¥100.00, you pay ¥23.45.")
    assert booked.body.startswith("11-23 09:30，3-05")
    assert billed.fields["amount"] == "23.45"


@pytest.mark.parametrize("template", set(WORDS) - {"ready", "collected", "reported"})
def test_no_title_says_anything_clinical(template: str) -> None:
    words = WORDS[template]

    assert not TELLING.search(words.title_zh + words.title_en)


def test_both_languages_use_the_same_fields() -> None:
    for words in WORDS.values():
        fields = [
            sorted(name for _, name, _, _ in string.Formatter().parse(body) if name)
            for body in (words.body_zh, words.body_en)
        ]
        assert fields[0] == fields[1]
