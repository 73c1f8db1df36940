"""What a prescription may say, and how long it holds; 处方管理办法 (ministry of health, order 53 of 2007)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.kernel.clock import at_hospital, hospital_day
from app.prescription import errors
from app.prescription.orders import DrugCategory, OrderIn, OrderLineIn, PrescriptionKind

MOST_DRUGS = 5  # art. 6 (6), for western and patent drugs
USUAL_DAYS = {PrescriptionKind.ORDINARY: 7, PrescriptionKind.PAEDIATRIC: 7, PrescriptionKind.EMERGENCY: 3}  # art. 19
MOST_DAYS = 84  # 长期处方管理规范（试行）, 2021, art. 12: twelve weeks
VALID_DAYS = 3  # art. 18: at most three days, the day of issue among them
MOST_QUANTITY = 9_999
MOST_PRICE_FEN = 1_000_000_00
MOST_LINES = 99
CLOCKS_MAY_DIFFER = timedelta(hours=1)

# Field: (most characters, whether it may be empty). The tables' columns have the same lengths.
ORDER_TEXTS = {
    "number": (40, False),
    "prescriber_code": (40, False),
    "prescriber_name": (60, False),
    "department_name": (60, True),
    "diagnosis_code": (20, True),
    "diagnosis_text": (400, True),
    "long_course_reason": (200, True),
}
LINE_TEXTS = {
    "drug_code": (40, False),
    "drug_name": (120, False),
    "spec": (80, True),
    "dose": (60, True),
    "route": (40, True),
    "frequency": (40, True),
    "unit": (20, True),
}


@dataclass(frozen=True)
class DrugFacts:
    """What the formulary says of a drug that the rules need."""

    category: DrugCategory
    is_excluded_from_long: bool


def is_word(text: str, at_most: int, *, may_be_empty: bool) -> bool:
    """True for text without control characters or halves of characters, within its length."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return False
    return len(text) <= at_most and (may_be_empty or bool(text.strip()))


def check(order: OrderIn, formulary: Mapping[str, DrugFacts], now: datetime) -> None:
    """Passes when the order may be filed; else raises the first rule it breaks (see `prescription.errors`)."""
    _check_order(order, now)
    _check_texts(order)
    for line_no, line in enumerate(order.lines, start=1):
        drug = formulary.get(line.drug_code)
        if drug is None:
            raise errors.DrugUnknown(line_no=line_no, drug_code=line.drug_code)
        _check_figures(line_no, line)
        _check_days(line_no, line, drug, order)
    _check_categories([formulary[line.drug_code].category for line in order.lines])


def _check_order(order: OrderIn, now: datetime) -> None:
    if not order.lines:
        raise errors.NoLines
    if len(order.lines) > MOST_LINES:
        raise errors.TooManyDrugs(drugs=len(order.lines), at_most=MOST_LINES)
    if not order.diagnosis_text.strip() and not order.diagnosis_code.strip():
        raise errors.DiagnosisRequired
    if order.issued_at > now + CLOCKS_MAY_DIFFER:
        raise errors.IssuedInFuture


def _check_texts(order: OrderIn) -> None:
    for field, (at_most, may_be_empty) in ORDER_TEXTS.items():
        if not is_word(getattr(order, field), at_most, may_be_empty=may_be_empty):
            raise errors.TextNotValid(field=field, at_most=at_most)
    for line_no, line in enumerate(order.lines, start=1):
        for field, (at_most, may_be_empty) in LINE_TEXTS.items():
            if not is_word(getattr(line, field), at_most, may_be_empty=may_be_empty):
                raise errors.TextNotValid(field=field, line_no=line_no, at_most=at_most)


def _check_figures(line_no: int, line: OrderLineIn) -> None:
    if not 1 <= line.quantity <= MOST_QUANTITY:
        raise errors.QuantityNotValid(line_no=line_no, quantity=line.quantity, at_most=MOST_QUANTITY)
    if not 0 <= line.unit_price_fen <= MOST_PRICE_FEN:
        raise errors.PriceNotValid(line_no=line_no)
    expected_fen = line.quantity * line.unit_price_fen
    if line.amount_fen != expected_fen:
        raise errors.AmountMismatch(line_no=line_no, amount_fen=line.amount_fen, expected_fen=expected_fen)


def _check_days(line_no: int, line: OrderLineIn, drug: DrugFacts, order: OrderIn) -> None:
    """Up to the usual days; beyond them with a reason up to twelve weeks, unless the drug is excluded."""
    usual = USUAL_DAYS[order.kind]
    if not 1 <= line.days <= MOST_DAYS:
        raise errors.DaysNotValid(line_no=line_no, days=line.days, at_most=MOST_DAYS)
    if line.days <= usual:
        return
    if drug.is_excluded_from_long:
        raise errors.DrugNotForLongCourse(line_no=line_no, drug_code=line.drug_code, at_most=usual)
    if not order.long_course_reason.strip():
        raise errors.TooManyDays(line_no=line_no, days=line.days, at_most=usual)


def _check_categories(categories: list[DrugCategory]) -> None:
    """Herbal pieces stand alone (art. 6 (5)) and are not counted; of all others there are at most five (art. 6 (6))."""
    herbal = categories.count(DrugCategory.HERBAL)
    if 0 < herbal < len(categories):
        raise errors.HerbalMixed
    if not herbal and len(categories) > MOST_DRUGS:
        raise errors.TooManyDrugs(drugs=len(categories), at_most=MOST_DRUGS)


def valid_until(issued_at: datetime, zone: ZoneInfo) -> datetime:
    """The instant from which it holds no longer: the end of the second hospital day after the day of issue."""
    first_invalid_day = hospital_day(issued_at, zone) + timedelta(days=VALID_DAYS)
    return at_hospital(first_invalid_day, time(0, 0), zone)
