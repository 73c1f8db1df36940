"""Any text survives the way through a message and into the database, whatever its bytes look like in GB 18030."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from app.kernel.inbox import InboxItem
from app.kernel.uow import Units
from app.reports import service as reports
from app.reports.models import Report
from hl7_adapter.er7 import build, parse
from hl7_adapter.er7.delimiters import Delimiters
from hl7_adapter.intake import receive
from tests.hl7.test_er7 import trap_characters

STRINGS = 100_000
IN_ONE = 250
LABELS = ("GB 18030-2000", "UNICODE UTF-8")
MARKS = (Delimiters(), Delimiters("#", "@", "!", "$", "%"), Delimiters("|", "^", "~", "\\", "&", "#"))
ALPHABET = (
    *"|^~\\&#@!$% \t\r\n\x00\x0b\x1c\x1f\x7f\x85\xa0\u2028",
    *"aZ09.XEFSTR",
    *"张三诚珅琟璡誠瑋鋅",
    *"\u00e9\u3400\ue000\ufb01\uff5c\U0001f600\U00020000\U0010fffd",
)


def strings(count: int, seed: int) -> list[str]:
    """Strings of up to a dozen characters, of delimiters, controls, traps and any character of Unicode."""
    chance = random.Random(seed)
    traps = trap_characters()
    chars = [*ALPHABET, *traps, *(chr(chance.randrange(0x4E00, 0x9FA6)) for _ in range(500))]
    return ["".join(chance.choices(chars, k=chance.randrange(1, 13))) for _ in range(count)]


@pytest.mark.parametrize("label", LABELS)
def test_a_hundred_thousand_strings_are_read_as_they_were_written(label: str) -> None:
    texts = strings(STRINGS, 4) + trap_characters()
    differ = []

    for start in range(0, len(texts), IN_ONE):
        part = texts[start : start + IN_ONE]
        marks = MARKS[start // IN_ONE % len(MARKS)]
        raw = build([["MSH", marks.field, marks.encoding_characters, "A"], ["ZZZ", *part]], label)
        message = parse(raw)
        (segment,) = message.segments("ZZZ")
        differ += [text for number, text in enumerate(part, start=1) if segment.get(str(number)) != text]
        assert (message.encode(), "\ufffd" in message.decoded.text) == (raw, False)

    assert differ == []


def report(number: int, values: list[str], label: str) -> bytes:
    head = [
        "MSH",
        None,
        None,
        "LIS",
        "LAB",
        "M",
        "H",
        "20261123083000",
        None,
        ("ORU", "R01"),
        f"T{number}",
        "P",
        "2.5.1",
    ]
    rows: list[list[object]] = [
        head,
        ["PID", "1", None, "P10001"],
        ["OBR", "1", f"Q{number}", f"TEXT{number}", ("TXT", "文字"), *[None] * 20, "F"],
    ]
    rows += [["OBX", str(at), "ST", (f"C{at}", "文字"), None, value] for at, value in enumerate(values, start=1)]
    return build(rows, label)


def test_what_a_report_says_stands_in_the_database_as_it_was_written(hospital: Units) -> None:
    texts = [text for text in strings(4_000, 5) if text.isprintable() and text == text.strip()][:1_500]
    texts += trap_characters()
    told = []

    for number, start in enumerate(range(0, len(texts), IN_ONE)):
        raw = report(number, texts[start : start + IN_ONE], LABELS[number % 2])
        told.append((raw, parse(receive(hospital, raw) or b"")))

    assert {answer.get("MSA-1") for _, answer in told} == {"AA"}
    assert {answer.decoded.codec for _, answer in told} == {"gb18030", "utf-8"}
    with hospital.open(reads_only=True) as uow:
        filed = uow.session.scalars(select(Report).order_by(Report.id)).all()
        values = [finding.value for one in filed for finding in reports.observations_of(uow, one)]
        bodies = set(uow.session.scalars(select(InboxItem.body)))
    assert values == texts
    assert {raw for raw, _ in told} <= bodies
    assert not any("\ufffd" in value for value in values)
