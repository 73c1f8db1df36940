"""What stands in every message of this hospital system: who sends, who the patient is, which visit, how money looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hl7_adapter.er7 import Field, segment
from sandbox.clock import now, wall_clock
from sandbox.errors import ApiError

Order = Mapping[str, Any]
"""What is to be said, by name: the fields of one message before it is written."""
Rows = list[list[Field]]
NO_ORDER: Order = {}


def stamp(order: Order) -> str:
    """The order's instant `at` (seconds since 1970), without one the present, as an HL7 time."""
    return wall_clock(order.get("at") or now(), "%Y%m%d%H%M%S+0800")


def day(order: Order) -> str:
    """The day of `stamp`."""
    return stamp(order)[:8]


def text(order: Order, name: str, default: str = "") -> str:
    """A value of the order as text."""
    value = order.get(name)
    return default if value is None or value == "" else str(value)


def needed(order: Order, name: str) -> str:
    """A value without which there is no message; ApiError 400 when it is missing."""
    value = text(order, name)
    if not value:
        raise ApiError(400, "PARAM_ERROR", f"{name} is wanted")
    return value


def yuan(line: Order, name: str) -> tuple[tuple[str, str]] | None:
    """Fen as a composite price in yuan, `25.60&CNY`."""
    fen = line.get(name)
    return None if fen is None else ((f"{int(fen) // 100}.{int(fen) % 100:02d}", "CNY"),)


def pid(order: Order) -> list[Field]:
    """PID of the order's patient."""
    ids: list[Any] = [(needed(order, "patient_id"), None, None, "HIS", "PI")]
    if text(order, "id_number"):
        ids.append((text(order, "id_number"), None, None, "MPS", "NNCHN"))
    if text(order, "insurance_number"):
        ids.append((text(order, "insurance_number"), None, None, "NHSA", "HC"))
    # XTN: receivers read the number from component 1 (before v2.5) or from component 12.
    phone = text(order, "phone")
    return segment(
        "PID",
        {
            1: 1,
            3: ids,
            5: text(order, "name"),
            7: text(order, "birth_day").replace("-", ""),
            8: text(order, "sex"),
            11: text(order, "address"),
            13: (phone, "PRN", "CP", *[None] * 8, phone) if phone else None,
        },
    )


def pv1(order: Order) -> list[Field]:
    """PV1 of the order's visit."""
    doctor = (text(order, "doctor_code"), text(order, "doctor_name"))
    # PL: the department's code is component 1, its words component 9.
    department = (text(order, "department_code"), *[None] * 7, text(order, "department_name"))
    return segment(
        "PV1",
        {
            1: 1,
            2: "O",
            3: department,
            7: doctor if doctor[0] else None,
            19: (text(order, "visit_number"), None, None, "HIS", "VN") if order.get("visit_number") else None,
        },
    )


def header(message_type: tuple[str, str, str], control_id: str, order: Order = NO_ORDER) -> list[Field]:
    """MSH of this hospital system, in the order's `version` (2.5.1)."""
    names: dict[int, Field] = {3: "HIS", 4: "HOSPITAL", 5: "MENZHEN", 6: "HOSPITAL", 7: stamp(order)}
    version = text(order, "version", "2.5.1")
    return segment("MSH", {**names, 9: message_type, 10: control_id, 11: "P", 12: version, 17: "CHN"})
