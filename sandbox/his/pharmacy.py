"""Prescription orders in the three dialects that hospitals write: OMP^O09, RDE^O11, and ORM^O01 as before v2.5."""

from __future__ import annotations

from typing import Any

from hl7_adapter.er7 import Field, segment
from sandbox.his.segments import Order, Rows, day, needed, pid, pv1, stamp, text, yuan

DRUG_LINES: tuple[dict[str, Any], ...] = (
    {"code": "XN01AB", "name": "阿莫西林胶囊", "spec": "0.25g*24粒", "form": "胶囊剂", "dose": "0.5", "dose_unit": "g"}
    | {"route": "PO", "route_name": "口服", "frequency": "TID", "days": 7}
    | {"quantity": 2, "quantity_unit": "盒", "price_fen": 1280, "amount_fen": 2560},
    {"code": "XR05CB", "name": "氨溴索口服溶液", "spec": "100ml", "form": "口服溶液剂", "dose": "10", "dose_unit": "ml"}
    | {"route": "PO", "route_name": "口服", "frequency": "BID", "days": 5}
    | {"quantity": 1, "quantity_unit": "瓶", "price_fen": 3240, "amount_fen": 3240},
)

FORMULARY: tuple[dict[str, Any], ...] = tuple(
    {"code": code, "name": name, "spec": spec, "quantity_unit": unit, "price_fen": price_fen}
    for code, name, spec, unit, price_fen in (
        ("IBU300", "布洛芬缓释胶囊", "0.3g×20粒", "盒", 18_60),
        ("OME20", "奥美拉唑肠溶胶囊", "20mg×14粒", "盒", 22_40),
        ("XR05CB", "氨溴索口服溶液", "100ml", "瓶", 32_40),
        ("AML5", "苯磺酸氨氯地平片", "5mg×28片", "盒", 16_90),
        ("LHQW", "连花清瘟胶囊", "0.35g×24粒", "盒", 14_80),
        ("VITC", "维生素C泡腾片", "1g×10片", "支", 39_00),
    )
)


def omp(order: Order) -> Rows:
    """OMP^O09: patient_id, prescription_number; visit_number, doctor_code, diagnosis_code, lines (see DRUG_LINES).

    `order_control` is ORC-1: NW new, CA cancel, XO change.
    """
    return _prescription(order, "omp")


def rde(order: Order) -> Rows:
    """RDE^O11: the same, each drug in RXE."""
    return _prescription(order, "rde")


def orm(order: Order) -> Rows:
    """ORM^O01: the same, how often and how long in ORC-7, as it was before v2.5."""
    return _prescription(order, "orm")


def _prescription(order: Order, dialect: str) -> Rows:
    diagnosis = (text(order, "diagnosis_code", "J06.900"), text(order, "diagnosis_name", "急性上呼吸道感染"), "I10")
    rows = [pid(order), pv1(order), segment("DG1", {1: 1, 3: diagnosis, 6: "F"})]
    for number, line in enumerate(order.get("lines") or DRUG_LINES, start=1):
        rows.append(_orc(order, number, line, dialect))
        rows += _drug(line, dialect)
        rows.append(segment("RXR", {1: (text(line, "route", "PO"), text(line, "route_name", "口服"), "HL70162")}))
        rows.append(_charge(order, number, line, diagnosis))
    return rows


def _orc(order: Order, number: int, line: Order, dialect: str) -> list[Field]:
    prescription = needed(order, "prescription_number")
    doctor = (text(order, "doctor_code"), text(order, "doctor_name"))
    before_v25 = (text(line, "dose"), text(line, "frequency"), f"D{text(line, 'days', '1')}")
    return segment(
        "ORC",
        {
            1: text(order, "order_control", "NW"),
            2: f"{prescription}-{number}",
            4: prescription,
            7: before_v25 if dialect == "orm" else None,
            9: stamp(order),
            12: doctor if doctor[0] else None,
        },
    )


def _drug(line: Order, dialect: str) -> Rows:
    if dialect == "rde":
        return [segment("RXE", _rxe(line)), _timing(line)]
    ordered = segment("RXO", _rxo(line))
    return [ordered] if dialect == "orm" else [_timing(line), ordered]


def _timing(line: Order) -> list[Field]:
    duration = (text(line, "days"), "d") if line.get("days") else None
    return segment("TQ1", {1: 1, 2: text(line, "dose"), 3: text(line, "frequency"), 6: duration})


def _rxo(line: Order) -> dict[int, Field]:
    fields: dict[int, Field] = {
        1: (needed(line, "code"), text(line, "name"), "HIS"),
        2: text(line, "dose"),
        4: text(line, "dose_unit"),
        5: text(line, "form"),
        7: text(line, "instruction"),
        11: text(line, "quantity"),
        12: text(line, "quantity_unit"),
        18: text(line, "strength"),
        19: text(line, "strength_unit"),
    }
    return fields | ({6: (None, text(line, "spec"))} if line.get("spec") else {})


def _rxe(line: Order) -> dict[int, Field]:
    return {
        1: ("1", text(line, "frequency")),
        2: (needed(line, "code"), text(line, "name"), "HIS"),
        3: text(line, "dose"),
        5: text(line, "dose_unit"),
        6: text(line, "form"),
        7: (None, text(line, "spec")),
        10: text(line, "quantity"),
        11: text(line, "quantity_unit"),
    }


def _charge(order: Order, number: int, line: Order, diagnosis: tuple[str, str, str]) -> list[Field]:
    return segment(
        "FT1",
        {
            1: number,
            2: f"{needed(order, 'prescription_number')}-{number}",
            4: day(order),
            6: "CG",
            7: (needed(line, "code"), text(line, "name"), "HIS"),
            10: text(line, "quantity"),
            11: yuan(line, "amount_fen"),
            12: yuan(line, "price_fen"),
            14: text(order, "insurance_plan"),
            15: yuan(line, "insurance_fen"),
            19: diagnosis,
        },
    )
