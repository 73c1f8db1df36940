"""A shared line at the desks: each doctor sees who may be called, and with whom they share."""

from __future__ import annotations

from app.queueing import service as queueing
from app.rulebook import service as rulebook
from app.scheduling.models import HalfDay
from tests import factories
from tests.browser.hospital import account_of
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


def another_desk(house: House) -> str:
    """A second doctor of the department sits this morning for the same fee; the address of their queue."""
    with house.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
        doctor = factories.another_doctor(uow, house.clinic.department)
        pattern = {"half_day": HalfDay.AM, "starts": house.clinic.session.starts_at.astimezone(uow.zone).time()}
        sits = factories.another_session(uow, doctor, days=0, room="3-11", places=20, slot_minutes=15, **pattern)
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


def test_the_phone_learns_the_room_from_the_call(zhang: Phone, clinic: House) -> None:
    who = account_of(clinic.units, "13800000101")
    with clinic.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
        doctor = factories.another_doctor(uow, clinic.clinic.department)
        pattern = {"half_day": HalfDay.AM, "starts": clinic.clinic.session.starts_at.astimezone(uow.zone).time()}
        sits = factories.another_session(uow, doctor, days=0, room="3-11", places=20, slot_minutes=15, **pattern)
    _, held, _ = clinic.waiting(who=who)
    page = f"/visits/{held.public_id}"

    waiting = zhang.open(page).text
    tag = {"If-None-Match": zhang.open(f"{page}/live").headers["ETag"]}
    with clinic.units.open() as uow:
        queueing.call_next(uow, session=sits)
    live = zhang.open(f"{page}/live", **tag)

    assert "诊室以叫号为准" in waiting
    assert live.status_code == 200
    assert "轮到您了" in live.text
    assert "3-11 诊室" in live.text
