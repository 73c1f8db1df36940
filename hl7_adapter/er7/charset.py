"""From bytes to text: which character set a message is in, by what it declares and by what its bytes can be.

Always the whole message is decoded before anything is split: in GB18030 the second byte of a character may be
0x5C, 0x5E, 0x7C or 0x7E, the very bytes of the usual delimiters.
"""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

# HL7 table 0211 and what senders write instead, without blanks and punctuation. The GB labels share the largest of
# their sets, because senders that declare the smaller ones send the larger one. A message whose MSH could be found
# byte by byte is not in UTF-16 or UTF-32 whatever it says, so those labels mean UTF-8 here.
_CODECS = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODEUTF16": "utf-8",
    "UTF16": "utf-8",
    "UNICODEUTF32": "utf-8",
    "UTF32": "utf-8",
    "GB2312": "gb18030",
    "GB23121980": "gb18030",
    "GBK": "gb18030",
    "CP936": "gb18030",
    "GB18030": "gb18030",
    "GB180302000": "gb18030",
    "GB180302005": "gb18030",
    "GB180302022": "gb18030",
    "BIG5": "cp950",
    "KSX1001": "cp949",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "LATIN1": "iso8859-1",
    **{f"{prefix}8859{part}": f"iso8859-{part}" for prefix in ("", "ISO") for part in (*range(1, 12), 13, 14, 15, 16)},
}
_LABELS = {
    "ascii": "ASCII",
    "utf-8": "UNICODE UTF-8",
    "utf-16-le": "UNICODE UTF-8",
    "utf-16-be": "UNICODE UTF-8",
    "gb18030": "GB 18030-2000",
    "cp950": "BIG-5",
    "cp949": "KS X 1001",
    "cp1252": "WINDOWS-1252",
} | {f"iso8859-{part}": f"8859/{part}" for part in (*range(1, 12), 13, 14, 15, 16)}
_WIDE = (
    (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"M\0S\0H\0", b"", "utf-16-le"),
    (b"\0M\0S\0H", b"", "utf-16-be"),
)
_DOUBLE = frozenset({"gb18030", "cp950", "cp949"})
_IN_CHINESE = re.compile("[\u00b7\u2010-\u2026\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_NOT_WORD = re.compile(r"[^A-Z0-9]")
_BOM = re.compile(rb"\s*" + codecs.BOM_UTF8)
_MSH = re.compile(rb"(?:\A|[\r\n])[ \t]*MSH")
# MSH-18 is entry 17 of the split line, one field early it is 16; what follows is looked at too, because a GB18030 name
# in MSH-3 to MSH-6 may hold the separator's byte and push the rest along.
_ENTRIES_BEFORE = 16
_TAIL_BYTES = 128


@dataclass(slots=True)
class Decoded:
    """A message as text: `text` without byte order mark, `codec` Python's name of what it was decoded with.

    `label` is the character set as the sender declared it ('' when it did not), `bom` the byte
    order mark taken off, with blank lines before it.
    `doubtful` says that the bytes were not what the declaration (or the caller's default) promised.
    """

    text: str
    codec: str
    label: str
    bom: bytes
    doubtful: bool


@lru_cache(maxsize=512)
def codec_of(label: str) -> str | None:
    """Python's name of the character set that an MSH-18 label means, or None for a label nobody knows."""
    return _CODECS.get(_NOT_WORD.sub("", label.upper()))


def canonical_label(codec: str) -> str:
    """The MSH-18 label to answer a `Decoded.codec` with; UTF-16, which MLLP cannot frame safely, gets UTF-8."""
    return _LABELS[codec]


def decode(raw: bytes, default_charset: str = "utf-8") -> Decoded:
    """Any bytes as text; never raises, and never invents a replacement character.

    Tried in this order, each strictly: what a byte order mark says, what MSH-18 declares (known aliases, also one
    field early and with blanks), `default_charset`, UTF-8, GB18030; last ISO 8859-1, which takes every byte. UTF-8
    under another name is UTF-8: most sets would take its bytes, and make other names of the names in it.
    """
    bom, body = b"", raw
    if not raw.startswith(b"MSH"):
        wide = _decode_wide(raw)
        if wide is not None:
            return wide
        found = _BOM.match(raw)
        bom = found[0] if found else b""
        body = raw[len(bom) :]
    label, declared = _declared(body)
    first = "utf-8" if bom else declared or codec_of(default_charset) or "utf-8"
    if first != "utf-8" and _is_plainly_utf8(body, first):
        return Decoded(body.decode(), "utf-8", label, bom, doubtful=declared is not None)
    try:
        return Decoded(body.decode(first), first, label, bom, False)
    except UnicodeDecodeError:
        pass
    for codec in (codec_of(default_charset) or "utf-8", "utf-8", "gb18030"):
        text = _strictly(body, codec)
        if text is not None:
            # Undeclared bytes in the other set of the two usual ones are the ordinary case, not a doubt.
            return Decoded(text, codec, label, bom, doubtful=declared is not None or bool(bom))
    return Decoded(body.decode("iso8859-1"), "iso8859-1", label, bom, doubtful=True)


def _decode_wide(raw: bytes) -> Decoded | None:
    for start, bom, codec in _WIDE:
        text = _strictly(raw[len(bom) :], codec) if raw.startswith(start) else None
        if text is not None:
            return Decoded(text, codec, "", bom, doubtful=False)
    return None


def _is_plainly_utf8(body: bytes, promised: str) -> bool:
    """True when bytes promised in another set are UTF-8 and could hardly be anything else.

    Text in a set of single bytes is UTF-8 by chance next to never. In one of double bytes it may be (the GBK bytes of
    琚鸿安 are two other characters in UTF-8): there it takes three, all of them such as stand in Chinese text.
    """
    text = None if body.isascii() else _strictly(body, "utf-8")
    if text is None or promised not in _DOUBLE:
        return text is not None
    wide = [char for char in text if char > "\x7f"]
    return len(wide) > 2 and all(_IN_CHINESE.match(char) for char in wide)


def _strictly(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        return None


def _declared(body: bytes) -> tuple[str, str | None]:
    """The label MSH-18 holds and its codec; ('', None) without one, (label, None) when it is unknown."""
    start = 0
    if not body.startswith(b"MSH"):
        found = _MSH.search(body)
        if found is None:
            return "", None
        start = found.end() - 3
    end = body.find(b"\r", start)
    line = body[start:] if end < 0 else body[start:end]
    if b"\n" in line:
        line = line.partition(b"\n")[0]
    entries = line.split(line[3:4] or None, _ENTRIES_BEFORE)
    if len(entries) <= _ENTRIES_BEFORE:
        return "", None
    return _label_in(entries[-1][:_TAIL_BYTES], line[3:6])


@lru_cache(maxsize=512)
def _label_in(tail: bytes, marks: bytes) -> tuple[str, str | None]:
    """The character set in what follows MSH-16; a sender writes the same there in every message.

    `marks` are the separators of fields, components and repetitions.
    """
    words = [
        [word.strip() for word in entry.decode("ascii", "replace").split(chr(marks[2])) if word.strip()]
        for entry in tail.split(marks[:1])
    ]
    for label in (label for entry in words for label in entry):
        codec = codec_of(label)
        if codec is not None:
            return label, codec
    return (words[1][0] if len(words) > 1 and words[1] else ""), None
