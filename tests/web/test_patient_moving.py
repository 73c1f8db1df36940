"""A visit is moved on the phone: the pages say what it costs, and the money follows by itself."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import select

from app.kernel.uow import Units
from app.notifications.models import Message
from app.payment import service as payment
from app.payment.models import Bill, Refund
from app.payment.states import BillState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling import opening
from app.scheduling.models import ClinicSession, HalfDay, Shift
from tests import factories
from tests.factories import Person
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden

PHONE = "13900000201"


@pytest.fixture
def booked(clinic: House, phone: Phone) -> tuple[Person, Registration]:
    """Somebody who is logged in and has a paid place this morning, an hour from now."""
    with clinic.units.open() as uow:
        who = factories.person(uow, phone=f"+86{PHONE}")
    clinic.clock.step(hours=-2)
    phone.log_in(PHONE)
    return clinic.booked(who=who)


def another(house: House, *, fee_fen: int = 2500) -> ClinicSession:
    with house.units.open() as uow:
        day = uow.today() + timedelta(days=1)
        doctor = house.clinic.practitioner.id
        shift = Shift(practitioner_id=doctor, weekday=day.weekday(), half_day=HalfDay.AM, starts=time(9), places=3)
        shift.slot_minutes, shift.room, shift.fee_fen = 15, "3-05", fee_fen
        uow.session.add(shift)
        uow.session.flush()
        made = opening.open_session(uow, shift, day)
        assert made is not None
        return made


def move(phone: Phone, found: Registration, to: ClinicSession) -> str:
    """From the visit's page to the new time, by what the pages lead to; where the last button led."""
    detail = phone.open(f"/registrations/{found.public_id}").text
    assert f"/registrations/{found.public_id}/move" in detail
    listed = phone.open(f"/registrations/{found.public_id}/move").text
    path = f"/registrations/{found.public_id}/move/{to.public_id}"
    assert path in listed
    page = phone.open(path).text
    fields = {"once": hidden(page, "once")}
    first, second = phone.send(path, **fields), phone.send(path, **fields)
    assert first.location == second.location
    return first.location


def test_for_the_same_fee_two_taps_move_the_visit_and_its_bill_stays_paid(
    clinic: House, phone: Phone, booked: tuple[Person, Registration], units: Units
) -> None:
    who, found = booked
    later = another(clinic)

    led_to = move(phone, found, later)

    assert led_to == f"/registrations/{found.public_id}"
    assert "11月24日" in phone.open(led_to).text
    with units.open(who.actor) as uow:
        assert [bill.state for bill in payment.list_of_account(uow)] == [BillState.PAID]
        told = uow.session.scalars(select(Message.template).order_by(Message.id)).all()
    assert told == ["booked", "rescheduled"]


def test_for_another_fee_the_new_one_is_paid_and_the_old_one_comes_back(
    clinic: House, phone: Phone, booked: tuple[Person, Registration], units: Units
) -> None:
    who, found = booked
    dearer = another(clinic, fee_fen=5000)

    page = phone.open(move(phone, found, dearer)).text
    assert "¥50.00" in page
    assert "没有支付，原号不变" in page
    clinic.pay(who)

    with units.open() as uow:
        states = uow.session.scalars(select(Registration.state).order_by(Registration.fee_fen)).all()
        bills = uow.session.execute(select(Bill.total_fen, Bill.state).order_by(Bill.total_fen)).all()
        refunds = uow.session.scalars(select(Refund.amount_fen)).all()
    assert states == [RegistrationState.CANCELLED, RegistrationState.BOOKED]
    assert [tuple(row) for row in bills] == [(2500, BillState.REFUNDING), (5000, BillState.PAID)]
    assert refunds == [2500]


def test_a_place_sold_meanwhile_leaves_the_visit_as_it_was(
    clinic: House, phone: Phone, booked: tuple[Person, Registration], units: Units
) -> None:
    _, found = booked
    later = another(clinic)
    page = phone.open(f"/registrations/{found.public_id}/move/{later.public_id}").text
    with units.open() as uow:
        others = [factories.person(uow) for _ in range(3)]
    for other in others:
        factories.held(units, other, later)

    answer = phone.send(f"/registrations/{found.public_id}/move/{later.public_id}", once=hidden(page, "once"))

    assert "现在约到" in page
    assert answer.status_code == 409
    assert "这个班次约满了" in answer.text
    assert "11月23日" in phone.open(f"/registrations/{found.public_id}").text


def test_the_page_says_when_it_is_too_late(clinic: House, phone: Phone, booked: tuple[Person, Registration]) -> None:
    _, found = booked
    clinic.clock.step(hours=2)

    answer = phone.open(f"/registrations/{found.public_id}/move")

    assert answer.status_code == 409
    assert "不能在线改约" in answer.text
