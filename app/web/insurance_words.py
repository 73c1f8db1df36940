"""Why insurance pays what it pays of a line, in a patient's words: one short phrase for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.insurance.models import Split
from app.insurance.rules import ChargeableClass
from app.web import show

CLASSES = {ChargeableClass.A: _l("甲类"), ChargeableClass.B: _l("乙类"), ChargeableClass.C: _l("丙类")}
# Keyed by app.insurance.rules.RULE_CODES; None needs no words beside the amounts of the columns.
RULES: dict[str, Any] = {
    "self_pay_patient": _l("未绑定医保，全部自费"),
    "not_listed_full_self": _l("不在医保目录内，全部自费"),
    "class_c_full_self": _l("丙类药品，全部自费"),
    "over_limit_price": _l("超过医保限价的 %(fen)s 自费"),
    "class_b_pre_self": _l("乙类先自付 %(ratio)s（%(fen)s）"),
    "in_scope": None,
    "deductible": _l("计入起付线 %(fen)s"),
    "fund_ratio": _l("医保统筹支付 %(ratio)s"),
    "other_funds": _l("其他基金支付 %(fen)s"),
    "cap": _l("超过年度封顶线 %(fen)s"),
    "account_first": _l("个人账户支付 %(fen)s"),
    "cash_rest": None,
}


def reason(chargeable_class: ChargeableClass | None, rules: Iterable[Mapping[str, Any]]) -> str:
    """The rules that decided a line, as one sentence: 甲类，计入起付线 ¥10.00，医保统筹支付 60%."""
    phrases = [str(CLASSES[chargeable_class])] if chargeable_class in {ChargeableClass.A, ChargeableClass.B} else []
    for rule in rules:
        words = RULES[rule["code"]]
        if words is not None:
            facts = {"fen": show.yuan(int(rule["fen"])), "ratio": percent(int(rule.get("ratio_bp", 0)))}
            phrases.append(str(words) % facts)
    return "，".join(phrases) if not show.is_english() else "; ".join(phrases)


def percent(basis_points: int) -> str:
    """60%, or 12.5%."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def why_so_much(split: Split) -> list[dict[str, str]]:
    """Of what the patient's cash part is made, in rows that add up to it; what is nought is left out."""
    rest_fen = split.in_scope_fen - split.deductible_fen - split.fund_fen
    rows = (
        (_l("其中：医保不支付"), split.full_self_fen),
        (_l("超过医保限价"), split.over_limit_fen),
        (_l("乙类先自付"), split.pre_self_fen),
        (_l("起付线"), split.deductible_fen),
        (_l("医保支付后余下"), rest_fen),
        (_l("其他基金支付"), -split.other_fen),
        (_l("个人账户支付"), -split.account_fen),
    )
    return [{"label": str(label), "amount": show.yuan(fen)} for label, fen in rows if fen]
