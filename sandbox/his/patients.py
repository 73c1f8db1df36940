"""Patients as this hospital system tells of them: ADT^A04 and A08, A40 for two records of one person, and QBP^Q22."""

from __future__ import annotations

from typing import Any

from hl7_adapter.er7 import segment
from sandbox.his.segments import Order, Rows, needed, pid, pv1, stamp, text


def patient(order: Order) -> Rows:
    """ADT^A04 and A08: patient_id; name, sex (M F O U), birth_day, id_number, insurance_number, phone, address.

    `insurance_plan` adds IN1 with the plan and the insurance number.
    """
    rows = [segment("EVN", {2: stamp(order)}), pid(order), pv1(order)]
    if text(order, "insurance_plan"):
        plan, number = text(order, "insurance_plan"), text(order, "insurance_number")
        insured: dict[int, Any] = {1: 1, 2: plan, 3: "NHSA", 36: number}
        rows.append(segment("IN1", insured))
    return rows


def merge(order: Order) -> Rows:
    """ADT^A40: the record `former_patient_id` is a part of `patient_id` from now on."""
    former = (needed(order, "former_patient_id"), None, None, "HIS", "PI")
    return [segment("EVN", {2: stamp(order)}), pid(order), segment("MRG", {1: former})]


def find(order: Order) -> Rows:
    """QBP^Q22: who has the number patient_id?"""
    asked = ("@PID.3.1", needed(order, "patient_id"))
    return [segment("QPD", {1: "IHE PDQ Query", 2: "T1", 3: asked}), segment("RCP", {1: "I", 2: ("2", "RD")})]
