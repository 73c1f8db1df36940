"""The prescription: signed in the hospital system, arrived by HL7, reviewed by a pharmacist."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from tools.play.browser import StepFailed
from tools.play.visit import Visit, wait_for

Seen = Mapping[str, object]
REVISIT_IN_DAYS = "3"


def _line(code: str, name: str, spec: str, quantity: int, unit: str, price_fen: int) -> dict[str, object]:
    return {
        "code": code,
        "name": name,
        "spec": spec,
        "dose": "1",
        "dose_unit": "片",
        "route": "PO",
        "route_name": "口服",
        "frequency": "QD",
        "days": 7,
        "quantity": quantity,
        "quantity_unit": unit,
        "price_fen": price_fen,
        "amount_fen": quantity * price_fen,
    }


LINES = (
    _line("XN01AB", "阿莫西林胶囊", "0.25g×24粒", 2, "盒", 12_80),
    _line("XR05CB", "氨溴索口服溶液", "100ml", 1, "瓶", 32_40),
    _line("ATO20", "阿托伐他汀钙片", "20mg×7片", 6, "盒", 42_30),
    _line("AML5", "苯磺酸氨氯地平片", "5mg×28片", 3, "盒", 16_90),
    _line("VITC", "维生素C泡腾片", "1g×10片", 1, "支", 39_00),
)


def prescription_from_his(visit: Visit) -> Seen:
    """OMP^O09 by MLLP: amid the consultation the signed prescription stands at the doctor's desk.

    The doctor plans a revisit in three days and finishes.
    """
    desk = visit.staff(visit["doctor"])
    begun = desk.press(desk.open(visit["queue"]), r"/desk/tickets/[^/]+/begin$")
    number = f"RX{secrets.randbelow(10**10):010d}"
    visit["prescription"] = number
    sent = visit.his_sends(
        "omp",
        patient_id=visit.person.record_number,
        name=visit.person.name,
        prescription_number=number,
        visit_number=visit["visit_number"],
        doctor_code="D001" if visit["doctor"] == "doctor" else "D004",
        doctor_name="张伟" if visit["doctor"] == "doctor" else "郑洁",
        department_code="GI" if visit["doctor"] == "doctor" else "CV",
        department_name="消化内科" if visit["doctor"] == "doctor" else "心血管内科",
        lines=list(LINES),
    )
    page = desk.open(begun.url)
    page.demand(number)
    page = desk.press(page, r"/follow-up$", days=REVISIT_IN_DAYS, note="bring_results")
    desk.press(page, r"/finish$")
    return {"prescription": number, "lines": len(LINES), "control_id": sent["control_id"], "answer": sent["ack_code"]}


def reviewed(visit: Visit) -> Seen:
    """A pharmacist makes the four checks and lets the prescription pass."""
    reviewer = visit.staff("reviewer")

    def look() -> str | None:
        waiting = reviewer.open("/review/").markup.links
        return next((href for href, words in waiting if visit["prescription"] in words), None)

    page = reviewer.open(wait_for("the prescription at the review", look))
    form = page.form("/approve$")
    checks = form.choices["check"]
    page = reviewer.send(page, form, check=checks)
    if visit["prescription"] not in page.words:
        raise StepFailed(f"not approved: {page.gist}")
    return {"prescription": visit["prescription"], "checks": checks}
