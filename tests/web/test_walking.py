"""On the phone: how far one walks while one waits; on the console: how right the told waits were."""

from __future__ import annotations

from datetime import timedelta

from app.queueing import own_errors
from app.queueing import service as queueing
from tests.browser.hospital import account_of
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, house

__all__ = ["house"]


def test_the_minutes_are_chosen_by_one_tap_and_dropped_again(zhang: Phone, clinic: House) -> None:
    for _ in range(4):
        clinic.waiting("李建国")
    _, held, _ = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    page = f"/visits/{held.public_id}"

    before = zhang.open(page).text
    zhang.send(f"{page}/walk", minutes="10")
    chosen = zhang.open(page).text
    zhang.send(f"{page}/walk", minutes="30")
    near = zhang.open(f"{page}/live").text
    zhang.send(f"{page}/walk", minutes="0")
    dropped = zhang.open(page).text

    assert "想走开一会儿？" in before
    assert 'name="minutes" value="5"' in before
    assert 'name="minutes" value="30"' not in before
    assert "不走开" not in before
    assert 'value="10" aria-pressed="true"' in chosen
    assert "路上 10 分钟" in chosen
    assert "现在请往回走" in near
    assert "路上" not in dropped


def test_who_does_not_wait_is_not_asked_and_nonsense_is_refused(zhang: Phone, clinic: House) -> None:
    who = account_of(clinic.units, "13800000101")
    _, held, _ = clinic.waiting(who=who)
    page = f"/visits/{held.public_id}"

    first_in_line = zhang.open(page).text
    wrong = [zhang.send(f"{page}/walk", minutes=typed).status_code for typed in ("7", "", "十", "-5", "9" * 30)]
    with clinic.units.open() as uow:
        queueing.call_next(uow, session=clinic.clinic.session)
    called = zhang.open(page).text
    late = zhang.send(f"{page}/walk", minutes="10")

    assert "想走开" not in first_in_line
    assert wrong == [409] * 5
    assert "想走开" not in called
    assert late.status_code == 409
    assert "请直接去诊室" in late.text


def test_the_console_shows_our_own_errors(house: House) -> None:
    house.waiting()
    house.clock.step(minutes=30)
    with house.units.open() as uow:
        queueing.call_next(uow, session=house.clinic.session)
    empty = house.browser("operations").get("/staff/waits").text

    with house.units.open() as uow:
        own_errors.count_two_days(uow)
    page = house.browser("auditor").get("/staff/waits")

    assert "还没有数据" in empty
    assert page.status_code == 200
    assert "消化内科" in page.text
    assert "约 60% 的患者" in page.text
    assert house.browser("it").get("/staff/waits").status_code == 403


def test_whoever_was_passed_and_queues_again_is_not_told_that_their_number_is_called(
    zhang: Phone, clinic: House
) -> None:
    _, held, ticket = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    with clinic.units.open() as uow:
        called = queueing.call_next(uow, session=clinic.clinic.session)
        queueing.pass_over(uow, called)

    zhang.send(f"/visits/{held.public_id}/rejoin")
    page = zhang.open(f"/visits/{held.public_id}").text

    assert f"现在叫到 {ticket.number}" not in page
    assert "下一位就是您" in page


def test_whoever_waits_before_the_doctor_comes_is_told_when_that_is(zhang: Phone, clinic: House) -> None:
    _, held, _ = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    begun = zhang.open(f"/visits/{held.public_id}").text
    clinic.clock.at(clinic.clinic.session.starts_at - timedelta(minutes=20))

    early = zhang.open(f"/visits/{held.public_id}").text

    assert ("门诊 09:30 开始" in early, "门诊 09:30 开始" in begun) == (True, False)
