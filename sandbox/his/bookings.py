"""What the hospital system booked of what it was told: each DFT^P03 that it accepted, and a day's as one batch.

A booking can be lost, made twice as large or made of nothing by order, as it happens to real ones; a letter that comes
again after its booking was lost is booked anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hl7_adapter.er7 import Field, Message, build, parse, segment
from sandbox.clock import now, wall_clock
from sandbox.errors import ApiError
from sandbox.his.ledger import fen
from sandbox.his.segments import header
from sandbox.store import Store, insert

KIND = "DFT^P03"
PAID, GIVEN_BACK = "PY", "CD"
CHARSET = "UNICODE UTF-8"
PLANTS = ("only_there", "lost", "amount")


@dataclass(frozen=True)
class Booking:
    """One accepted message as it was booked: its control id, the patient's number, and its lines."""

    control_id: str
    patient: str
    lines: tuple[tuple[str, str, str, int, str], ...]

    def sum(self, kind: str) -> int:
        """What its lines of that kind add up to, in fen."""
        return sum(line[3] for line in self.lines if line[0] == kind)


def of_day(store: Store, day: str) -> list[Booking]:
    """The bookings whose transaction date is `day` (YYYYMMDD), in the order in which they were told."""
    rows = store.rows(
        "SELECT raw, amount_changed FROM his_received LEFT JOIN his_booking_changed USING (control_id)"
        " WHERE message_type = ? AND answer_code = 'AA' UNION ALL SELECT raw, NULL FROM his_booking_own",
        KIND,
    )
    found = (_read(parse(bytes(row["raw"])), row["amount_changed"] or 0) for row in rows)
    return [each for each in found if each.lines and each.lines[0][2][:8] == day]


def _read(message: Message, changed: int) -> Booking:
    lines = []
    for line in message.segments("FT1"):
        kind = line.get("6")
        if kind in (PAID, GIVEN_BACK):
            lines.append((kind, line.get("2"), line.get("4"), fen(line.get("11.1.1")) + changed, line.get("30.1")))
            changed = 0
    return Booking(message.get("MSH-10"), message.get("PID-3.1"), tuple(lines))


def batch(store: Store, day: str) -> bytes:
    """The day's bookings: FHS, BHS, a DFT^P03 for each, BTS with their count and sums (paid, given back), FTS."""
    booked = of_day(store, day)
    sums = [_yuan(sum(each.sum(kind) for each in booked)) for kind in (PAID, GIVEN_BACK)]
    head: dict[int, Field] = {1: "|", 2: "^~\\&", 3: "HIS", 4: "HOSPITAL", 5: "MENZHEN", 6: "HOSPITAL"}
    named = {**head, 7: wall_clock(now(), "%Y%m%d%H%M%S+0800"), 9: ("DFT", "P03"), 10: day}
    heads = build([segment("FHS", head)], CHARSET) + build([segment("BHS", named)], CHARSET)
    tails = f"BTS|{len(booked)}||{'~'.join(sums)}\rFTS|1\r".encode()
    return heads + b"".join(build(list(_dft(each)), CHARSET) for each in booked) + tails


def _dft(booking: Booking) -> Iterator[list[Field]]:
    yield header(("DFT", "P03", "DFT_P03"), booking.control_id)
    yield segment("EVN", {1: "P03", 2: booking.lines[0][2]})
    yield segment("PID", {1: "1", 3: (booking.patient, None, None, "HIS", "PI")})
    for place, (kind, number, at, amount, reference) in enumerate(booking.lines, 1):
        price = ((_yuan(amount), "CNY"),)
        yield segment("FT1", {1: str(place), 2: number, 4: at, 6: kind, 11: price, 30: reference or None})


def _yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def plant(db: sqlite3.Connection, kind: str, control_id: str) -> dict[str, Any]:
    """The books differ from what was told: ApiError 400 for an unknown kind, or when nothing was booked yet.

    `only_there`: a payment of 25.00 of nobody; `lost`: a booking is gone, as after a restored backup; `amount`: a clerk
    made one a fen larger. Of the booking of `control_id`, else of the newest.
    """
    row = db.execute(
        "SELECT * FROM his_received WHERE message_type = ? AND answer_code = 'AA' AND ? IN ('', control_id)"
        " ORDER BY id DESC",
        (KIND, control_id),
    ).fetchone()
    if kind not in PLANTS or row is None:
        raise ApiError(400, "PARAM_ERROR", f"kind: one of {', '.join(PLANTS)}, of a booking")
    if kind == "lost":
        db.execute("DELETE FROM his_received WHERE id = ?", (row["id"],))
    elif kind == "amount":
        db.execute("INSERT OR REPLACE INTO his_booking_changed VALUES (?, 1)", (row["control_id"],))
    else:
        return _of_nobody(db, parse(bytes(row["raw"])))
    return {"control_id": row["control_id"]}


def _of_nobody(db: sqlite3.Connection, like: Message) -> dict[str, Any]:
    number = f"OWN{int(now() * 1000):x}"
    booking = Booking(number, "P0", ((PAID, number, like.get("FT1-4"), 2500, number),))
    insert(db, "his_booking_own", control_id=number, raw=build(list(_dft(booking)), CHARSET))
    return {"control_id": number}
