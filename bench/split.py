"""The local insurance engine: bills a second of one core, divided line by line with the reason of every fen."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator

from app.insurance import rules
from app.insurance.policies import CATALOGUE, POLICIES
from bench.figures import Figure, in_rounds, median_ratio
from sandbox.insurer import engine

Bill = tuple[str, list[tuple[str, int, int]], tuple[int, int, int]]
LISTED = {item.code: item for item in CATALOGUE}
TERMS = {policy.code: policy.terms for policy in POLICIES}
THEIRS, THEIR_POLICIES = engine.catalogue(), engine.policies()


def bills(count: int, lines: tuple[int, int]) -> list[Bill]:
    """Bills of drugs with and without a place in the catalogue, for all policies in turn; always the same ones."""
    chance = random.Random(20261123)
    codes = [*sorted(LISTED), "NOT_LISTED"]
    return [
        (
            list(TERMS)[number % len(TERMS)],
            [
                (chance.choice(codes), chance.randint(1, 10), chance.randint(50, 200_00))
                for _ in range(chance.randint(*lines))
            ],
            (chance.randint(0, 250_00), chance.randint(0, 6_000_00), chance.randint(0, 500_00)),
        )
        for number in range(count)
    ]


def ours(bill: Bill) -> tuple[int, int, int]:
    """Fund, account and cash by our engine, which also gives each line's parts and rules."""
    policy, lines, used = bill
    facts = []
    for number, (code, quantity, price_fen) in enumerate(lines, 1):
        item = LISTED.get(code)
        facts.append(
            rules.LineIn(
                number,
                quantity * price_fen,
                quantity,
                item.chargeable_class if item else None,
                item.self_pay_ratio_bp if item else 10_000,
                item.limit_price_fen if item else None,
            )
        )
    parts = rules.split(facts, TERMS[policy], rules.Usage(*used)).parts
    return parts.fund_fen, parts.account_fen, parts.cash_fen


def insurer(bill: Bill) -> tuple[int, int, int]:
    """The same by the sandbox insurer's engine, which grades lines and divides the bill only."""
    policy, lines, used = bill
    fees = [engine.Fee(code, quantity * price_fen, quantity) for code, quantity, price_fen in lines]
    terms = THEIR_POLICIES[policy]
    sums = engine.settle(fees, [engine.grade(fee, THEIRS, terms) for fee in fees], terms, engine.Used(*used))
    return sums.fund, sums.account, sums.cash


def total(bill: Bill) -> int:
    """The least there is to do: the lines added up."""
    return sum(quantity * price_fen for _, quantity, price_fen in bill[1])


def _rate(work: Callable[[Bill], object], given: list[Bill]) -> float:
    began = time.process_time()
    for bill in given:
        work(bill)
    return len(given) / (time.process_time() - began)


def measure(*, quick: bool) -> Iterator[Figure]:
    """`bills_per_s` of 1 to 12 lines, `bills_per_s_500_lines` of 500; the peer divides bills, the floor adds up."""
    rounds = 3 if quick else 7
    for metric, count, lines in (("bills_per_s", 2_000, (1, 12)), ("bills_per_s_500_lines", 20, (500, 500))):
        given = bills(count if quick else 5 * count, lines)
        if [ours(bill) for bill in given] != [insurer(bill) for bill in given]:
            raise SystemExit("the two engines differ, so their speed says nothing")
        parts = {"ours": ours, "insurer": insurer, "floor": total}
        rates = in_rounds(
            rounds, {name: lambda work=work, given=given: _rate(work, given) for name, work in parts.items()}
        )
        middle = {name: round(statistics.median(each)) for name, each in rates.items()}
        ratio = round(median_ratio(rates["ours"], rates["insurer"]), 2)
        yield Figure(metric, "bills/s", middle["ours"], rounds, middle["insurer"], middle["floor"], ratio)
