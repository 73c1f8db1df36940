"""The visit's number and its twenty digits are one another's."""

from __future__ import annotations

import pytest

from app.kernel.ids import new_public_id
from app.registration.visit_code import read_digits, to_digits


def test_every_number_comes_back_from_its_digits() -> None:
    numbers = [f"V261123{new_public_id()[:8].upper()}" for _ in range(500)] + ["V26112300000000", "V261123ZZZZZZZZ"]

    codes = [to_digits(number) for number in numbers]

    assert {len(code) for code in codes} == {20}
    assert all(code.isdecimal() for code in codes)
    assert [read_digits(code) for code in codes] == numbers


def test_the_digits_may_be_typed_in_the_groups_in_which_they_are_shown() -> None:
    code = to_digits("V261123VZM1H2S8")

    assert read_digits(" ".join(code[start : start + 4] for start in range(0, 20, 4))) == "V261123VZM1H2S8"


def test_a_mistyped_digit_is_noticed() -> None:
    code = to_digits("V261123VZM1H2S8")

    wrong = [f"{code[:place]}{(int(code[place]) + 1) % 10}{code[place + 1 :]}" for place in range(20)]

    assert [read_digits(each) for each in wrong] == [""] * 20


@pytest.mark.parametrize(
    "said", ["", "1", "2" * 22, "9" * 20, "２６１１２３" + "0" * 14, "V261123VZM1H2S8", "\x00" * 20]
)
def test_what_is_no_visits_code_is_none(said: str) -> None:
    assert read_digits(said) == ""


@pytest.mark.parametrize("number", ["", "RX12345678", "V261123VZM1H2SU", "v261123vzm1h2s8", "V261123VZM1H2S88"])
def test_a_number_of_another_shape_has_no_digits(number: str) -> None:
    assert to_digits(number) == ""
