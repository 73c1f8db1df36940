"""HL7 v2 messages for the eyes of those who run the connection: their structure whole, their persons hidden.

Works on the text of segments and nothing else, so a message that no parser takes can still be looked at.
"""

from __future__ import annotations

import re
from itertools import islice

# Which fields of a segment hold a person (HL7 v2.5.1 chapters 3, 5, 6, 7): every figure and letter of them goes.
HIDDEN: dict[str, frozenset[int]] = {
    "PID": frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14, 18, 19, 20, 21, 23}),
    "NK1": frozenset({2, 4, 5, 6, 12, 13, 30, 31, 32, 33, 37}),
    "GT1": frozenset({3, 4, 5, 6, 7, 8, 12}),
    "IN1": frozenset({2, 16, 18, 19, 36, 49}),
    "DG1": frozenset({3, 4}),
    "OBX": frozenset({5}),
    "NTE": frozenset({3}),
    "MRG": frozenset({1, 2, 3, 4, 7}),
    "QPD": frozenset({3}),
    "QRD": frozenset({8}),
    "QRF": frozenset({3, 4, 5}),
}
# What a segment of somebody's own holds, nobody knows; ours holds a queue's number and a room.
OWN = "ZQN"
_HIDDEN_WHOLE = re.compile(r"Z[A-Z0-9]{2}|IN2", re.ASCII)
# A message can be all lines and separators, sixteen million of them: whoever looks at it is to get a page all the same.
LINES_AT_MOST = 300_001
FIELDS_AT_MOST = 200
# MSH-18 where UTF-8 or GB18030 would read other characters out of the same bytes (HL7 table 0211).
_DECLARED = ((b"BIG-5", "cp950"), (b"BIG5", "cp950"), (b"8859/1", "latin-1"))
_LINE = re.compile(r"[^\r\n]+")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)


def text_of(body: bytes) -> str:
    """The message's bytes as text, in the character set that `codec_of` finds; it never fails."""
    return body.decode(codec_of(body))


def codec_of(body: bytes) -> str:
    """The character set of the message's bytes: a declared one of those below, UTF-8, GB18030, or byte by byte."""
    head = body[:2000].partition(b"\r")[0].partition(b"\n")[0]
    for codec in (*(codec for label, codec in _DECLARED if label in head), "utf-8-sig", "gb18030"):
        try:
            body.decode(codec)
        except UnicodeDecodeError:
            continue
        return codec
    return "latin-1"


def lines_of(text: str) -> str:
    """The message with one segment a line, nothing hidden."""
    return "\n".join(_lines(text))


def masked(text: str) -> str:
    """The message, one segment a line, with every person's field hidden; what is no segment is hidden whole."""
    lines = _lines(text)
    separator = _separator(lines)
    return "\n".join(_masked_segment(line, separator) for line in lines)


def _lines(text: str) -> list[str]:
    found = _LINE.finditer(text.strip("\x0b\x1c\r\n"))
    return [line[0] for line in islice(found, LINES_AT_MOST)]


def _separator(lines: list[str]) -> str:
    """MSH-1: the character after the first segment's name; the usual one when there is none."""
    is_head = bool(lines) and lines[0].startswith("MSH") and len(lines[0]) > 3
    return lines[0][3] if is_head else "|"


def _masked_segment(line: str, separator: str) -> str:
    name, *fields = line.split(separator, FIELDS_AT_MOST)
    if not _SEGMENT.fullmatch(name):
        return "*" * min(len(line), 12)
    hidden = HIDDEN.get(name, frozenset()) | {FIELDS_AT_MOST}
    is_whole = bool(_HIDDEN_WHOLE.fullmatch(name)) and name != OWN
    shown = (_hide(field) if is_whole or n in hidden else field for n, field in enumerate(fields, start=1))
    return separator.join([name, *shown])


def _hide(field: str) -> str:
    """Stars for letters and figures; separators stay, so that missing components can still be seen."""
    return re.sub(r"[^\^&~|\\]+", "***", field)
