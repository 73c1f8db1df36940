"""A held place and a split prescription are billed, and a bill falls or goes back with what it was for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.insurance import service as insurance
from app.insurance.errors import SplitChanged
from app.insurance.models import Split
from app.insurance.rules import Usage
from app.insurance.states import SplitState
from app.kernel.uow import Actor, Units
from app.payment import service
from app.payment.asking import start
from app.payment.models import Bill, BillLine, PayMethod, Purpose, Refund
from app.payment.receipts import Receipt
from app.payment.states import BillState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from app.registration import by_time, closing
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.story import STORY
from tests import factories
from tests.conftest import SetClock
from tests.factories import Clinic, Person, clinic, person
from tests.factories_payment import Till, agree
from tests.factories_prescription import a_reviewer, approved, line, order, received, stocked
from tests.unit.payment.test_money_in import pay

PARTS = ("fund_fen", "other_fen", "account_fen", "cash_fen")


@pytest.fixture
def visit(units: Units) -> Units:
    """Units in which the whole visit follows."""
    return replace(units, story=STORY)


@pytest.fixture
def morning(visit: Units) -> Clinic:
    """A doctor who sits this morning."""
    with visit.open() as uow:
        return clinic(uow, places=12)


def held(visit: Units, who: Person, session: Clinic) -> Registration:
    return factories.held(visit, who, session.session)


def bill_for(visit: Units, purpose: Purpose, subject_id: int) -> Bill:
    with visit.open(reads_only=True) as uow:
        bill = service.newest_bill_of(uow, purpose, subject_id)
        assert bill is not None
        return bill


def fee_bill(visit: Units, made: Registration) -> Bill:
    return bill_for(visit, Purpose.REGISTRATION, made.id)


def lines(visit: Units, bill: Bill) -> list[BillLine]:
    with visit.open(reads_only=True) as uow:
        return service.lines_of(uow, bill.id)


def state_of(visit: Units, made: Registration) -> RegistrationState:
    with visit.open(reads_only=True) as uow:
        return uow.session.get_one(Registration, made.id).state


def reasons(visit: Units) -> list[str]:
    with visit.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Refund.reason)))


def ask(visit: Units, till: Till, who: Person, bill: Bill) -> str:
    """The patient agrees to what no insurance covers, and asks to pay."""
    agree(visit, who, bill)
    return start(visit, till, who.actor, bill.public_id, PayMethod.NATIVE).out_trade_no


def expire(visit: Units, clock: SetClock) -> None:
    clock.step(minutes=11)
    with visit.open() as uow:
        assert by_time.expire_due(uow) == 1


def test_a_held_place_has_one_fee_to_pay_until_its_hold_ends(visit: Units, morning: Clinic, who: Person, till: Till):
    made = held(visit, who, morning)

    bill = fee_bill(visit, made)
    (fee,) = lines(visit, bill)
    assert (bill.state, bill.total_fen, bill.cash_fen) == (BillState.OPEN, 2500, 2500)
    assert (bill.account_id, bill.expires_at) == (who.account.id, made.held_until)
    assert (fee.invoice_category, fee.name, fee.quantity, fee.amount_fen) == ("registration", "挂号费", 1, 2500)

    assert pay(visit, ask(visit, till, who, bill)) == Receipt.BOOKED
    assert state_of(visit, made) == RegistrationState.BOOKED


def test_a_place_without_a_fee_has_no_bill(visit: Units, who: Person):
    with visit.open() as uow:
        free = clinic(uow, code="FREE", fee_fen=0)

    held(visit, who, free)

    with visit.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Bill)).all() == []


def test_a_fee_that_comes_late_gets_a_place_that_is_still_free(
    visit: Units, morning: Clinic, who: Person, till: Till, clock: SetClock
):
    made = held(visit, who, morning)
    number = ask(visit, till, who, fee_bill(visit, made))
    expire(visit, clock)
    assert fee_bill(visit, made).state == BillState.VOID

    assert pay(visit, number) == Receipt.BOOKED

    assert state_of(visit, made) == RegistrationState.BOOKED
    assert fee_bill(visit, made).state == BillState.PAID
    assert reasons(visit) == []


def test_a_fee_that_comes_when_no_place_can_be_had_goes_back(
    visit: Units, morning: Clinic, who: Person, till: Till, clock: SetClock
):
    made = held(visit, who, morning)
    number = ask(visit, till, who, fee_bill(visit, made))
    expire(visit, clock)
    with visit.open() as uow:
        closing.stop_session(uow, public_id=morning.session.public_id, why="test")

    assert pay(visit, number) == Receipt.BOOKED

    assert state_of(visit, made) == RegistrationState.EXPIRED
    assert fee_bill(visit, made).state == BillState.REFUNDING
    assert reasons(visit) == ["too_late"]


def test_a_fee_for_a_place_given_back_unpaid_goes_back(visit: Units, morning: Clinic, who: Person, till: Till):
    made = held(visit, who, morning)
    number = ask(visit, till, who, fee_bill(visit, made))
    with visit.open(who.actor) as uow:
        registration.cancel(uow, public_id=made.public_id)
    assert fee_bill(visit, made).state == BillState.VOID

    assert pay(visit, number) == Receipt.LATE

    assert state_of(visit, made) == RegistrationState.CANCELLED
    assert reasons(visit) == ["late"]


def test_a_paid_fee_goes_back_when_the_hospital_stops_the_session(
    visit: Units, morning: Clinic, who: Person, till: Till
):
    made = held(visit, who, morning)
    pay(visit, ask(visit, till, who, fee_bill(visit, made)))

    with visit.open() as uow:
        closing.stop_session(uow, public_id=morning.session.public_id, why="test")

    assert fee_bill(visit, made).state == BillState.REFUNDING
    assert reasons(visit) == ["cancelled"]


@pytest.fixture
def prescribed(visit: Units, who: Person) -> Prescription:
    """Amlodipine 10 x 16.90 (class A) and vitamin C 39.00 (class C), reviewed, for an insured employee."""
    with visit.open() as uow:
        stocked(uow)
        usage = Usage(deductible_used_fen=180_000, account_balance_fen=1_000)
        insurance.bind_coverage(
            uow, patient_id=who.patient.id, policy_code="employee", member_no="44010119800101001X", usage=usage
        )
    written = order(who.patient.id, line("AML5", 10), line("VITC"))
    return approved(visit, a_reviewer(visit), received(visit, written))


def drug_bill(visit: Units, prescribed: Prescription) -> Bill:
    return bill_for(visit, Purpose.PRESCRIPTION, prescribed.id)


def split_of(visit: Units, bill: Bill) -> Split:
    with visit.open(reads_only=True) as uow:
        return uow.session.get_one(Split, bill.split_id)


def prescription_state(visit: Units, prescribed: Prescription) -> PrescriptionState:
    with visit.open(reads_only=True) as uow:
        return uow.session.get_one(Prescription, prescribed.id).state


def test_a_split_prescription_is_billed_line_by_line_to_the_fen(visit: Units, prescribed: Prescription):
    bill = drug_bill(visit, prescribed)

    split, billed = split_of(visit, bill), lines(visit, bill)
    with visit.open(reads_only=True) as uow:
        divided = insurance.lines_of(uow, split.id)
    assert (bill.total_fen, split.total_fen) == (20_800, 20_800)
    assert split.fund_fen > 0
    assert [getattr(bill, part) for part in PARTS] == [getattr(split, part) for part in PARTS]
    for mine, theirs in zip(billed, divided, strict=True):
        assert [getattr(mine, part) for part in PARTS] == [getattr(theirs, part) for part in PARTS]
        assert mine.amount_fen == mine.quantity * mine.unit_price_fen == theirs.amount_fen
    assert {line.invoice_category for line in billed} == {"western"}


def test_insurance_is_settled_before_the_patient_is_asked(
    visit: Units, who: Person, till: Till, prescribed: Prescription
):
    bill = drug_bill(visit, prescribed)

    number = ask(visit, till, who, bill)

    assert till.orders[number].amount_fen == bill.cash_fen
    assert split_of(visit, bill).state == SplitState.SETTLED
    assert pay(visit, number, amount_fen=bill.cash_fen) == Receipt.BOOKED
    assert prescription_state(visit, prescribed) == PrescriptionState.PAID


def test_when_insurance_pays_otherwise_now_the_patient_sees_the_new_bill_first(
    visit: Units, who: Person, till: Till, prescribed: Prescription
):
    bill = drug_bill(visit, prescribed)
    with visit.open() as uow:
        insurance.bind_coverage(
            uow, patient_id=who.patient.id, policy_code="employee", member_no="44010119800101001X", usage=Usage()
        )

    with pytest.raises(SplitChanged) as refused:
        ask(visit, till, who, bill)

    new = drug_bill(visit, prescribed)
    assert refused.value.facts["bill"] == new.public_id != bill.public_id
    assert new.cash_fen > bill.cash_fen
    assert till.calls == []
    with visit.open(reads_only=True) as uow:
        assert uow.session.get_one(Bill, bill.id).state == BillState.VOID
    assert till.orders[ask(visit, till, who, new)].amount_fen == new.cash_fen


def test_a_prescription_taken_back_gives_back_the_money_and_insurances_part(
    visit: Units, who: Person, till: Till, prescribed: Prescription
):
    bill = drug_bill(visit, prescribed)
    pay(visit, ask(visit, till, who, bill), amount_fen=bill.cash_fen)

    with visit.open(Actor("staff", "1", 1)) as uow:
        prescriptions.take_back(uow, public_id=prescribed.public_id, reason="过敏")

    assert drug_bill(visit, prescribed).state == BillState.REFUNDING
    assert split_of(visit, bill).state == SplitState.REVERSED
    assert reasons(visit) == ["voided"]


def test_an_unpaid_prescription_that_falls_takes_its_bill_along(
    visit: Units, who: Person, till: Till, prescribed: Prescription, clock: SetClock
):
    bill = drug_bill(visit, prescribed)
    number = ask(visit, till, who, bill)

    clock.step(days=4)
    with visit.open() as uow:
        prescriptions.expire_due(uow, 10)

    assert drug_bill(visit, prescribed).state == BillState.VOID
    assert split_of(visit, bill).state == SplitState.REVERSED
    assert pay(visit, number, amount_fen=bill.cash_fen) == Receipt.LATE


def test_another_patients_bill_does_not_exist(visit: Units, who: Person, morning: Clinic):
    made = held(visit, who, morning)
    with visit.open() as uow:
        stranger = person(uow, name="李四")

    with visit.open(stranger.actor) as uow:
        assert service.list_of_account(uow) == []
    with visit.open(who.actor) as uow:
        assert [bill.id for bill in service.list_of_account(uow)] == [fee_bill(visit, made).id]
