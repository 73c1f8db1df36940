"""What we need of an insurer: to know the person, to be told what it would pay, to settle, and to take it back."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.insurance.rules import ChargeableClass

INSURER = "insurer"  # among a house's partners when there is one to settle with


class InsurerAway(Exception):
    """No answer came that can be trusted; what was asked may or may not have happened."""


class InsurerRefused(Exception):
    """The insurer understood and said no; its words are for the finance office, never for a patient's page or a log."""


def for_log(error: Exception) -> str:
    """What may be written down of why the insurer did not do it: which question, since its words may name a person."""
    return str(error).partition(":")[0] if isinstance(error, InsurerRefused) else str(error)


class AnswerFlawed(Exception):
    """The insurer answered something that must not be believed: `flaw` names the identity or the field."""

    def __init__(self, flaw: str) -> None:
        """Remember the broken identity (`I1` … `I5`) or the field that is missing or another's."""
        super().__init__(flaw)
        self.flaw = flaw


@dataclass(frozen=True)
class Certificate:
    """By what a person proves to be insured: `kind` 01 electronic token, 02 identity card, 03 insurance card."""

    kind: str
    number: str
    name: str


@dataclass(frozen=True)
class Person:
    """Whom the insurer found; `balance_fen` is what the personal account holds.

    `psn_type` is working, retired, resident … as the insurer codes it; `is_local` False for one insured elsewhere.
    """

    psn_no: str
    insutype: str
    balance_fen: int
    name: str = ""
    id_number: str = ""
    psn_type: str = ""
    is_local: bool = True


@dataclass(frozen=True)
class Fee:
    """One line as it is uploaded; `number` is ours and unique in the visit."""

    number: str
    code: str
    name: str
    amount_fen: int
    quantity: int
    unit_price_fen: int


@dataclass(frozen=True)
class Graded:
    """One line as the insurer's catalogue sees it: the four amounts add up to the line's.

    The rest is what its reason needs: the catalogue's class (None when it lists none), first share and limit price.
    """

    number: str
    amount_fen: int
    full_self_fen: int
    over_limit_fen: int
    pre_self_fen: int
    in_scope_fen: int
    chargeable_class: ChargeableClass | None = None
    ratio_bp: int = 0
    limit_price_fen: int | None = None


@dataclass(frozen=True)
class Claim:
    """A prescription or a fee as the insurer is asked about it; `batch_no` is used for one settlement at most."""

    certificate: Certificate
    batch_no: str
    visit_no: str
    doctor_code: str
    doctor_name: str
    department: str
    diagnosis_code: str
    diagnosis_name: str
    begun_at: datetime
    fees: Sequence[Fee]

    @property
    def total_fen(self) -> int:
        """What the lines add up to."""
        return sum(fee.amount_fen for fee in self.fees)


@dataclass(frozen=True)
class Sums:
    """A settlement's sums (setlinfo), checked for I2 to I5; `setl_id` is '' for a pre-settlement.

    `ratio_bp` is the share of what is left of the scope that the basic fund pays. `settled_at` is when the insurer
    settled by its own clock, by which it counts its days.
    """

    setl_id: str
    total_fen: int
    full_self_fen: int
    over_limit_fen: int
    pre_self_fen: int
    in_scope_fen: int
    deductible_fen: int
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int
    ratio_bp: int = 0
    settled_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Visit:
    """What the insurer calls the person and the visit; every later question names both."""

    psn_no: str
    insutype: str
    mdtrt_id: str
    certificate: Certificate


class Insurer(Protocol):
    """An insurer to settle with. Every call raises InsurerAway or InsurerRefused; answers are checked, AnswerFlawed."""

    name: str

    def identify(self, certificate: Certificate) -> Person:
        """The insured person (1101)."""

    def register(self, person: Person, claim: Claim) -> Visit:
        """The visit is on the insurer's file (2201); the same `visit_no` again is the same visit."""

    def diagnose(self, visit: Visit, claim: Claim) -> None:
        """The insurer knows what the visit was for (2203A)."""

    def upload(self, visit: Visit, claim: Claim) -> Sequence[Graded]:
        """The lines are with the insurer (2204), and how each counts."""

    def withdraw(self, visit: Visit, batch_no: str) -> None:
        """Uploaded lines that are not settled are gone (2205)."""

    def presettle(self, visit: Visit, batch_no: str, graded: Sequence[Graded]) -> Sums:
        """What a settlement would give (2206); nothing is used."""

    def new_message_id(self) -> str:
        """A message number for `settle`, to be kept before it is sent."""

    def settle(self, visit: Visit, batch_no: str, graded: Sequence[Graded], message_id: str) -> Sums:
        """The batch is settled (2207) under `message_id`. After InsurerAway only `undo` may follow, never a repeat."""

    def cancel_register(self, visit: Visit, visit_no: str) -> None:
        """The visit is off the insurer's file (2202)."""

    def cancel(self, visit: Visit, setl_id: str, message_id: str) -> None:
        """The settlement is taken back (2208) under `message_id`. After InsurerAway only `undo_cancel` may follow."""

    def undo(self, visit: Visit, message_id: str) -> None:
        """Whatever the 2207 of that number did, is not (2601)."""

    def undo_cancel(self, visit: Visit, message_id: str) -> None:
        """Whatever the 2208 of that number did, is not (2601): the settlement stands as before it."""


@dataclass(frozen=True)
class PayOrder:
    """A pay order at the insurer's mobile payment centre; `pay_token` proves for some minutes that it may be paid."""

    pay_order_id: str
    pay_token: str


class PayFactState(enum.StrEnum):
    """What the centre knows of a pay order: `gone` was taken back or let go."""

    UNDER_WAY = "under_way"
    SETTLED = "settled"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True)
class PayFact:
    """A pay order as the centre sees it, its sums adding up (I6); `setl_id` names the settlement once it is settled."""

    state: PayFactState
    total_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0
    setl_id: str = ""


class MobileCentre(Protocol):
    """The insurer's mobile payment centre. Every call raises InsurerAway or InsurerRefused; AnswerFlawed as above."""

    def upload(self, visit: Visit, claim: Claim, graded: Sequence[Graded], order_no: str) -> PayOrder:
        """The pay order of the claim's fees (6201)."""

    def pay(self, order: PayOrder, quoted: Sums) -> PayFact:
        """Insurance pays its part (6202)."""

    def query(self, order: PayOrder, quoted: Sums) -> PayFact:
        """What has become of the pay order (6301)."""

    def refund(self, order: PayOrder, refund_no: str, sums: Sums) -> None:
        """What insurance paid is back with it (6203)."""

    def revoke(self, order: PayOrder) -> None:
        """The pay order can no longer be paid (6401)."""
