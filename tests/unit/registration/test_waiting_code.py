"""A waiting-list entry's name and the digits on its slip are one another's."""

from __future__ import annotations

import pytest

from app.kernel.ids import new_public_id
from app.registration import visit_code
from app.registration.waiting_code import read_digits, to_digits


def test_every_name_comes_back_from_its_digits() -> None:
    names = [new_public_id() for _ in range(500)] + ["0" * 26, "z" * 26]

    codes = [to_digits(name) for name in names]

    assert {len(code) for code in codes} == {41}
    assert all(code.isdecimal() for code in codes)
    assert [read_digits(code) for code in codes] == names
    assert {visit_code.read_digits(code) for code in codes} == {""}


def test_the_digits_may_be_typed_in_groups() -> None:
    name = new_public_id()

    assert read_digits(f" {to_digits(name)[:20]} {to_digits(name)[20:]}") == name


def test_a_mistyped_digit_is_noticed() -> None:
    code = to_digits(new_public_id())

    wrong = [f"{code[:place]}{(int(code[place]) + 1) % 10}{code[place + 1 :]}" for place in range(41)]

    assert [read_digits(each) for each in wrong] == [""] * 41


@pytest.mark.parametrize(
    "said", ["", "1" * 40, "9" * 41, "２" + "0" * 40, "\x00" * 41, "0" * 42, "26112300000000000000"]
)
def test_what_is_no_slips_code_is_none(said: str) -> None:
    assert read_digits(said) == ""


@pytest.mark.parametrize("name", ["", "0" * 25, "u" * 26, "Z" * 26])
def test_what_is_no_name_has_no_digits(name: str) -> None:
    with pytest.raises(ValueError, match="26 letters"):
        to_digits(name)
