"""What a prescription may say: each rule of the measure, and its refusal, as a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.kernel.errors import Refused
from app.prescription import rules
from app.prescription.demo_drugs import DRUGS
from app.prescription.orders import OrderIn, PrescriptionKind
from app.prescription.rules import DrugFacts
from tests.conftest import MORNING, SHANGHAI
from tests.factories_prescription import line, order

FORMULARY = {drug.code: DrugFacts(drug.category, drug.is_excluded_from_long) for drug in DRUGS}
WESTERN = ("XN01AB", "CEF250", "IBU300", "OME20", "MET500", "AML5")

PASSES = {
    "one_drug": order(1),
    "five_drugs": order(1, *(line(code) for code in WESTERN[:5])),
    "western_and_patent_together": order(1, line("IBU300"), line("LHQW")),
    "six_herbal_pieces": order(1, *(line("GANCAO") for _ in range(6))),
    "seven_days": order(1, line(days=7)),
    "thirty_days_with_a_reason": order(1, line("AML5", days=30), long_course_reason="高血压，病情稳定"),
    "twelve_weeks_with_a_reason": order(1, line("AML5", days=84), long_course_reason="高血压，病情稳定"),
    "three_days_in_an_emergency": order(1, line(days=3), kind=PrescriptionKind.EMERGENCY),
    "diagnosis_by_code_alone": order(1, diagnosis_text=""),
    "a_gift": order(1, line(unit_price_fen=0, amount_fen=0)),
    "signed_a_minute_ahead": order(1, issued_at=MORNING + timedelta(minutes=1)),
}

REFUSED = {
    "no_lines": order(1, lines=()),
    "diagnosis_required": order(1, diagnosis_text=" ", diagnosis_code=""),
    "too_many_drugs": order(1, *(line(code) for code in WESTERN)),
    "too_many_drugs/flood": order(1, *(line("GANCAO") for _ in range(100))),
    "herbal_mixed": order(1, line("IBU300"), line("GANCAO")),
    "quantity_not_valid": order(1, line(quantity=0)),
    "quantity_not_valid/negative": order(1, line(quantity=-1)),
    "quantity_not_valid/flood": order(1, line(quantity=10_000)),
    "days_not_valid": order(1, line(days=0)),
    "days_not_valid/over_twelve_weeks": order(1, line("AML5", days=85), long_course_reason="高血压"),
    "too_many_days": order(1, line(days=8)),
    "too_many_days/emergency": order(1, line(days=4), kind=PrescriptionKind.EMERGENCY),
    "too_many_days/blank_reason": order(1, line(days=8), long_course_reason="  "),
    "drug_not_for_long_course": order(1, line("XN01AB", days=8), long_course_reason="慢性感染"),
    "price_not_valid": order(1, line(unit_price_fen=-1, amount_fen=-1)),
    "amount_mismatch": order(1, line(quantity=2, amount_fen=1)),
    "drug_unknown": order(1, line("NOSUCH")),
    "issued_in_future": order(1, issued_at=MORNING + timedelta(days=1)),
    "text_not_valid/empty": order(1, prescriber_code=""),
    "text_not_valid/long": order(1, prescriber_name="张" * 61),
    "text_not_valid/nul": order(1, diagnosis_text="胃炎\x00"),
    "text_not_valid/line": order(1, line(route="口服\x00")),
    "text_not_valid/half": order(1, diagnosis_text="\ud800"),
}


@pytest.mark.parametrize("written", PASSES.values(), ids=PASSES.keys())
def test_what_the_measure_allows_passes(written: OrderIn) -> None:
    rules.check(written, FORMULARY, MORNING)


@pytest.mark.parametrize(("case", "written"), REFUSED.items(), ids=REFUSED.keys())
def test_what_the_measure_forbids_has_its_own_refusal(case: str, written: OrderIn) -> None:
    with pytest.raises(Refused) as refusal:
        rules.check(written, FORMULARY, MORNING)

    assert refusal.value.code == case.partition("/")[0]


@pytest.mark.parametrize(
    ("issued_at", "valid_until"),
    [
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), datetime(2026, 11, 25, 16, 0, tzinfo=UTC)),  # midnight on the wall
        (datetime(2026, 11, 23, 1, 30, tzinfo=UTC), datetime(2026, 11, 25, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 15, 59, tzinfo=UTC), datetime(2026, 11, 25, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_prescription_holds_until_the_second_day_after_its_own_is_over(
    issued_at: datetime, valid_until: datetime
) -> None:
    assert rules.valid_until(issued_at, SHANGHAI) == valid_until
