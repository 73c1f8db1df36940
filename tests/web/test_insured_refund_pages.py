"""How far a refund is that waits for the insurer: the patient, the cashier and the finance office read the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from app.identity.models import Account, Patient, PatientLink
from app.insurance import covering, settling
from app.insurance.models import Settlement
from app.insurance.ports import INSURER
from app.payment import cashier as cashier_window
from app.payment import refunds, shifts
from app.payment.models import Bill, PayMethod, Purpose
from app.payment.rules import Tender
from app.payment.states import BillState
from app.registration.models import Registration
from tests import factories
from tests.factories_insurer import MemoryInsurer
from tests.factories_prescription import line
from tests.web.conftest import Phone
from tests.web.work_fixtures import ROLES, House


@dataclass
class Insured:
    """A house that settles with its insurer, and a paid bill of the patient whose phone is at hand."""

    house: House
    insurer: MemoryInsurer
    bill: Bill
    account: Account

    def work(self) -> None:
        """The bells have rung a few times."""
        for _ in range(8):
            settling.work_due(self.house.units, self.insurer)  # type: ignore[arg-type]
        refunds.send_refunds(self.house.units, self.house.till)

    def ask(self, **pieces: int) -> str:
        """The finance office gives so many pieces of the lines back."""
        form = {f"line-{name[1:]}": str(count) for name, count in pieces.items()} | {"reason": "药品退回"}
        browser = self.house.browser("finance")
        browser.post(f"/staff/refunds/bills/{self.bill.public_id}", data=form)
        return browser.get(f"/staff/refunds/bills/{self.bill.public_id}").text

    def decide(self, deed: str) -> int:
        with self.house.units.open(reads_only=True) as uow:
            case = uow.session.scalars(select(Settlement).order_by(Settlement.id.desc())).first()
        return self.house.browser("finance").post(f"/staff/settlements/{case.public_id}/{deed}").status_code


@pytest.fixture
def insured(zhang: Phone, hospital: House, monkeypatch: pytest.MonkeyPatch) -> Insured:
    monkeypatch.setitem(hospital.app.config, "WTF_CSRF_ENABLED", False)
    units = replace(hospital.units, partners=frozenset({INSURER}))
    house, insurer = replace(hospital, units=units), MemoryInsurer()
    house.app.extensions["menzhen"] = replace(house.app.extensions["menzhen"], units=units)
    with units.open() as uow:
        for login in ("finance", "cashier"):
            house.actors[login] = factories.staff(uow, *ROLES[login], login=login)
        patient = uow.session.scalars(select(Patient)).one()
        link = uow.session.scalars(select(PatientLink)).one()
        who = factories.Person(uow.session.get_one(Account, link.account_id), patient)
        covering.bind_coverage(uow, patient_id=patient.id, policy_code="employee", member_no="M12345678")
    _, visit = house.booked(who=who)
    house.approve(house.prescribe(who, visit, line("AML5", 3), line("OME20")))
    made = Insured(house, insurer, Bill(), who.account)
    made.work()
    house.pay(who)
    made.work()
    with units.open(reads_only=True) as uow:
        made.bill = uow.session.scalars(select(Bill).where(Bill.purpose == Purpose.PRESCRIPTION)).one()
    assert made.bill.state is BillState.PAID
    return made


def test_a_line_goes_back_and_everybody_sees_how_far_it_is(insured: Insured, zhang: Phone) -> None:
    page = f"/bills/{insured.bill.public_id}"

    shown = insured.ask(l2=1)
    first = zhang.open(page).text
    settling.work_due(insured.house.units, insured.insurer)  # type: ignore[arg-type]
    second = zhang.open(page).text
    insured.work()
    third = zhang.open(page).text

    assert "等待医保撤销" in shown
    assert "医保撤销中" in first
    assert "退款金额待医保确定" in first
    assert "医保重新结算中" in second
    assert "退款 ¥11.20" in third
    assert "另有 ¥11.20 退回医保。" in third
    assert "退款中" in third
    assert list(insured.insurer.settled.values()) == [25_35]


def test_a_reversal_that_the_insurer_refuses_is_decided_on_the_console(
    insured: Insured, caplog: pytest.LogCaptureFixture
) -> None:
    insured.insurer.refuses = True
    insured.ask(l1=3, l2=1)
    insured.work()
    finance = insured.house.browser("finance")

    listed = finance.get("/staff/settlements").text
    wrong = insured.decide("nosuch")
    insured.decide("take-back")
    insured.work()
    insured.decide("by-word")
    insured.work()

    assert "医保不肯撤销" in listed
    assert "已清算" in listed
    assert "does not take it back (2208)" in caplog.text
    assert "已清算" not in caplog.text  # an insurer's words may name a person
    assert wrong == 404
    assert len(insured.house.till.refunds) == 1
    assert "没有待处理的结算" in finance.get("/staff/settlements").text


def test_a_reversal_of_which_nothing_certain_is_told_is_sent_again_when_somebody_made_sure(insured: Insured) -> None:
    insured.insurer.is_deaf = True
    insured.ask(l1=3, l2=1)
    for _ in range(4):
        insured.work()
        insured.house.clock.step(minutes=6)
    listed = insured.house.browser("finance").get("/staff/settlements").text

    insured.insurer.is_deaf = False
    insured.decide("take-back")
    insured.work()

    assert "撤销结果未知，正在核实" in listed
    assert insured.insurer.settled == {}
    assert len(insured.house.till.refunds) == 1


@pytest.mark.parametrize(("deed", "words"), [("again", "重新结算中"), ("give-all-back", "退款 ¥36.55")])
def test_a_rest_that_is_not_settled_is_asked_for_again_or_goes_back_too(
    insured: Insured, zhang: Phone, deed: str, words: str
) -> None:
    insured.insurer.flaw = "I3"
    insured.ask(l2=1)
    insured.work()
    listed = insured.house.browser("finance").get("/staff/settlements").text

    insured.decide(deed)

    assert "整单退费" in listed
    assert "/self-pay" not in listed
    assert words in zhang.open(f"/bills/{insured.bill.public_id}").text


def test_the_cashier_reads_that_a_refund_waits_for_the_insurer(insured: Insured) -> None:
    house, cashier = insured.house, insured.house.actors["cashier"]
    with house.units.open() as uow:
        patient = uow.session.scalars(select(Patient)).one()
        visit = uow.session.scalars(select(Registration)).one()
    who = factories.Person(insured.account, patient)
    house.approve(house.prescribe(who, visit, line("AML5", 3), line("OME20")))
    insured.work()
    with house.units.open(cashier) as uow:
        shifts.open_shift(uow, float_fen=0)
        bill = uow.session.scalars(select(Bill).where(Bill.state == BillState.OPEN)).one()
    cashier_window.take(house.units, cashier, bill.public_id, Tender(PayMethod.CASH, bill.cash_fen))
    insured.work()
    page = f"/window/cashier/patients/{patient.public_id}"
    insured.bill = bill
    insured.ask(l2=1)

    waiting = house.browser("cashier").get(page).text
    insured.work()
    ready = house.browser("cashier").get(page).text

    assert "有 1 笔退款在等医保" in waiting
    assert "待退还" not in waiting
    assert "待退还 ¥11.20" in ready
