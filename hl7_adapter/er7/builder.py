"""A message as it is written: values in, bytes out, and no value ever becomes structure."""

from collections.abc import Mapping, Sequence
from typing import Literal

from hl7_adapter.er7.charset import codec_of
from hl7_adapter.er7.delimiters import DEFAULT, Delimiters, read_delimiters
from hl7_adapter.er7.escape import escape, escape_controls

Part = str | int | None | tuple["Part", ...]
"""A text, a number, nothing, or a tuple of components (a tuple inside a tuple: subcomponents)."""

Field = Part | list[Part]
"""A part, or a list of parts: the repetitions of the field."""


class AsWritten(str):
    """Text that is already written in the message's delimiters, such as an echo of what the sender sent.

    Only controls in it are escaped, so it still cannot begin a new segment.
    """

    __slots__ = ()


def segment(name: str, fields: Mapping[int, Field]) -> list[Field]:
    """A segment for `build` from field numbers: `segment("PID", {3: "42", 5: ("Zhang", "San")})`."""
    row: list[Field] = [name, *[None] * max(fields, default=0)]
    for number, value in fields.items():
        row[number] = value
    return row


def build(
    segments: Sequence[Sequence[Field]],
    charset: str = "UNICODE UTF-8",
    *,
    errors: Literal["strict", "replace"] = "strict",
) -> bytes:
    r"""The bytes of a message; `segments[i][0]` is a name and `segments[i][n]` the value of field n.

    The first segment is MSH (or FHS, BHS), whose fields 1 and 2 may be None for `|` and `^~\&`. A tuple is components,
    a list is repetitions, None and '' are absent, `'""'` means delete. Empty fields at an end are left out.
    `charset` is an MSH-18 label; it is written to MSH-18 and the message encoded in it ('' writes none, in UTF-8).
    Raises ValueError on an unknown character set, on bad delimiters or names, and, when `errors` is "strict", on text
    that the character set does not have; "replace" writes a question mark instead.
    """
    codec = codec_of(charset) if charset else "utf-8"
    if codec is None:
        raise ValueError(f"unknown character set {charset!r}")
    if not segments or not segments[0] or segments[0][0] not in ("MSH", "FHS", "BHS"):
        raise ValueError("a message begins with MSH")
    delimiters = _delimiters_of(segments[0])
    lines = [_header(segments[0], delimiters, charset)]
    lines += [_segment(row, delimiters) for row in segments[1:]]
    return "".join(line + "\r" for line in lines).encode(codec, errors)


def _delimiters_of(header: Sequence[Field]) -> Delimiters:
    first, second = [*header[1:3], None, None][:2]
    delimiters = read_delimiters(str(first or DEFAULT.field), str(second or DEFAULT.encoding_characters))
    if delimiters is None:
        raise ValueError(f"not delimiters: {first!r} {second!r}")
    return delimiters


def _header(row: Sequence[Field], delimiters: Delimiters, charset: str) -> str:
    fields = [row[0], *row[3:]]
    if charset and row[0] == "MSH":
        fields += [None] * (17 - len(fields))
        fields[16:17] = [charset]
    body = _segment(fields, delimiters)
    return body[:3] + delimiters.field + delimiters.encoding_characters + body[3:]


def _segment(row: Sequence[Field], delimiters: Delimiters) -> str:
    name = row[0]
    if not isinstance(name, str) or len(name) != 3 or not (name.isascii() and name.isalnum()):
        raise ValueError(f"not a segment name: {name!r}")
    fields = [_field(value, delimiters) for value in row[1:]]
    return _joined([name, *fields], delimiters.field)


def _field(value: Field, delimiters: Delimiters) -> str:
    if isinstance(value, list):
        return _joined([_part(part, delimiters, delimiters.component) for part in value], delimiters.repetition)
    return _part(value, delimiters, delimiters.component)


def _part(value: Part, delimiters: Delimiters, mark: str) -> str:
    """Write one part; `mark` separates its own parts, '' where the notation has no deeper level."""
    if isinstance(value, tuple):
        deeper = delimiters.subcomponent if mark == delimiters.component else ""
        return _joined([_part(part, delimiters, deeper) for part in value], mark)
    if value is None:
        return ""
    if isinstance(value, AsWritten):
        return escape_controls(value, delimiters)
    if not isinstance(value, str | int):
        raise TypeError(f"not a value of a message: {type(value).__name__}")
    return escape(str(value), delimiters)


def _joined(parts: list[str], mark: str) -> str:
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    if not mark and len(parts) > 1:
        raise ValueError("nested deeper than the delimiters allow")
    return mark.join(parts)
