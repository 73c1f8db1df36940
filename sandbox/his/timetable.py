"""The doctors' time as this hospital system plans it; SQM^S25 asks for some days of it, SQR^S25 tells it."""

from __future__ import annotations

import secrets
import sqlite3

from hl7_adapter.ack import Header
from hl7_adapter.er7 import AsWritten, Field, build, segment
from sandbox.his.segments import Order, needed, text
from sandbox.his.segments import header as our_header
from sandbox.store import Store


def plan(store: Store, order: Order) -> str:
    """A doctor's time is planned, or planned anew when it begins at the same moment; gives its number.

    `doctor_code`, `starts` (HL7 time), `minutes`; `department_code`, `room`, `status` (Open, Blocked, Booked).
    """
    facts = (text(order, "department_code"), text(order, "room"), int(text(order, "minutes", "60")))
    with store.write() as db:
        row = db.execute(
            "INSERT INTO his_time VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (doctor, starts) DO UPDATE SET"
            " department = excluded.department, room = excluded.room, minutes = excluded.minutes,"
            " status = excluded.status RETURNING number",
            (
                f"T{secrets.token_hex(5).upper()}",
                needed(order, "doctor_code"),
                *facts[:2],
                needed(order, "starts"),
                facts[2],
                text(order, "status", "Open"),
            ),
        ).fetchone()
    return str(row["number"])


def answer(db: sqlite3.Connection, head: Header, control_id: str) -> bytes:
    """SQR^S25: MSA AA, QAK OK or NF, and a SCH with its resources for each time between QRF-2 and QRF-3."""
    first, last = (head.message.get(f"QRF-{field}")[:12] for field in (2, 3))
    found = db.execute(
        "SELECT * FROM his_time WHERE substr(starts, 1, 12) BETWEEN ? AND ? ORDER BY starts, doctor", (first, last)
    ).fetchall()
    rows = [
        our_header(("SQR", "S25", "SQR_S25"), control_id),
        segment("MSA", {1: "AA", 2: AsWritten(head.control_id_written)}),
        segment("QAK", {1: head.message.get("QRD-4"), 2: "OK" if found else "NF"}),
    ]
    for row in found:
        rows += _told(row)
    return build(rows, head.charset, errors="replace")


def _told(row: sqlite3.Row) -> list[list[Field]]:
    starts, minutes = row["starts"], row["minutes"]
    return [
        segment("SCH", {2: (row["number"], "HIS"), 6: "SLOT", 16: "HIS", 20: "HIS", 25: row["status"]}),
        segment("RGS", {1: 1, 2: "A"}),
        segment("AIS", {1: 1, 2: "A", 3: row["department"], 4: starts, 7: minutes, 8: "min"}),
        segment("AIP", {1: 1, 2: "A", 3: row["doctor"]}),
        segment("AIL", {1: 1, 2: "A", 3: (row["department"], row["room"])}),
    ]
