"""What the phone says while the hospital system is asked for a place, when that takes long, and when it answered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
from sqlalchemy import select

from app.kernel import peers
from app.kernel.peers import Peer
from app.kernel.uow import Actor
from app.registration import by_hospital, deciding
from app.registration import service as registrations
from app.registration.models import Registration
from tests import factories
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold
from tests.web.work_fixtures import House, hidden


@pytest.fixture
def page(zhang: Phone, clinic: House) -> str:
    """The page of a place whose fee is paid and which the hospital system is asked for."""
    with clinic.units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", decides_bookings=True))
    clinic.clock.step(hours=-2)
    page = hold(zhang, clinic).location
    with clinic.units.open() as uow:
        registrations.confirm(uow, uow.session.query(Registration).one())
    return page


def answer(clinic: House, says: str) -> None:
    with clinic.units.open(Actor("peer", "hl7-sender")) as uow:
        visit = uow.session.query(Registration).one()
        if says == "yes":
            by_hospital.known_as(uow, visit, system="HIS|HOSPITAL", value="HIS77")
            deciding.accepted(uow, visit, nth=0)
        else:
            deciding.refused(uow, visit, nth=0, reason="AE 205")


def test_asking_is_followed_by_pending_and_by_the_hospital_s_number(zhang: Phone, clinic: House, page: str) -> None:
    asking = zhang.open(f"{page}/word").text
    whole, listed = zhang.open(page).text, zhang.open("/registrations").text
    clinic.clock.step(seconds=6)
    pending = [zhang.open(f"{page}/word").text, zhang.open(page).text]
    answer(clinic, "yes")
    confirmed = [zhang.open(f"{page}/word").text, zhang.open(page).text]

    assert "正在请医院确认" in asking
    assert f'data-poll="{page}/word"' in whole
    assert "号已留好，等医院确认" in whole
    assert "等待医院确认" in listed
    assert all("医院系统还没有答复" in each and "不用再约一次" in each for each in pending)
    assert all("医院已确认这个号" in each and "HIS77" in each for each in confirmed)
    assert "data-poll" not in confirmed[1]
    assert "已预约" in confirmed[1]


def test_a_refused_place_is_told_and_another_is_offered(zhang: Phone, clinic: House, page: str) -> None:
    answer(clinic, "no")

    assert "已付的费用会原路退回" in zhang.open(f"{page}/word").text
    assert "这次取消由医院造成" in zhang.open(page).text


def test_the_word_is_sent_again_only_when_it_is_another_one(zhang: Phone, clinic: House, page: str) -> None:
    first = zhang.client.get(f"{page}/word")

    same = zhang.client.get(f"{page}/word", headers={"If-None-Match": first.headers["ETag"]})
    clinic.clock.step(seconds=6)
    other = zhang.client.get(f"{page}/word", headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, other.status_code) == (304, 200)


def test_where_nobody_is_asked_the_page_says_nothing_of_it(zhang: Phone, clinic: House) -> None:
    page = hold(zhang, clinic).location

    assert "data-poll" not in zhang.open(page).text
    assert zhang.open(f"{page}/word").text.strip() == ""


@dataclass
class Exchanged:
    """The pages of a booked place and of the dearer one that is asked for instead."""

    phone: Phone
    clinic: House
    former: str
    new: str

    def word(self, page: str) -> str:
        """What the page says of the hospital system's word."""
        return self.phone.open(f"{page}/word").text

    def answer(self, says: str) -> None:
        """The hospital system's answer to the newer place."""
        with self.clinic.units.open(Actor("peer", "hl7-sender")) as uow:
            visit = uow.session.scalars(select(Registration).where(Registration.replaces_id.is_not(None))).one()
            (deciding.accepted if says == "yes" else partial(deciding.refused, reason="AE 205"))(uow, visit, nth=0)


@pytest.fixture
def exchanged(zhang: Phone, clinic: House, page: str) -> Exchanged:
    answer(clinic, "yes")
    with clinic.units.open() as uow:
        session = factories.another_session(uow, clinic.clinic.practitioner, days=1, fee_fen=5000)
    once = hidden(zhang.open(f"{page}/move/{session.public_id}").text, "once")
    new = zhang.send(f"{page}/move/{session.public_id}", once=once).location
    with clinic.units.open() as uow:
        dearer = uow.session.scalars(select(Registration).where(Registration.fee_fen == 5000)).one()
        registrations.confirm(uow, dearer)
    return Exchanged(zhang, clinic, page, new)


def test_until_the_word_is_there_both_pages_say_that_the_former_place_stands(exchanged: Exchanged) -> None:
    asking = exchanged.word(exchanged.new), exchanged.word(exchanged.former)
    exchanged.clinic.clock.step(seconds=6)
    overdue = exchanged.word(exchanged.new)
    exchanged.answer("yes")

    assert "确认以前，原来的号仍是您的" in asking[0]
    assert "改约的新号在等医院确认" in asking[1]
    assert "还没有答复，原来的号仍是您的" in overdue
    assert "医院已确认这个号" not in exchanged.word(exchanged.former)
    assert "这个号已取消" in exchanged.word(exchanged.former)


def test_after_a_no_the_page_says_that_the_former_place_is_as_it_was(exchanged: Exchanged) -> None:
    exchanged.answer("no")

    for told in (exchanged.word(exchanged.new), exchanged.phone.open(exchanged.new).text):
        assert "原来的号不变，仍是您的。已付的费用会原路退回。" in told
        assert f'href="{exchanged.former}"' in told
    assert "医院已确认这个号" in exchanged.word(exchanged.former)
    assert "这次取消由医院造成" not in exchanged.phone.open(exchanged.new).text
    assert "改约没有成功，原来的号不变" in exchanged.phone.open("/messages").text
