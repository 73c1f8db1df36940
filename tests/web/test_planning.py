"""The office plans a doctor's weeks, single days and the calendar on the console."""

from __future__ import annotations

import pytest

from app.scheduling import service as scheduling
from tests import factories
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]
FIGURES = {
    "doctor": "DX",
    "starts": "14:00",
    "places": "8",
    "slot_minutes": "30",
    "places_per_slot": "2",
    "room": "3-09",
    "fee": "35.5",
    "kept_window": "2",
    "kept_until_minutes": "60",
}
TUESDAY, NEXT_TUESDAY = "2026-11-24", "2026-12-01"


@pytest.fixture
def office(house: House):
    with house.units.open() as uow:
        factories.another_doctor(uow, house.clinic.department)
    return house.browser("operations")


def test_a_week_is_written_seen_and_dropped(office, house: House) -> None:
    saved = follow(office, office.post("/staff/shifts/week", data=FIGURES | {"weekday": "1"})).text
    listed = office.get("/staff/shifts?department=GI").text
    seen = office.get(f"/staff/schedules?day={TUESDAY}").text
    dropped = follow(
        office, office.post("/staff/shifts/week/drop", data={"doctor": "DX", "weekday": "1", "half_day": "pm"})
    ).text

    assert "新开放 5 场" in saved
    assert ("8 个号，每 30 分钟 2 位" in saved, "¥35.50" in saved, "留给窗口" in saved) == (True, True, True)
    assert "周二 下午" in listed
    assert "刘洋" in seen
    assert "取消 5 场" in dropped


def test_single_days_differ_and_are_restored(office, house: House) -> None:
    office.post("/staff/shifts/week", data=FIGURES | {"weekday": "1"})

    off = follow(
        office,
        office.post("/staff/shifts/day/off", data={"doctor": "DX", "day": TUESDAY, "half_day": "pm", "note": "开会"}),
    ).text
    extra = follow(
        office, office.post("/staff/shifts/day", data=FIGURES | {"day": "2026-11-25", "starts": "09:00"})
    ).text
    copied = follow(
        office,
        office.post("/staff/shifts/copy-week", data={"doctor": "DX", "from_week": TUESDAY, "to_week": NEXT_TUESDAY}),
    ).text
    restored = follow(
        office, office.post("/staff/shifts/day/drop", data={"doctor": "DX", "day": TUESDAY, "half_day": "pm"})
    ).text

    assert ("取消 1 场" in off, "停诊一天" in off, "开会" in off) == (True, True, True)
    assert "新开放 1 场" in extra
    assert "2 个半天有改动" in copied
    assert "调整 0 场" in restored


def test_what_is_typed_wrong_is_told_and_kept(office) -> None:
    wrong = FIGURES | {"weekday": "1", "slot_minutes": "45", "fee": "x", "room": "B-12"}

    answer = office.post("/staff/shifts/week", data=wrong)

    assert answer.status_code == 422
    assert ("每个时段几分钟超出范围" in answer.text, "挂号费（元）超出范围" in answer.text) == (True, True)
    assert 'value="B-12"' in answer.text
    assert office.post("/staff/shifts/week", data=FIGURES | {"starts": "25:99"}).status_code == 422
    assert office.post("/staff/shifts/week", data=FIGURES | {"starts": "09+01"}).status_code == 422
    assert office.post("/staff/shifts/day", data=FIGURES | {"day": "tomorrow"}).status_code == 422
    assert office.post("/staff/shifts/day", data=FIGURES | {"day": "2026-11-01"}).status_code == 409
    assert office.post("/staff/shifts/week", data=FIGURES | {"doctor": "nobody"}).status_code == 404


def test_the_week_of_one_doctor_becomes_anothers(office, house: House) -> None:
    office.post("/staff/shifts/week", data=FIGURES | {"weekday": "1"})
    code = house.clinic.practitioner.code

    page = follow(office, office.post("/staff/shifts/copy", data={"doctor": "DX", "target": code})).text

    assert "已复制 1 个班次" in page
    with house.units.open() as uow:
        day = [
            card.session.visit_day.isoformat()
            for card in scheduling.cards(uow, practitioner_id=house.clinic.practitioner.id)
        ]
    assert TUESDAY in day


def test_a_session_with_patients_is_named_instead_of_changed(office, house: House) -> None:
    house.booked()
    code = house.clinic.practitioner.code
    house.clock.step(hours=-2)

    page = follow(
        office, office.post("/staff/shifts/day/off", data={"doctor": code, "day": "2026-11-23", "half_day": "am"})
    ).text

    assert "这些门诊已有患者" in page
    assert "11月23日 周一 上午" in page


def test_the_calendar_tells_holidays_and_takes_the_hospitals_word(office, house: House) -> None:
    before = office.get("/staff/calendar").text
    closed = follow(
        office, office.post("/staff/calendar", data={"day": "2026-11-30", "runs_as": "rest", "note": "搬迁"})
    ).text
    back = follow(office, office.post("/staff/calendar/take-back", data={"day": "2026-11-30"})).text

    assert "元旦" in before
    assert ("搬迁" in closed, "全院停诊" in closed) == (True, True)
    assert "搬迁" not in back
    assert office.post("/staff/calendar", data={"day": "x"}).status_code == 422
    assert office.post("/staff/calendar", data={"day": "2026-11-01", "runs_as": "rest"}).status_code == 409


def test_one_session_keeps_places_and_has_its_own_release_while_it_has_patients(office, house: House) -> None:
    house.clock.step(hours=-2)
    office = house.browser("operations")
    house.booked()
    page = f"/staff/schedules/{house.clinic.session.public_id}"

    kept = follow(office, office.post(f"{page}/kept", data={"kept_window": "4", "kept_until_minutes": "0"})).text
    too_many = office.post(f"{page}/kept", data={"kept_window": "20", "kept_online": "2"})
    no_figure = office.post(f"{page}/kept", data={"kept_window": "vier"})
    past = office.post(f"{page}/release", data={"release_day": "2026-11-23", "release_clock": "07:00"})
    released = follow(
        office, office.post(f"{page}/release", data={"release_day": "2026-11-23", "release_clock": "10:00"})
    ).text
    usual = follow(office, office.post(f"{page}/release", data={"release_day": ""})).text

    assert "已手工调整" in kept
    assert (too_many.status_code, no_figure.status_code, past.status_code) == (409, 422, 409)
    assert "个余号" in too_many.text
    assert "已经过去" in past.text
    assert "10:00 放号" in released
    assert "按科室规则放号" in usual
