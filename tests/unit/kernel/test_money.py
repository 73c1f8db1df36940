"""Money: what is typed is read strictly, what is split adds up, what is written can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import capitals, half_up, parse_yuan, ratio_of, share_out, yuan_text

FEN = st.integers(min_value=0, max_value=10**12)
FIGURES = {figure: value for value, figure in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1_000}


@pytest.mark.parametrize(
    ("amount_fen", "text"), [(3860, "38.60"), (0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-12345, "-123.45")]
)
def test_fen_are_shown_as_yuan_with_two_decimals(amount_fen, text):
    assert yuan_text(amount_fen) == text


@given(FEN)
def test_an_amount_shown_can_be_typed_back(amount_fen):
    assert parse_yuan(yuan_text(amount_fen % 10**12)) == amount_fen % 10**12


@pytest.mark.parametrize(("text", "amount_fen"), [("0", 0), ("38", 3800), ("38.6", 3860), ("38.60", 3860), ("0.05", 5)])
def test_a_plain_amount_is_read(text, amount_fen):
    assert parse_yuan(text) == amount_fen


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "1.234", "-1", "+1", " 1", "1 ", "1\n", "1,000", "038", "00", ".5", "5.", "1e3", "３８", "٣", "¥1"],
        *["1元", "12345678901", "9" * 5000, "NaN", "0x10", "1_000"],
    ],
)
def test_an_amount_that_could_be_misread_is_refused(text):
    with pytest.raises(ValueError, match="not an amount in yuan"):
        parse_yuan(text)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(7, 2, 4), (-7, 2, -4), (5, 3, 2), (4, 3, 1), (-4, 3, -1), (0, 9, 0), (1, 2, 1), (-1, 2, -1), (1, 3, 0)],
)
def test_half_goes_away_from_zero(numerator, denominator, expected):
    assert half_up(numerator, denominator) == expected


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_a_rounded_quotient_is_never_more_than_half_off(numerator, denominator):
    assert abs(2 * (half_up(numerator, denominator) * denominator - numerator)) <= denominator


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_quotient_needs_a_positive_denominator(denominator):
    with pytest.raises(ValueError, match="positive"):
        half_up(1, denominator)


@pytest.mark.parametrize(
    ("amount_fen", "ratio_bp", "expected"),
    [(12345, 7000, 8642), (1, 5000, 1), (1, 4999, 0), (-1, 5000, -1), (99, 0, 0)],
)
def test_a_ratio_is_rounded_half_up_per_line(amount_fen, ratio_bp, expected):
    assert ratio_of(amount_fen, ratio_bp) == expected


@pytest.mark.parametrize(
    ("total_fen", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (10, [0, 3, 7], [0, 3, 7]),
        (5, [1, 2, 4], [1, 1, 3]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_what_is_left_over_goes_to_the_largest_remainder_then_the_first(total_fen, weights, shares):
    assert share_out(total_fen, weights) == shares


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1).filter(any))
def test_shares_add_up_and_none_is_a_fen_or_more_off(total_fen, weights):
    shares = share_out(total_fen, weights)

    assert sum(shares) == total_fen
    whole = sum(weights)
    assert all(abs(share * whole - total_fen * weight) < whole for share, weight in zip(shares, weights, strict=True))


@pytest.mark.parametrize(("total_fen", "weights"), [(1, []), (1, [0, 0]), (10, [-1, 2])])
def test_shares_without_a_meaning_are_refused(total_fen, weights):
    with pytest.raises(ValueError, match="weights"):
        share_out(total_fen, weights)


@pytest.mark.parametrize(
    ("amount_fen", "allowed"),
    [
        (140950, ["壹仟肆佰零玖元伍角"]),
        (600714, ["陆仟零柒元壹角肆分"]),
        (1640902, ["壹万陆仟肆佰零玖元零贰分"]),
        (32504, ["叁佰贰拾伍元零肆分"]),
        (168032, ["壹仟陆佰捌拾元零叁角贰分", "壹仟陆佰捌拾元叁角贰分"]),
        (10700053, ["壹拾万柒仟元零伍角叁分", "壹拾万零柒仟元伍角叁分"]),
    ],
)
def test_the_samples_of_the_settlement_measures_are_written_as_printed(amount_fen, allowed):
    assert capitals(amount_fen) in allowed


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角"),
        (100, "壹元整"),
        (1000, "壹拾元整"),
        (20_000_000, "贰拾万元整"),
        (10_001_000_00, "壹仟万壹仟元整"),
        (100_010_000_00, "壹亿零壹万元整"),
        (100_001_000_00, "壹亿零壹仟元整"),
        (100_000_001_00, "壹亿零壹元整"),
        (10_001_00, "壹万零壹元整"),
        (10_010_10, "壹万零壹拾元零壹角"),
        (999_999_999_999_99, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_zeros_are_named_once_or_left_silent(amount_fen, text):
    assert capitals(amount_fen) == text


@pytest.mark.parametrize("amount_fen", [-1, 10**14])
def test_amounts_out_of_reach_are_not_written_in_capitals(amount_fen):
    with pytest.raises(ValueError, match="capitals"):
        capitals(amount_fen)


def read_capitals(text: str) -> int:
    """Reads an amount in capitals back into fen, the way a cashier's eye does."""
    total_fen, section, whole_yuan, figure = 0, 0, 0, 0
    for sign in text.removesuffix("整"):
        if sign in FIGURES:
            figure = FIGURES[sign]
            continue
        if sign in PLACES:
            section += figure * PLACES[sign]
        elif sign in "万亿元":
            whole_yuan += (section + figure) * {"万": 10_000, "亿": 10**8, "元": 1}[sign]
            section = 0
        else:
            total_fen += figure * {"角": 10, "分": 1}[sign]
        figure = 0
    return whole_yuan * 100 + total_fen


@given(FEN)
def test_capitals_are_read_back_as_the_same_amount(amount_fen):
    written = capitals(amount_fen)

    assert read_capitals(written) == amount_fen
    assert "零零" not in written
