"""How a bill is divided between the insurance fund, the personal account and the patient's purse, line by line.

The order is that of the national settlement interface (医保定点医疗机构接口, 2204 fee detail, 2207 settlement).
Each line first sheds what is wholly the patient's 自费, what is above the limit price 超限价 and the first share of
a class B drug 乙类先行自付; what is left is in scope 政策范围内. Of the visit's scope the yearly deductible 起付线
is taken, the fund pays its ratio 统筹支付比例 up to the yearly cap 封顶线, and the rest is the patient's, from the
personal account 个人账户 first. Whole fen only: a line's share is rounded half up, what is known for the visit alone
is shared out over the lines, so that lines add up to bills exactly.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from app.insurance.errors import SplitDoesNotAddUp
from app.kernel.money import ratio_of, share_out


class ChargeableClass(enum.StrEnum):
    """收费项目等级: A 甲 wholly in scope, B 乙 after a first share of the patient's, C 丙 not in scope."""

    A = "a"
    B = "b"
    C = "c"


# Every rule that can stand on a line or a bill, with the facts its words need beside `fen`, the amount it decided.
RULE_CODES: dict[str, tuple[str, ...]] = {
    "self_pay_patient": (),  # no insurance: the whole line is the patient's
    "not_listed_full_self": (),  # 目录外: the drug is in no catalogue
    "class_c_full_self": (),  # 丙类 自费
    "over_limit_price": ("limit_price_fen",),  # 超限价自付
    "class_b_pre_self": ("ratio_bp",),  # 乙类先行自付
    "in_scope": (),  # 符合政策范围
    "deductible": (),  # 起付线
    "fund_ratio": ("ratio_bp",),  # 统筹基金支付
    "other_funds": (),  # 其他基金支付
    "cap": (),  # 封顶线: what the fund would have paid beyond it
    "account_first": (),  # 个人账户支付
    "cash_rest": (),  # 个人现金支付
}


@dataclass(frozen=True)
class Rule:
    """One rule of RULE_CODES that decided `fen` of a line or bill, with its facts."""

    code: str
    fen: int
    facts: tuple[tuple[str, int], ...] = ()

    def as_dict(self) -> dict[str, str | int]:
        """As it is kept and shown: `{"code": "class_b_pre_self", "fen": 1000, "ratio_bp": 1000}`."""
        return {"code": self.code, "fen": self.fen, **dict(self.facts)}


@dataclass(frozen=True)
class LineIn:
    """A line to split; `chargeable_class` None when no catalogue lists it, `limit_price_fen` is for one unit."""

    line_no: int
    amount_fen: int
    quantity: int
    chargeable_class: ChargeableClass | None
    self_pay_ratio_bp: int = 0
    limit_price_fen: int | None = None


@dataclass(frozen=True)
class PolicyTerms:
    """What a policy promises for a calendar year; `is_insured` False makes every line the patient's own."""

    deductible_fen: int
    fund_ratio_bp: int
    cap_fen: int
    uses_account: bool
    is_insured: bool = True


@dataclass(frozen=True)
class Usage:
    """What the patient has used of the policy this year, and what the personal account holds."""

    deductible_used_fen: int = 0
    cap_used_fen: int = 0
    account_balance_fen: int = 0


@dataclass(frozen=True)
class Parts:
    """An amount taken apart twice: by scope (the first row of fields) and by payer (the second)."""

    total_fen: int
    full_self_fen: int = 0
    over_limit_fen: int = 0
    pre_self_fen: int = 0
    in_scope_fen: int = 0
    deductible_fen: int = 0
    fund_fen: int = 0
    other_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0


PART_NAMES = tuple(field.name for field in fields(Parts))


@dataclass(frozen=True)
class LineSplit:
    """A line's parts and the rules that gave them."""

    line_no: int
    parts: Parts
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SplitResult:
    """A bill's parts, its rules, and the same for each line; sums of lines are the bill's figures."""

    parts: Parts
    rules: tuple[Rule, ...]
    lines: tuple[LineSplit, ...]


@dataclass(frozen=True)
class _Scoped:
    """A line after the catalogue was asked, before the visit's rules."""

    line: LineIn
    parts: Parts
    rules: tuple[Rule, ...]


def split(lines: Sequence[LineIn], policy: PolicyTerms, usage: Usage) -> SplitResult:
    """The bill's lines divided by `policy` for a patient who has used `usage`; the same question, the same answer.

    Raises `split_does_not_add_up` instead of giving figures that break an identity. The account's share goes to the
    lines in proportion to what each leaves to the patient.
    """
    scoped = [_scope(line, policy) for line in lines]
    in_scope = [line.parts.in_scope_fen for line in scoped]
    deductible_left = max(0, policy.deductible_fen - usage.deductible_used_fen)
    deductible = share_out(min(deductible_left, sum(in_scope)), in_scope)
    base = [scope - taken for scope, taken in zip(in_scope, deductible, strict=True)]
    promised = ratio_of(sum(base), policy.fund_ratio_bp) if policy.is_insured else 0
    fund_total = min(promised, max(0, policy.cap_fen - usage.cap_used_fen))
    fund = share_out(fund_total, base)
    cut = share_out(promised - fund_total, base)
    personal = [line.line.amount_fen - paid for line, paid in zip(scoped, fund, strict=True)]
    balance = usage.account_balance_fen if policy.uses_account and policy.is_insured else 0
    account = share_out(min(balance, sum(personal)), personal)
    done = tuple(
        _line_split(scoped[i], policy, (deductible[i], fund[i], cut[i], account[i])) for i in range(len(scoped))
    )
    result = of_lines(done)
    check_adds_up(result, policy, usage)
    return result


def _scope(line: LineIn, policy: PolicyTerms) -> _Scoped:
    """The line by catalogue: preself = half-up((amount - over) x ratio), the rest is in scope."""
    amount = line.amount_fen
    whole = full_self_code(line, is_insured=policy.is_insured)
    if whole:
        parts = Parts(amount, full_self_fen=amount)
        return _Scoped(line, parts, scope_rules(line, parts, whole))
    limit = line.limit_price_fen
    over = 0 if limit is None else max(0, amount - limit * line.quantity)
    ratio_bp = line.self_pay_ratio_bp if line.chargeable_class is ChargeableClass.B else 0
    pre_self = ratio_of(amount - over, ratio_bp)
    parts = Parts(amount, 0, over, pre_self, amount - over - pre_self)
    return _Scoped(line, parts, scope_rules(line, parts, ""))


def full_self_code(line: LineIn, *, is_insured: bool) -> str:
    """Why the whole line is the patient's own; '' when the catalogue has it in scope."""
    if not is_insured:
        return "self_pay_patient"
    if line.chargeable_class is None:
        return "not_listed_full_self"
    return "class_c_full_self" if line.chargeable_class is ChargeableClass.C else ""


def _line_split(scoped: _Scoped, policy: PolicyTerms, shares: tuple[int, int, int, int]) -> LineSplit:
    """The line with its shares (deductible, fund, cut by the cap, account) of what was found for the whole visit."""
    deductible, fund, cut, account = shares
    amount = scoped.line.amount_fen
    parts = replace(
        scoped.parts, deductible_fen=deductible, fund_fen=fund, account_fen=account, cash_fen=amount - fund - account
    )
    return LineSplit(scoped.line.line_no, parts, (*scoped.rules, *payer_rules(parts, policy.fund_ratio_bp, cut)))


def _sum(parts: Sequence[Parts]) -> Parts:
    return Parts(**{name: sum(getattr(part, name) for part in parts) for name in PART_NAMES})


def _sum_rules(lines: Sequence[LineSplit]) -> tuple[Rule, ...]:
    """The bill's rules in RULE_CODES' order; facts stay where all lines agree on them."""
    found = [rule for line in lines for rule in line.rules]
    summed = []
    for code in RULE_CODES:
        same = [rule for rule in found if rule.code == code]
        if same:
            facts = same[0].facts if len({rule.facts for rule in same}) == 1 else ()
            summed.append(Rule(code, sum(rule.fen for rule in same), facts))
    return tuple(summed)


def check_adds_up(result: SplitResult, policy: PolicyTerms, usage: Usage) -> None:
    """Raises `split_does_not_add_up` (facts: identity, line_no, 0 for the bill) unless every identity holds.

    I1 lines add up to the bill; I2 total = full self + over limit + pre-self + in scope; I3 the fund pays what its
    lines' shares add up to, within scope, ratio and cap; I4 total = fund + other + personal; I5 personal = account +
    cash, and the account does not pay more than it holds. Source: field list of transactions 2204 and 2207.
    """
    check_parts(result)
    bill = result.parts
    if bill.fund_fen > max(0, policy.cap_fen - usage.cap_used_fen):
        raise SplitDoesNotAddUp(identity="I3", line_no=0)
    if bill.account_fen > usage.account_balance_fen:
        raise SplitDoesNotAddUp(identity="I5", line_no=0)


def check_parts(result: SplitResult) -> None:
    """As `check_adds_up`, for what holds of any policy: each line, the bill, and the lines against the bill."""
    for line_no, parts in [(line.line_no, line.parts) for line in result.lines] + [(0, result.parts)]:
        broken = _broken_identity(parts)
        if broken:
            raise SplitDoesNotAddUp(identity=broken, line_no=line_no)
    if _sum([line.parts for line in result.lines]) != result.parts:
        raise SplitDoesNotAddUp(identity="I1", line_no=0)


def of_lines(lines: Sequence[LineSplit]) -> SplitResult:
    """The bill whose lines these are."""
    return SplitResult(_sum([line.parts for line in lines]), _sum_rules(lines), tuple(lines))


def scope_rules(line: LineIn, parts: Parts, whole: str) -> tuple[Rule, ...]:
    """The rules by which the catalogue took a line apart; `whole` is the code when all of it is the patient's own."""
    if whole:
        return (Rule(whole, parts.full_self_fen),)
    ratio_bp = line.self_pay_ratio_bp if line.chargeable_class is ChargeableClass.B else 0
    found = (
        Rule("over_limit_price", parts.over_limit_fen, (("limit_price_fen", line.limit_price_fen or 0),)),
        Rule("class_b_pre_self", parts.pre_self_fen, (("ratio_bp", ratio_bp),)),
        Rule("in_scope", parts.in_scope_fen),
    )
    return tuple(rule for rule in found if rule.fen)


def payer_rules(parts: Parts, ratio_bp: int, cut_fen: int) -> tuple[Rule, ...]:
    """The rules by which the visit's shares reached a line; `cut_fen` is what the cap took."""
    found = (
        Rule("deductible", parts.deductible_fen),
        Rule("fund_ratio", parts.fund_fen, (("ratio_bp", ratio_bp),)),
        Rule("other_funds", parts.other_fen),
        Rule("cap", cut_fen),
        Rule("account_first", parts.account_fen),
        Rule("cash_rest", parts.cash_fen),
    )
    return tuple(rule for rule in found if rule.fen)


def _broken_identity(parts: Parts) -> str:
    if any(getattr(parts, name) < 0 for name in PART_NAMES):
        return "negative"
    if parts.total_fen != parts.full_self_fen + parts.over_limit_fen + parts.pre_self_fen + parts.in_scope_fen:
        return "I2"
    if parts.fund_fen > parts.in_scope_fen - parts.deductible_fen:
        return "I3"
    personal_fen = parts.total_fen - parts.fund_fen - parts.other_fen
    if personal_fen < 0:
        return "I4"
    return "" if personal_fen == parts.account_fen + parts.cash_fen else "I5"
