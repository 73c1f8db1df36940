"""What the phone says while the hospital system is asked for a place, when that takes long, and when it answered."""

from __future__ import annotations

import pytest

from app.kernel import peers
from app.kernel.peers import Peer
from app.kernel.uow import Actor
from app.registration import by_hospital, deciding
from app.registration import service as registrations
from app.registration.models import Registration
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold
from tests.web.work_fixtures import House


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
