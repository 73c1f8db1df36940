"""Promises about the words on the screens: every one is said in English too, and says the same things."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = ROOT / "translations/en/LC_MESSAGES/messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    """Every message of the English catalogue that has been said."""
    with CATALOGUE.open("rb") as said:
        return [message for message in read_po(said, locale="en") if message.id and message.string]


def test_every_word_of_the_screens_is_translated_and_compiled() -> None:
    checked = subprocess.run([ROOT / "tools/translate", "--check"], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_english_says_every_name_and_number_the_chinese_says(messages: list[Message]) -> None:
    differing = [
        (message.id, message.string)
        for message in messages
        if sorted(PLACEHOLDER.findall(message.id)) != sorted(PLACEHOLDER.findall(message.string))
    ]

    assert messages
    assert differing == []


def test_english_has_no_chinese_left_in_it(messages: list[Message]) -> None:
    left = [message.string for message in messages if CHINESE.search(message.string)]

    assert left == []
