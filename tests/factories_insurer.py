"""An insurer in memory: half of all is the fund's, or `fund_bp`; `refuses`, `flaw`, `is_deaf` are how it misbehaves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.insurance.ports import AnswerFlawed, Claim, Graded, InsurerAway, InsurerRefused, Person, Sums, Visit
from app.insurance.rules import ChargeableClass
from tests.factories_settlement import NAME


@dataclass
class MemoryInsurer:
    """Fits insurance's Insurer; `settled` holds what stands settled, in fen of the fund, by its number."""

    name: str = "memory"
    person: str = NAME
    refuses: bool = False
    flaw: str = ""
    is_deaf: bool = False
    fund_bp: int = 5_000
    settled: dict[str, int] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def identify(self, _certificate: object) -> Person:
        return Person("P1", "310", 0, name=self.person)

    def register(self, person: Person, claim: Claim) -> Visit:
        return Visit(person.psn_no, person.insutype, f"V{next(self.numbers)}", claim.certificate)

    def diagnose(self, *_: object) -> None:
        """Nothing is asked of a diagnosis here."""

    withdraw = cancel_register = undo = diagnose

    def undo_cancel(self, _visit: Visit, _message_id: str) -> None:
        raise InsurerRefused("2601: 未查到原交易")

    def upload(self, _visit: Visit, claim: Claim) -> Sequence[Graded]:
        if self.flaw:
            raise AnswerFlawed(self.flaw)
        return [Graded(fee.number, fee.amount_fen, 0, 0, 0, fee.amount_fen, ChargeableClass.A, 0) for fee in claim.fees]

    def presettle(self, _visit: Visit, _batch_no: str, graded: Sequence[Graded]) -> Sums:
        total = sum(line.amount_fen for line in graded)
        fund = total * self.fund_bp // 10_000
        return Sums("", total, 0, 0, 0, total, 0, fund, 0, 0, total - fund, ratio_bp=self.fund_bp)

    def new_message_id(self) -> str:
        return f"H{next(self.numbers):029d}"

    def settle(self, visit: Visit, batch_no: str, graded: Sequence[Graded], _message_id: str) -> Sums:
        quoted = self.presettle(visit, batch_no, graded)
        number = f"S{next(self.numbers)}"
        self.settled[number] = quoted.fund_fen
        return replace(quoted, setl_id=number)

    def cancel(self, _visit: Visit, setl_id: str, _message_id: str) -> None:
        if self.is_deaf:
            raise InsurerAway("timed out")
        if self.refuses:
            raise InsurerRefused("2208: 已清算，不能撤销")
        self.settled.pop(setl_id, None)
