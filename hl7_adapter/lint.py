"""Explains one message to a person: its head, its segments, what it does here, and the habits that cause trouble."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from app.kernel.code_tables import Codes
from hl7_adapter.ack import REFUSALS, Header, HeaderProblem, read_header, wanted_answers
from hl7_adapter.er7 import Message, codec_of
from hl7_adapter.mapping.agreed import kind_of
from hl7_adapter.mapping.inbound import effect_of
from hl7_adapter.profiles import departures, profile_for
from hl7_adapter.profiles.checks import ERROR

CONTROL_ID_CHARS = 20  # HL7 v2.5.1, MSH-10; longer ones are taken and kept
_WELL, _NOTE, _FAULT = "ok", "note", "fault"
SIGNS = {_WELL: " ", _NOTE: "!", _FAULT: "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing to know: `level` ok, note (taken, yet worth a look) or fault (refused), `place` in the message."""

    level: str
    place: str
    words: str


def explain(raw: bytes) -> list[Finding]:
    """What there is to know about these bytes without asking the database; never raises."""
    read = read_header(raw)
    head = read.header if isinstance(read, HeaderProblem) else read
    found = [*_head(head), _structure(head.message), _charset(head.message)]
    if isinstance(read, HeaderProblem):
        for fault in read.errors:
            words = f"{fault.code} {REFUSALS[fault.code].words}: {fault.text}; it would be answered AR"
            found.append(Finding(_FAULT, fault.location, words))
    else:
        found.append(_meaning(read))
    return [*found, *(finding for habit in _HABITS for finding in habit(head))]


def _head(head: Header) -> Iterator[Finding]:
    sender, receiver = ("|".join(pair) or "nobody" for pair in (head.sender, head.receiver))
    kind = "^".join(part for part in (head.message_type, head.event, head.structure) if part) or "no type"
    yield Finding(_WELL, "MSH", f"{kind} version {head.version or '?'}, from {sender} to {receiver}")
    yield Finding(_WELL, "MSH-10", f"control id {head.control_id or 'missing'}, processing id {head.processing_id}")


def _structure(message: Message) -> Finding:
    names = [(name, len(list(group))) for name, group in groupby(segment.name for segment in message)]
    words = " ".join(name if count == 1 else f"{name}×{count}" for name, count in names[:60])
    return Finding(_WELL, "", f"{len(message.raw)} bytes: {words or 'no segments'}")


def _charset(message: Message) -> Finding:
    decoded = message.decoded
    declared = f"declares {decoded.label}" if decoded.label else "declares no character set"
    if decoded.doubtful:
        return Finding(_NOTE, "MSH-18", f"{declared}, but its bytes are not that; read as {decoded.codec}")
    if decoded.label and codec_of(decoded.label) is None:
        return Finding(_NOTE, "MSH-18", f"{declared}, which is no character set; read as {decoded.codec}")
    if not decoded.label and not message.raw.isascii():
        words = f"{declared}; read as {decoded.codec}. Declare it, or agree on it in the console"
        return Finding(_NOTE, "MSH-18", words)
    return Finding(_WELL, "MSH-18", f"{declared}; read as {decoded.codec}")


def _meaning(head: Header) -> Finding:
    if head.is_answer:
        return Finding(_NOTE, "MSH-9", "an answer: it is never answered and does nothing unless we wait for it")
    effect = effect_of(head)
    if effect is None:
        return Finding(_NOTE, "MSH-9", "known and without meaning here: answered AA and filed, unless agreed otherwise")
    first = (effect.__doc__ or effect.__name__).strip().splitlines()[0]
    return Finding(_WELL, "MSH-9", f"does: {first}")


def _line_ends(head: Header) -> Iterator[Finding]:
    raw = head.message.raw
    if b"\n" in raw:
        kind = "CR LF" if b"\r\n" in raw else "LF"
        yield Finding(_NOTE, "", f"segments end with {kind} where the standard has CR; taken")
    if head.message.decoded.bom:
        yield Finding(_NOTE, "", "begins with a byte order mark; taken")
    if b"\x0b" in raw or b"\x1c" in raw:
        yield Finding(_NOTE, "", "holds the bytes that frame a message (0B, 1C): is it a recording of the line?")


def _header_habits(head: Header) -> Iterator[Finding]:
    message = head.message
    if len(head.control_id) > CONTROL_ID_CHARS:
        yield Finding(_NOTE, "MSH-10", f"{len(head.control_id)} characters where v2.5.1 allows 20; kept whole")
    if len(message.segments("MSH")) > 1:
        yield Finding(_FAULT, "MSH[2]", "two messages in one frame; send each in a frame of its own")
    if head.accept_condition and head.application_condition:
        yield Finding(_NOTE, "MSH-15", _answers_asked_for(head.accept_condition, head.application_condition))
    for field in (17, 19):
        if codec_of(message.get(f"MSH-{field}")) and not message.get("MSH-18"):
            yield Finding(_NOTE, f"MSH-{field}", "the character set stands here, one field off; taken")
    if not head.structure and head.event:
        yield Finding(_WELL, "MSH-9.3", "no message structure; not needed")


def _answers_asked_for(accept: str, application: str) -> str:
    def told(codes: tuple[str, str], *, accepted: bool) -> str:
        wanted = wanted_answers(accept, application, accepted=accepted, mode="auto")
        return " and ".join(code for code, is_sent in zip(codes, wanted, strict=True) if is_sent) or "no answer"

    well, ill = told(("CA", "AA"), accepted=True), told(("CE", "AE"), accepted=False)
    return f"asks for {accept} and {application}: {well} (refused: {ill}) in mode auto or enhanced, else one answer"


def _patient_habits(head: Header) -> Iterator[Finding]:
    message = head.message
    for number, pid in enumerate(message.segments("PID"), start=1):
        at = "PID" if number == 1 else f"PID[{number}]"
        if not pid.reps(3):
            yield Finding(_FAULT, f"{at}-3", "no patient number: nobody can be found by it")
        for place, repetition in pid.numbered_reps(3):
            if not repetition.get(5):
                words = "a number without its kind (CX-5) is taken for the hospital's own"
                yield Finding(_NOTE, f"{at}-3[{place}].5", words)
        if pid.get("5") and not pid.get("5.2"):
            yield Finding(_WELL, f"{at}-5", "the name stands in one component; taken")
        if pid.get("8") in ("1", "2"):
            yield Finding(_WELL, f"{at}-8", "sex by GB/T 2261.1; taken")


def _odd_text(head: Header) -> Iterator[Finding]:
    text = head.message.decoded.text
    marks = re.escape(head.delimiters.field)
    odd = [
        line for line in re.split(r"\r\n|\r|\n", text) if line.strip() and not re.match(rf"\w{{3}}({marks}|$)", line)
    ]
    if odd:
        words = f"{len(odd)} lines that begin no segment are read as the rest of the line before them"
        yield Finding(_NOTE, "", words)
    if re.search(rf"(?<![ \t])[ \t]+(?:{marks}|\r|\n|$)", text):
        yield Finding(_WELL, "", "blanks at the end of fields; taken off where a code or number is read")
    glued = re.search(rf"[^\r\n](?:PID|PV1|ORC|OBR|OBX|DG1|FT1){marks}\d*{marks}", text)
    if glued:
        yield Finding(
            _NOTE, glued[0][1:4], f"{glued[0][1:4]} seems to be glued to the segment before it: a line end lacks"
        )


def _profile(head: Header) -> Iterator[Finding]:
    """Where the message is not as its profile has it; what was agreed with its sender is not known here."""
    kind = kind_of(head)
    if profile_for("^".join(kind)) is None:
        return
    for found in departures(head.message, kind, head.version, ((), Codes())):
        yield Finding(_FAULT if found.severity == ERROR else _NOTE, found.place, f"{found.code}: {found.words}")


_HABITS: tuple[Callable[[Header], Iterator[Finding]], ...] = (
    _line_ends,
    _header_habits,
    _patient_habits,
    _odd_text,
    _profile,
)
