"""The patients of a played day, and what is done for them in the house by others than the hospital system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

# A trail byte of these is one of \ ^ | ~ in GB18030: whoever splits bytes before decoding them breaks the record.
_FAMILIES = "张王李赵陈杨黄周吴徐孙马朱胡林郭何高罗郑"
_GIVEN = "珅琟璡誠瑋鋅秀英建国芳敏静丽强磊洋艳勇军杰娟涛明超霞平刚桂玉兰"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_FIRST_BIRTH = date(1940, 1, 1)
_BIRTH_DAYS = 22_000
PLANS = ("310", "390", "retired")
_POLICIES = {"310": "employee", "390": "resident"}


@dataclass(frozen=True)
class Person:
    """Nobody: a name, an identity number with a right check digit, a mobile number, and perhaps an insurance plan."""

    mrn: str
    name: str
    sex: str
    birth_day: date
    id_number: str
    phone: str
    plan: str = ""

    @property
    def policy(self) -> str:
        """What the insurer calls the plan."""
        return _POLICIES.get(self.plan, self.plan)

    @property
    def member_number(self) -> str:
        """The insured person's number; '' without a plan."""
        return f"NH{self.phone}" if self.plan else ""


def person(run_number: int, visit: int, mrn: str, plan: str = "") -> Person:
    """The patient of a visit: another one for each visit of a run, and for each run of the last years."""
    number = run_number * 10_000 + visit
    birth_day = _FIRST_BIRTH + timedelta(days=number // 1000 % _BIRTH_DAYS)
    digits = f"110105{birth_day:%Y%m%d}{number % 1000:03d}"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11]
    return Person(
        mrn=mrn,
        name=_FAMILIES[number % len(_FAMILIES)] + _GIVEN[number * 7 % len(_GIVEN)] + _GIVEN[number * 3 % len(_GIVEN)],
        sex="M" if int(digits[-1]) % 2 else "F",
        birth_day=birth_day,
        id_number=digits + check,
        phone=f"138{number % 10**8:08d}",
        plan=plan,
    )


class House(Protocol):
    """Patients with their phones, doctors, pharmacists: whoever acts in the hospital and is not the hospital system.

    Each call has happened when it returns. Visits are named by the visit number the hospital system was told.
    """

    def prepare(self, department: str, doctors: list[str], *, slot_minutes: int, fee_fen: int) -> None:
        """The doctors, who are on file, have a weekly shift; pharmacy and reviewers are at work."""

    def meet(self, who: Person) -> None:
        """The person, whom the hospital knows, has logged in on a phone and acts for themself."""

    def book(self, who: Person, doctor: str) -> None:
        """On the phone: a place with the doctor today is taken and its fee paid."""

    def check_in(self, visit_number: str) -> None:
        """On the phone: the patient is in the house."""

    def call_in(self, visit_number: str) -> None:
        """The doctor has called the patient, who is with them."""

    def review(self, prescription: str) -> None:
        """A pharmacist has let the prescription pass."""

    def pay(self, who: Person, prescription: str) -> None:
        """The patient's part of the prescription's bill is paid."""

    def hand_over(self, who: Person, prescription: str) -> None:
        """The bag was picked, checked, and left with the patient whose code was scanned."""

    def finish(self, visit_number: str, revisit_day: date) -> None:
        """The doctor wants to see the patient again on that day, and is done."""

    def book_revisit(self, who: Person) -> None:
        """On the phone: the planned revisit is booked with one tap and its fee paid."""

    def settle(self) -> None:
        """Refunds that were asked for have been made."""
