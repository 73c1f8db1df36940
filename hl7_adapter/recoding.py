"""A message of ours in the character set that its receiver reads."""

from __future__ import annotations

from hl7_adapter.er7 import codec_of

_CHARSET_FIELD = 17  # MSH-18, counted in the split first line: MSH-1 is the separator itself


def in_charset(raw: bytes, label: str) -> bytes:
    """`raw`, a message in UTF-8 that says so in MSH-18, in the character set of `label`, and saying so.

    Raises UnicodeEncodeError when it holds a character that the set lacks: a name with a question mark in it would be
    another person's.
    """
    codec = codec_of(label) or "utf-8"
    if codec == "utf-8":
        return raw
    first, mark, rest = raw.decode("utf-8").partition("\r")
    fields = first.split(first[3])
    fields[_CHARSET_FIELD : _CHARSET_FIELD + 1] = [label]
    return (first[3].join(fields) + mark + rest).encode(codec)
