"""The hospital stops a session or sends another doctor; the patient's page offers what to do with one tap."""

from __future__ import annotations

from sqlalchemy import select

from app.identity.models import Account, Patient
from app.kernel.uow import Uow
from app.notifications.models import Message
from app.payment.models import Bill
from app.payment.states import BillState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from tests import factories
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold
from tests.web.work_fixtures import House, hidden


def templates_told(house: House) -> list[str]:
    with house.units.open() as uow:
        return list(uow.session.scalars(select(Message.template).order_by(Message.id)))


def test_a_stopped_session_is_paid_back_and_another_place_is_one_tap_away(zhang, other_phone, clinic: House) -> None:
    with clinic.units.open() as uow:
        later = factories.another_session(uow, clinic.clinic.practitioner, fee_fen=3000).public_id
        factories.staff(uow, "operations", login="operations")
        who = factories.Person(*_zhang(uow))
    where = hold(zhang, clinic).location
    clinic.pay(who)
    at_work(other_phone).send(f"/staff/schedules/{clinic.clinic.session.public_id}/stop", reason="医生急诊手术")

    on_the_way = zhang.open(where.replace("registrations", "visits")).text
    page = zhang.open(where).text
    tap = {"session": later, "once": hidden(page, "once")}
    first = zhang.send(f"{where}/another-place", **tap)
    again = zhang.send(f"{where}/another-place", session=later)
    to_pay = zhang.follow(first).text

    assert "一键改约" in on_the_way
    assert "因医院调整，这个号已取消" in on_the_way
    assert ("原来约的医生" in page, "医生急诊手术" in page) == (True, False)
    assert first.location == again.location
    assert "支付 ¥30.00" in to_pay
    assert "stopped" in templates_told(clinic)
    with clinic.units.open() as uow:
        bills = {bill.state for bill in uow.session.scalars(select(Bill))}
        states = list(uow.session.scalars(select(Registration.state).order_by(Registration.id)))
    assert bills == {BillState.REFUNDING, BillState.OPEN}
    assert states == [RegistrationState.CANCELLED, RegistrationState.HELD]


def at_work(phone: Phone) -> Phone:
    phone.open("/staff/login")
    phone.follow(phone.send("/staff/login", login="operations", password="demo-2026"))
    return phone


def _zhang(uow: Uow) -> tuple[Account, Patient]:
    return uow.session.scalars(select(Account)).one(), uow.session.scalars(select(Patient)).one()


def test_a_doctor_who_stands_in_is_told_and_may_be_declined_for_nothing(zhang, other_phone, clinic: House) -> None:
    with clinic.units.open() as uow:
        factories.another_doctor(uow, clinic.clinic.department, code="DX", name="刘洋")
        factories.staff(uow, "operations", login="operations")
        who = factories.Person(*_zhang(uow))
    where = hold(zhang, clinic).location
    clinic.pay(who)
    operations, path = at_work(other_phone), f"/staff/schedules/{clinic.clinic.session.public_id}"

    offered = operations.open(path).text
    done = operations.follow(operations.send(f"{path}/substitute", doctor="DX")).text
    nobody = operations.send(f"{path}/substitute", doctor="nobody")
    twice = operations.send(f"{path}/substitute", doctor="DX")
    page = zhang.open(where).text
    zhang.send(f"{where}/cancel")
    after = zhang.open(where).text

    assert "刘洋" in offered
    assert ("1 位患者保留原号" in done, "原定 张伟" in done) == (True, True)
    assert (nobody.status_code, twice.status_code, "slots_overlap" in twice.text) == (404, 409, True)
    assert ("刘洋" in page, "替诊" in page, "已付费用全额退回" in page) == (True, True, True)
    assert "改约其他时间" in after
    assert "substituted" in templates_told(clinic)
