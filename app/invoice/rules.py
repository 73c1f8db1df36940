"""Which number an invoice has, under which of the ministry's categories each fee stands, and what the patient bore."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

# The fiscal code of eight digits: region, class, kind, year. The finance office assigns the first three; these are
# the demo hospital's (medical receipts, outpatient form of 财综〔2019〕29号).
REGION = "11"
RECEIPT_CLASS = "06"
RECEIPT_KIND = "01"
INSTITUTION_TYPE = "综合医院"
SELF_SERVICE = "自助结算"  # reviewer and payee's clerk of a bill that was paid on the phone
SELF_PAYING = "自费"

# The twelve categories in the order of the form (财综〔2019〕29号, annex).
CATEGORIES = (
    "诊察费",
    "检查费",
    "化验费",
    "治疗费",
    "手术费",
    "卫生材料费",
    "西药费",
    "中药饮片",
    "中成药费",
    "一般诊疗费",
    "挂号费",
    "其他门(急)诊收费",
)
_CATEGORY_OF_FEE = {
    "registration": "挂号费",
    "western": "西药费",
    "patent": "中成药费",
    "herbal": "中药饮片",
}
CLASS_WORDS = {"a": "甲", "b": "乙", "c": "丙", None: SELF_PAYING}
SEX_WORDS = {"male": "男", "female": "女"}
# Our own are of 8, 10 and 6 digits; a platform's check code may have letters.
_PARTS = (
    re.compile(r"[0-9]{8}", re.ASCII),
    re.compile(r"[0-9]{10}", re.ASCII),
    re.compile(r"[0-9a-z]{6}", re.ASCII | re.IGNORECASE),
)


def batch_code(day: date) -> str:
    """The eight digits of the fiscal code for invoices issued on `day`."""
    return f"{REGION}{RECEIPT_CLASS}{RECEIPT_KIND}{day:%y}"


def category_of(fee: str) -> str:
    """The ministry's category of a bill line's fee group; a group the form does not know is `other`."""
    return _CATEGORY_OF_FEE.get(fee, CATEGORIES[-1])


def category_sums(lines: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """(fee group, fen) pairs added up by category, in the order of the form, without empty categories."""
    sums: dict[str, int] = {}
    for fee, amount_fen in lines:
        category = category_of(fee)
        sums[category] = sums.get(category, 0) + amount_fen
    return [(category, sums[category]) for category in CATEGORIES if category in sums]


def own_share(borne_fen: int, outside_fen: int) -> tuple[int, int]:
    """(个人自付, 个人自费): what the patient bore of covered and of uncovered things; both add up to `borne_fen`.

    `borne_fen` is personal account and cash; `outside_fen` what no insurance covers, at most that.
    """
    self_fee_fen = min(outside_fen, borne_fen)
    return borne_fen - self_fee_fen, self_fee_fen


def mask_number(number: str) -> str:
    """An insurance or document number with its middle hidden; short ones are hidden whole."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}" if len(number) > 8 else "*" * len(number)


def could_be(code: str, number: str, check_code: str) -> bool:
    """True when the three have the shape of an invoice's code, number and check code."""
    return all(shape.fullmatch(text) for shape, text in zip(_PARTS, (code, number, check_code), strict=True))
