"""A week at the hospital's till: fees, insured drugs, cancellations, late and double money, failures."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from app.insurance import service as insurance
from app.insurance.rules import Usage
from app.kernel.uow import Actor, Units
from app.ledger import proving
from app.payment import asking, receipts, refunds
from app.payment import service as payment
from app.payment.models import Bill, PaymentOrder, PayMethod, Purpose, Refund
from app.payment.ports import RefundFact, RefundFactState
from app.payment.states import BillState, OrderState, RefundState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.registration import service as registration
from app.registration.models import Registration
from tests import factories, factories_payment
from tests import factories_prescription as written
from tests.conftest import SetClock
from tests.factories import Person
from tests.factories_payment import Till

PROVIDER = Actor("provider", "wechat")
_NUMBERS = itertools.count(1)


@dataclass
class Week:
    """The hospital, its provider, and what happens in it; every day begins at half past nine."""

    units: Units
    clock: SetClock
    reviewer: Actor
    till: Till = field(default_factory=Till)

    def play(self, *, days: int, happenings: int) -> None:
        """Each day brings so many of the nine that can happen, in turn; the night proves the day before."""
        turns: list[Callable[[], object]] = [
            self.fee_paid,
            self.fee_cancelled,
            self.fee_too_late,
            self.drugs_paid,
            self.drugs_given_up_after_settling,
            self.drugs_taken_back,
            self.paid_twice,
            self.refund_fails_and_is_completed,
            self.some_drugs_come_back,
        ]
        for day in range(days):
            self.opens(f"D{day}", fee_fen=2500 + 7 * day)
            for turn in (turns[day:] + turns[:day])[:happenings]:
                turn()
            self.clock.step(days=1)
            with self.units.open() as uow:
                assert proving.prove_yesterday(uow) == 1

    def opens(self, code: str, fee_fen: int = 2500) -> None:
        """A clinic sits today."""
        with self.units.open() as uow:
            self.clinic = factories.clinic(uow, code=code, fee_fen=fee_fen)

    def person(self) -> Person:
        with self.units.open() as uow:
            return factories.person(uow)

    def held(self) -> tuple[Person, Registration, Bill]:
        who = self.person()
        held = factories.held(self.units, who, self.clinic.session)
        return who, held, self.bill(Purpose.REGISTRATION, held.id)

    def bill(self, purpose: Purpose, subject_id: int) -> Bill:
        with self.units.open() as uow:
            bill = payment.newest_bill_of(uow, purpose, subject_id)
            assert bill is not None
            return bill

    def prescribed(self) -> tuple[Person, Prescription, Bill]:
        """An insured person's drugs, approved and with their open bill; one line no insurance pays."""
        who = self.person()
        with self.units.open() as uow:
            number = f"33010619800101{next(_NUMBERS):04d}"
            insurance.bind_coverage(
                uow, patient_id=who.patient.id, policy_code="retired", member_no=number, usage=Usage(140_00, 0, 12_34)
            )
        lines = (written.line("OME20", 2), written.line("VITC", 1), written.line("LHQW", 3))
        self.order = written.order(who.patient.id, *lines, number=f"RX{next(_NUMBERS)}", issued_at=self.clock.now())
        prescription = written.approved(self.units, self.reviewer, written.received(self.units, self.order))
        return who, prescription, self.bill(Purpose.PRESCRIPTION, prescription.id)

    def ask(self, who: Person, bill: Bill, method: PayMethod = PayMethod.NATIVE) -> asking.Asked:
        factories_payment.agree(self.units, who, bill)
        return asking.start(self.units, self.till, who.actor, bill.public_id, method)

    def money(self, asked: asking.Asked) -> receipts.Receipt:
        with self.units.open(PROVIDER) as uow:
            return receipts.receive_paid(
                uow,
                out_trade_no=asked.out_trade_no,
                transaction_id=f"T{asked.out_trade_no[2:]}",
                amount_fen=asked.amount_fen,
                paid_at=self.clock.now(),
            )

    def send_refunds(self, state: RefundFactState = RefundFactState.SUCCEEDED) -> None:
        """Every refund that waits is with the provider and ends as `state`."""
        refunds.send_refunds(self.units, self.till)
        with self.units.open(PROVIDER) as uow:
            waiting = uow.session.scalars(select(Refund.out_refund_no).where(Refund.state == RefundState.SENT)).all()
            for number in waiting:
                refunds.finish(uow, number, RefundFact(state, "ABNORMAL" if state is RefundFactState.FAILED else ""))

    def cancel(self, held: Registration) -> None:
        """The hospital takes the place back, which it may at any time."""
        with self.units.open() as uow:
            found = uow.session.get_one(Registration, held.id)
            registration.give_back(uow, found, by_hospital=True, why="session_stopped")

    def fee_paid(self) -> Bill:
        who, _, bill = self.held()
        assert self.money(self.ask(who, bill)) == receipts.Receipt.BOOKED
        return bill

    def fee_cancelled(self) -> None:
        who, held, bill = self.held()
        self.money(self.ask(who, bill))
        self.cancel(held)
        self.send_refunds()

    def fee_too_late(self) -> None:
        who, held, bill = self.held()
        asked = self.ask(who, bill)
        self.cancel(held)
        assert self.money(asked) == receipts.Receipt.LATE
        self.send_refunds()

    def drugs_paid(self) -> Bill:
        who, _, bill = self.prescribed()
        assert bill.fund_fen > 0
        assert bill.account_fen > 0
        self.money(self.ask(who, bill))
        return bill

    def drugs_given_up_after_settling(self) -> None:
        who, _, bill = self.prescribed()
        self.ask(who, bill)
        written.received(self.units, replace(self.order, action="CA"))
        with self.units.open() as uow:
            assert uow.session.get_one(Bill, bill.id).state == BillState.VOID

    def drugs_taken_back(self) -> None:
        who, prescription, bill = self.prescribed()
        self.money(self.ask(who, bill))
        with self.units.open(self.reviewer) as uow:
            prescriptions.take_back(uow, public_id=prescription.public_id, reason="过敏")
        self.send_refunds()
        with self.units.open() as uow:
            assert uow.session.get_one(Bill, bill.id).state == BillState.REFUNDED

    def paid_twice(self) -> None:
        who, _, bill = self.held()
        first = self.ask(who, bill)
        with self.units.open() as uow:
            order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.bill_id == bill.id)).one()
            copied = {column.key: getattr(order, column.key) for column in PaymentOrder.__table__.columns}
            number = f"mzagain{next(_NUMBERS)}"
            copied |= {"id": None, "public_id": number, "out_trade_no": number, "live_key": "jsapi:1"}
            uow.session.add(PaymentOrder(**copied))
        self.money(first)
        again = asking.Asked(bill.public_id, out_trade_no=number, amount_fen=bill.cash_fen)
        assert self.money(again) == receipts.Receipt.LATE
        self.send_refunds()
        with self.units.open() as uow:
            order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.out_trade_no == number)).one()
            assert order.state == OrderState.REFUNDED

    def refund_fails_and_is_completed(self) -> None:
        who, held, bill = self.held()
        self.money(self.ask(who, bill))
        self.cancel(held)
        self.send_refunds(RefundFactState.FAILED)
        with self.units.open(PROVIDER) as uow:
            failed = uow.session.scalars(select(Refund).where(Refund.bill_id == bill.id)).one()
            assert failed.state == RefundState.FAILED
        if self.clock.now().weekday() % 2:
            return  # nobody has completed it: the patient's money stays owed to them
        self.clock.step(minutes=1)
        with self.units.open(PROVIDER) as uow:
            refunds.finish(uow, failed.out_refund_no, RefundFact(RefundFactState.SUCCEEDED))

    def some_drugs_come_back(self) -> None:
        """Two of three boxes, then the rest of that line, each with what insurance bore of it."""
        bill = self.drugs_paid()
        for quantity in (2, 1):
            with self.units.open() as uow:
                refunds.give_back_lines(uow, uow.session.get_one(Bill, bill.id), {3: quantity}, reason="by_staff")
            self.send_refunds()
        with self.units.open() as uow:
            assert uow.session.get_one(Bill, bill.id).state == BillState.PARTLY_REFUNDED
