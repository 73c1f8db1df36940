"""What a mixed order 医保自费混合收款 must hold before it is sent: its two sums, its kind, and how people are named.

WeChat Pay's med-ins orders (商户文档 4016781466): `total = gov + self + other + cash + reduce` and
`total = gov + self + other + med_ins_cash + add`, so that `cash = med_ins_cash + add - reduce`.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

from app.payment.errors import MixedSumsFalse
from app.payment.models import Purpose

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, 4.2
_CHECK = "10X98765432"


class MixPayType(enum.StrEnum):
    """Who pays: the patient alone, insurance alone, or both."""

    CASH_ONLY = "CASH_ONLY"
    INSURANCE_ONLY = "INSURANCE_ONLY"
    CASH_AND_INSURANCE = "CASH_AND_INSURANCE"


class MedOrderType(enum.StrEnum):
    """What is paid (order_type): a registration 挂号, or what a consultation led to 诊间, the hospital's own drugs too.

    PHARMACY_PAY 药店 is for retail pharmacies; WeChat Pay lets no kind be used for another.
    """

    REGISTRATION = "REG_PAY"
    CONSULTATION = "DIAG_PAY"


ORDER_TYPES = {Purpose.REGISTRATION: MedOrderType.REGISTRATION, Purpose.PRESCRIPTION: MedOrderType.CONSULTATION}


@dataclass(frozen=True)
class MixedSums:
    """A mixed order's amounts in fen: insurance's three parts, the cash insurance leaves, and what is asked of it."""

    total_fen: int
    gov_fen: int
    self_fen: int
    other_fen: int
    med_ins_cash_fen: int
    cash_fen: int
    add_fen: int = 0
    reduce_fen: int = 0

    @property
    def insured_fen(self) -> int:
        """What insurance pays of it, the personal account included."""
        return self.gov_fen + self.self_fen + self.other_fen


def check_sums(sums: MixedSums) -> None:
    """Passes sums that hold both equations with no part negative; refuses `mixed_sums_false`, which names the part."""
    if any(amount < 0 for amount in vars(sums).values()):
        raise MixedSumsFalse(why="negative")
    if sums.total_fen != sums.insured_fen + sums.cash_fen + sums.reduce_fen:
        raise MixedSumsFalse(why="paid")
    if sums.total_fen != sums.insured_fen + sums.med_ins_cash_fen + sums.add_fen:
        raise MixedSumsFalse(why="owed")


def pay_type_of(sums: MixedSums) -> MixPayType:
    """The kind of order that the sums make; refuses `mixed_sums_false` when nobody has anything to pay."""
    if sums.cash_fen and sums.insured_fen:
        return MixPayType.CASH_AND_INSURANCE
    if sums.cash_fen:
        return MixPayType.CASH_ONLY
    if sums.insured_fen:
        return MixPayType.INSURANCE_ONLY
    raise MixedSumsFalse(why="nothing")


def id_digest(number: str) -> str:
    """By what WeChat Pay knows an identity number: MD5 of its 18 characters, x as X; it hides little, and is sealed."""
    upper = number.upper()
    if len(upper) == 15:
        body = f"{upper[:6]}19{upper[6:]}"
        upper = body + _CHECK[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]
    return hashlib.md5(upper.encode(), usedforsecurity=False).hexdigest()
