"""How a bill is divided: worked examples, one case per rule, and identities that no bill may break."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.insurance.errors import SplitDoesNotAddUp
from app.insurance.policies import POLICIES
from app.insurance.rules import (
    RULE_CODES,
    ChargeableClass,
    LineIn,
    Parts,
    PolicyTerms,
    SplitResult,
    Usage,
    check_adds_up,
    split,
)
from app.kernel.money import half_up

A, B, C = ChargeableClass.A, ChargeableClass.B, ChargeableClass.C
EMPLOYEE = PolicyTerms(deductible_fen=200_00, fund_ratio_bp=6000, cap_fen=5_000_00, uses_account=True)
TWENTY_LEFT = Usage(deductible_used_fen=180_00, account_balance_fen=30_00)


def a(no: int, amount_fen: int, **more: int) -> LineIn:
    return LineIn(no, amount_fen, 1, A, **more)


def b(no: int, amount_fen: int, ratio_bp: int = 1000, **more: int) -> LineIn:
    return LineIn(no, amount_fen, 1, B, ratio_bp, **more)


def c(no: int, amount_fen: int) -> LineIn:
    return LineIn(no, amount_fen, 1, C, 10_000)


def payers(result: SplitResult) -> tuple[int, int, int]:
    return result.parts.fund_fen, result.parts.account_fen, result.parts.cash_fen


def codes(result: SplitResult, line_no: int) -> list[str]:
    line = next(line for line in result.lines if line.line_no == line_no)
    return [rule.code for rule in line.rules]


def test_the_worked_bill_comes_out_as_worked_by_hand() -> None:
    result = split([a(1, 60_00), b(2, 100_00), c(3, 40_00)], EMPLOYEE, TWENTY_LEFT)

    assert payers(result) == (78_00, 30_00, 92_00)
    assert result.parts == Parts(
        total_fen=200_00,
        full_self_fen=40_00,
        pre_self_fen=10_00,
        in_scope_fen=150_00,
        deductible_fen=20_00,
        fund_fen=78_00,
        account_fen=30_00,
        cash_fen=92_00,
    )


def test_every_line_says_which_rules_gave_its_parts() -> None:
    result = split([a(1, 60_00), b(2, 100_00), c(3, 40_00)], EMPLOYEE, TWENTY_LEFT)

    assert codes(result, 1) == ["in_scope", "deductible", "fund_ratio", "account_first", "cash_rest"]
    assert codes(result, 2)[:2] == ["class_b_pre_self", "in_scope"]
    assert codes(result, 3) == ["class_c_full_self", "account_first", "cash_rest"]
    assert result.lines[1].rules[0].as_dict() == {"code": "class_b_pre_self", "fen": 1000, "ratio_bp": 1000}
    assert [rule.code for rule in result.rules] == [
        "class_c_full_self",
        "class_b_pre_self",
        "in_scope",
        "deductible",
        "fund_ratio",
        "account_first",
        "cash_rest",
    ]


NO_DEDUCTIBLE = replace(EMPLOYEE, deductible_fen=0)

CASES = {
    "class_a_is_wholly_in_scope": ([a(1, 100_00)], NO_DEDUCTIBLE, Usage(), (60_00, 0, 40_00)),
    "class_b_first_sheds_its_share": ([b(1, 100_00)], NO_DEDUCTIBLE, Usage(), (54_00, 0, 46_00)),
    "class_c_is_the_patients_own": ([c(1, 100_00)], NO_DEDUCTIBLE, Usage(), (0, 0, 100_00)),
    "an_unlisted_drug_is_the_patients_own": ([LineIn(1, 100_00, 1, None)], NO_DEDUCTIBLE, Usage(), (0, 0, 100_00)),
    "what_is_over_the_limit_price_is_the_patients": (
        [LineIn(1, 100_00, 2, A, limit_price_fen=40_00)],
        NO_DEDUCTIBLE,
        Usage(),
        (48_00, 0, 52_00),
    ),
    "the_first_share_is_of_what_is_below_the_limit": (
        [LineIn(1, 100_00, 2, B, 1000, limit_price_fen=40_00)],
        NO_DEDUCTIBLE,
        Usage(),
        (43_20, 0, 56_80),
    ),
    "a_limit_above_the_price_changes_nothing": (
        [LineIn(1, 100_00, 2, A, limit_price_fen=50_00)],
        NO_DEDUCTIBLE,
        Usage(),
        (60_00, 0, 40_00),
    ),
    "below_the_deductible_the_fund_pays_nothing": ([a(1, 100_00)], EMPLOYEE, Usage(), (0, 0, 100_00)),
    "a_used_deductible_is_not_taken_again": ([a(1, 100_00)], EMPLOYEE, Usage(200_00), (60_00, 0, 40_00)),
    "an_overused_deductible_gives_nothing_back": ([a(1, 100_00)], EMPLOYEE, Usage(300_00), (60_00, 0, 40_00)),
    "the_cap_ends_what_the_fund_pays": ([a(1, 100_00)], NO_DEDUCTIBLE, Usage(0, 4_990_00), (10_00, 0, 90_00)),
    "beyond_the_cap_the_fund_pays_nothing": ([a(1, 100_00)], NO_DEDUCTIBLE, Usage(0, 6_000_00), (0, 0, 100_00)),
    "the_account_pays_before_cash": ([a(1, 100_00)], NO_DEDUCTIBLE, Usage(0, 0, 25_00), (60_00, 25_00, 15_00)),
    "a_full_account_leaves_no_cash": ([a(1, 100_00)], NO_DEDUCTIBLE, Usage(0, 0, 900_00), (60_00, 40_00, 0)),
    "a_policy_without_account_leaves_it_alone": (
        [a(1, 100_00)],
        replace(NO_DEDUCTIBLE, uses_account=False),
        Usage(0, 0, 900_00),
        (60_00, 0, 40_00),
    ),
    "without_insurance_all_is_cash": (
        [a(1, 60_00), b(2, 100_00)],
        next(policy.terms for policy in POLICIES if policy.code == "self_pay"),
        Usage(0, 0, 900_00),
        (0, 0, 160_00),
    ),
    "half_a_fen_goes_up_per_line": ([b(1, 5), b(2, 5)], NO_DEDUCTIBLE, Usage(), (5, 0, 5)),
    "a_gift_costs_nobody_anything": ([a(1, 0)], EMPLOYEE, Usage(), (0, 0, 0)),
    "an_empty_bill_adds_up": ([], EMPLOYEE, Usage(), (0, 0, 0)),
}


@pytest.mark.parametrize(("lines", "policy", "usage", "expected"), CASES.values(), ids=CASES.keys())
def test_each_rule_gives_its_part(
    lines: list[LineIn], policy: PolicyTerms, usage: Usage, expected: tuple[int, int, int]
) -> None:
    assert payers(split(lines, policy, usage)) == expected


def test_first_shares_are_rounded_line_by_line_and_not_on_the_sum() -> None:
    result = split([b(1, 5), b(2, 5)], NO_DEDUCTIBLE, Usage())

    assert result.parts.pre_self_fen == 2  # 0.5 fen each, half up; the sum's tenth would be 1


def test_the_cap_is_named_with_what_it_cost() -> None:
    result = split([a(1, 100_00), a(2, 100_00)], NO_DEDUCTIBLE, Usage(0, 4_990_00))

    assert [(rule.code, rule.fen) for rule in result.rules if rule.code == "cap"] == [("cap", 110_00)]


fen = st.one_of(st.integers(0, 300), st.integers(0, 500_000))
lines = st.lists(
    st.tuples(
        fen,
        st.integers(1, 20),
        st.sampled_from([A, B, C, None]),
        st.integers(0, 10_000),
        st.one_of(st.none(), st.integers(0, 50_000)),
    ),
    max_size=8,
).map(
    lambda found: [
        LineIn(no, price * quantity, quantity, kind, ratio, limit)
        for no, (price, quantity, kind, ratio, limit) in enumerate(found, start=1)
    ]
)
terms = st.builds(PolicyTerms, fen, st.integers(0, 10_000), fen, st.booleans(), st.booleans())
usages = st.builds(Usage, fen, fen, fen)


@settings(max_examples=600, deadline=None)
@given(lines, terms, usages)
def test_no_bill_breaks_an_identity(lines: list[LineIn], policy: PolicyTerms, usage: Usage) -> None:
    result = split(lines, policy, usage)

    bill = result.parts
    for part in (*(line.parts for line in result.lines), bill):
        assert part.total_fen == part.fund_fen + part.other_fen + part.account_fen + part.cash_fen
        assert part.total_fen == part.full_self_fen + part.over_limit_fen + part.pre_self_fen + part.in_scope_fen
        assert 0 <= part.fund_fen <= part.in_scope_fen - part.deductible_fen
        assert min(part.account_fen, part.cash_fen, part.deductible_fen, part.over_limit_fen, part.pre_self_fen) >= 0
    assert [line.parts.total_fen for line in result.lines] == [line.amount_fen for line in lines]
    for name in ("fund_fen", "account_fen", "cash_fen", "deductible_fen", "in_scope_fen", "pre_self_fen"):
        assert sum(getattr(line.parts, name) for line in result.lines) == getattr(bill, name)
    assert bill.fund_fen <= max(0, policy.cap_fen - usage.cap_used_fen)
    assert bill.fund_fen <= half_up((bill.in_scope_fen - bill.deductible_fen) * policy.fund_ratio_bp, 10_000)
    assert bill.account_fen <= usage.account_balance_fen
    assert (
        bill.cash_fen == 0
        or not policy.uses_account
        or bill.account_fen == usage.account_balance_fen
        or not (policy.is_insured)
    )
    check_adds_up(result, policy, usage)


@settings(max_examples=200, deadline=None)
@given(lines, terms, usages)
def test_every_part_of_a_line_has_a_rule_that_gave_it(lines: list[LineIn], policy: PolicyTerms, usage: Usage) -> None:
    for line in split(lines, policy, usage).lines:
        given_by = {rule.code: rule.fen for rule in line.rules}

        assert set(given_by) <= set(RULE_CODES)
        assert all(set(dict(rule.facts)) == set(RULE_CODES[rule.code]) for rule in line.rules)
        scopes = [fen for code, fen in given_by.items() if code in list(RULE_CODES)[:6]]
        payers = [given_by.get(code, 0) for code in ("fund_ratio", "account_first", "cash_rest")]
        assert sum(scopes) == sum(payers) == line.parts.total_fen


BROKEN = {
    "I1": lambda parts: replace(parts, total_fen=parts.total_fen + 1, cash_fen=parts.cash_fen + 1, full_self_fen=1),
    "I2": lambda parts: replace(parts, in_scope_fen=parts.in_scope_fen + 1),
    "I3": lambda parts: replace(parts, fund_fen=parts.in_scope_fen + 1),
    "I5": lambda parts: replace(parts, cash_fen=parts.cash_fen + 1),
    "negative": lambda parts: replace(parts, cash_fen=-1),
}


@pytest.mark.parametrize("identity", BROKEN)
def test_figures_that_do_not_add_up_are_never_charged(identity: str) -> None:
    good = split([a(1, 60_00)], EMPLOYEE, TWENTY_LEFT)
    broken = replace(good, parts=BROKEN[identity](good.parts))

    with pytest.raises(SplitDoesNotAddUp) as refusal:
        check_adds_up(broken, EMPLOYEE, TWENTY_LEFT)

    assert refusal.value.code == "split_does_not_add_up"
    assert refusal.value.facts["identity"] == identity
