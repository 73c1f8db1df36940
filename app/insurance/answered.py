"""The insurer's answer as a split: its grading of each line, and its sums for the visit shared out over the lines.

The interface tells what the fund and the account pay for the visit alone (2206, 2207); which line they pay is worked
out here by the same shares as our estimate's, so that lines add up to the insurer's sums to the fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.insurance import rules
from app.insurance.ports import Fee, Graded, Sums
from app.insurance.rules import LineIn, LineSplit, Parts, SplitResult
from app.kernel.money import ratio_of, share_out


@dataclass(frozen=True)
class Answer:
    """What the insurer says of one batch: `lines` in the prescription's order, and their sums."""

    lines: Sequence[Graded]
    sums: Sums


def facts_of(answer: Answer, fees: Sequence[Fee], listed: frozenset[str], line_nos: Sequence[int]) -> list[LineIn]:
    """The lines as the insurer's catalogue has them; a drug that is not among `listed` is in no catalogue at all."""
    return [
        LineIn(
            line_no=number,
            amount_fen=line.amount_fen,
            quantity=fee.quantity,
            chargeable_class=line.chargeable_class if fee.code in listed else None,
            self_pay_ratio_bp=line.ratio_bp,
            limit_price_fen=line.limit_price_fen,
        )
        for number, line, fee in zip(line_nos, answer.lines, fees, strict=True)
    ]


def spread(answer: Answer, facts: Sequence[LineIn]) -> SplitResult:
    """The split that the insurer's figures are; raises `split_does_not_add_up` when they break an identity."""
    lines, sums = answer.lines, answer.sums
    in_scope = [line.in_scope_fen for line in lines]
    deductible = share_out(sums.deductible_fen, in_scope)
    base = [scope - taken for scope, taken in zip(in_scope, deductible, strict=True)]
    fund = share_out(sums.fund_fen, base)
    cut = share_out(max(0, ratio_of(sum(base), sums.ratio_bp) - sums.fund_fen), base)
    left = [line.amount_fen - paid for line, paid in zip(lines, fund, strict=True)]
    other = share_out(sums.other_fen, left)
    personal = [rest - paid for rest, paid in zip(left, other, strict=True)]
    account = share_out(sums.account_fen, personal)
    made = []
    for i, line in enumerate(lines):
        parts = Parts(
            total_fen=line.amount_fen,
            full_self_fen=line.full_self_fen,
            over_limit_fen=line.over_limit_fen,
            pre_self_fen=line.pre_self_fen,
            in_scope_fen=line.in_scope_fen,
            deductible_fen=deductible[i],
            fund_fen=fund[i],
            other_fen=other[i],
            account_fen=account[i],
            cash_fen=personal[i] - account[i],
        )
        whole = rules.full_self_code(facts[i], is_insured=True) if line.full_self_fen else ""
        reasons = (*rules.scope_rules(facts[i], parts, whole), *rules.payer_rules(parts, sums.ratio_bp, cut[i]))
        made.append(LineSplit(facts[i].line_no, parts, reasons))
    result = rules.of_lines(made)
    rules.check_parts(result)
    return result
