"""Numbers, categories and the patient's own share, as the form wants them."""

from __future__ import annotations

from datetime import date

import pytest

from app.invoice import rules
from app.paper import invoice as paper


def test_the_fiscal_code_has_eight_digits_that_end_in_the_year() -> None:
    assert rules.batch_code(date(2026, 11, 23)) == "11060126"


def test_the_categories_are_the_papers_in_the_same_order() -> None:
    assert rules.CATEGORIES == paper.CATEGORIES


def test_fees_are_added_up_by_category_in_the_order_of_the_form() -> None:
    lines = [("registration", 2500), ("herbal", 300), ("western", 100), ("massage", 7), ("western", 50)]

    assert rules.category_sums(lines) == [
        ("西药费", 150),
        ("中药饮片", 300),
        ("挂号费", 2500),
        ("其他门(急)诊收费", 7),
    ]


@pytest.mark.parametrize(
    ("borne", "outside", "own"),
    [(1000, 0, (1000, 0)), (1000, 300, (700, 300)), (1000, 1200, (0, 1000)), (0, 5, (0, 0))],
)
def test_own_part_and_own_fee_are_what_the_patient_bore(borne: int, outside: int, own: tuple[int, int]) -> None:
    assert rules.own_share(borne, outside) == own


@pytest.mark.parametrize(
    "three", [("1106012", "0000000001", "123456"), ("11060126", "1", "123456"), ("11060126", "0000000001", "１23456")]
)
def test_what_has_not_the_shape_of_an_invoice_is_none(three: tuple[str, str, str]) -> None:
    assert not rules.could_be(*three)


def test_numbers_are_masked_in_the_middle() -> None:
    assert rules.mask_number("110105198001010012") == "1101**********0012"
    assert rules.mask_number("1234") == "****"
