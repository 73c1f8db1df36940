"""An insured bill is settled and paid in one go, before the sandbox's gateway and insurer: both parts, or neither."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import requests
from sqlalchemy import select

from app.couriers.mobile_insurance import MobilePayCentre
from app.couriers.wechat_med_ins import WeChatMedIns
from app.couriers.wechat_pay import WeChatPayCourier, notification_keys
from app.identity.models import AccountChannel
from app.insurance import settling
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.kernel.clock import SystemClock
from app.kernel.uow import Actor, Units
from app.payment import asking, mixed_querying, mixing, querying, receiving, refunds, service
from app.payment.asking import Asked
from app.payment.errors import AlreadyPaid, NotMixed, PaymentUnavailable, PaymentUnclear
from app.payment.models import Bill, MixedOrder, PaymentOrder, PayMethod
from app.payment.states import BillState, MixedOrderState, OrderState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.registration import service as registration
from tests import factories
from tests.conftest import SetClock
from tests.contracts.gateways import Post, wechat
from tests.contracts.test_mobile_insurance import settings as mobile_settings
from tests.factories_prescription import order, received
from tests.factories_settlement import House, agree, house
from tests.sandbox.fixtures import RunningSandbox

OPENID = "oZhangXiuying0000000000000001"


class HospitalClock(SetClock):
    """The hospital's time stands where the test puts it, and the world's goes on."""

    def wall_now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.server.shutdown()


@dataclass
class Home:
    """A house that can mix, and its jobs by hand."""

    house: House
    partners: mixing.Partners
    post: Post

    @property
    def units(self) -> Units:
        return self.house.units

    def drive(self, path: str, **order: object) -> None:
        url = f"{self.house.sandbox.http_url}/sandbox/{path}"
        requests.post(url, json=order, timeout=30).raise_for_status()

    def billed(self) -> Bill:
        """A prescription whose bill stands by the insurer's figures; the patient agreed to what they pay alone."""
        made = self.house.prescribed()
        self.jobs()
        bill = self.house.bill(made)
        agree(self.units, self.house.who, bill)
        return bill

    def start(self, bill: Bill) -> Asked:
        return mixing.start(self.units, self.partners, self.house.who.actor, bill.public_id)

    def pay(self, asked: Asked) -> None:
        """The patient types the password of their electronic insurance card."""
        self.drive("wxpay/med-ins/pay", out_trade_no=asked.out_trade_no)

    def jobs(self) -> None:
        """Every bell has rung once or a few times, as it would within some seconds."""
        for _ in range(4):
            settling.work_due(self.units, self.house.insurer, self.partners.centre)
            mixed_querying.query_due(self.units, self.partners)
            querying.query_missing(self.units, self.partners.payments)
            querying.close_expired(self.units, self.partners.payments)
            refunds.send_refunds(self.units, self.partners.payments)
            refunds.query_refunds(self.units, self.partners.payments)
            mixed_querying.tell_refunds(self.units, self.partners.mixed)

    def after(self, *, seconds: int) -> None:
        """Hospital time passes, with the bells ringing every five seconds."""
        for _ in range(0, seconds, 5):
            self.house.clock.step(seconds=5)
            mixed_querying.query_due(self.units, self.partners)
            querying.query_missing(self.units, self.partners.payments)

    def bill(self, bill: Bill) -> Bill:
        with self.units.open(reads_only=True) as uow:
            return uow.session.get_one(Bill, bill.id)

    def order(self) -> tuple[PaymentOrder, MixedOrder]:
        with self.units.open(reads_only=True) as uow:
            mixed = uow.session.scalars(select(MixedOrder).order_by(MixedOrder.id.desc()).limit(1)).one()
            return uow.session.get_one(PaymentOrder, mixed.payment_order_id), mixed

    def case(self) -> Settlement:
        """The newest settlement."""
        with self.units.open(reads_only=True) as uow:
            return uow.session.scalars(select(Settlement).order_by(Settlement.id.desc()).limit(1)).one()

    def settled(self) -> list[str]:
        return [row["state"] for row in self.house.books()]


@pytest.fixture
def home(units: Units, sandbox: RunningSandbox, post: Post) -> Home:
    clock = HospitalClock(units.clock.now())
    made = house(replace(units, clock=clock), clock, sandbox)
    with made.units.open() as uow:
        uow.session.add(AccountChannel(account_id=made.who.account.id, system="wechat", value=OPENID))
    gateway = wechat(sandbox, post)
    named = replace(
        gateway.settings, med_city_id="110000", med_code=sandbox.env["FSI_HOSPITAL_CODE"], med_name="仁和示范医院"
    )
    courier = WeChatPayCourier(named, post.url, SystemClock())
    mixed = WeChatMedIns(courier, named, post.url, SystemClock())
    centre = MobilePayCentre(mobile_settings(sandbox), SystemClock())
    home = Home(made, mixing.Partners(courier, mixed, centre), post)
    for provider, mode in (("wxpay", "drop"), ("wxpay", "api_down"), ("insurer", "down"), ("wxpay", "med_ins_fail")):
        home.drive(f"{provider}/switch", mode=mode, scope="off")
    return home


def test_both_parts_are_paid_in_one_go_and_no_2207_is_sent(home: Home):
    bill = home.billed()
    asked = home.start(bill)
    assert set(asked.call_up) == {"appid", "mixTradeNo", "timeStamp", "nonceStr", "package", "signType", "paySign"}

    home.pay(asked)
    home.after(seconds=25)
    home.jobs()

    order, mixed = home.order()
    assert home.bill(bill).state is BillState.PAID
    assert (order.state, mixed.state, order.settles_bill) == (OrderState.PAID, MixedOrderState.PAID, True)
    assert home.settled() == ["settled"]
    with home.units.open(reads_only=True) as uow:
        case = uow.session.scalars(select(Settlement)).one()
    assert (case.state, case.message_id, case.pay_order_id) == (SettlementState.SETTLED, None, mixed.pay_order_id)
    assert home.house.invoices() == 1
    books = requests.get(f"{home.house.sandbox.http_url}/sandbox/wxpay/med-ins/books", timeout=30).json()
    # A hospital's own drugs are paid 诊间; 药店 is for retail pharmacies.
    assert [row["order_type"] for row in books if row["mix_trade_no"] == mixed.mix_trade_no] == ["DIAG_PAY"]


def test_with_every_notification_lost_a_mixed_payment_is_found_within_a_minute(home: Home):
    home.drive("wxpay/switch", mode="drop", scope="all")
    bill = home.billed()
    home.pay(home.start(bill))

    home.after(seconds=60)

    assert home.bill(bill).state is BillState.PAID


@pytest.mark.long
def test_with_every_notification_lost_a_plain_payment_is_found_within_five_minutes(home: Home):
    home.drive("wxpay/switch", mode="drop", scope="all")
    bill = home.billed()
    asked = asking.start(home.units, home.partners.payments, home.house.who.actor, bill.public_id, PayMethod.NATIVE)
    home.drive("wxpay/pay", out_trade_no=asked.out_trade_no)

    home.after(seconds=300)

    assert home.bill(bill).state in {BillState.SETTLING, BillState.PAID}


@pytest.mark.long
def test_control_without_the_query_a_lost_notification_leaves_the_bill_open(home: Home):
    home.drive("wxpay/switch", mode="drop", scope="all")
    bill = home.billed()
    home.pay(home.start(bill))

    home.house.clock.step(seconds=300)
    receiving.process_notifications(home.units)

    assert home.bill(bill).state is BillState.OPEN


@pytest.mark.long
def test_cash_told_of_before_insurances_part_settles_nothing(home: Home):
    bill = home.billed()
    asked = home.start(bill)
    home.pay(asked)

    querying.look(home.units, home.partners.payments, home.order()[0].id, asked.out_trade_no)
    assert (home.bill(bill).state, home.order()[0].state) == (BillState.OPEN, OrderState.PAID)
    settling.work_due(home.units, home.house.insurer, home.partners.centre)
    home.after(seconds=25)

    assert home.bill(bill).state is BillState.PAID
    assert home.settled() == ["settled"]


def test_the_notification_is_believed_and_the_order_asked_about_at_once(home: Home):
    bill = home.billed()
    asked = home.start(bill)
    home.pay(asked)
    keys = notification_keys(wechat(home.house.sandbox, home.post).settings)
    number = home.order()[1].mix_trade_no or ""

    def is_about_it(headers: dict[str, str], body: bytes) -> bool:
        from app.payment.notifications import read_notification

        return read_notification(headers, body, datetime.now(UTC), keys).facts.get("mix_trade_no") == number

    headers, body = home.post.letter(is_about_it)
    statuses = {receiving.accept(home.units, keys, headers, body) for _ in range(3)}
    receiving.process_notifications(home.units)
    mixed_querying.query_due(home.units, home.partners)

    assert statuses == {204}
    assert home.bill(bill).state is BillState.PAID


def test_twenty_taps_at_once_place_one_order(home: Home):
    bill = home.billed()

    with ThreadPoolExecutor(20) as pool:
        asked = list(pool.map(lambda _: home.start(bill), range(20)))

    assert len({each.out_trade_no for each in asked}) == len({each.call_up["mixTradeNo"] for each in asked}) == 1
    with home.units.open(reads_only=True) as uow:
        assert len(uow.session.scalars(select(MixedOrder)).all()) == 1


def test_cash_taken_while_the_insurer_said_no_goes_back(home: Home):
    bill = home.billed()
    asked = home.start(bill)
    home.drive("wxpay/switch", mode="med_ins_fail", scope="next")
    home.pay(asked)

    home.after(seconds=25)
    home.jobs()

    order, mixed = home.order()
    assert (mixed.state, home.bill(bill).state) == (MixedOrderState.FAILED, BillState.OPEN)
    assert order.state in {OrderState.REFUND_DUE, OrderState.REFUNDED}
    assert home.settled() == []


@pytest.mark.long
def test_a_mixed_payment_that_nobody_makes_ends_here_and_there(home: Home):
    bill = home.billed()
    asked = home.start(bill)
    home.house.clock.step(minutes=31)

    home.jobs()

    order, mixed = home.order()
    assert (order.state, mixed.state) == (OrderState.CLOSED, MixedOrderState.FAILED)
    with pytest.raises(requests.HTTPError):
        home.drive("wxpay/pay", out_trade_no=asked.out_trade_no)


def test_what_was_paid_in_one_go_goes_back_to_both_and_the_provider_is_told(home: Home):
    bill = home.billed()
    before = home.house.used()
    home.pay(home.start(bill))
    home.after(seconds=25)
    with home.units.open(Actor("staff", "s1")) as uow:
        written = uow.session.get_one(Prescription, bill.subject_id)
        prescriptions.take_back(uow, public_id=written.public_id, reason="过敏")

    home.jobs()

    order, mixed = home.order()
    assert home.settled() == ["cancelled"]
    assert home.house.used() == before
    books = requests.get(f"{home.house.sandbox.http_url}/sandbox/wxpay/med-ins/books", timeout=30).json()
    told = next(row for row in books if row["mix_trade_no"] == mixed.mix_trade_no)
    insured = bill.fund_fen + bill.other_fen + bill.account_fen
    assert list(told["refunds"].values()) == [insured]
    assert order.state in {OrderState.REFUND_DUE, OrderState.REFUNDED}


def test_a_prescription_that_fell_before_the_payment_costs_nothing(home: Home):
    bill = home.billed()
    before = home.house.used()
    asked = home.start(bill)
    received(home.units, order(home.house.who.patient.id, number="RX1", action="CA"))
    home.pay(asked)

    home.after(seconds=25)
    home.jobs()

    assert home.house.used() == before
    assert home.bill(bill).state is BillState.VOID
    assert home.order()[0].state in {OrderState.REFUND_DUE, OrderState.REFUNDED}


@pytest.mark.long
def test_a_paid_bill_is_not_asked_for_again(home: Home):
    bill = home.billed()
    home.pay(home.start(bill))
    home.after(seconds=25)

    with pytest.raises(AlreadyPaid):
        home.start(bill)


@pytest.mark.long
def test_an_insurer_that_is_away_costs_nobody_anything(home: Home):
    bill = home.billed()
    home.drive("insurer/switch", mode="down", scope="next")

    with pytest.raises((PaymentUnclear, PaymentUnavailable)):
        home.start(bill)
    home.house.clock.step(minutes=31)
    home.jobs()

    assert home.bill(bill).state is BillState.OPEN
    assert home.order()[1].state is MixedOrderState.FAILED


@pytest.mark.long
def test_an_answer_that_was_lost_is_found_under_the_same_number(home: Home):
    bill = home.billed()
    gateway = home.partners.mixed
    original = home.partners

    class Deaf:
        """The provider's mixed orders, whose answer to the placing never arrives."""

        def place(self, asking: object) -> object:
            from app.payment.ports import ProviderAway

            gateway.place(asking)  # type: ignore[arg-type]
            raise ProviderAway("timed out")

    home.partners = replace(original, mixed=Deaf())  # type: ignore[arg-type]
    with pytest.raises(PaymentUnclear):
        home.start(bill)
    home.partners = original
    home.after(seconds=25)

    assert home.order()[1].state is MixedOrderState.PLACED
    assert home.start(bill).call_up["mixTradeNo"] == home.order()[1].mix_trade_no


@pytest.mark.long
def test_a_bill_that_no_insurer_quoted_is_not_mixed(home: Home):
    with home.units.open() as uow:
        clinic = factories.clinic(uow)
    who = home.house.who
    with home.units.open(who.actor) as uow:
        registration.hold(uow, session_public_id=clinic.session.public_id, patient_public_id=who.patient.public_id)
    with home.units.open(who.actor, reads_only=True) as uow:
        fee = service.list_of_account(uow)[0]

    with pytest.raises(NotMixed):
        home.start(fee)
