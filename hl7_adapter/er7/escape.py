r"""Escape sequences: how a value may hold the delimiters themselves (HL7 v2.5.1 section 2.7).

Understood: \F\ \S\ \T\ \R\ \E\ (and \P\ when a truncation character is declared), \.br\ as a line feed, \Xhh..\ as
bytes of the message's character set. Every other sequence, and a lone escape character, is kept exactly as written.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from hl7_adapter.er7.delimiters import DEFAULT, Delimiters

# Sequences of the standard that mean formatting, another character set or a local agreement: kept whole, so that
# their closing character is not mistaken for the opening of the next one.
_KEPT = r"[HN]|\.[a-z]{2}[+-]?\d*|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4,6}|Z[0-9A-Za-z]*"
_CONTROLS = (*range(0x20), 0x7F)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What one set of delimiters makes of escaping: characters out, sequences in."""

    outward: dict[int, str]
    controls: dict[int, str]
    sequences: re.Pattern[str]
    meaning: dict[str, str]


@lru_cache(maxsize=256)
def _tables(delimiters: Delimiters) -> _Tables:
    mark = delimiters.escape
    named = {
        "F": delimiters.field,
        "S": delimiters.component or DEFAULT.component,
        "R": delimiters.repetition or DEFAULT.repetition,
        "T": delimiters.subcomponent or DEFAULT.subcomponent,
        "E": mark,
    }
    if delimiters.truncation:
        named["P"] = delimiters.truncation
    controls = {code: f"{mark}X{code:02X}{mark}" if mark else " " for code in _CONTROLS}
    if mark and "." not in delimiters.field + delimiters.encoding_characters:
        controls[0x0A] = f"{mark}.br{mark}"
    declared = set(delimiters.field + delimiters.encoding_characters)
    outward = {ord(char): f"{mark}{name}{mark}" if mark else " " for name, char in named.items() if char in declared}
    quoted = re.escape(mark) if mark else r"(?!)"
    names = "".join(named)
    sequences = re.compile(rf"{quoted}(?:([{names}]|\.br)|X((?:[0-9A-Fa-f]{{2}})+)|(?:{_KEPT})){quoted}")
    return _Tables(controls | outward, controls, sequences, named | {".br": "\n"})


def escape(text: str, delimiters: Delimiters = DEFAULT) -> str:
    r"""The text as a value may be written: delimiters, CR, LF and all other ASCII controls become sequences.

    `unescape` gives the same text back. A sender without an escape character gets a blank instead of each of them.
    """
    return text.translate(_tables(delimiters).outward)


def escape_controls(text: str, delimiters: Delimiters = DEFAULT) -> str:
    """The text with only its controls escaped: for what is already written in these delimiters."""
    return text.translate(_tables(delimiters).controls)


def unescape(text: str, delimiters: Delimiters = DEFAULT, codec: str = "utf-8") -> str:
    r"""The text that a written value means; unknown sequences and lone escape characters stay as they are.

    `\Xhh..\` is read as bytes of the message's character set; bytes that are no text in it stay as written.
    """
    if not delimiters.escape or delimiters.escape not in text:
        return text
    tables = _tables(delimiters)

    def meant(found: re.Match[str]) -> str:
        name, digits = found.groups()
        if name is not None:
            return tables.meaning[name]
        return found.group() if digits is None else _from_hex(digits, codec) or found.group()

    return tables.sequences.sub(meant, text)


def _from_hex(digits: str, codec: str) -> str:
    data = bytes.fromhex(digits)
    try:
        return data.decode("ascii" if data.isascii() else codec)
    except UnicodeDecodeError:
        return ""
