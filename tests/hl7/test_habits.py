"""Messages in the habits of many senders: each gets the answer that its content calls for, in whatever clothes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from app.kernel.inbox import InboxItem
from app.kernel.uow import Units
from hl7_adapter.ack import VERSIONS
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive

MESSAGES_AT_LEAST = 450
_OTHER_MARKS = str.maketrans("|^~\\&#$!*%", "#$!*%|^~\\&")


class Sent(NamedTuple):
    """A message of one sender, and what it is answered: MSA-1 and ERR-3, or `none`."""

    name: str
    text: str
    answer: str


def vendors() -> list[Sent]:
    """The messages of vendors.txt: a line `= what it is | its answer`, then its segments."""
    text = (Path(__file__).parent / "habits" / "vendors.txt").read_text(encoding="utf-8")
    found = re.findall(r"^= (.+) \| (.+)\n((?:.+\n)+)", text, re.MULTILINE)
    return [Sent(name, lines.rstrip("\n").replace("\n", "\r") + "\r", answer) for name, answer, lines in found]


def with_head(text: str, number: int, value: str) -> str:
    """The message with another value in a field of MSH, counted as the standard does."""
    head, _, rest = text.partition("\r")
    fields = head.split("|")
    fields += [""] * (number - len(fields))
    fields[number - 1] = value
    return "|".join(fields) + "\r" + rest


def _declared(text: str, label: str, codec: str) -> bytes:
    return with_head(text, 18, label).encode(codec)


def _blanks(text: str) -> bytes:
    """Blanks before every line end, as columns of fixed length leave them; control id and version among them."""
    return re.sub(r"\r", "  \r", text).encode()


def _from_behind(text: str) -> bytes:
    """The segments that stand alone in another order; those of groups where they were."""
    head, *rest = text.rstrip("\r").split("\r")
    names = [line[:3] for line in rest]
    groups = {"ORC", "OBR", "OBX", "RXO", "RXE", "RXR", "TQ1", "FT1", "NTE", "MFE", "STF", "PRA", "MRG", "OM1", "RXA"}
    alone = [line for line in rest if names.count(line[:3]) == 1 and line[:3] not in groups | {"PID"}]
    return "\r".join([head, *[line for line in rest if line not in alone], *reversed(alone), ""]).encode()


HABITS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "line feeds": lambda text: text.replace("\r", "\n").encode(),
    "carriage return and line feed, after empty fields": lambda text: text.replace("\r", "||||\r\n").encode(),
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "GB 18030, declared": lambda text: _declared(text, "GB 18030-2000", "gb18030"),
    "GBK, not declared": lambda text: with_head(text, 18, "").encode("gb18030"),
    "the character set one field early": lambda text: with_head(with_head(text, 18, ""), 17, "UNICODE UTF-8").encode(),
    "blanks at line ends": _blanks,
    "local segments, and no line end at the end": lambda text: (text + "ZPI|1|本地^字段~又一个\rZZ9|x").encode(),
    "other delimiters": lambda text: text.translate(_OTHER_MARKS).encode(),
    "segments in another order": _from_behind,
}


def corpus() -> list[tuple[Sent, str, bytes]]:
    """Each message in each habit, with control ids and versions of its own."""
    versions = sorted(VERSIONS)
    made = []
    for sent in vendors():
        for habit, dress in HABITS.items():
            number = len(made)
            text = sent.text
            if sent.answer != "AR 101":
                text = with_head(text, 10, f"HABIT{number}")
            if number % 3:
                text = with_head(text, 12, versions[number % len(versions)])
            made.append((sent, habit, dress(text)))
    return made


def test_each_message_is_answered_by_what_it_says_and_not_by_how_it_is_dressed(hospital: Units) -> None:
    messages = corpus()
    assert len(messages) >= MESSAGES_AT_LEAST
    wrong = []

    for sent, habit, raw in messages:
        told = parse(receive(hospital, raw) or b"")

        found = f"{told.get('MSA-1')} {told.get('ERR-3.1') or told.get('ERR-1.4.1')}".strip() or "none"
        if found != sent.answer or (found != "none" and told.get("MSA-2") != parse(raw).get("MSH-10")):
            wrong.append((sent.name, habit, found, sent.answer, told.get("ERR-8") or told.get("MSA-3")))
        if found.startswith("AE") and not (told.get("ERR-2.1") or told.get("ERR-1.1")):
            wrong.append((sent.name, habit, "no place"))

    assert wrong == [], "\n".join(map(str, wrong))
    with hospital.open(reads_only=True) as uow:
        rows = uow.session.execute(select(InboxItem.body, InboxItem.error_code)).all()
    kept = {row.body for row in rows}
    assert [name for sent, name, raw in messages if sent.answer != "none" and raw not in kept] == []
    assert "internal_error" not in {row.error_code for row in rows}


def test_each_is_encoded_again_byte_for_byte() -> None:
    changed = [(sent.name, habit) for sent, habit, raw in corpus() if parse(raw).encode() != raw]

    assert changed == []
