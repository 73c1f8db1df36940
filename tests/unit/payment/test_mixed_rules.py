"""A mixed order's sums hold both equations or it is not sent; people are named by the digest WeChat Pay wants."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payment.errors import MixedSumsFalse
from app.payment.mixed_rules import MixedSums, MixPayType, check_sums, id_digest, pay_type_of

# Tencent's own example (商户文档 4016781466).
SAMPLE = MixedSums(
    total_fen=202000,
    gov_fen=100000,
    self_fen=45000,
    other_fen=5000,
    med_ins_cash_fen=50000,
    cash_fen=42000,
    add_fen=2000,
    reduce_fen=10000,
)
FEN = st.integers(0, 10**9)


def test_the_official_example_adds_up():
    check_sums(SAMPLE)

    assert SAMPLE.cash_fen == SAMPLE.med_ins_cash_fen + SAMPLE.add_fen - SAMPLE.reduce_fen
    assert pay_type_of(SAMPLE) is MixPayType.CASH_AND_INSURANCE


@pytest.mark.parametrize("name", [each.name for each in fields(MixedSums)])
def test_one_fen_more_anywhere_is_refused(name: str):
    with pytest.raises(MixedSumsFalse):
        check_sums(replace(SAMPLE, **{name: getattr(SAMPLE, name) + 1}))


def test_no_part_is_negative():
    with pytest.raises(MixedSumsFalse) as refused:
        check_sums(MixedSums(0, 100, 0, 0, -100, -100))

    assert refused.value.facts["why"] == "negative"


@given(gov=FEN, own=FEN, other=FEN, owed=FEN, add=FEN, reduce=FEN)
def test_both_equations_are_one_when_the_cash_follows_from_the_rest(
    gov: int, own: int, other: int, owed: int, add: int, reduce: int
):
    cash = owed + add - reduce
    sums = MixedSums(gov + own + other + owed + add, gov, own, other, owed, cash, add, reduce)

    if cash < 0:
        with pytest.raises(MixedSumsFalse):
            check_sums(sums)
    else:
        check_sums(sums)


def test_the_kind_of_order_follows_from_who_pays():
    assert pay_type_of(MixedSums(100, 0, 0, 0, 100, 100)) is MixPayType.CASH_ONLY
    assert pay_type_of(MixedSums(100, 60, 40, 0, 0, 0)) is MixPayType.INSURANCE_ONLY
    with pytest.raises(MixedSumsFalse):
        pay_type_of(MixedSums(0, 0, 0, 0, 0, 0))


def test_the_official_digest_of_an_identity_number_is_of_its_upper_case():
    assert id_digest("44030019000101123x") == "09eb26e839ff3a2e3980352ae45ef09e"
    assert id_digest("44030019000101123X") == "09eb26e839ff3a2e3980352ae45ef09e"


def test_an_old_number_of_fifteen_figures_is_known_by_its_eighteen():
    assert id_digest("110105491231002") == id_digest("11010519491231002X")
