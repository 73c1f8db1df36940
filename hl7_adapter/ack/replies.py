"""Which answers a message gets, one or two, kept as one text and sent as so many messages."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hl7_adapter.ack.answer import Reply, build_ack
from hl7_adapter.ack.header import Header, HeaderProblem
from hl7_adapter.ack.table import ErrorAt, Mode, wanted_answers

_NEXT = re.compile(rb"(?<=\r)(?=MSH)")
_NOT_STORED = {"AE": "CE", "AR": "CR"}


class Verdict(NamedTuple):
    """What is answered: `code` AA, AE or AR, why, and whether the message was stored before it was judged.

    `reply` is what the answer tells of its own, of a query or of each entry of a master file.
    """

    code: str
    faults: Sequence[ErrorAt] = ()
    is_stored: bool = True
    reply: Reply | None = None


def replies(
    head: Header | HeaderProblem, mode: Mode, verdict: Verdict, *, control_id: str, now: datetime
) -> tuple[bytes, ...]:
    """The answers in the order they go out, none when the sender asked for none.

    A message that cannot be taken at all (AR) or was not stored gets CR or CE where enhanced mode asks for an answer to
    storing, and no second one; any other gets CA, then AA or AE, both with its MSH-10 in MSA-2 (HL7 v2.5.1 section
    2.9.3). `control_id` is the last answer's own MSH-10; CA has it with a C behind.
    """
    header = head.header if isinstance(head, HeaderProblem) else head
    asked = (header.accept_condition, header.application_condition)
    is_taken = verdict.is_stored and verdict.code != "AR"
    accepts = wanted_answers(*asked, accepted=is_taken, mode=mode).accept
    applies = wanted_answers(*asked, accepted=verdict.code == "AA", mode=mode).application
    answers = []
    if accepts and is_taken:
        answers.append(build_ack(head, "CA", control_id=f"{control_id}C", now=now))
    if accepts and not is_taken:
        code = _NOT_STORED.get(verdict.code, "CE")
        answers.append(build_ack(head, code, verdict.faults, control_id=control_id, now=now))
    elif applies:
        told = build_ack(head, verdict.code, verdict.faults, control_id=control_id, now=now, reply=verdict.reply)
        answers.append(told)
    return tuple(answers)


def each_of(kept: bytes) -> list[bytes]:
    """The messages in a text of answers; none in an empty one."""
    return [part for part in _NEXT.split(kept) if part]
