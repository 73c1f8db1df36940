"""The saga of an insured bill with the sandbox's insurer: one charge, one settlement, one invoice, or all undone."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.couriers.fsi import FsiInsurer
from app.insurance import service as insurance
from app.insurance import settling
from app.insurance.models import SplitSource
from app.insurance.states import SettlementState
from app.kernel.clock import SystemClock
from app.kernel.errors import VisitError
from app.kernel.moves import Move
from app.kernel.uow import Actor, Units
from app.payment.states import BillState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from tests.conftest import SetClock
from tests.factories_prescription import line, order, received
from tests.factories_settlement import House, enrol, fsi_settings, house, switch
from tests.sandbox.fixtures import RunningSandbox

# Amlodipine 10 x 16.90 (A) and omeprazole 22.40 (B, 10 %): 191.40, of which 189.16 is in scope, all within the
# deductible of 200.00; the account pays 30.00.
PLAIN = (0, 0, 30_00, 161_40)


@pytest.fixture
def home(units: Units, clock: SetClock, sandbox: RunningSandbox) -> House:
    for mode in ("down", "slow", "late", "wrong_sum", "wrong_person", "twice"):
        switch(sandbox, mode, "off")
    return house(units, clock, sandbox)


def hasty(home: House) -> House:
    """The house with an insurer's client that waits a second only."""
    return replace(home, insurer=FsiInsurer(fsi_settings(home.sandbox, timeout_seconds=1), SystemClock()))


def state_of(home: House, prescription: Prescription) -> PrescriptionState:
    with home.units.open(reads_only=True) as uow:
        return uow.session.get_one(Prescription, prescription.id).state


def begun(home: House) -> int:
    """How often a 2207 was sent."""
    with home.units.open(reads_only=True) as uow:
        moves = select(Move).where(Move.machine == "settlement", Move.action == "begin")
        return len(uow.session.scalars(moves).all())


def assert_nothing_charged(home: House) -> None:
    paid, returned = home.paid_and_returned()
    assert paid == returned
    assert [row["state"] for row in home.books() if row["state"] == "settled"] == []
    assert home.used() == (0, 0, 30_00)
    assert home.invoices() == 0


def test_the_bill_carries_the_insurers_figures_and_is_paid_once(home: House) -> None:
    made = home.prescribed()
    with home.units.open(reads_only=True) as uow:
        estimate = insurance.live_split_of(uow, made)
    assert estimate is not None
    assert estimate.source is SplitSource.ESTIMATE
    assert state_of(home, made) is PrescriptionState.APPROVED

    home.work()
    bill = home.bill(made)
    assert (bill.fund_fen, bill.other_fen, bill.account_fen, bill.cash_fen) == PLAIN
    assert home.books() == []
    home.pay(bill)
    assert home.bill(made).state is BillState.SETTLING
    assert home.invoices() == 0
    home.work()

    assert home.bill(made).state is BillState.PAID
    assert state_of(home, made) is PrescriptionState.PAID
    assert [row["state"] for row in home.books()] == ["settled"]
    assert home.used() == (189_16, 0, 0)
    assert (home.invoices(), begun(home)) == (1, 1)


def test_what_the_insurer_says_is_charged_and_not_our_estimate(home: House) -> None:
    with home.units.open() as uow:
        insurance.file_policy(uow, replace_ratio(uow))
    made = home.prescribed(line("AML5", 30))

    home.work()

    bill = home.bill(made)
    assert (bill.total_fen, bill.fund_fen, bill.cash_fen) == (507_00, 184_20, 292_80)


def replace_ratio(uow):
    from app.insurance.policies import POLICIES

    employee = next(policy for policy in POLICIES if policy.code == "employee")
    return replace(employee, terms=replace(employee.terms, fund_ratio_bp=1_000))


def test_a_bill_without_cash_is_settled_when_it_is_confirmed(home: House) -> None:
    made = home.prescribed(line("AML5", 1))
    home.work()
    assert home.bill(made).cash_fen == 0

    assert home.ask(home.bill(made)).is_settled
    home.work()

    assert home.bill(made).state is BillState.PAID
    assert (home.used(), home.invoices()) == ((16_90, 0, 13_10), 1)


def test_an_insurer_that_is_down_is_asked_again_until_it_answers(home: House, clock: SetClock) -> None:
    switch(home.sandbox, "down", "all")
    made = home.prescribed()
    home.work()
    assert home.case(made).state is SettlementState.WANTED
    switch(home.sandbox, "down", "off")

    clock.step(seconds=6)
    home.work()

    assert home.bill(made).state is BillState.OPEN


@pytest.mark.parametrize(("mode", "flaw"), [("wrong_sum", "I3"), ("wrong_person", "psn_no")])
def test_a_false_quotation_is_held_and_opens_no_bill(home: House, mode: str, flaw: str) -> None:
    switch(home.sandbox, mode)
    made = home.prescribed()

    home.work()

    assert (home.case(made).state, home.case(made).flaw) == (SettlementState.HELD, flaw)
    with pytest.raises(AssertionError):
        home.bill(made)


@pytest.mark.parametrize(
    ("mode", "end"),
    [
        ("wrong_sum", SettlementState.HELD),
        ("wrong_person", SettlementState.HELD),
        ("twice", SettlementState.REVERSED),
        ("down", SettlementState.REVERSED),
    ],
)
def test_a_2207_that_cannot_be_believed_is_undone_and_the_cash_goes_back(
    home: House, mode: str, end: SettlementState
) -> None:
    made = home.prescribed()
    home.work()
    switch(home.sandbox, mode)
    home.pay(home.bill(made))

    home.work()
    home.finish_refunds()

    assert home.case(made).state is end
    assert home.bill(made).state is BillState.VOID
    assert_nothing_charged(home)
    assert begun(home) == 1


def test_a_2207_answered_too_late_is_undone_by_its_own_number(home: House) -> None:
    home = hasty(home)
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))
    switch(home.sandbox, "late", seconds=1.6)

    settling.work_due(home.units, home.insurer)
    assert home.case(made).state is SettlementState.UNKNOWN
    home.work()

    assert home.case(made).state is SettlementState.REVERSED
    assert [(row["msgid"], row["state"]) for row in home.books()] == [(home.case(made).message_id, "undone")]
    assert_nothing_charged(home)


def test_the_cash_goes_back_within_five_minutes_though_the_insurer_stays_away(home: House, clock: SetClock) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))
    switch(home.sandbox, "down", "all")

    home.work()
    assert home.case(made).state is SettlementState.UNKNOWN
    for _ in range(9):
        clock.step(seconds=30)
        home.work()

    assert home.case(made).state is SettlementState.UNDOING
    paid, returned = home.paid_and_returned()
    assert paid == returned == 161_40
    switch(home.sandbox, "down", "off")
    clock.step(minutes=6)
    home.work()
    assert home.case(made).state is SettlementState.REVERSED
    assert_nothing_charged(home)


def test_a_settlement_that_differs_from_what_was_shown_is_undone(home: House) -> None:
    made = home.prescribed(line("AML5", 10))
    other = home.prescribed(line("AML5", 5))
    home.work()
    first, second = home.ask(home.bill(made)), home.ask(home.bill(other))

    home.tell(first)
    home.tell(second)
    home.work()
    home.finish_refunds()

    assert sorted(home.case(each).state for each in (made, other)) == ["reversed", "settled"]
    assert sorted(home.bill(each).state for each in (made, other)) == ["paid", "void"]
    assert [row["state"] for row in home.books()].count("settled") == 1


def test_figures_that_are_out_of_date_are_asked_for_anew_before_anybody_pays(home: House) -> None:
    made, other = home.prescribed(line("AML5", 10)), home.prescribed(line("AML5", 5))
    home.work()
    home.pay(home.bill(made))
    home.work()

    with pytest.raises(VisitError) as refusal:
        home.ask(home.bill(other))
    home.work()

    assert refusal.value.code == "split_changed"
    assert home.bill(other).account_fen == 0
    home.pay(home.bill(other))
    home.work()
    assert home.bill(other).state is BillState.PAID


def test_a_voided_prescription_withdraws_what_was_uploaded(home: House) -> None:
    made = home.prescribed()
    home.work()
    bill = home.bill(made)
    asked = home.ask(bill)

    received(home.units, order(home.who.patient.id, number="RX1", action="CA"))
    home.work()
    late = home.tell(asked)
    home.work()

    assert home.case(made).state is SettlementState.WITHDRAWN
    assert home.bill(made).state is BillState.VOID
    assert late.value == "late"
    assert_nothing_charged(home)


def test_a_prescription_voided_between_cash_and_settlement_gives_all_back(home: House) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))

    received(home.units, order(home.who.patient.id, number="RX1", action="CA"))
    home.work()

    assert home.case(made).state is SettlementState.WITHDRAWN
    assert_nothing_charged(home)


def test_a_paid_prescription_taken_back_is_taken_back_at_the_insurer(home: House) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))
    home.work()

    with home.units.open(Actor("staff", "s1")) as uow:
        prescriptions.take_back(uow, public_id=made.public_id, reason="过敏")
    home.work()
    home.finish_refunds()

    assert home.case(made).state is SettlementState.REVERSED
    assert [row["state"] for row in home.books()] == ["cancelled"]
    assert home.used() == (0, 0, 30_00)
    assert home.bill(made).state is BillState.REFUNDED


def test_a_card_of_somebody_else_is_not_settled_by(units: Units, clock: SetClock, sandbox: RunningSandbox) -> None:
    home = house(units, clock, sandbox)
    other = enrol(sandbox, name="李建国")
    with home.units.open() as uow:
        insurance.bind_coverage(uow, patient_id=home.who.patient.id, policy_code="employee", member_no=other)
    made = home.prescribed()

    home.work()

    assert home.case(made).state is SettlementState.FAILED
    assert home.books() == []


def test_an_answer_that_comes_after_the_reversal_changes_nothing(home: House, clock: SetClock) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))
    switch(home.sandbox, "late", seconds=1.5)

    with ThreadPoolExecutor(1) as slow:
        waiting = slow.submit(settling.settle, home.units, home.insurer, home.case(made).id)
        while home.case(made).state is not SettlementState.SETTLING or not home.books():
            time.sleep(0.02)
        clock.step(seconds=61)
        home.work()
        assert home.case(made).state is SettlementState.REVERSED
        waiting.result()

    assert home.case(made).state is SettlementState.REVERSED
    assert_nothing_charged(home)
    assert begun(home) == 1


def test_twenty_confirmations_of_a_bill_without_cash_settle_once(home: House) -> None:
    made = home.prescribed(line("AML5", 1))
    home.work()
    bill = home.bill(made)

    def confirm(_: int) -> str:
        try:
            home.ask(bill)
        except VisitError as refusal:
            return refusal.code
        return "settled"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(confirm, range(20)))
        list(pool.map(lambda _: settling.work_due(home.units, home.insurer), range(20)))

    assert set(answers) <= {"settled", "already_paid"}
    assert answers.count("settled") == 1
    assert (home.bill(made).state, begun(home), len(home.books()), home.invoices()) == (BillState.PAID, 1, 1, 1)


def test_several_workers_send_one_2207(home: House) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: settling.settle(home.units, home.insurer, home.case(made).id), range(8)))

    assert home.case(made).state is SettlementState.SETTLED
    assert (len(home.books()), begun(home)) == (1, 1)
