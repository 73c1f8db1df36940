"""A message as it is read: nothing is split before it is asked for, and what was received is kept untouched."""

import re
from collections.abc import Iterator
from functools import lru_cache

from hl7_adapter.er7.charset import Decoded, decode
from hl7_adapter.er7.delimiters import DEFAULT, Delimiters, read_delimiters
from hl7_adapter.er7.escape import unescape
from hl7_adapter.er7.path import Place, field_place, message_place

NULL = '""'
"""The value that means "delete what you hold"; an empty value means "unchanged" (HL7 v2.5.1 section 2.6)."""

_HEADERS = frozenset({"MSH", "FHS", "BHS"})
_HEADER = re.compile(r"(?:\A|[\r\n])[ \t]*(MSH|FHS|BHS)")
_LINE = re.compile(r"\r\n|\r|\n")
_BARE = re.compile(r"[A-Z][A-Z0-9]{2}")
# What is asked for next often stands close by; the long empty tail of a PV1 is split only when it is asked for.
_CLOSE_BY = 5
# A frame of the largest size, filled with text broken after 76 letters, has fewer; one of blank lines has sixty times
# as many, and taking it apart would hold up everybody else's for ten seconds.
LINES_AT_MOST = 300_000
REPETITIONS_AT_MOST = 50_000


class Repetition:
    """One repetition of a field, for example one identifier of PID-3."""

    __slots__ = ("_codec", "_delimiters", "raw")

    def __init__(self, raw: str, delimiters: Delimiters, codec: str) -> None:
        """Hold the repetition as written; `raw` stays escaped."""
        self.raw = raw
        self._delimiters = delimiters
        self._codec = codec

    @property
    def text(self) -> str:
        """The whole repetition, unescaped, with its component delimiters left in."""
        return unescape(self.raw, self._delimiters, self._codec)

    def get(self, component: int, subcomponent: int = 0) -> str:
        """The unescaped text of a component (or of one of its subcomponents), counted from 1; '' when absent."""
        text = _nth(self.raw, self._delimiters.component, component)
        if subcomponent:
            text = _nth(text, self._delimiters.subcomponent, subcomponent)
        return unescape(text, self._delimiters, self._codec)


class Segment:
    """One segment; its fields are split at the first question."""

    __slots__ = ("_codec", "_delimiters", "_fields", "raw")

    def __init__(self, raw: str, delimiters: Delimiters, codec: str) -> None:
        """Hold the segment as written; `raw` stays escaped and has no line end."""
        self.raw = raw
        self._delimiters = delimiters
        self._codec = codec
        self._fields: list[str] | None = None

    @property
    def name(self) -> str:
        """The three characters the segment begins with."""
        return self.raw[:3]

    def _upto(self, field: int) -> list[str]:
        """The fields, at least up to this one; the last may hold all that follow it."""
        fields = self._fields
        if fields is None or (field >= len(fields) - 1 and self._delimiters.field in fields[-1]):
            fields = self._fields = self.raw.split(self._delimiters.field, field + _CLOSE_BY)
            if self.raw[:3] in _HEADERS:
                fields.insert(1, self._delimiters.field)
        return fields

    def written(self, field: int) -> str:
        """The whole field as the sender wrote it: escaped, with all repetitions; '' when absent.

        Field 1 of a header segment is the field separator itself, as the standard counts.
        """
        fields = self._upto(field)
        return fields[field] if 0 < field < len(fields) else ""

    def get(self, path: str) -> str:
        """The unescaped text at `3`, `3[2].1` or `3.4.2`; the first repetition unless one is named; '' when absent.

        A path that stops early gives all that is there: `5` is the whole repetition, delimiters included.
        Raises ValueError when the path is not a path.
        """
        return self.at(field_place(path))

    def at(self, place: Place) -> str:
        """The unescaped text at a place; what `get` does with a path already read."""
        fields, number = self._fields, place.field
        if fields is None or number >= len(fields) - 1:
            fields = self._upto(number)
        text = fields[number] if 0 < number < len(fields) else ""
        if not text or (number < 3 and self.name in _HEADERS):
            return text
        delimiters = self._delimiters
        if place.repetition > 1 or delimiters.repetition in text:
            text = _nth(text, delimiters.repetition, place.repetition or 1)
        if place.component == 1 and delimiters.component:  # as `_nth` does, without the call: most paths end so
            text = text.partition(delimiters.component)[0]
        elif place.component:
            text = _nth(text, delimiters.component, place.component)
        if place.subcomponent:
            text = _nth(text, delimiters.subcomponent, place.subcomponent)
        return unescape(text, delimiters, self._codec) if delimiters.escape in text else text

    def reps(self, field: int) -> list[Repetition]:
        """The repetitions of a field that hold anything, in order; an absent field has none."""
        return [repetition for _, repetition in self.numbered_reps(field)]

    def numbered_reps(self, field: int) -> list[tuple[int, Repetition]]:
        """The same with each one's number in the field: an empty repetition counts and is left out."""
        text, mark = self.written(field), self._delimiters.repetition
        parts = text.split(mark) if mark and not (field < 3 and self.name in _HEADERS) else [text]
        return [
            (number, Repetition(part, self._delimiters, self._codec))
            for number, part in enumerate(parts, start=1)
            if part
        ]

    def __len__(self) -> int:
        """The number of the last field that was written, as the standard counts."""
        return len(self._upto(len(self.raw))) - 1


class Group:
    """Some segments in order, such as one order of a prescription: ORC with all that follows to the next ORC."""

    __slots__ = ("_all", "_by_name", "_first")

    def __init__(self, segments: list[Segment]) -> None:
        """Hold the segments."""
        self._all = segments
        self._by_name: dict[str, list[Segment]] = {}
        self._first: dict[str, Segment] = {}

    def _named(self, name: str) -> list[Segment]:
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = self._find(name)
        return found

    def _find(self, name: str) -> list[Segment]:
        return [segment for segment in self._all if segment.name == name]

    def _occurrence(self, name: str, number: int) -> Segment | None:
        found = self._named(name)
        return found[number - 1] if 0 < number <= len(found) else None

    def __iter__(self) -> Iterator[Segment]:
        """Go through all segments in the order of the message."""
        return iter(self._all)

    def segments(self, name: str) -> list[Segment]:
        """All segments of a name, in order; an empty list when there is none."""
        return list(self._named(name))

    def get(self, path: str) -> str:
        """The unescaped text at `PID-3[2].1` or `OBX[2]-5`; '' when absent.

        The first segment of the name and the first repetition of the field are meant unless a number is given.
        Raises ValueError when the path is not a path.
        """
        place = message_place(path)
        segment = self._first.get(place.segment) if place.occurrence == 1 else None
        if segment is None:
            segment = self._occurrence(place.segment, place.occurrence)
            if segment is None:
                return ""
        return segment.at(place) if place.field else segment.raw

    def __getitem__(self, path: str) -> str:
        """The same text as `get`, for what must be there: raises KeyError when it is absent or empty."""
        text = self.get(path)
        if not text:
            raise KeyError(path)
        return text

    def __contains__(self, name: str) -> bool:
        """True when there is a segment of that name."""
        return bool(self._named(name))

    def groups(self, starts: str = "ORC") -> list["Group"]:
        """One group for each segment named `starts`, up to the next such segment; what comes before is in none."""
        found: list[list[Segment]] = []
        for segment in self:
            if segment.name == starts:
                found.append([segment])
            elif found:
                found[-1].append(segment)
        return [Group(segments) for segments in found]


class Message(Group):
    """A received message: `raw` bytes as they came, `decoded` text and character set, `delimiters` in force.

    `readable` is False when there is no MSH (or FHS, BHS) or it declares no delimiters; the usual ones then serve.
    `endless` says that it has more than LINES_AT_MOST lines or REPETITIONS_AT_MOST of fields: only its first line is
    taken for a segment.
    A message is read only: it is never changed, so encoding it gives back the bytes that came.
    """

    __slots__ = ("_lines", "decoded", "delimiters", "endless", "raw", "readable")

    def __init__(self, raw: bytes, decoded: Decoded) -> None:
        """Hold the message; nothing but the delimiters is read yet."""
        self.raw = raw
        self.decoded = decoded
        delimiters = _delimiters_in(decoded.text)
        self.readable = delimiters is not None
        self.delimiters = delimiters or DEFAULT
        self.endless = len(raw) > REPETITIONS_AT_MOST and _is_endless(decoded.text, self.delimiters.repetition)
        self._lines: list[str] | None = None
        self._first: dict[str, Segment] = {}
        self._by_name = {}

    def _split(self) -> list[str]:
        text = self.decoded.text
        lines = self._lines = _lines(_LINE.split(text, 1)[0] if self.endless else text, self.delimiters.field)
        return lines

    def _find(self, name: str) -> list[Segment]:
        # Only the lines asked for become segments: most readers want four of a dozen.
        delimiters, codec = self.delimiters, self.decoded.codec
        return [Segment(line, delimiters, codec) for line in self._lines or self._split() if line[:3] == name]

    def _occurrence(self, name: str, number: int) -> Segment | None:
        # Most readers want first segments only; then a long message need not be taken apart.
        line = _first_line(self.decoded.text, name, self.delimiters.field) if number == 1 else ""
        if not line:
            return super()._occurrence(name, number)
        segment = self._first[name] = Segment(line, self.delimiters, self.decoded.codec)
        return segment

    def __iter__(self) -> Iterator[Segment]:
        """Go through all segments in the order of the message."""
        return (Segment(line, self.delimiters, self.decoded.codec) for line in self._lines or self._split())

    def encode(self) -> bytes:
        """The message as bytes again: those that were received, also with mixed line ends and odd escapes."""
        return self.decoded.bom + self.decoded.text.encode(self.decoded.codec)


def parse(raw: bytes, default_charset: str = "utf-8") -> Message:
    """The message in these bytes; never raises, whatever they are (see `Message.readable` and `Decoded.doubtful`).

    `default_charset` serves when the sender declares none or one nobody knows. Segments end with CR, LF or CRLF.
    A line that cannot be a segment continues the text of the one before it, since senders put raw line ends into OBX-5.
    """
    return Message(raw, decode(raw, default_charset))


def _delimiters_in(text: str) -> Delimiters | None:
    start = 0
    if not text.startswith("MSH"):
        found = _HEADER.search(text)
        if found is None:
            return None
        start = found.start(1)
    return _declared_in(text[start + 3 : start + 12])


@lru_cache(maxsize=256)
def _declared_in(text: str) -> Delimiters | None:
    """The delimiters in what follows the name of a header segment; a sender writes the same there every time."""
    separator = text[:1]
    marks = text[1:].partition(separator)[0] if separator else ""
    return read_delimiters(separator, marks.splitlines()[0] if marks else "")


def _is_endless(text: str, repetition: str) -> bool:
    has_too_many = bool(repetition) and text.count(repetition) > REPETITIONS_AT_MOST
    return has_too_many or max(text.count("\r"), text.count("\n")) > LINES_AT_MOST


def _first_line(text: str, name: str, separator: str) -> str:
    """The first segment of a name, when its first mention plainly begins a segment and another follows; else ''."""
    start = text.find(name)
    if start < 0 or text[start + 3 : start + 4] != separator or (start and text[start - 1] != "\r") or "\n" in text:
        return ""
    end = text.find("\r", start)
    if end < 0:
        return text[start:]
    after = text[end + 1 : end + 5]
    return text[start:end] if not after or (after[3:] == separator and after[:3].isalnum()) else ""


def _lines(text: str, separator: str) -> list[str]:
    parts = _LINE.split(text) if "\n" in text else text.split("\r")
    if not parts[-1]:
        parts.pop()
    if {part[3:4] for part in parts} == {separator} and "".join([part[:3] for part in parts]).isalnum():
        return parts
    lines: list[list[str]] = []
    for part in parts:
        if part[3:4] == separator and part[:3].isalnum():
            lines.append([part])
        else:
            _add_odd_line(lines, part, separator)
    return ["\n".join(line) for line in lines]


def _add_odd_line(lines: list[list[str]], part: str, separator: str) -> None:
    """Take in a line that does not start like a segment: indented, without fields, or the rest of a text."""
    bare = part.strip()
    if bare[3:4] == separator and bare[:3].isalnum():
        lines.append([part.lstrip()])
    elif _BARE.fullmatch(bare):
        lines.append([bare])
    elif bare and lines and lines[-1][0][:3] not in _HEADERS:
        lines[-1].append(part)


def _nth(text: str, mark: str, number: int) -> str:
    if not mark:
        return text if number == 1 else ""
    if number == 1:
        return text.partition(mark)[0]
    parts = text.split(mark, number)
    return parts[number - 1] if 0 < number <= len(parts) else ""
