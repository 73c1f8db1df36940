"""The acknowledgement itself: MSH turned round, MSA, and one ERR per fault, valid for the sender's own version."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from hl7_adapter.ack.header import PROCESSING_IDS, VERSIONS, Header, HeaderProblem
from hl7_adapter.ack.table import REFUSALS, ErrorAt
from hl7_adapter.er7 import (
    AsWritten,
    Delimiters,
    Field,
    Part,
    build,
    codec_of,
    escape,
    escape_controls,
    message_place,
    segment,
)


class Reply(NamedTuple):
    """What an answer tells beside its MSA: its own type, event and structure, and the segments that follow."""

    kind: tuple[str, str, str]
    rows: Sequence[Sequence[Field]]


_OUR_VERSION = "2.5.1"
_SEVERITY = {"AA": "I", "CA": "I"}


def answer_code(errors: Sequence[ErrorAt]) -> str:
    """The MSA-1 that these faults call for: AA without any, AR when one is in MSH or its code says so, else AE."""
    answers = {"AR" if fault.location.startswith("MSH") else REFUSALS[fault.code].answer for fault in errors}
    return next((answer for answer in ("AR", "AE") if answer in answers), "AA")


def build_ack(
    header: Header | HeaderProblem,
    code: str,
    errors: Sequence[ErrorAt] = (),
    *,
    control_id: str,
    now: datetime,
    reply: Reply | None = None,
) -> bytes:
    """The bytes of the answer, in the sender's character set, delimiters and version.

    `code` is MSA-1 (AA AE AR CA CE CR), `control_id` the answer's own MSH-10, `now` an aware instant. MSA-2 repeats
    the sender's MSH-10 as it wrote it. From v2.5 on each fault is an ERR with location, table 0357 code, severity and
    words; before, ERR-1 holds place and code, and MSA-3 the words. A character the sender's set lacks becomes a
    question mark. `reply` makes it an answer of its own type. Raises ValueError on a naive `now`.
    """
    if now.tzinfo is None:
        raise ValueError("the instant of an answer needs its zone")
    head = header.header if isinstance(header, HeaderProblem) else header
    version = head.version if head.version in VERSIONS else _OUR_VERSION
    to = _To(version, head.sender, head.receiver, head.delimiters, head.processing_id, head.charset)
    kind = _message_type(head.event, version) if reply is None else _reply_type(reply, version)
    at = now.strftime("%Y%m%d%H%M%S%z")
    if not errors and reply is None:
        return _without_words(to, kind, (code, head.control_id_written), at, control_id)
    modern = _number(version) >= (2, 5)
    described = "" if modern else "; ".join(fault.text for fault in errors)
    rows: list[Sequence[Field]] = [
        _msh(to, kind, at, control_id),
        segment("MSA", {1: code, 2: AsWritten(head.control_id_written), 3: described}),
    ]
    severity = _SEVERITY.get(code, "E")
    rows += [_err(fault, severity) if modern else _err_before_25(fault) for fault in errors]
    rows += reply.rows if reply else ()
    return build(rows, head.charset, errors="replace")


class _To(NamedTuple):
    """Whom an answer is for: what is the same in the MSH of every answer to one sender."""

    version: str
    sender: tuple[str, str]
    receiver: tuple[str, str]
    delimiters: Delimiters
    processing_id: str
    charset: str


def _without_words(to: _To, kind: Part, told: tuple[str, str], at: str, control_id: str) -> bytes:
    """MSH and MSA alone, the answer to nearly everything: of MSH only the time and the control id are new each time."""
    delimiters = to.delimiters.completed()
    fields = list(_usual_msh(to, kind))
    fields[6], fields[9] = at, escape(control_id, delimiters)
    msa = ("MSA", told[0], escape_controls(told[1], delimiters))
    lines = (delimiters.field.join(line if line[-1] else line[:-1]) for line in (fields, msa))
    return "".join(f"{line}\r" for line in lines).encode(codec_of(to.charset) or "utf-8", "replace")


@lru_cache(maxsize=256)
def _usual_msh(to: _To, kind: Part) -> list[str]:
    codec = codec_of(to.charset) or "utf-8"
    line = build([_msh(to, kind, "", "")], to.charset, errors="replace").decode(codec)
    return line.rstrip("\r").split(to.delimiters.field)


def _msh(to: _To, kind: Part, at: str, control_id: str) -> list[Field]:
    delimiters = to.delimiters.completed()
    return segment(
        "MSH",
        {
            1: delimiters.field,
            2: delimiters.encoding_characters,
            3: AsWritten(to.receiver[0]),
            4: AsWritten(to.receiver[1]),
            5: AsWritten(to.sender[0]),
            6: AsWritten(to.sender[1]),
            7: at,
            9: kind,
            10: control_id,
            11: to.processing_id if to.processing_id in PROCESSING_IDS else "P",
            12: to.version,
        },
    )


@lru_cache(maxsize=256)
def _message_type(event: str, version: str) -> Part:
    """MSH-9 of an answer: one component in v2.1, the event since v2.2, the structure since v2.3.1."""
    if not event or _number(version) < (2, 2):
        return "ACK"
    return ("ACK", event) if _number(version) < (2, 3, 1) else ("ACK", event, "ACK")


def _reply_type(reply: Reply, version: str) -> Part:
    """MSH-9 of an answer of its own type: the structure is named since v2.3.1."""
    return reply.kind if _number(version) >= (2, 3, 1) else reply.kind[:2]


def _err(fault: ErrorAt, severity: str) -> list[Field]:
    """ERR of v2.5 and later (HL7 v2.5.1 section 2.15.5)."""
    return segment(
        "ERR", {2: _place(fault), 3: (str(fault.code), _words(fault), "HL70357"), 4: severity, 8: fault.text}
    )


def _err_before_25(fault: ErrorAt) -> list[Field]:
    """ERR of v2.1 to v2.4: ERR-1 is segment, sequence, field, and the code as a fourth component."""
    name, sequence, field = (*_place(fault), "", "", "")[:3]
    return segment("ERR", {1: (name, sequence, field, (str(fault.code), _words(fault), "HL70357"))})


def _place(fault: ErrorAt) -> tuple[Part, ...]:
    """Segment, its sequence, field, repetition, component, subcomponent (HL7 v2.5.1 ERL), as far as known."""
    if not fault.location:
        return ()
    place = message_place(fault.location)
    deep = place.repetition or place.component
    numbers = (place.occurrence, place.field, max(place.repetition, 1) if deep else 0)
    return (place.segment, *(number or None for number in (*numbers, place.component, place.subcomponent)))


def _words(fault: ErrorAt) -> str:
    return REFUSALS[fault.code].words


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
