"""Reports of the laboratory: ORU^R01, new and corrected."""

from __future__ import annotations

from typing import Any

from hl7_adapter.er7 import segment
from sandbox.his.segments import Order, Rows, needed, pid, pv1, stamp, text

RESULTS: tuple[dict[str, Any], ...] = (
    {"code": "WBC", "name": "白细胞计数", "value": "11.2", "unit": "10^9/L", "range": "3.5-9.5", "flag": "H"},
    {"code": "HGB", "name": "血红蛋白", "value": "135", "unit": "g/L", "range": "115-150", "flag": "N"},
)


def report(order: Order) -> Rows:
    """ORU^R01: patient_id, report_number; visit_number, code, name, status (F P C), results (see RESULTS)."""
    number, status = needed(order, "report_number"), text(order, "status", "F")
    service = (text(order, "code", "CBC"), text(order, "report_name", "血常规"), "HIS")
    rows = [
        pid(order),
        pv1(order),
        segment("ORC", {1: "RE", 3: number}),
        segment("OBR", {1: 1, 3: number, 4: service, 7: stamp(order), 22: stamp(order), 25: status}),
    ]
    for place, result in enumerate(order.get("results") or RESULTS, start=1):
        value = text(result, "value")
        rows.append(
            segment(
                "OBX",
                {
                    1: place,
                    2: "NM" if value.replace(".", "", 1).isdigit() else "ST",
                    3: (needed(result, "code"), text(result, "name"), "HIS"),
                    5: value,
                    6: text(result, "unit"),
                    7: text(result, "range"),
                    8: text(result, "flag"),
                    11: status,
                },
            )
        )
    return rows
