"""Many messages in one text (FHS, BHS … BTS, FTS; HL7 v2.5.1 section 2.10.3), and their answers in another one."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hl7_adapter.er7 import LINES_AT_MOST, AsWritten, build, canonical_label, parse, segment

MESSAGES_AT_MOST = 5000
_LINE = re.compile(rb"[^\r\n]+[\r\n]*")
_HEADS, _TAILS = (b"FHS", b"BHS"), (b"BTS", b"FTS")


class _Broken(Exception):
    """The text is no whole batch: a count differs, an end is missing, or something stands where nothing may."""


@dataclass
class Part:
    """One batch of the text: its BHS line (empty where messages stand without one) and its messages, as lines."""

    head: bytes = b""
    lines: list[list[bytes]] = field(default_factory=list)

    @property
    def messages(self) -> list[bytes]:
        """Each message as it came."""
        return [b"".join(lines) for lines in self.lines]


@dataclass
class Batch:
    """A whole text: its FHS line (empty without one) and its parts, in order."""

    head: bytes = b""
    parts: list[Part] = field(default_factory=list)

    def answer(self, answers: Sequence[Sequence[bytes]], *, control_id: str, now: datetime) -> bytes:
        """The answers as one text of the same shape; `answers[i]` are those to all messages of part i, in order.

        Each head is turned round and names in its field 12 what it answers. Raises ValueError on a naive `now`.
        """
        if now.tzinfo is None:
            raise ValueError("the instant of an answer needs its zone")
        lines = [_turned(self.head, control_id, now)] if self.head else []
        for number, (part, told) in enumerate(zip(self.parts, answers, strict=True), 1):
            if part.head:
                lines.append(_turned(part.head, f"{control_id}B{number}", now))
            lines += told
            if part.head:
                lines.append(b"BTS" + part.head[3:4] + str(len(told)).encode() + b"\r")
        if self.head:
            lines.append(b"FTS" + self.head[3:4] + str(len(self.parts)).encode() + b"\r")
        return b"".join(lines)


def begins_as_batch(raw: bytes) -> bool:
    """True when the text has the head of a batch, whether or not it is a whole one."""
    return _text(raw).startswith(_HEADS)


def read_batch(raw: bytes) -> Batch | None:
    """The messages of a batch as they came; None for anything else, also for one whose counts or ends are wrong.

    BTS-1 and FTS-1 are checked where they say something; more than MESSAGES_AT_MOST messages, or as many batches, are
    none, nor are lines without end.
    """
    if not begins_as_batch(raw):
        return None
    try:
        return _read(line[0] for line in _LINE.finditer(_text(raw)))
    except _Broken:
        return None


def _text(raw: bytes) -> bytes:
    return raw.removeprefix(codecs.BOM_UTF8).lstrip()


def _read(lines: Iterator[bytes]) -> Batch:
    batch, is_open, counts = Batch(), False, Counter[bytes]()
    for number, line in enumerate(lines):
        name = line[:3]
        counts[name] += name in (b"MSH", b"BHS")
        _demand(number < LINES_AT_MOST and counts[name] <= MESSAGES_AT_MOST)
        if name == b"FTS":
            _check(line, len(batch.parts), is_due=bool(batch.head) and not is_open)
            _end(lines)
            return batch
        if name == b"BTS":
            _check(line, len(batch.parts[-1].lines) if batch.parts else 0, is_due=is_open)
            is_open = False
        elif name == b"FHS":
            _demand(not batch.head and not batch.parts)
            batch.head = line.strip()
        elif name == b"BHS":
            _demand(not is_open)
            batch.parts.append(Part(line.strip()))
            is_open = True
        else:
            _add(batch, line, is_open=is_open)
    _demand(not is_open and not batch.head)
    return batch


def _add(batch: Batch, line: bytes, *, is_open: bool) -> None:
    """A line of a message: MSH begins one, in a batch or right under FHS."""
    if line[:3] == b"MSH":
        if not is_open and not (batch.parts and not batch.parts[-1].head):
            _demand(bool(batch.head))
            batch.parts.append(Part())
        batch.parts[-1].lines.append([line])
        return
    is_in_message = bool(batch.parts and batch.parts[-1].lines)
    _demand(is_in_message or not line.strip())
    if is_in_message:
        batch.parts[-1].lines[-1].append(line)


def _check(line: bytes, found: int, *, is_due: bool) -> None:
    said = line.split(line[3:4] or b"|")[1:2]
    _demand(is_due and (not said or not said[0].strip() or said[0].strip() == str(found).encode()))


def _end(lines: Iterator[bytes]) -> None:
    _demand(not any(line.strip() for line in lines))


def _demand(is_right: bool) -> None:
    if not is_right:
        raise _Broken


def _turned(line: bytes, control_id: str, now: datetime) -> bytes:
    """The FHS or BHS of the answer: sender and receiver change places, field 12 is what it answers."""
    message = parse(line + b"\r")
    name = line[:3].decode("ascii")
    head = message.segments(name)[0]
    fields = {3: head.written(5), 4: head.written(6), 5: head.written(3), 6: head.written(4), 12: head.written(11)}
    row = segment(
        name,
        {
            1: message.delimiters.field,
            2: message.delimiters.completed().encoding_characters,
            **{number: AsWritten(text) for number, text in fields.items()},
            7: now.strftime("%Y%m%d%H%M%S%z"),
            11: control_id,
        },
    )
    return build([row], canonical_label(message.decoded.codec), errors="replace")
