"""A pickup code is good for its half minute and the neighbours, a bag label for as long as the bag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.ids import luhn_digit
from app.pharmacy import rules
from app.pharmacy.rules import CodeStatus
from app.pharmacy.states import CheckKind

KEY = b"p" * 32
NOW = datetime(2026, 11, 23, 1, 30, 10, tzinfo=UTC)


def test_a_code_is_22_digits_with_its_check_digit_at_the_end() -> None:
    code = rules.pickup_code(KEY, "123456789012", NOW)

    assert len(code) == 22
    assert code.isdecimal()
    assert code[:13] == "1123456789012"
    assert luhn_digit(code[:-1]) == code[-1]


@pytest.mark.parametrize(
    ("seconds_old", "status"),
    [
        (0, CodeStatus.FRESH),
        (30, CodeStatus.FRESH),
        (-30, CodeStatus.FRESH),
        (60, CodeStatus.EXPIRED),
        (300, CodeStatus.EXPIRED),
        (330, CodeStatus.FORGED),
        (86_400, CodeStatus.FORGED),
        (-60, CodeStatus.FORGED),
    ],
)
def test_a_code_ages(seconds_old: int, status: CodeStatus) -> None:
    code = rules.pickup_code(KEY, "123456789012", NOW - timedelta(seconds=seconds_old))

    assert rules.read_pickup_code(KEY, code, NOW) == rules.PickupRead("123456789012", status)


def test_a_code_may_be_typed_in_the_groups_in_which_the_phone_shows_it() -> None:
    code = rules.pickup_code(KEY, "123456789012", NOW)
    shown = " ".join(code[start : start + 4] for start in range(0, 22, 4))

    assert rules.read_pickup_code(KEY, shown, NOW) == rules.PickupRead("123456789012", CodeStatus.FRESH)


@pytest.mark.parametrize(
    ("scanned", "status"),
    [
        ("", CodeStatus.MALFORMED),
        ("1" * 21, CodeStatus.MALFORMED),
        ("1" * 23, CodeStatus.MALFORMED),
        ("2" + "1" * 21, CodeStatus.MALFORMED),
        ("１" * 22, CodeStatus.MALFORMED),
        ("https://hospital.example/s/abc", CodeStatus.POSTER),
        ("HTTP://10.0.0.1:8000/s/lobby", CodeStatus.POSTER),
        ("hospital.example/s/abc", CodeStatus.POSTER),
    ],
)
def test_what_is_no_pickup_code_is_named(scanned: str, status: CodeStatus) -> None:
    assert rules.read_pickup_code(KEY, scanned, NOW) == rules.PickupRead("", status)


@given(st.text(max_size=60))
def test_nothing_a_stranger_scans_breaks_the_reader(scanned: str) -> None:
    read = rules.read_pickup_code(KEY, scanned, NOW)

    assert read.status != CodeStatus.FRESH


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 21), st.integers(1, 9))
def test_one_wrong_digit_never_opens_a_bag(id12: str, place: int, by: int) -> None:
    code = rules.pickup_code(KEY, id12, NOW)
    wrong = code[:place] + str((int(code[place]) + by) % 10) + code[place + 1 :]

    assert rules.read_pickup_code(KEY, wrong, NOW).status == CodeStatus.MALFORMED


def test_another_hospitals_key_makes_other_codes() -> None:
    code = rules.pickup_code(b"q" * 32, "123456789012", NOW)

    assert rules.read_pickup_code(KEY, code, NOW).status == CodeStatus.FORGED


def test_a_bag_label_has_13_digits_and_is_no_pickup_code() -> None:
    label = rules.bag_code("12345678901")

    assert rules.is_bag_code(label)
    assert len(label) == 13
    assert rules.read_pickup_code(KEY, label, NOW).status == CodeStatus.MALFORMED
    assert not rules.is_bag_code(label[:-1] + str((int(label[-1]) + 1) % 10))


def test_the_four_checks_compare_ten_things() -> None:
    assert sum(len(things) for things in rules.FOUR_CHECKS.values()) == 10
    assert rules.missing_checks([CheckKind.DRUGS, CheckKind.FORM]) == ["incompatibility", "reasonable_use"]


def test_the_lowest_empty_bin_is_taken_and_a_full_shelf_shares_its_emptiest() -> None:
    assert rules.free_bin([], 3) == 1
    assert rules.free_bin([1, 3], 3) == 2
    assert rules.free_bin([1, 2, 3, 1], 3) == 2
