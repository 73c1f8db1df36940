"""What the patient may choose beside paying: agree, leave out, pay all, ask again; and by which card."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests
from sqlalchemy import select

from app.insurance import binding, choosing, consents, covering, for_staff
from app.insurance import service as insurance
from app.insurance.models import SelfPayChoice, SplitSource
from app.insurance.states import SettlementState
from app.kernel.errors import VisitError
from app.kernel.uow import Units
from app.payment import asking
from app.payment.models import Bill, PayMethod
from app.payment.states import BillState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from tests.conftest import SetClock
from tests.factories_prescription import approved, line, order, received
from tests.factories_settlement import House, enrol, house, switch
from tests.sandbox.fixtures import RunningSandbox


@pytest.fixture
def home(units: Units, clock: SetClock, sandbox: RunningSandbox) -> House:
    return house(units, clock, sandbox)


def tap_pay(home: House, bill: Bill) -> asking.Asked:
    """Pay is tapped and nothing agreed to."""
    return asking.start(home.units, home.till, home.who.actor, bill.public_id, PayMethod.NATIVE)


def state_of(home: House, prescription: Prescription) -> PrescriptionState:
    with home.units.open(reads_only=True) as uow:
        return uow.session.get_one(Prescription, prescription.id).state


def split_of(home: House, prescription: Prescription):
    with home.units.open(reads_only=True) as uow:
        return insurance.live_split_of(uow, prescription)


def choices(home: House) -> list[tuple[str, str, str, str]]:
    with home.units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(SelfPayChoice).order_by(SelfPayChoice.id))
        return [(row.drug_name, row.decision.value, row.by_ref, row.words_version) for row in rows]


@pytest.mark.parametrize("code", ["VITC", "FISHOIL"], ids=["class C", "in no catalogue"])
def test_what_is_not_covered_is_charged_only_after_somebody_agreed(home: House, code: str) -> None:
    made = home.prescribed(line("AML5", 10), line(code))
    home.work()

    with pytest.raises(VisitError) as refusal:
        tap_pay(home, home.bill(made))
    with home.units.open(home.who.actor) as uow:
        consents.agree(uow, insurance.live_split_of(uow, made))
        consents.agree(uow, insurance.live_split_of(uow, made))

    assert (refusal.value.code, refusal.value.facts["lines"]) == ("consent_missing", [2])
    assert len(home.till.orders) == 0
    assert [(who, words) for _, _, who, words in choices(home)] == [
        (home.who.account.public_id, consents.WORDS_VERSION)
    ]
    assert tap_pay(home, home.bill(made)).out_trade_no


def test_who_is_not_insured_agrees_to_nothing(home: House) -> None:
    made = home.prescribed(line("VITC"))
    with home.units.open(home.who.actor) as uow:
        choosing.pay_self(uow, uow.session.get_one(Prescription, made.id))

    assert tap_pay(home, home.bill(made)).amount_fen == 39_00


def test_a_declined_line_is_left_out_and_the_doctor_can_see_it(home: House) -> None:
    made = home.prescribed(line("AML5", 10), line("VITC"), line("OME20"))
    home.work()

    with home.units.open(home.who.actor) as uow:
        rest = choosing.decline(uow, insurance.live_split_of(uow, made), 2)
    home.work()

    assert rest is not None
    assert (state_of(home, made), state_of(home, rest)) == (PrescriptionState.VOIDED, PrescriptionState.ISSUED)
    assert (home.bill(made).state, home.case(made).state) == (BillState.VOID, SettlementState.WITHDRAWN)
    with home.units.open(reads_only=True) as uow:
        assert [row.drug_name for row in consents.declined_of(uow, made.id)] == ["维生素C泡腾片"]
        assert [row.drug_code for row in prescriptions.lines_of(uow, rest.id)] == ["AML5", "OME20"]
        assert prescriptions.diagnosis_of(uow, rest).text == "慢性胃炎"
    approved(home.units, home.reviewer, rest)
    home.work()
    assert home.bill(rest).total_fen == 191_40
    home.pay(home.bill(rest))
    home.work()
    assert home.bill(rest).state is BillState.PAID


def test_the_same_order_sent_again_does_not_bring_a_declined_line_back(home: House) -> None:
    made = home.prescribed(line("AML5", 10), line("VITC"))
    home.work()
    with home.units.open(home.who.actor) as uow:
        rest = choosing.decline(uow, insurance.live_split_of(uow, made), 2)

    again = received(home.units, order(home.who.patient.id, line("AML5", 10), line("VITC"), number="RX1"))

    assert rest is not None
    assert again.id == rest.id


def test_when_nothing_is_left_the_prescription_is_void(home: House) -> None:
    made = home.prescribed(line("VITC"))
    home.work()

    with home.units.open(home.who.actor) as uow:
        assert choosing.decline(uow, insurance.live_split_of(uow, made), 1) is None

    assert state_of(home, made) is PrescriptionState.VOIDED


@pytest.mark.parametrize("line_no", [1, 9], ids=["covered", "not there"])
def test_only_what_is_not_covered_can_be_left_out(home: House, line_no: int) -> None:
    made = home.prescribed(line("AML5", 10), line("VITC"))
    home.work()

    with pytest.raises(VisitError) as refusal, home.units.open(home.who.actor) as uow:
        choosing.decline(uow, insurance.live_split_of(uow, made), line_no)

    assert refusal.value.code == "line_not_optional"


def test_a_held_answer_is_on_the_list_until_it_is_asked_again(home: House) -> None:
    switch(home.sandbox, "wrong_sum")
    made = home.prescribed()
    home.work()
    with home.units.open(reads_only=True) as uow:
        (case,) = for_staff.to_look_at(uow)

    with home.units.open() as uow:
        choosing.ask_again(uow, choosing.case_for_staff(uow, case.public_id)[1])
    home.work()

    with home.units.open(reads_only=True) as uow:
        assert for_staff.count_to_look_at(uow) == 0
    assert home.case(made).id != case.id
    assert home.bill(made).state is BillState.OPEN


def test_after_a_failed_settlement_the_patient_pays_all_or_asks_again(home: House) -> None:
    made = home.prescribed()
    home.work()
    switch(home.sandbox, "down")
    home.pay(home.bill(made))
    home.work()
    assert home.bill(made).state is BillState.VOID

    with home.units.open(home.who.actor) as uow:
        choosing.ask_again(uow, uow.session.get_one(Prescription, made.id))
    home.work()
    assert split_of(home, made).source is SplitSource.INSURER
    with home.units.open(home.who.actor) as uow:
        choosing.pay_self(uow, uow.session.get_one(Prescription, made.id))
    home.work()
    bill = home.bill(made)
    home.pay(bill)
    home.work()

    assert (home.bill(made).state, bill.cash_fen) == (BillState.PAID, 191_40)
    assert [row["state"] for row in home.books()] == ["undone"] or home.books() == []


def test_nothing_is_chosen_while_the_money_is_under_way(home: House) -> None:
    made = home.prescribed()
    home.work()
    home.pay(home.bill(made))

    with pytest.raises(VisitError) as refusal, home.units.open(home.who.actor) as uow:
        choosing.pay_self(uow, uow.session.get_one(Prescription, made.id))

    assert refusal.value.code == "settlement_under_way"


def bind(home: House, kind: str, number: str) -> None:
    binding.bind(home.units, home.insurer, home.who.actor, home.who.patient.public_id, kind, number)


def test_a_card_and_a_voucher_bind_whom_the_insurer_names(home: House) -> None:
    number = "11010519491231002X"
    card = enrol(home.sandbox, policy="retired", balance_fen=12_34)
    bind(home, binding.INSURANCE_CARD, card)
    with home.units.open(reads_only=True) as uow:
        by_card = covering.coverage_of(uow, home.who.patient.id)
    other = enrol(home.sandbox, policy="resident", certno=number)
    told = requests.post(f"{home.sandbox.http_url}/sandbox/insurer/token", json={"card_no": other}, timeout=30).json()

    with pytest.raises(VisitError) as refusal:
        bind(home, binding.TOKEN, told["token"])
    with pytest.raises(VisitError) as used:
        bind(home, binding.TOKEN, told["token"])

    assert by_card is not None
    assert (by_card.policy_code, by_card.account_balance_fen) == ("retired", 12_34)
    assert refusal.value.code == "card_of_another"
    assert used.value.code == "card_not_accepted"


def test_a_voucher_keeps_the_identity_number_for_later(home: House) -> None:
    from app.identity import service as identity
    from app.identity.models import Patient

    with home.units.open(reads_only=True) as uow:
        number = identity.id_number_of(uow, uow.session.get_one(Patient, home.who.patient.id))
    card = enrol(home.sandbox, policy="employee", certno=number)
    told = requests.post(f"{home.sandbox.http_url}/sandbox/insurer/token", json={"card_no": card}, timeout=30).json()

    bind(home, binding.TOKEN, told["token"])
    made = home.prescribed(line("AML5", 10))
    home.work()

    assert home.bill(made).state is BillState.OPEN
    with home.units.open(reads_only=True) as uow:
        coverage = covering.coverage_of(uow, home.who.patient.id)
        assert coverage is not None
        assert (coverage.certificate_kind, covering.member_no_of(uow, coverage)) == ("02", number)


@pytest.mark.parametrize(("number", "code"), [("C00000000000", "card_not_accepted"), ("x", "member_no_not_valid")])
def test_a_card_nobody_knows_binds_nobody(home: House, number: str, code: str) -> None:
    with pytest.raises(VisitError) as refusal:
        bind(home, binding.INSURANCE_CARD, number)

    assert refusal.value.code == code


def test_an_insurer_that_is_down_is_said_to_be(home: House) -> None:
    switch(home.sandbox, "down")

    with pytest.raises(VisitError) as refusal:
        bind(home, binding.INSURANCE_CARD, home.card)

    assert refusal.value.code == "insurer_unavailable"


def test_whoever_is_insured_elsewhere_is_estimated_as_such(home: House) -> None:
    person = replace(home.insurer.identify(binding.Certificate("03", enrol(home.sandbox, policy="out_of_town"), "x")))

    assert binding.policy_of(person) == "out_of_town"
