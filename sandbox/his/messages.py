"""The messages this hospital system writes: HL7 v2.5.1, with the fields a Chinese hospital fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hl7_adapter.er7 import Field, build, segment
from sandbox.clock import now, wall_clock
from sandbox.errors import ApiError

Order = Mapping[str, Any]
Rows = list[list[Field]]

DRUG_LINES: tuple[dict[str, Any], ...] = (
    {"code": "XN01AB", "name": "阿莫西林胶囊", "spec": "0.25g*24粒", "form": "胶囊剂", "dose": "0.5", "dose_unit": "g"}
    | {"route": "PO", "route_name": "口服", "frequency": "TID", "days": 7}
    | {"quantity": 2, "quantity_unit": "盒", "price_fen": 1280, "amount_fen": 2560},
    {"code": "XR05CB", "name": "氨溴索口服溶液", "spec": "100ml", "form": "口服溶液剂", "dose": "10", "dose_unit": "ml"}
    | {"route": "PO", "route_name": "口服", "frequency": "BID", "days": 5}
    | {"quantity": 1, "quantity_unit": "瓶", "price_fen": 3240, "amount_fen": 3240},
)
RESULTS: tuple[dict[str, Any], ...] = (
    {"code": "WBC", "name": "白细胞计数", "value": "11.2", "unit": "10^9/L", "range": "3.5-9.5", "flag": "H"},
    {"code": "HGB", "name": "血红蛋白", "value": "135", "unit": "g/L", "range": "115-150", "flag": "N"},
)


def _stamp() -> str:
    return wall_clock(now(), "%Y%m%d%H%M%S+0800")


def _day() -> str:
    return wall_clock(now(), "%Y%m%d")


def _text(order: Order, name: str, default: str = "") -> str:
    value = order.get(name)
    return default if value is None or value == "" else str(value)


def _needed(order: Order, name: str) -> str:
    value = _text(order, name)
    if not value:
        raise ApiError(400, "PARAM_ERROR", f"{name} is wanted")
    return value


def _yuan(line: Order, name: str) -> tuple[tuple[str, str]] | None:
    """Fen as a composite price in yuan, `25.60&CNY`."""
    fen = line.get(name)
    return None if fen is None else ((f"{int(fen) // 100}.{int(fen) % 100:02d}", "CNY"),)


def _pid(order: Order) -> list[Field]:
    ids: list[Any] = [(_needed(order, "patient_id"), None, None, "HIS", "PI")]
    if _text(order, "id_number"):
        ids.append((_text(order, "id_number"), None, None, "MPS", "NNCHN"))
    if _text(order, "insurance_number"):
        ids.append((_text(order, "insurance_number"), None, None, "NHSA", "HC"))
    # XTN: receivers read the number from component 1 (before v2.5) or from component 12.
    phone = _text(order, "phone")
    return segment(
        "PID",
        {
            1: 1,
            3: ids,
            5: _text(order, "name"),
            7: _text(order, "birth_day").replace("-", ""),
            8: _text(order, "sex"),
            11: _text(order, "address"),
            13: (phone, "PRN", "CP", *[None] * 8, phone) if phone else None,
        },
    )


def _pv1(order: Order) -> list[Field]:
    doctor = (_text(order, "doctor_code"), _text(order, "doctor_name"))
    # PL: the department's code is component 1, its words component 9.
    department = (_text(order, "department_code"), *[None] * 7, _text(order, "department_name"))
    return segment(
        "PV1",
        {
            1: 1,
            2: "O",
            3: department,
            7: doctor if doctor[0] else None,
            19: (_text(order, "visit_number"), None, None, "HIS", "VN") if order.get("visit_number") else None,
        },
    )


def patient(order: Order) -> Rows:
    """ADT^A04 and A08: patient_id; name, sex (M F O U), birth_day, id_number, insurance_number, phone, address.

    `insurance_plan` adds IN1 with the plan and the insurance number.
    """
    rows = [segment("EVN", {2: _stamp()}), _pid(order), _pv1(order)]
    if _text(order, "insurance_plan"):
        plan, number = _text(order, "insurance_plan"), _text(order, "insurance_number")
        insured: dict[int, Any] = {1: 1, 2: plan, 3: "NHSA", 36: number}
        rows.append(segment("IN1", insured))
    return rows


def prescription(order: Order) -> Rows:
    """OMP^O09: patient_id, prescription_number; visit_number, doctor_code, diagnosis_code, lines (see DRUG_LINES).

    `order_control` is ORC-1: NW new, CA cancel, XO change.
    """
    rows = [_pid(order), _pv1(order)]
    diagnosis = (
        _text(order, "diagnosis_code", "J06.900"),
        _text(order, "diagnosis_name", "急性上呼吸道感染"),
        "I10",
    )
    rows.append(segment("DG1", {1: 1, 3: diagnosis, 6: "F"}))
    for number, line in enumerate(order.get("lines") or DRUG_LINES, start=1):
        rows += _drug_line(order, number, line, diagnosis)
    return rows


def _drug_line(order: Order, number: int, line: Order, diagnosis: tuple[str, str, str]) -> Rows:
    prescription_number = _needed(order, "prescription_number")
    drug = (_needed(line, "code"), _text(line, "name"), "HIS")
    doctor = (_text(order, "doctor_code"), _text(order, "doctor_name"))
    orc = {1: _text(order, "order_control", "NW"), 2: f"{prescription_number}-{number}", 4: prescription_number}
    rxo: dict[int, Field] = {
        1: drug,
        2: _text(line, "dose"),
        4: _text(line, "dose_unit"),
        5: _text(line, "form"),
        7: _text(line, "instruction"),
        11: _text(line, "quantity"),
        12: _text(line, "quantity_unit"),
        18: _text(line, "strength"),
        19: _text(line, "strength_unit"),
    }
    if line.get("spec"):
        rxo[6] = (None, _text(line, "spec"))
    duration = (_text(line, "days"), "d") if line.get("days") else None
    return [
        segment("ORC", {**orc, 9: _stamp(), 12: doctor if doctor[0] else None}),
        segment("TQ1", {1: 1, 2: _text(line, "dose"), 3: _text(line, "frequency"), 6: duration}),
        segment("RXO", rxo),
        segment("RXR", {1: (_text(line, "route", "PO"), _text(line, "route_name", "口服"), "HL70162")}),
        segment(
            "FT1",
            {
                1: number,
                2: f"{prescription_number}-{number}",
                4: _day(),
                6: "CG",
                7: drug,
                10: _text(line, "quantity"),
                11: _yuan(line, "amount_fen"),
                12: _yuan(line, "price_fen"),
                14: _text(order, "insurance_plan"),
                15: _yuan(line, "insurance_fen"),
                19: diagnosis,
            },
        ),
    ]


def report(order: Order) -> Rows:
    """ORU^R01: patient_id, report_number; visit_number, code, name, status (F P C), results (see RESULTS)."""
    number, status = _needed(order, "report_number"), _text(order, "status", "F")
    service = (_text(order, "code", "CBC"), _text(order, "report_name", "血常规"), "HIS")
    rows = [
        _pid(order),
        _pv1(order),
        segment("ORC", {1: "RE", 3: number}),
        segment("OBR", {1: 1, 3: number, 4: service, 7: _stamp(), 22: _stamp(), 25: status}),
    ]
    for place, result in enumerate(order.get("results") or RESULTS, start=1):
        value = _text(result, "value")
        rows.append(
            segment(
                "OBX",
                {
                    1: place,
                    2: "NM" if value.replace(".", "", 1).isdigit() else "ST",
                    3: (_needed(result, "code"), _text(result, "name"), "HIS"),
                    5: value,
                    6: _text(result, "unit"),
                    7: _text(result, "range"),
                    8: _text(result, "flag"),
                    11: status,
                },
            )
        )
    return rows


KINDS: dict[str, tuple[tuple[str, str, str], Callable[[Order], Rows]]] = {
    "a04": (("ADT", "A04", "ADT_A01"), patient),
    "a08": (("ADT", "A08", "ADT_A01"), patient),
    "omp": (("OMP", "O09", "OMP_O09"), prescription),
    "oru": (("ORU", "R01", "ORU_R01"), report),
}


def header(message_type: tuple[str, str, str], control_id: str) -> list[Field]:
    """MSH of this hospital system."""
    names: dict[int, Field] = {3: "HIS", 4: "HOSPITAL", 5: "MENZHEN", 6: "HOSPITAL", 7: _stamp()}
    return segment("MSH", {**names, 9: message_type, 10: control_id, 11: "P", 12: "2.5.1", 17: "CHN"})


def write(kind: str, order: Order, control_id: str) -> bytes:
    """The bytes of one message in the order's `charset` (UNICODE UTF-8). ApiError 400 for an unknown kind or value."""
    if kind not in KINDS:
        raise ApiError(400, "UNKNOWN_KIND", f"kind: one of {', '.join(KINDS)}")
    message_type, rows = KINDS[kind]
    try:
        charset = _text(order, "charset", "UNICODE UTF-8")
        return build([header(message_type, control_id), *rows(order)], charset)
    except (ValueError, TypeError, AttributeError) as wrong:
        raise ApiError(400, "PARAM_ERROR", str(wrong)) from wrong
