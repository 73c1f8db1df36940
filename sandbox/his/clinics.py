"""Clinics: departments, doctors and prices (MFN), the doctors' time (SIU^S24), and places in it (SIU^S12 to S26)."""

from __future__ import annotations

from hl7_adapter.er7 import Field, segment
from sandbox.his.segments import Order, Rows, needed, pid, text, yuan


def departments(order: Order) -> Rows:
    """MFN^M05: `entries` of code, name, place."""
    rows: Rows = [segment("MFI", {1: ("LOC", None, "HL70175"), 3: "UPD", 6: "AL"})]
    for number, entry in enumerate(order["entries"], start=1):
        code = needed(entry, "code")
        rows += [
            segment("MFE", {1: "MAD", 2: f"E{number}", 4: code, 5: "CWE"}),
            segment("LOC", {1: code, 2: text(entry, "place"), 3: "C"}),
            segment("LDP", {1: code, 2: (code, text(entry, "name"))}),
        ]
    return rows


def doctors(order: Order) -> Rows:
    """MFN^M02: `entries` of code, name, title, department_code."""
    rows: Rows = [segment("MFI", {1: ("PRA", None, "HL70175"), 3: "UPD", 6: "AL"})]
    for number, entry in enumerate(order["entries"], start=1):
        code, home = needed(entry, "code"), text(entry, "department_code")
        staff: dict[int, Field] = {1: code, 2: (code, None, None, "HIS"), 3: text(entry, "name"), 7: "A", 8: home}
        rows += [
            segment("MFE", {1: "MAD", 2: f"E{number}", 4: code, 5: "CWE"}),
            segment("STF", {**staff, 18: text(entry, "title")}),
            segment("PRA", {1: code, 3: "PHY"}),
        ]
    return rows


def prices(order: Order) -> Rows:
    """MFN^M04: `entries` of code, name, price_fen."""
    rows: Rows = [segment("MFI", {1: ("CDM", None, "HL70175"), 3: "UPD", 6: "AL"})]
    for number, entry in enumerate(order["entries"], start=1):
        code = needed(entry, "code")
        rows += [
            segment("MFE", {1: "MUP", 2: f"E{number}", 4: code, 5: "CWE"}),
            segment("CDM", {1: code, 2: "CWE", 3: text(entry, "name")}),
            segment("PRC", {1: code, 5: yuan(entry, "price_fen")}),
        ]
    return rows


def opening(order: Order) -> Rows:
    """SIU^S24: doctor_code sits from `starts` (HL7 time) for `minutes` in `room`."""
    starts, minutes = needed(order, "starts"), text(order, "minutes", "60")
    department = text(order, "department_code")
    return [
        segment("SCH", {2: needed(order, "appointment"), 6: "OPEN", 16: "HIS", 20: "HIS"}),
        segment("RGS", {1: 1, 2: "A"}),
        segment("AIS", {1: 1, 2: "A", 3: department, 4: starts, 7: minutes, 8: "min"}),
        segment("AIP", {1: 1, 2: "A", 3: needed(order, "doctor_code")}),
        segment("AIL", {1: 1, 2: "A", 3: (department, text(order, "room"))}),
    ]


def appointment(order: Order) -> Rows:
    """SIU^S12, S13, S14, S15, S26: `appointment` is ours (SCH-2), `visit_number` theirs (SCH-1), `status` SCH-25.

    With `starts` (HL7 time) the doctor and the time stand in AIS and AIP.
    """
    theirs = text(order, "visit_number")
    rows = [
        segment(
            "SCH",
            {
                1: (theirs, "MENZHEN") if theirs else None,
                2: (text(order, "appointment"), "HIS") if text(order, "appointment") else None,
                6: text(order, "reason", "APPT"),
                16: "HIS",
                20: "HIS",
                25: text(order, "status"),
            },
        ),
        pid(order),
    ]
    starts = text(order, "starts")
    if not starts:
        return rows
    minutes = text(order, "minutes")
    return [
        *rows,
        segment("RGS", {1: 1, 2: "A"}),
        segment("AIS", {1: 1, 2: "A", 3: text(order, "department_code"), 4: starts, 7: minutes, 8: "min"}),
        segment("AIP", {1: 1, 2: "A", 3: needed(order, "doctor_code"), 6: starts}),
    ]
