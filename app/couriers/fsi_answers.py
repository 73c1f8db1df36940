"""Reading the insurer's answers: every amount in whole fen, every identity held, every name the one we asked about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.insurance.ports import AnswerFlawed, Fee, Graded, InsurerRefused, Person, Sums, Visit
from app.insurance.rules import ChargeableClass

CHINA = ZoneInfo("Asia/Shanghai")
IN_FORCE = "1"  # psn_insu_stas 正常参保
# chrgitm_lv 收费项目等级, written either way by region.
LEVELS = {
    "01": ChargeableClass.A,
    "1": ChargeableClass.A,
    "02": ChargeableClass.B,
    "2": ChargeableClass.B,
    "03": ChargeableClass.C,
    "3": ChargeableClass.C,
}
BASIC_FUND = "hifp_pay"
OTHER_FUNDS = ("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay", "hifdm_pay")
_RATIO = re.compile(r"([01])(?:\.([0-9]{1,4})0*)?", re.ASCII)
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2})0*)?", re.ASCII)


def node(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the answer that is an object."""
    part = told.get(name)
    if not isinstance(part, Mapping):
        raise AnswerFlawed(name)
    return part


def _rows(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = told.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise AnswerFlawed(name)
    return rows


def text(told: Mapping[str, Any], name: str, at_most: int = 30) -> str:
    """A field that must be there."""
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= at_most:
        raise AnswerFlawed(name)
    return value


def same(told: Mapping[str, Any], name: str, wanted: str) -> None:
    """The answer speaks of whom or what we asked about."""
    if told.get(name) != wanted:
        raise AnswerFlawed(name)


def fen(told: Mapping[str, Any], name: str) -> int:
    """An amount in yuan as fen; nothing said is nought, a fraction of a fen or a sign is a flaw."""
    value = told.get(name)
    if value is None or value == "":
        return 0
    match = _AMOUNT.fullmatch(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    if match is None:
        raise AnswerFlawed(name)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def basis_points(told: Mapping[str, Any], name: str) -> int:
    """A ratio `0.1000` in 1/10 000; nothing said is nought, more than all of it is a flaw."""
    value = told.get(name)
    if value is None or value == "":
        return 0
    match = _RATIO.fullmatch(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    ratio = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0")) if match else -1
    if not 0 <= ratio <= 10_000:
        raise AnswerFlawed(name)
    return ratio


def person(told: Mapping[str, Any], area_code: str) -> Person:
    """1101: the person, by the first insurance in force; InsurerRefused when none is.

    Whoever is insured in another province than `area_code`'s is insured elsewhere.
    """
    base = node(told, "baseinfo")
    for insured in _rows(told, "insuinfo"):
        if str(insured.get("psn_insu_stas")) == IN_FORCE:
            return Person(
                psn_no=text(base, "psn_no"),
                insutype=text(insured, "insutype", 6),
                balance_fen=fen(insured, "balc"),
                name=str(base.get("psn_name") or "")[:60],
                id_number=str(base.get("certno") or "")[:40].upper(),
                psn_type=str(insured.get("psn_type") or "")[:6],
                is_local=str(insured.get("insuplc_admdvs") or area_code)[:2] == area_code[:2],
            )
    raise InsurerRefused("1101: no insurance in force")


def graded(told: Mapping[str, Any], fees: Sequence[Fee]) -> list[Graded]:
    """2204: each line we sent, once, its four parts adding up to it (I1 and I2 of the lines)."""
    by_number = {str(row.get("feedetl_sn")): row for row in _rows(told, "result")}
    if set(by_number) != {fee.number for fee in fees}:
        raise AnswerFlawed("I1")
    return [_graded(by_number[fee.number], fee) for fee in fees]


def _graded(row: Mapping[str, Any], fee: Fee) -> Graded:
    line = Graded(
        number=fee.number,
        amount_fen=fen(row, "det_item_fee_sumamt"),
        full_self_fen=fen(row, "fulamt_ownpay_amt"),
        over_limit_fen=fen(row, "overlmt_amt"),
        pre_self_fen=fen(row, "preselfpay_amt"),
        in_scope_fen=fen(row, "inscp_scp_amt"),
        chargeable_class=LEVELS.get(str(row.get("chrgitm_lv") or "")),
        ratio_bp=basis_points(row, "selfpay_prop"),
        limit_price_fen=fen(row, "pric_uplmt_amt") or None,
    )
    if line.amount_fen != fee.amount_fen:
        raise AnswerFlawed("I1")
    if line.amount_fen != line.full_self_fen + line.over_limit_fen + line.pre_self_fen + line.in_scope_fen:
        raise AnswerFlawed("I2")
    return line


def sums(told: Mapping[str, Any], visit: Visit, lines: Sequence[Graded]) -> Sums:
    """2206 and 2207: the sums, of this person and visit, with I1 to I5 holding; AnswerFlawed names what does not."""
    given = node(told, "setlinfo")
    same(given, "psn_no", visit.psn_no)
    same(given, "mdtrt_id", visit.mdtrt_id)
    basic, others = fen(given, BASIC_FUND), sum(fen(given, name) for name in OTHER_FUNDS)
    made = Sums(
        setl_id=str(given.get("setl_id") or ""),
        total_fen=fen(given, "medfee_sumamt"),
        full_self_fen=fen(given, "fulamt_ownpay_amt"),
        over_limit_fen=fen(given, "overlmt_selfpay"),
        pre_self_fen=fen(given, "preselfpay_amt"),
        in_scope_fen=fen(given, "inscp_scp_amt"),
        deductible_fen=fen(given, "act_pay_dedc"),
        fund_fen=basic,
        other_fen=others,
        account_fen=fen(given, "acct_pay"),
        cash_fen=fen(given, "psn_cash_pay"),
        ratio_bp=basis_points(given, "pool_prop_selfpay"),
        settled_at=_instant(given.get("setl_time")),
    )
    if made.total_fen != sum(line.amount_fen for line in lines):
        raise AnswerFlawed("I1")
    _check_scope(made, lines)
    _check_payers(made, given, _rows(told, "setldetail"))
    return made


def _instant(value: object) -> datetime | None:
    """`2026-11-29 23:59:58` in China; None for anything else, since nothing is charged by it."""
    try:
        at = datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return at if 2000 <= at.year < 2200 else None


def _check_scope(made: Sums, lines: Sequence[Graded]) -> None:
    """I2, in total and against the lines that were graded."""
    names = ("full_self_fen", "over_limit_fen", "pre_self_fen", "in_scope_fen")
    if made.total_fen != sum(getattr(made, name) for name in names):
        raise AnswerFlawed("I2")
    if any(getattr(made, name) != sum(getattr(line, name) for line in lines) for name in names):
        raise AnswerFlawed("I2")


def _check_payers(made: Sums, given: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> None:
    """I3 to I5; a hospital's share is nothing we know how to book, so it is a flaw of I4 as well."""
    fund_sum = fen(given, "fund_pay_sumamt")
    if fund_sum != made.fund_fen + made.other_fen or fund_sum != sum(fen(row, "fund_payamt") for row in details):
        raise AnswerFlawed("I3")
    if made.fund_fen > made.in_scope_fen - made.deductible_fen:
        raise AnswerFlawed("I3")
    person_fen = fen(given, "psn_part_amt")
    if fen(given, "hosp_part_amt") or made.total_fen != fund_sum + person_fen:
        raise AnswerFlawed("I4")
    if person_fen != made.account_fen + made.cash_fen:
        raise AnswerFlawed("I5")


def settled(made: Sums) -> Sums:
    """2207 names its settlement."""
    if not 0 < len(made.setl_id) <= 30:
        raise AnswerFlawed("setl_id")
    return made
