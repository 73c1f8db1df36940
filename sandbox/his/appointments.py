"""Appointments that others ask for (SRM^S01, S02, S04): each has one number here, and SRR says what became of it."""

from __future__ import annotations

import secrets
import sqlite3

from hl7_adapter.ack import ErrorAt, Header
from hl7_adapter.er7 import AsWritten, Field, build, segment
from sandbox.his.segments import header as our_header
from sandbox.store import insert
from sandbox.switches import take_switches


def decide(db: sqlite3.Connection, head: Header) -> sqlite3.Row | ErrorAt:
    """The appointment as it stands after the request, or why it does not: unknown, or no place (switch `refuse`).

    Asked once more for the same appointment, nothing happens that has not happened.
    """
    placer, number = head.message.get("ARQ-1.1"), head.message.get("ARQ-2.1")
    known: sqlite3.Row | None = db.execute(
        "SELECT * FROM his_appointment WHERE placer = ? OR number = ?", (placer, number)
    ).fetchone()
    if head.event != "S01" and known is None:
        return ErrorAt(204, "ARQ-1", "appointment_unknown: nobody asked for this appointment before")
    if head.event == "S04":
        return _stands(db, known, "Cancelled")
    struck = take_switches(db, "his", ("refuse", "undecided"))
    if "refuse" in struck:
        return ErrorAt(205, "ARQ-11", "place_taken: somebody else has this place")
    state = "Pending" if "undecided" in struck else "Booked"
    if known is None:
        known = insert(db, "his_appointment", number=_new_number(), placer=placer, doctor="", starts="", state=state)
    facts = (head.message.get("AIP-3.1"), head.message.get("AIS-4"), known["number"])
    db.execute("UPDATE his_appointment SET doctor = ?, starts = ? WHERE number = ?", facts)
    return _stands(db, known, state)


def _stands(db: sqlite3.Connection, known: sqlite3.Row | None, state: str) -> sqlite3.Row:
    assert known is not None
    row: sqlite3.Row = db.execute(
        "UPDATE his_appointment SET state = ? WHERE number = ? RETURNING *", (state, known["number"])
    ).fetchone()
    return row


def answer(head: Header, row: sqlite3.Row, control_id: str) -> bytes:
    """SRR of the same event: MSA AA, and the hospital system's own number of the appointment in SCH-2."""
    sch: dict[int, Field] = {
        1: head.message.get("ARQ-1.1"),
        2: (row["number"], "HIS"),
        6: (head.event, "accepted", "HIS"),
        16: ("HIS",),
        20: ("HIS",),
        25: (row["state"], None, "HL70278"),
    }
    rows = [
        our_header(("SRR", head.event, "SRR_S01"), control_id),
        segment("MSA", {1: "AA", 2: AsWritten(head.control_id_written)}),
        segment("SCH", sch),
    ]
    return build(rows, head.charset, errors="replace")


def _new_number() -> str:
    return f"HIS{secrets.token_hex(6).upper()}"
