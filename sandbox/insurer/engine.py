"""How the insurer works out a settlement: whole fen, half up on each line, deductible before ratio before cap.

The hospital has an estimate of its own; the two are written apart so that each can be tried by the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ALL = 10_000
LEVEL_A, LEVEL_B, LEVEL_C = "01", "02", "03"


@dataclass(frozen=True)
class Entry:
    """A catalogue entry: level 甲 01, 乙 02, 丙 03; the insured person's first share in 1/10 000; limit for a unit."""

    level: str
    ratio: int
    limit: int | None


@dataclass(frozen=True)
class Terms:
    """What a kind of insured person is promised for a year; no `insutype`: not insured."""

    insutype: str
    psn_type: str
    deductible: int
    ratio: int
    cap: int
    account: bool


@dataclass(frozen=True)
class Used:
    """What a person has used this year and what their account holds."""

    deductible: int = 0
    fund: int = 0
    balance: int = 0


@dataclass(frozen=True)
class Fee:
    """One fee line as uploaded."""

    code: str
    amount: int
    count: int


@dataclass(frozen=True)
class Graded:
    """One fee line as the catalogue sees it; the four amounts add up to the fee."""

    level: str
    ratio: int
    limit: int | None
    own: int
    over: int
    first: int
    scope: int


@dataclass(frozen=True)
class Sums:
    """A settlement's sums in fen."""

    total: int
    own: int
    over: int
    first: int
    scope: int
    deductible: int
    fund: int
    account: int
    cash: int


def catalogue() -> dict[str, Entry]:
    """The insurer's catalogue, from catalogue.json."""
    return {code: Entry(**entry) for code, entry in json.loads((HERE / "catalogue.json").read_text()).items()}


def policies() -> dict[str, Terms]:
    """The insurer's policies, from policies.json."""
    return {name: Terms(**terms) for name, terms in json.loads((HERE / "policies.json").read_text()).items()}


def grade(fee: Fee, listed: Mapping[str, Entry], terms: Terms) -> Graded:
    """The fee by the catalogue; what is not listed, or of level 03, is wholly the person's own."""
    entry = listed.get(fee.code)
    if not terms.insutype or entry is None or entry.level == LEVEL_C:
        return Graded(LEVEL_C, ALL, None, fee.amount, 0, 0, 0)
    allowed = fee.amount if entry.limit is None else min(fee.amount, entry.limit * fee.count)
    first = (allowed * entry.ratio * 2 + ALL) // (2 * ALL) if entry.level == LEVEL_B else 0
    return Graded(entry.level, entry.ratio, entry.limit, 0, fee.amount - allowed, first, allowed - first)


def settle(fees: Sequence[Fee], graded: Sequence[Graded], terms: Terms, used: Used) -> Sums:
    """The settlement's sums: the year's open deductible, the fund's ratio up to the year's cap, account, then cash."""
    scope = sum(each.scope for each in graded)
    deductible = min(scope, max(terms.deductible - used.deductible, 0))
    promised = ((scope - deductible) * terms.ratio * 2 + ALL) // (2 * ALL)
    fund = min(promised, max(terms.cap - used.fund, 0))
    total = sum(fee.amount for fee in fees)
    account = min(used.balance, total - fund) if terms.account else 0
    return Sums(
        total=total,
        own=sum(each.own for each in graded),
        over=sum(each.over for each in graded),
        first=sum(each.first for each in graded),
        scope=scope,
        deductible=deductible,
        fund=fund,
        account=account,
        cash=total - fund - account,
    )
