"""A house that settles with the sandbox's insurer: an insured patient, a till for the cash, and the jobs by hand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from sqlalchemy import func, select

from app.couriers.fsi import FsiInsurer
from app.insurance import cases, covering, settling
from app.insurance.models import Settlement
from app.insurance.ports import INSURER
from app.insurance.rules import Usage
from app.insurance.subjects import Subject
from app.invoice.models import Invoice
from app.kernel.clock import SystemClock
from app.kernel.uow import Actor, Units
from app.payment import asking, querying, receipts, refunds, service
from app.payment.models import Bill, PaymentOrder, PayMethod, Purpose
from app.payment.ports import RefundFact, RefundFactState
from app.prescription.models import Prescription
from config import FsiSettings
from tests import factories, factories_prescription
from tests.conftest import SetClock
from tests.factories_payment import Till, agree
from tests.factories_prescription import line, order
from tests.sandbox.fixtures import RunningSandbox

NAME = "张秀英"


def fsi_settings(sandbox: RunningSandbox, **changes: Any) -> FsiSettings:
    env = sandbox.env
    made = FsiSettings(
        base_url=env["FSI_BASE_URL"],
        paasid=env["FSI_PAASID"],
        token=env["FSI_TOKEN"],
        hospital_code=env["FSI_HOSPITAL_CODE"],
        timeout_seconds=5,
    )
    return replace(made, **changes)


def enrol(sandbox: RunningSandbox, *, policy: str = "employee", name: str = NAME, **facts: object) -> str:
    """Somebody is insured with the sandbox's insurer: the card's number."""
    number = f"C{secrets.randbelow(10**11):011d}"
    asked = {"card_no": number, "policy": policy, "name": name, **facts}
    requests.post(f"{sandbox.http_url}/sandbox/insurer/people", json=asked, timeout=30).raise_for_status()
    return number


def switch(sandbox: RunningSandbox, mode: str, scope: str = "next", seconds: float = 0) -> None:
    """A misfortune of the insurer's is ordered."""
    asked = {"mode": mode, "scope": scope, "seconds": seconds}
    requests.post(f"{sandbox.http_url}/sandbox/insurer/switch", json=asked, timeout=30).raise_for_status()


@dataclass
class House:
    """One house and one insured patient with 30.00 in the account, 180.00 of the deductible used here and there."""

    units: Units
    clock: SetClock
    sandbox: RunningSandbox
    insurer: FsiInsurer
    till: Till
    who: factories.Person
    reviewer: Actor
    card: str
    numbers: list[str] = field(default_factory=list)
    prefix: str = "RX"

    def prescribed(self, *lines: Any) -> Prescription:
        """An approved prescription: by default amlodipine 10 x 16.90 (class A) and omeprazole 22.40 (class B)."""
        number = f"{self.prefix}{len(self.numbers) + 1}"
        self.numbers.append(number)
        made = order(self.who.patient.id, *(lines or (line("AML5", 10), line("OME20"))), number=number)
        received = factories_prescription.received(self.units, made)
        return factories_prescription.approved(self.units, self.reviewer, received)

    def work(self) -> None:
        """The jobs have rung until nothing of settlements and refunds is due."""
        for _ in range(20):
            done = settling.work_due(self.units, self.insurer)
            if not done + refunds.send_refunds(self.units, self.till):
                return
        raise AssertionError("the jobs find no end")

    def bill(self, subject: Subject) -> Bill:
        purpose = Purpose.PRESCRIPTION if isinstance(subject, Prescription) else Purpose.REGISTRATION
        with self.units.open(reads_only=True) as uow:
            found = service.newest_bill_of(uow, purpose, subject.id)
        assert found is not None
        return found

    def case(self, subject: Subject) -> Settlement:
        with self.units.open(reads_only=True) as uow:
            found = cases.newest_of(uow, subject)
        assert found is not None
        return found

    def ask(self, bill: Bill) -> asking.Asked:
        """The patient taps pay."""
        agree(self.units, self.who, bill)
        return asking.start(self.units, self.till, self.who.actor, bill.public_id, PayMethod.NATIVE)

    def tell(self, asked: asking.Asked) -> receipts.Receipt:
        """The provider says that the money came."""
        fact = self.till.facts.get(asked.out_trade_no)
        if fact is None or not fact.transaction_id:
            fact = self.till.pay(asked.out_trade_no, self.clock.now())
        with self.units.open(Actor("provider", "wechat")) as uow:
            return receipts.receive_paid(
                uow,
                out_trade_no=asked.out_trade_no,
                transaction_id=fact.transaction_id,
                amount_fen=fact.amount_fen,
                paid_at=self.clock.now(),
            )

    def pay(self, bill: Bill) -> None:
        asked = self.ask(bill)
        if not asked.is_settled:
            self.tell(asked)

    def query(self) -> None:
        querying.query_missing(self.units, self.till)

    def finish_refunds(self) -> None:
        """The provider says that every refund has arrived."""
        for number in list(self.till.refunds):
            with self.units.open(Actor("provider", "wechat")) as uow:
                refunds.finish(uow, number, RefundFact(RefundFactState.SUCCEEDED))

    def paid_and_returned(self) -> tuple[int, int]:
        """All the cash that came in and all that went back, in fen."""
        with self.units.open(reads_only=True) as uow:
            sums = select(func.sum(PaymentOrder.paid_fen), func.sum(PaymentOrder.refunded_fen))
            of_patient = sums.join(Bill, Bill.id == PaymentOrder.bill_id).where(Bill.patient_id == self.who.patient.id)
            paid, returned = uow.session.execute(of_patient).one()
        return paid or 0, returned or 0

    def invoices(self) -> int:
        with self.units.open(reads_only=True) as uow:
            own = select(func.count(Invoice.id)).where(Invoice.patient_id == self.who.patient.id)
            return uow.session.scalar(own) or 0

    def books(self) -> list[dict[str, Any]]:
        """The insurer's own ledger of this patient's settlements, oldest first."""
        told = requests.get(f"{self.sandbox.http_url}/sandbox/insurer/books", timeout=30).json()
        with self.units.open(reads_only=True) as uow:
            own = select(Settlement.batch_no).where(Settlement.patient_id == self.who.patient.id)
            ours = set(uow.session.scalars(own))
        return [row for row in reversed(told["settlements"]) if row["chrg_bchno"] in ours]

    def used(self) -> tuple[int, int, int]:
        """Deductible, fund and balance of the patient's card in the insurer's ledger."""
        told = requests.get(f"{self.sandbox.http_url}/sandbox/insurer/books", timeout=30).json()
        row = next(each for each in told["people"] if each["card_no"] == self.card)
        return row["deductible"], row["fund"], row["balance"]


def house(units: Units, clock: SetClock, sandbox: RunningSandbox, *, policy: str = "employee") -> House:
    """The house on the test's database."""
    units = replace(units, partners=frozenset({INSURER}))
    card = enrol(sandbox, policy=policy, balance_fen=30_00)
    with units.open() as uow:
        factories_prescription.stocked(uow)
        who = factories.person(uow, name=NAME)
        reviewer = factories.staff(uow, "reviewer")
        covering.bind_coverage(
            uow,
            patient_id=who.patient.id,
            policy_code=policy,
            member_no=card,
            usage=Usage(account_balance_fen=30_00),
        )
    insurer = FsiInsurer(fsi_settings(sandbox), SystemClock())
    return House(units, clock, sandbox, insurer, Till(), who, reviewer, card)
