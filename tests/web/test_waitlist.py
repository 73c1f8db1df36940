"""The waiting list on the phone: joining a full session, one tap on the offer, and what is told."""

from __future__ import annotations

import re

from sqlalchemy import select

from app.kernel.uow import Units
from app.notifications.models import Message
from app.registration import offering
from app.registration import service as registration
from app.registration.models import Registration
from app.scheduling.models import Slot
from tests import factories
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden


def fill(clinic: House) -> tuple[factories.Person, Registration]:
    """The morning's session is booked out, two hours before it begins; who has the last place."""
    clinic.clock.step(hours=-2)
    with clinic.units.open() as uow:
        people = [factories.person(uow) for _ in uow.session.scalars(select(Slot.id))]
    booked = [factories.booked(clinic.units, who, clinic.clinic.session) for who in people]
    return people[-1], booked[-1]


def join(phone: Phone, clinic: House, **fields: str) -> str:
    session = clinic.clinic.session.public_id
    full = phone.open(f"/sessions/{session}").text
    assert f"/waitlist/new?session={session}" in full
    form = phone.open(f"/waitlist/new?session={session}").text
    typed = dict(re.findall(r'name="(from_day|to_day|department)"[^>]*value="([^"]*)"', form))
    patient = re.search(r'name="patient" value="([^"]+)"', form)
    assert patient
    doctor = {"doctor": clinic.clinic.practitioner.code, "half_day": "am", "patient": patient[1]}
    answer = phone.send("/waitlist", **{**typed, **doctor, "once": hidden(form, "once"), **fields})
    return answer.location or answer.text


def test_a_full_session_is_joined_offered_and_taken_with_one_tap(zhang: Phone, clinic: House, units: Units) -> None:
    leaving, booked = fill(clinic)

    assert join(zhang, clinic) == "/waitlist"
    assert "消化内科 张伟" in zhang.open("/waitlist").text
    with units.open(leaving.actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    with units.open() as uow:
        offering.work_through(uow)
    with units.open() as uow:
        told = uow.session.scalars(select(Message).where(Message.template == "place_offered")).one()
    page = zhang.open(told.link).text
    accept = re.search(r'action="(/waitlist/offers/[^"]+/accept)"', page)
    assert accept
    first, second = zhang.send(accept[1]), zhang.send(accept[1])

    assert first.location == second.location
    assert "¥25.00" in zhang.follow(first).text
    assert "没有在候补" in zhang.open("/waitlist").text


def test_one_who_need_not_wait_is_led_to_the_place(zhang: Phone, clinic: House) -> None:
    session = clinic.clinic.session
    form = zhang.open("/waitlist/new?department=GI").text
    patient = hidden(form, "patient")

    answer = zhang.send(
        "/waitlist",
        department="GI",
        patient=patient,
        from_day=session.visit_day.isoformat(),
        to_day=session.visit_day.isoformat(),
        once="k",
    )

    assert answer.location == f"/sessions/{session.public_id}"


def test_days_that_cannot_be_are_told_at_the_form(zhang: Phone, clinic: House) -> None:
    fill(clinic)

    wrong = join(zhang, clinic, from_day="2026-11-29", to_day="2026-11-24")
    assert "请选择今天起 35 天内的日期" in wrong.partition('id="e-from_day"')[2].partition("</div>")[0]
    assert "请选择今天起 35 天内的日期" in join(zhang, clinic, from_day="tomorrow")


def test_an_offer_that_is_over_says_so_and_another_persons_is_none(
    zhang: Phone, li: Phone, clinic: House, units: Units
) -> None:
    leaving, booked = fill(clinic)
    join(zhang, clinic)
    with units.open(leaving.actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    with units.open() as uow:
        offering.work_through(uow)
    accept = re.search(r'action="(/waitlist/offers/[^"]+/accept)"', zhang.open("/waitlist").text)
    assert accept

    foreign = li.send(accept[1])
    clinic.clock.step(minutes=16)
    late = zhang.send(accept[1])

    assert (foreign.status_code, late.status_code) == (404, 409)
    assert "这个号已不再保留" in late.text
