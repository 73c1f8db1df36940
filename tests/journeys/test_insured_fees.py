"""A registration fee that goes through the sandbox's insurer: both parts book the place, or nobody is charged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.events import CashPaid
from app.insurance import choosing, followers
from app.insurance import service as insurance
from app.insurance.models import SplitSource
from app.insurance.states import SettlementState
from app.invoice import service as invoices
from app.kernel.clock import hospital_day
from app.kernel.moves import IllegalMove
from app.kernel.uow import Units
from app.ledger import proving
from app.payment import service as payment
from app.payment.models import Purpose
from app.payment.states import BillState
from app.reconciliation import insured
from app.registration import at_desk, by_time, closing, rescheduling
from app.registration import service as registrations
from app.registration.models import Registration
from app.registration.states import RegistrationState
from tests import factories
from tests.conftest import SetClock
from tests.factories_fees import FEE_FEN, Desk, desk
from tests.factories_settlement import House, house, switch
from tests.hl7.test_outbound import told
from tests.sandbox.fixtures import RunningSandbox

# 50.00, all in scope and within the deductible: the account pays 30.00.
FEE_PARTS = (0, 0, 30_00, 20_00)
S, R, B = SettlementState, RegistrationState, BillState


@pytest.fixture
def home(units: Units, clock: SetClock, sandbox: RunningSandbox) -> House:
    for mode in ("down", "slow", "late", "wrong_sum", "wrong_person", "twice"):
        switch(sandbox, mode, "off")
    return house(units, clock, sandbox)


@pytest.fixture
def lobby(home: House) -> Desk:
    return desk(home)


def assert_nothing_charged(lobby: Desk) -> None:
    home = lobby.house
    home.finish_refunds()
    paid, returned = home.paid_and_returned()
    assert paid == returned
    assert "settled" not in [row["state"] for row in home.books()]
    assert home.used() == (0, 0, 30_00)


def pay_self(lobby: Desk, made: Registration) -> None:
    with lobby.house.units.open(lobby.house.who.actor) as uow:
        choosing.pay_self(uow, registrations.of_account(uow, made.public_id))


def test_the_fee_carries_the_insurers_figures_and_the_place_is_the_patients_once_both_parts_are_in(
    lobby: Desk,
) -> None:
    made = lobby.hold()
    with lobby.house.units.open(reads_only=True) as uow:
        estimate = insurance.live_split_of(uow, made)
        assert payment.newest_bill_of(uow, Purpose.REGISTRATION, made.id) is None
    assert estimate is not None
    assert estimate.source is SplitSource.ESTIMATE

    lobby.house.work()
    bill = lobby.bill(made)
    assert (bill.fund_fen, bill.other_fen, bill.account_fen, bill.cash_fen) == FEE_PARTS
    lobby.house.pay(bill)
    assert (lobby.bill(made).state, lobby.now(made).state) == (B.SETTLING, R.HELD)
    lobby.house.work()

    assert (lobby.bill(made).state, lobby.now(made).state) == (B.PAID, R.BOOKED)
    assert lobby.house.used() == (FEE_FEN, 0, 0)
    assert lobby.house.invoices() == 1


def test_a_fee_that_insurance_pays_alone_books_the_place_by_the_settlement(home: House) -> None:
    lobby = desk(home, fee_fen=25_00)
    made = lobby.quoted()
    assert lobby.bill(made).cash_fen == 0

    assert home.ask(lobby.bill(made)).is_settled
    home.work()

    assert (lobby.bill(made).state, lobby.now(made).state) == (B.PAID, R.BOOKED)
    lobby.cancel(made)
    home.work()
    assert lobby.bill(made).state is B.REFUNDED
    assert_nothing_charged(lobby)


@pytest.mark.parametrize("whose", ["rule_off", "nobody_insured", "at_the_window"])
def test_whose_fee_is_no_affair_of_the_insurers_pays_it_alone(home: House, whose: str) -> None:
    lobby = desk(home, is_insured=whose != "rule_off")
    with home.units.open() as uow:
        stranger = factories.person(uow, name="王磊")
        clerk = factories.staff(uow, "window")
    if whose == "at_the_window":
        with home.units.open(clerk) as uow:
            at_desk.register(
                uow,
                patient_public_id=home.who.patient.public_id,
                session_public_id=lobby.clinic.session.public_id,
            )
            made = uow.session.query(Registration).one()
    else:
        who = stranger if whose == "nobody_insured" else home.who
        made = factories.held(home.units, who, lobby.clinic.session)

    bill = lobby.bill(made)

    assert (bill.state, bill.cash_fen, bill.split_id) == (B.OPEN, FEE_FEN, None)
    for choice in (choosing.ask_again, choosing.pay_self):
        with home.units.open() as uow, pytest.raises(IllegalMove):
            choice(uow, uow.session.get_one(Registration, made.id))


@pytest.mark.parametrize("when", ["asked", "quoted"])
@pytest.mark.parametrize("how", ["expired", "cancelled", "stopped"])
def test_a_place_that_is_given_up_unpaid_leaves_nothing_at_the_insurer(
    lobby: Desk, clock: SetClock, when: str, how: str
) -> None:
    made = lobby.hold() if when == "asked" else lobby.quoted()

    give_up(lobby, made, how, clock)
    lobby.house.work()

    assert lobby.house.case(made).state is S.WITHDRAWN
    with lobby.house.units.open(reads_only=True) as uow:
        bill = payment.newest_bill_of(uow, Purpose.REGISTRATION, made.id)
        assert bill is None or bill.state is B.VOID
        assert insurance.live_split_of(uow, made) is None
    assert_nothing_charged(lobby)


def give_up(lobby: Desk, made: Registration, how: str, clock: SetClock) -> None:
    if how == "cancelled":
        return lobby.cancel(made)
    if how == "expired":
        clock.step(minutes=11)
    with lobby.house.units.open() as uow:
        if how == "expired":
            assert by_time.expire_due(uow) == 1
        else:
            closing.stop_session(uow, public_id=lobby.clinic.session.public_id, why="stopped")
    return None


@pytest.mark.parametrize("how", ["cancelled", "stopped"])
def test_a_paid_place_that_is_given_back_is_taken_back_at_the_insurer_before_the_cash_goes(
    lobby: Desk, clock: SetClock, how: str
) -> None:
    made = lobby.booked()
    switch(lobby.house.sandbox, "down", "all")
    give_up(lobby, made, how, clock)
    lobby.house.work()
    assert lobby.house.till.refunds == {}

    switch(lobby.house.sandbox, "down", "off")
    clock.step(minutes=2)
    lobby.house.work()
    lobby.house.finish_refunds()

    assert lobby.house.case(made).state is S.REVERSED
    assert lobby.bill(made).state is B.REFUNDED
    assert_nothing_charged(lobby)


def test_a_place_given_up_while_the_insurer_settles_is_undone_and_the_cash_goes_back(lobby: Desk) -> None:
    made = lobby.quoted()
    lobby.house.pay(lobby.bill(made))
    assert lobby.bill(made).state is B.SETTLING

    lobby.cancel(made)
    lobby.house.work()

    assert lobby.bill(made).state is B.VOID
    assert lobby.now(made).state is R.CANCELLED
    assert_nothing_charged(lobby)


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "control"])
def test_the_hold_outlasts_the_settlement_of_what_was_paid_in_its_last_second(
    lobby: Desk, clock: SetClock, keeps: bool
) -> None:
    if not keeps:
        hasty = {**lobby.house.units.story, CashPaid: (followers.settle_when_cash_paid,)}
        lobby.house.units = replace(lobby.house.units, story=hasty)
    made = lobby.quoted()
    clock.step(minutes=9, seconds=58)
    lobby.house.pay(lobby.bill(made))
    clock.step(seconds=5)

    with lobby.house.units.open() as uow:
        assert by_time.expire_due(uow) == (0 if keeps else 1)
    lobby.house.work()

    assert lobby.now(made).state is (R.BOOKED if keeps else R.EXPIRED)


def test_whoever_does_not_wait_for_the_insurer_pays_the_whole_fee(lobby: Desk) -> None:
    switch(lobby.house.sandbox, "down", "all")
    made = lobby.quoted()
    assert lobby.house.case(made).state is S.WANTED

    pay_self(lobby, made)
    lobby.house.pay(lobby.bill(made))
    switch(lobby.house.sandbox, "down", "off")
    lobby.house.work()

    assert (lobby.bill(made).cash_fen, lobby.bill(made).state, lobby.now(made).state) == (FEE_FEN, B.PAID, R.BOOKED)
    assert lobby.house.used() == (0, 0, 30_00)
    lobby.cancel(made)
    lobby.house.work()
    assert_nothing_charged(lobby)


def test_a_settlement_that_cannot_be_had_gives_the_cash_back_and_the_place_can_still_be_paid(lobby: Desk) -> None:
    made = lobby.quoted()
    lobby.house.pay(lobby.bill(made))
    switch(lobby.house.sandbox, "twice")
    lobby.house.work()
    assert (lobby.bill(made).state, lobby.now(made).state) == (B.VOID, R.HELD)

    pay_self(lobby, made)
    lobby.house.pay(lobby.bill(made))

    assert lobby.now(made).state is R.BOOKED


def test_money_that_comes_after_the_hold_goes_back_since_the_figures_fell_with_it(lobby: Desk, clock: SetClock) -> None:
    made = lobby.quoted()
    asked = lobby.house.ask(lobby.bill(made))
    clock.step(minutes=11)
    with lobby.house.units.open() as uow:
        by_time.expire_due(uow)

    lobby.house.tell(asked)
    lobby.house.work()

    assert lobby.now(made).state is R.EXPIRED
    assert_nothing_charged(lobby)


def test_a_visit_whose_fee_the_insurer_settled_is_exchanged_for_one_that_it_settles_anew(lobby: Desk) -> None:
    made = lobby.booked()
    home = lobby.house
    with home.units.open() as uow:
        later = factories.another_session(uow, lobby.clinic.practitioner, days=2, fee_fen=FEE_FEN)
    with home.units.open(home.who.actor) as uow:
        taken = rescheduling.reschedule(uow, public_id=made.public_id, session_public_id=later.public_id)
    assert taken.id != made.id

    home.work()
    home.pay(lobby.bill(taken))
    home.work()
    home.finish_refunds()

    assert (lobby.now(made).state, lobby.now(taken).state) == (R.CANCELLED, R.BOOKED)
    assert (lobby.bill(made).state, lobby.bill(taken).state) == (B.REFUNDED, B.PAID)
    assert sorted(row["state"] for row in home.books()) == ["cancelled", "settled"]


def test_every_book_tells_of_a_settled_fee_as_of_any_settled_bill(lobby: Desk) -> None:
    made = lobby.booked()
    home, bill = lobby.house, lobby.bill(made)
    with home.units.open(home.who.actor) as uow:
        (invoice,) = invoices.list_of_account(uow)
        assert (invoice.account_fen, invoice.cash_fen, invoice.registration_id) == (30_00, 20_00, made.id)
        assert invoices.paper_fields(uow, invoice, payee="仁和示范医院")["details"][0]["insurance_class"] == "甲"
    with home.units.open(reads_only=True) as uow:
        settled_on = hospital_day(home.case(made).settled_at, uow.zone)
        (day,) = [each for each in insured.totals_of(uow, settled_on) if each.count]
        assert (day.count, day.total_fen, day.fund_fen, day.account_fen) == (1, FEE_FEN, 0, 30_00)
    paid = told(home.units, "BillPaid", bill_id=bill.id, patient_id=home.who.patient.id)
    assert paid is not None
    assert [(line.get("6"), line.written(11), line.written(15)) for line in paid.segments("FT1")] == [
        ("CG", "50.00&CNY", "30.00&CNY"),
        ("PY", "50.00&CNY", "30.00&CNY"),
    ]

    lobby.cancel(made)
    home.work()
    home.finish_refunds()

    with home.units.open(reads_only=True) as uow:
        assert proving.flaws(uow) == []
        (refund,) = payment.refunds_of(uow, bill.id)
    back = told(home.units, "RefundSucceeded", refund_id=refund.id, bill_id=bill.id)
    assert back is not None
    [line] = back.segments("FT1")
    assert (line.get("6"), line.written(11), line.written(15)) == ("CD", "50.00&CNY", "30.00&CNY")
