"""The comparison of two ledgers: nothing is said of equal ones, and nothing that differs is passed over."""

from __future__ import annotations

from typing import Any

import pytest

from hl7_adapter.er7 import build, segment
from sandbox.his.comparison import differences
from sandbox.his.ledger import Told, Visit, read_told
from sandbox.his.messages import write


def told(kind: tuple[str, str, str], control_id: str, *rows: Any) -> Told:
    msh = segment("MSH", {3: "MENZHEN", 9: kind, 10: control_id, 11: "P", 12: "2.5.1"})
    pid = segment("PID", {3: ("P1", None, None, "HIS", "PI")})
    pv1 = segment("PV1", {2: "O", 19: "V1"})
    return read_told(build([msh, pid, pv1, *rows]))


def paid(control_id: str = "MZ2", insured: str = "20.00") -> Told:
    line = {6: "PY", 11: (("50.00", "CNY"),), 15: ((insured, "CNY"),), 23: "RX1"}
    return told(("DFT", "P03", "DFT_P03"), control_id, segment("FT1", line))


def given(control_id: str = "MZ3") -> Told:
    return told(("RDS", "O13", "RDS_O13"), control_id, segment("RXD", {2: "IBU300", 4: "2", 7: "RX1"}))


ARRIVED = told(("ADT", "A10", "ADT_A09"), "MZ1")
FACTS = {
    "patient": "P1",
    "doctor": "D1",
    "day": "20261123",
    "state": "completed",
    "fee_fen": 0,
    "told ADT^A10": 1,
    "told DFT^P03": 1,
    "told RDS^O13": 1,
    "told SRM^S01": 0,
    "prescription RX1 state": "dispensed",
    "prescription RX1 total_fen": 5000,
    "prescription RX1 lines": "IBU300×2=5000",
    "prescription RX1 paid_fen": 3000,
    "prescription RX1 paid_by_insurance_fen": 2000,
    "prescription RX1 dispensed": "IBU300×2",
}


def visit(**changes: object) -> Visit:
    made = Visit("A1", "P1", "D1", "20261123", state="completed", numbers=["A1", "V1"])
    made.prescriptions["RX1"] = {"state": "dispensed", "total_fen": 5000, "lines": "IBU300×2=5000"}
    made.wanted = {"told RDS^O13": 1, "prescription RX1 dispensed": "IBU300×2"}
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def exported(**changes: object) -> dict[str, Any]:
    return {"visits": [{"numbers": ["V1", "A1"], "facts": FACTS | changes}]}


def found(
    heard: list[Told] | None = None, hospital: Visit | None = None, application: dict[str, Any] | None = None
) -> list[tuple[str, object, object]]:
    heard = [ARRIVED, paid(), given()] if heard is None else heard
    several = differences([hospital or visit()], heard, application or exported())
    return [(each.field, each.hospital, each.application) for each in several]


def test_equal_ledgers_have_no_differences() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "booked"),
        ("prescription RX1 paid_fen", 2999),
        ("fee_fen", 1500),
        ("patient", "P2"),
        ("day", "20261124"),
    ],
)
def test_every_field_of_the_application_counts(field: str, value: object) -> None:
    assert [name for name, *_ in found(application=exported(**{field: value}))] == [field]


def test_a_message_told_twice_under_two_control_ids_is_a_difference() -> None:
    assert ("told ADT^A10", 2, 1) in found([ARRIVED, told(("ADT", "A10", "ADT_A09"), "MZ9"), paid(), given()])


def test_a_bag_handed_out_twice_is_a_difference() -> None:
    fields = [name for name, *_ in found([ARRIVED, paid(), given(), given("MZ8")])]

    assert {"told RDS^O13", "prescription RX1 dispensed", "as planned: told RDS^O13"} <= set(fields)


def test_what_was_never_told_is_a_difference() -> None:
    fields = [name for name, *_ in found([ARRIVED, paid()])]

    assert "as planned: told RDS^O13" in fields


def test_a_fen_of_insurance_is_a_difference() -> None:
    assert [name for name, *_ in found([ARRIVED, paid(insured="20.01"), given()])] == [
        "prescription RX1 paid_by_insurance_fen",
        "prescription RX1 paid_fen",
    ]


def test_a_visit_that_only_one_side_knows_is_a_difference() -> None:
    more = exported()
    more["visits"].append({"numbers": ["V2"], "facts": {"patient": "P1", "state": "booked"}})

    assert found(application={"visits": []}) == [("visit", "completed", None)]
    assert found(application=more) == [("visit", None, "booked")]


def test_visits_of_other_patients_are_nobodys_business() -> None:
    more = exported()
    more["visits"].append({"numbers": ["V2"], "facts": {"patient": "P7", "state": "booked"}})

    assert found(application=more) == []


@pytest.mark.parametrize("dialect", ["omp", "rde", "orm"])
def test_a_prescription_is_written_in_three_dialects(dialect: str) -> None:
    line = {"code": "IBU300", "quantity": 2, "quantity_unit": "盒", "price_fen": 1860, "amount_fen": 3720, "days": 5}
    order = {"patient_id": "P1", "prescription_number": "RX1", "lines": [line | {"frequency": "BID"}]}

    message = write(dialect, order, "C1").decode()

    assert ("RXE|" in message, "TQ1|" in message) == (dialect == "rde", dialect != "orm")
    assert "|37.20&CNY|18.60&CNY|" in message
