"""The messages this hospital system writes: HL7 v2, with the fields a Chinese hospital fills."""

from __future__ import annotations

from collections.abc import Callable

from hl7_adapter.er7 import build
from sandbox.errors import ApiError
from sandbox.his import clinics, lab, patients, pharmacy
from sandbox.his.segments import Order, Rows, header, text

KINDS: dict[str, tuple[tuple[str, str, str], Callable[[Order], Rows]]] = {
    "a04": (("ADT", "A04", "ADT_A01"), patients.patient),
    "a08": (("ADT", "A08", "ADT_A01"), patients.patient),
    "a31": (("ADT", "A31", "ADT_A05"), patients.patient),
    "a40": (("ADT", "A40", "ADT_A39"), patients.merge),
    "qbp": (("QBP", "Q22", "QBP_Q21"), patients.find),
    "mfn_m02": (("MFN", "M02", "MFN_M02"), clinics.doctors),
    "mfn_m04": (("MFN", "M04", "MFN_M04"), clinics.prices),
    "mfn_m05": (("MFN", "M05", "MFN_M05"), clinics.departments),
    "siu_s12": (("SIU", "S12", "SIU_S12"), clinics.appointment),
    "siu_s13": (("SIU", "S13", "SIU_S12"), clinics.appointment),
    "siu_s14": (("SIU", "S14", "SIU_S12"), clinics.appointment),
    "siu_s15": (("SIU", "S15", "SIU_S12"), clinics.appointment),
    "siu_s24": (("SIU", "S24", "SIU_S12"), clinics.opening),
    "siu_s26": (("SIU", "S26", "SIU_S12"), clinics.appointment),
    "omp": (("OMP", "O09", "OMP_O09"), pharmacy.omp),
    "rde": (("RDE", "O11", "RDE_O11"), pharmacy.rde),
    "orm": (("ORM", "O01", "ORM_O01"), pharmacy.orm),
    "oru": (("ORU", "R01", "ORU_R01"), lab.report),
}


def write(kind: str, order: Order, control_id: str) -> bytes:
    """The bytes of one message in the order's `charset` (UNICODE UTF-8). ApiError 400 for an unknown kind or value."""
    if kind not in KINDS:
        raise ApiError(400, "UNKNOWN_KIND", f"kind: one of {', '.join(KINDS)}")
    message_type, rows = KINDS[kind]
    try:
        charset = text(order, "charset", "UNICODE UTF-8")
        return build([header(message_type, control_id, order), *rows(order)], charset)
    except (ValueError, TypeError, AttributeError) as wrong:
        raise ApiError(400, "PARAM_ERROR", str(wrong)) from wrong
