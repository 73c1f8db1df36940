"""The hospital system's register of patients: QBP^Q22 asks who fits, RSP^K22 names those whom it told of itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from hl7_adapter.ack import Header
from hl7_adapter.er7 import AsWritten, Field, Message, Segment, build, parse, segment
from sandbox.his.segments import Rows
from sandbox.his.segments import header as our_header

_TOLD_BY = ("a04", "a08", "a31")


def answer(db: sqlite3.Connection, head: Header, control_id: str) -> bytes:
    """RSP^K22: MSA AA, QAK OK or NF, QPD as it was asked, and the newest PID of each patient whom it fits."""
    found = list(_fitting(db, _asked(head.message)))
    (qpd, *_) = head.message.segments("QPD")
    rows: Rows = [
        our_header(("RSP", "K22", "RSP_K21"), control_id),
        segment("MSA", {1: "AA", 2: AsWritten(head.control_id_written)}),
        segment("QAK", {1: AsWritten(qpd.written(2)), 2: "OK" if found else "NF", 4: len(found)}),
        _as_written(qpd),
        *(_as_written(pid) for pid in found),
    ]
    return build(rows, head.charset, errors="replace")


def _as_written(told: Segment) -> list[Field]:
    return [told.name, *(AsWritten(told.written(field)) for field in range(1, len(told) + 1))]


def _asked(message: Message) -> dict[str, str]:
    parameters = [rep for qpd in message.segments("QPD") for rep in qpd.reps(3)]
    return {parameter.get(1): parameter.get(2) for parameter in parameters}


def _fitting(db: sqlite3.Connection, asked: dict[str, str]) -> Iterator[Segment]:
    seen: set[str] = set()
    marks = ", ".join("?" * len(_TOLD_BY))
    rows = db.execute(f"SELECT raw FROM his_sent WHERE kind IN ({marks}) ORDER BY id DESC", _TOLD_BY)  # noqa: S608
    for row in rows:
        for pid in parse(bytes(row["raw"])).segments("PID"):
            number = pid.get("3.1")
            if number not in seen and _fits(pid, asked):
                yield pid
            seen.add(number)


def _fits(pid: Segment, asked: dict[str, str]) -> bool:
    numbers = {repetition.get(1) for repetition in pid.reps(3)}
    name, number = asked.get("@PID.5.1", ""), asked.get("@PID.3.1", "")
    return bool(name or number) and (not number or number in numbers) and (not name or name == pid.get("5.1"))
