"""What a patient sees of a registration fee that goes through the insurer: the wait, the figures, and the ways on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from app.identity.models import Patient
from app.insurance import covering, settling
from app.insurance.ports import INSURER
from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder
from app.payment.states import BillState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from tests import factories
from tests.conftest import SetClock
from tests.factories_fees import insure_fees
from tests.factories_insurer import MemoryInsurer
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold
from tests.web.work_fixtures import House


@dataclass
class Booking:
    """Somebody insured who has just tapped on a time, and the insurer whose bell the test rings."""

    phone: Phone
    house: House
    insurer: MemoryInsurer
    page: str

    def look(self) -> str:
        return self.phone.open(self.page).text

    def live(self) -> str:
        return self.phone.open(f"{self.page}/fee").text

    def ring(self) -> None:
        settling.work_due(self.house.units, self.insurer)

    def now(self) -> tuple[RegistrationState, BillState]:
        with self.house.units.open(reads_only=True) as uow:
            made = uow.session.scalars(select(Registration)).one()
            bill = uow.session.scalars(select(Bill).order_by(Bill.id.desc()).limit(1)).one()
            return made.state, bill.state

    def pay(self) -> str:
        """The fee is paid on its page as a browser would; where that leads."""
        bill = re.search(r'href="(/bills/[^"]+)"', self.look())
        assert bill
        asked = self.phone.send(f"{bill[1]}/pay")
        with self.house.units.open(reads_only=True) as uow:
            numbers = list(uow.session.scalars(select(PaymentOrder.out_trade_no)))
        for number in numbers:
            self.house.till.pay(number, self.house.clock.now())
        self.phone.send(f"{bill[1]}/look-up")
        return asked.location


@pytest.fixture
def booking(zhang: Phone, hospital: House) -> Booking:
    units: Units = replace(hospital.units, partners=frozenset({INSURER}))
    hospital.app.extensions["menzhen"] = replace(hospital.app.extensions["menzhen"], units=units)
    hospital = replace(hospital, units=units)
    with units.open() as uow:
        insure_fees(uow)
        tomorrow = factories.another_session(uow, hospital.clinic.practitioner)
        patient = uow.session.scalars(select(Patient)).one()
        covering.bind_coverage(uow, patient_id=patient.id, policy_code="employee", member_no="M12345678")
    hospital = replace(hospital, clinic=replace(hospital.clinic, session=tomorrow))
    return Booking(zhang, hospital, MemoryInsurer(), hold(zhang, hospital).location)


def test_the_wait_for_the_insurer_is_told_with_an_estimate_that_nobody_can_pay(
    booking: Booking, clock: SetClock
) -> None:
    told = booking.look()
    assert "正在向医保查询挂号费" in told
    assert "预估，以医保核定为准" in told
    assert 'href="/bills/' not in told
    assert "全部自费</button>" not in told
    assert "挂号费在医保处理中" in booking.phone.open("/").text

    clock.step(seconds=61)

    assert "医保还没有答复" in booking.look()
    assert "全部自费</button>" in booking.live()


def test_the_insurers_figures_are_shown_with_their_reasons_and_the_place_follows_the_settlement(
    booking: Booking,
) -> None:
    booking.ring()
    told = booking.live()
    bill = re.search(r'href="(/bills/[^"]+)"', told)
    assert bill
    assert "¥12.50" in told
    assert "医保统筹支付 50%" in booking.phone.open(bill[1]).text
    assert "去支付 ¥12.50" in booking.phone.open("/").text

    booking.pay()
    assert "已付款，正在医保结算" in booking.look()
    assert "您付的 ¥12.50 原路退回，医保部分撤销" in booking.phone.open(f"{booking.page}/cancel").text
    booking.ring()

    assert booking.now() == (RegistrationState.BOOKED, BillState.PAID)
    assert (
        "医保支付的 ¥12.50 先退回医保，您付的 ¥12.50 随后原路退回。"
        in booking.phone.open(f"{booking.page}/cancel").text
    )
    assert "挂号状态已更新" in booking.live()


def test_a_fee_that_insurance_pays_alone_is_confirmed_and_never_paid(booking: Booking) -> None:
    booking.insurer.fund_bp = 10_000
    booking.ring()
    told, home = booking.live(), booking.phone.open("/").text
    booking.pay()
    done = booking.look()
    booking.ring()

    assert ("挂号费不用再付，请确认" in told, "查看明细并确认" in told, "待支付" in told) == (True, True, False)
    assert ("等待确认" in home, "去支付" in home) == (True, False)
    assert ("已确认，正在医保结算" in done, "已付款" in done) == (True, False)
    assert booking.now() == (RegistrationState.BOOKED, BillState.PAID)


@pytest.mark.parametrize("way", ["self-pay", "insurance"])
def test_an_answer_that_must_not_be_believed_leaves_two_ways_on(booking: Booking, way: str) -> None:
    booking.insurer.flaw = "I3"
    booking.ring()
    told = booking.look()
    assert "医保结算未成功" in told
    assert "重新用医保结算" in told

    booking.insurer.flaw = ""
    booking.phone.send(f"{booking.page}/{way}")
    booking.ring()

    assert ("¥25.00" if way == "self-pay" else "¥12.50") in booking.live()


def test_moving_a_settled_visit_says_that_it_is_paid_anew(booking: Booking) -> None:
    booking.ring()
    booking.pay()
    booking.ring()
    with booking.house.units.open() as uow:
        later = factories.another_session(uow, booking.house.clinic.practitioner, days=2)

    told = booking.phone.open(f"{booking.page}/move/{later.public_id}").text

    assert "费用连同医保部分全额退回" in told
