"""The hospital's estimate and the insurer's own engine, written apart, divide thousands of bills alike."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.couriers.fsi_answers import LEVELS
from app.insurance import answered, rules
from app.insurance.answered import Answer
from app.insurance.policies import CATALOGUE, POLICIES
from app.insurance.ports import Graded, Sums
from app.insurance.rules import LineIn, SplitResult, Usage
from sandbox.insurer import engine
from sandbox.insurer.engine import Fee, Used

TERMS = {policy.code: policy.terms for policy in POLICIES}
LISTED = {item.code: item for item in CATALOGUE}
THEIRS, THEIR_POLICIES = engine.catalogue(), engine.policies()
CODES = [*sorted(LISTED), "NOT_LISTED"]

lines = st.tuples(st.sampled_from(CODES), st.integers(1, 60), st.integers(0, 900_00))
bills = st.lists(lines, min_size=1, max_size=12)
used = st.tuples(st.integers(0, 250_00), st.integers(0, 6_100_00), st.integers(0, 2_000_00))


def ours(policy: str, bill: list[tuple[str, int, int]], usage: Usage) -> SplitResult:
    return rules.split(_facts(bill), TERMS[policy], usage)


def _fact(number: int, code: str, quantity: int, price_fen: int) -> LineIn:
    item = LISTED.get(code)
    return LineIn(
        number,
        quantity * price_fen,
        quantity,
        item.chargeable_class if item else None,
        item.self_pay_ratio_bp if item else 10_000,
        item.limit_price_fen if item else None,
    )


def check(policy: str, bill: list[tuple[str, int, int]], usage: tuple[int, int, int]) -> None:
    """I1 to I5 hold, and both engines say the same of every line and of the bill."""
    deductible, fund, balance = usage
    made = ours(policy, bill, Usage(deductible, fund, balance))
    fees = [Fee(code, quantity * price_fen, quantity) for code, quantity, price_fen in bill]
    graded = [engine.grade(fee, THEIRS, THEIR_POLICIES[policy]) for fee in fees]
    sums = engine.settle(fees, graded, THEIR_POLICIES[policy], Used(deductible, fund, balance))

    parts = made.parts
    for name in rules.PART_NAMES:
        assert sum(getattr(line.parts, name) for line in made.lines) == getattr(parts, name)
    for part in [parts, *(line.parts for line in made.lines)]:
        assert part.total_fen == part.full_self_fen + part.over_limit_fen + part.pre_self_fen + part.in_scope_fen
        assert part.total_fen == part.fund_fen + part.other_fen + part.account_fen + part.cash_fen
    for line, grade in zip(made.lines, graded, strict=True):
        shed = (line.parts.full_self_fen, line.parts.over_limit_fen, line.parts.pre_self_fen, line.parts.in_scope_fen)
        assert shed == (grade.own, grade.over, grade.first, grade.scope)
    assert (parts.total_fen, parts.in_scope_fen, parts.deductible_fen) == (sums.total, sums.scope, sums.deductible)
    assert (parts.fund_fen, parts.account_fen, parts.cash_fen) == (sums.fund, sums.account, sums.cash)
    if TERMS[policy].is_insured:
        told = answered.spread(_told(policy, graded, fees, sums), _facts(bill))
        assert [line.parts for line in told.lines] == [line.parts for line in made.lines]


def _told(policy: str, graded: list[engine.Graded], fees: list[Fee], sums: engine.Sums) -> Answer:
    """The insurer's figures as our client reads them."""
    lines = [
        Graded(
            str(number),
            fee.amount,
            each.own,
            each.over,
            each.first,
            each.scope,
            LEVELS[each.level],
            each.ratio,
            each.limit,
        )
        for number, (fee, each) in enumerate(zip(fees, graded, strict=True))
    ]
    payers = (sums.deductible, sums.fund, 0, sums.account, sums.cash)
    total = (sums.total, sums.own, sums.over, sums.first, sums.scope)
    return Answer(lines, Sums("", *total, *payers, ratio_bp=THEIR_POLICIES[policy].ratio))


def _facts(bill: list[tuple[str, int, int]]) -> list[LineIn]:
    return [_fact(number, *each) for number, each in enumerate(bill, 1)]


quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("policy", sorted(TERMS))
@settings(quiet, max_examples=100)
@given(bill=bills, usage=used)
def test_the_estimate_is_what_the_insurer_works_out(
    policy: str, bill: list[tuple[str, int, int]], usage: tuple[int, int, int]
) -> None:
    check(policy, bill, usage)


@pytest.mark.long
@pytest.mark.parametrize("policy", sorted(TERMS))
@settings(quiet, max_examples=2_000)
@given(bill=bills, usage=used)
def test_ten_thousand_bills_have_no_fen_of_drift(
    policy: str, bill: list[tuple[str, int, int]], usage: tuple[int, int, int]
) -> None:
    check(policy, bill, usage)


def test_the_insurer_sees_a_rate_that_differs() -> None:
    """The control: a policy one point off is found at once."""
    skewed = engine.Terms("310", "11", 0, 6_100, 10**9, True)
    fee = Fee("AML5", 100_00, 1)

    sums = engine.settle([fee], [engine.grade(fee, THEIRS, skewed)], skewed, Used())
    made = ours("employee", [("AML5", 1, 100_00)], Usage(200_00, 0, 0))

    assert sums.fund != made.parts.fund_fen


def test_the_constructed_bill_is_the_same_by_both() -> None:
    terms = engine.Terms("310", "11", 20_00, 6_000, 10**9, True)
    listed = {
        "A": engine.Entry("01", 0, None),
        "B": engine.Entry("02", 1_000, None),
        "C": engine.Entry("03", 10_000, None),
    }
    fees = [Fee("A", 60_00, 1), Fee("B", 100_00, 1), Fee("C", 40_00, 1)]

    sums = engine.settle(fees, [engine.grade(fee, listed, terms) for fee in fees], terms, Used(0, 0, 30_00))

    assert (sums.own, sums.first, sums.scope) == (40_00, 10_00, 150_00)
    assert (sums.fund, sums.account, sums.cash) == (78_00, 30_00, 92_00)
