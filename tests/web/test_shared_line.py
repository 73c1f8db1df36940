"""A shared line on desks and phone: each doctor sees who may be called; the patient learns the room by the call."""

from __future__ import annotations

import re

import pytest

from app.queueing import service as queueing
from app.rulebook import service as rulebook
from app.scheduling.models import ClinicSession, HalfDay, Practitioner
from tests import factories
from tests.browser.hospital import account_of
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


ROOM = re.compile("(3-05|3-11) 诊室")


def another_desk(house: House) -> str:
    """A second doctor of the department sits this morning for the same fee; the address of their queue."""
    sits = shared(house)
    with house.units.open() as uow:
        doctor = uow.session.get_one(Practitioner, sits.practitioner_id)
        house.actors["doctor2"] = factories.staff(uow, "doctor", login="doctor2", practitioner_code=doctor.code)
    return f"/desk/sessions/{sits.public_id}"


def test_both_desks_show_the_line_and_the_free_one_calls(house: House) -> None:
    other = another_desk(house)
    for _ in range(2):
        house.waiting()
    first, second = house.browser("doctor"), house.browser("doctor2")
    own = f"/desk/sessions/{house.clinic.session.public_id}"

    pages = first.get(own).text, second.get(other).text
    called = follow(second, second.post(f"{other}/next")).text
    left = first.get(own).text
    foreign = second.get(own)

    assert all("A001" in page and "A002" in page for page in pages)
    assert "Room" not in pages[0]
    assert "与 3-11 诊室 共用一个队列" in pages[0]
    assert "与 3-05 诊室 共用一个队列" in pages[1]
    assert "已呼叫 A001 号" in called
    assert "A001" not in left
    assert "A002" in left
    assert foreign.status_code == 404


def shared(clinic: House) -> ClinicSession:
    """A second doctor of the department, in room 3-11, shares the line this morning."""
    with clinic.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
        doctor = factories.another_doctor(uow, clinic.clinic.department)
        pattern = {"half_day": HalfDay.AM, "starts": clinic.clinic.session.starts_at.astimezone(uow.zone).time()}
        return factories.another_session(uow, doctor, days=0, room="3-11", places=20, slot_minutes=15, **pattern)


PLACE = "消化内科候诊区（门诊楼3层），诊室以叫号为准"


def test_the_phone_learns_the_room_from_the_call(zhang: Phone, clinic: House) -> None:
    sits = shared(clinic)
    _, held, _ = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    page = f"/visits/{held.public_id}"

    waiting = zhang.open(page).text
    tag = {"If-None-Match": zhang.open(f"{page}/live").headers["ETag"]}
    with clinic.units.open() as uow:
        queueing.call_next(uow, session=sits)
    live = zhang.open(f"{page}/live", **tag)

    assert PLACE in waiting
    assert "A001 · 诊室以叫号为准" in waiting
    assert not ROOM.search(waiting)
    assert live.status_code == 200
    assert "轮到您了" in live.text
    assert set(ROOM.findall(live.text)) == {"3-11"}


@pytest.mark.parametrize("page", ["/check-in", "/visits/{}", "/registrations/{}", "/"])
@pytest.mark.parametrize("is_here", [False, True], ids=["booked", "checked in"])
def test_no_page_names_a_room_before_the_call(zhang: Phone, clinic: House, page: str, is_here: bool) -> None:
    shared(clinic)
    who = account_of(clinic.units, "13800000101")
    held = clinic.waiting(who=who)[1] if is_here else clinic.booked(who=who)[1]

    seen = zhang.open(page.format(held.public_id))

    assert seen.status_code == 200
    assert "诊室以叫号为准" in seen.text
    assert not ROOM.search(seen.text)


def test_who_is_about_to_book_learns_that_the_call_tells_the_room(zhang: Phone, clinic: House) -> None:
    shared(clinic)

    page = zhang.open(f"/sessions/{clinic.clinic.session.public_id}").text

    assert PLACE in page
    assert not ROOM.search(page)


def test_whose_turn_has_passed_waits_for_any_of_the_doctors_again(zhang: Phone, clinic: House) -> None:
    sits = shared(clinic)
    _, held, ticket = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    with clinic.units.open() as uow:
        queueing.call_next(uow, session=sits)
        queueing.pass_over(uow, queueing.ticket_by_public_id(uow, ticket.public_id))

    page = zhang.open(f"/visits/{held.public_id}").text

    assert PLACE in page
    assert not ROOM.search(page)


def test_the_desks_answer_and_slip_name_the_line_and_after_the_call_the_room(house: House) -> None:
    sits, nurse = shared(house), house.browser("nurse")
    _, held = house.booked()
    slip = f"/desk/registrations/{held.public_id}/slip"

    before = nurse.get(slip).text
    answer = follow(nurse, nurse.post("/desk/check-in", data={"visit_number": held.visit_number})).text
    with house.units.open() as uow:
        queueing.call_next(uow, session=sits)
    called, after = nurse.get(f"/desk/arrived/{held.public_id}").text, nurse.get(slip).text

    assert PLACE in before
    assert PLACE in answer
    assert f"{house.clinic.practitioner.name}</b>" not in answer
    assert "刘洋</b> · 门诊楼3层 3-11 诊室" in called
    assert "门诊楼3层 3-11 诊室" in after


def test_sent_by_the_nurse_to_a_doctor_of_a_shared_line_the_patient_is_told_so(house: House) -> None:
    sits, nurse = shared(house), house.browser("nurse")
    _, held, _ = house.waiting()

    page = follow(nurse, nurse.post(f"/desk/arrived/{held.public_id}/hand-over", data={"session": sits.public_id}))

    assert f"A001 号已转到 {PLACE}" in page.text
