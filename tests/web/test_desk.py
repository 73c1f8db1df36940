"""The doctor calls, prescribes and plans."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.prescription.models import Prescription
from app.queueing.models import Ticket
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.states import PlanState, ReminderState
from tests import factories
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]
ROW = {
    "drug-1": "IBU300 布洛芬缓释胶囊 0.3g×20粒",
    "quantity-1": "2",
    "days-1": "3",
    "dose-1": "0.3g",
    "frequency-1": "bid",
    "route-1": "口服",
    "kind": "ordinary",
    "diagnosis_text": "紧张性头痛",
}


def queue_page(house: House) -> str:
    return f"/desk/sessions/{house.clinic.session.public_id}"


def in_consultation(house: House):
    who, held, ticket = house.waiting()
    doctor = house.browser("doctor")
    doctor.post(f"{queue_page(house)}/next")
    doctor.post(f"/desk/tickets/{ticket.public_id}/begin")
    return doctor, who, held, ticket


def state_of(house: House, ticket: Ticket) -> str:
    with house.units.open() as uow:
        return uow.session.get_one(Ticket, ticket.id).state.value


def test_a_doctor_lands_at_the_queue(house: House) -> None:
    house.waiting("李建国")

    doctor = house.browser("doctor")
    page = doctor.get("/desk/", follow_redirects=True)

    assert page.status_code == 200
    assert "A001" in page.text
    assert "李*国" in page.text
    assert "李建国" not in page.text


def test_calling_beginning_and_finishing_move_the_patient(house: House) -> None:
    _, held, ticket = house.waiting()
    doctor = house.browser("doctor")

    follow(doctor, doctor.post(f"{queue_page(house)}/next"))
    called = state_of(house, ticket)
    again = follow(doctor, doctor.post(f"/desk/tickets/{ticket.public_id}/again"))
    begun = doctor.post(f"/desk/tickets/{ticket.public_id}/begin")
    serving = state_of(house, ticket)
    doctor.post(f"/desk/tickets/{ticket.public_id}/finish")

    assert (called, serving, state_of(house, ticket)) == ("called", "serving", "done")
    assert "已呼叫 2 次" in again.text
    assert begun.location == f"/desk/visits/{held.public_id}"


def test_a_passed_patient_can_queue_again(house: House) -> None:
    _, _, ticket = house.waiting()
    doctor = house.browser("doctor")
    doctor.post(f"{queue_page(house)}/next")

    page = follow(doctor, doctor.post(f"/desk/tickets/{ticket.public_id}/pass"))
    doctor.post(f"/desk/tickets/{ticket.public_id}/rejoin")

    assert "重新排队" in page.text
    assert state_of(house, ticket) == "waiting"


def test_calling_is_refused_in_words(house: House) -> None:
    doctor = house.browser("doctor")

    nobody = doctor.post(f"{queue_page(house)}/next")

    assert nobody.status_code == 409
    assert "nobody_waits" in nobody.text
    assert "没有候诊患者" in nobody.text


def test_the_queue_is_sent_again_only_when_somebody_moved(house: House) -> None:
    doctor = house.browser("doctor")
    first = doctor.get(f"{queue_page(house)}/live")

    same = doctor.get(f"{queue_page(house)}/live", headers={"If-None-Match": first.headers["ETag"]})
    house.waiting()
    changed = doctor.get(f"{queue_page(house)}/live", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)


def test_the_visit_shows_the_whole_name_and_writes_that_down(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)

    page = doctor.get(f"/desk/visits/{held.public_id}")

    assert "张秀英" in page.text
    assert "岁" in page.text
    assert house.audited("patient.read") >= 1


def test_another_doctors_visit_is_not_found(house: House) -> None:
    _, held, ticket = house.waiting()
    with house.units.open() as uow:
        other = factories.clinic(uow, code="CV")
        factories.staff(uow, "doctor", login="other", practitioner_code=other.practitioner.code)
    stranger = house.browser("other")

    answers = [
        stranger.get(f"/desk/visits/{held.public_id}"),
        stranger.get(queue_page(house)),
        stranger.post(f"/desk/tickets/{ticket.public_id}/again"),
        stranger.post(f"/desk/visits/{held.public_id}/prescribe", data=ROW),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert all("张" not in answer.text for answer in answers)


def test_a_prescription_is_written_reviewed_and_shown(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)
    reviewer = house.browser("reviewer")

    page = follow(doctor, doctor.post(f"/desk/visits/{held.public_id}/prescribe", data=ROW))
    with house.units.open() as uow:
        written = uow.session.scalars(select(Prescription)).one()
    listed = reviewer.get("/review/")
    one = reviewer.get(f"/review/{written.public_id}")
    checks = ["form", "drugs", "incompatibility", "reasonable_use"]
    passed = follow(reviewer, reviewer.post(f"/review/{written.public_id}/approve", data={"check": checks}))

    assert "药师审核中" in page.text
    assert written.number in listed.text
    assert "张秀英" not in listed.text
    assert "紧张性头痛" in one.text
    assert "审核通过" in passed.text
    assert "待支付" in doctor.get(f"/desk/visits/{held.public_id}").text


def test_a_prescription_is_sent_back_with_a_reason(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)
    doctor.post(f"/desk/visits/{held.public_id}/prescribe", data=ROW)
    with house.units.open() as uow:
        written = uow.session.scalars(select(Prescription)).one()
    reviewer = house.browser("reviewer")

    bare = reviewer.post(f"/review/{written.public_id}/send-back", data={"reason": " "})
    reviewer.post(f"/review/{written.public_id}/send-back", data={"reason": "剂量偏大"})
    doctors_page = doctor.get(f"/desk/visits/{held.public_id}").text

    assert bare.status_code == 422
    assert "reason_required" in bare.text
    assert "剂量偏大" in doctors_page


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"drug-1": "没有这种药"}, "f-drug-1", "目录里没有这种药"),
        ({"quantity-1": "两盒"}, "f-quantity-1", "请填写整数"),
        ({"quantity-1": "0"}, "f-quantity-1", "数量不对"),
        ({"days-1": "30"}, "f-days-1", "超过常规天数"),
        ({"diagnosis_text": ""}, "f-diagnosis_text", "缺少临床诊断"),
        ({"drug-1": "", "quantity-1": ""}, "f-drug-1", "处方里没有药品"),
        ({"kind": "royal"}, "f-kind", "内容无法识别"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_lost(house: House, change, field, words) -> None:
    doctor, _, held, _ = in_consultation(house)

    page = doctor.post(f"/desk/visits/{held.public_id}/prescribe", data={**ROW, "dose-1": "零点三克", **change})

    assert page.status_code == 422
    assert words in page.text
    assert f'href="#{field}"' in page.text
    assert "零点三克" in page.text


def test_two_taps_on_sign_write_one_prescription(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)
    sent = {**ROW, "once": "one-and-the-same-key"}

    answers = [doctor.post(f"/desk/visits/{held.public_id}/prescribe", data=sent) for _ in range(2)]

    with house.units.open() as uow:
        assert len(uow.session.scalars(select(Prescription)).all()) == 1
    assert {answer.location for answer in answers} == {f"/desk/visits/{held.public_id}"}


def test_the_doctor_voids_an_unpaid_prescription(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)
    doctor.post(f"/desk/visits/{held.public_id}/prescribe", data=ROW)
    with house.units.open() as uow:
        written = uow.session.scalars(select(Prescription)).one()

    page = follow(doctor, doctor.post(f"/desk/prescriptions/{written.public_id}/void", data={"reason": "改用他药"}))

    assert "已作废" in page.text


def test_a_follow_up_is_planned_by_button_and_by_day(house: House) -> None:
    doctor, _, held, _ = in_consultation(house)
    day = house.clock.now().date() + timedelta(days=10)

    doctor.post(f"/desk/visits/{held.public_id}/follow-up", data={"days": "7", "note": "bring_results"})
    doctor.post(f"/desk/visits/{held.public_id}/follow-up", data={"due_day": day.isoformat()})
    wrong = doctor.post(f"/desk/visits/{held.public_id}/follow-up", data={"due_day": "yesterday"})

    with house.units.open() as uow:
        plans = uow.session.scalars(select(FollowUpPlan).order_by(FollowUpPlan.id)).all()
    assert [(plan.state.value, plan.due_day) for plan in plans] == [
        ("cancelled", house.clock.now().date() + timedelta(days=7)),
        ("active", day),
    ]
    assert (wrong.status_code, "bad_due_day" in wrong.text) == (422, True)


def test_a_revisit_planned_by_mistake_is_withdrawn_and_nobody_is_reminded(house: House) -> None:
    _, held, _ = house.waiting()
    doctor, page = house.browser("doctor"), f"/desk/visits/{held.public_id}"
    typed = {"days": "28", "due_day": "", "note": "come_fasting"}
    planned = follow(doctor, doctor.post(f"{page}/follow-up", data=typed))

    withdrawn = follow(doctor, doctor.post(f"{page}/follow-up/withdraw"))
    again = follow(doctor, doctor.post(f"{page}/follow-up/withdraw"))

    assert f"{page}/follow-up/withdraw" in planned.text
    assert ("不再提醒患者" in withdrawn.text, "不再提醒患者" in again.text) == (True, False)
    assert f"{page}/follow-up/withdraw" not in again.text
    with house.units.open() as uow:
        assert uow.session.scalars(select(FollowUpPlan.state)).all() == [PlanState.CANCELLED]
        assert set(uow.session.scalars(select(Reminder.state))) == {ReminderState.SUPPRESSED}


def test_the_nurse_checks_in_by_visit_number(house: House) -> None:
    _, held = house.booked()
    nurse = house.browser("nurse")

    page = follow(nurse, nurse.post("/desk/check-in", data={"visit_number": f" {held.visit_number.lower()} "}))
    again = follow(nurse, nurse.post("/desk/check-in", data={"visit_number": held.visit_number}))
    unknown = nurse.post("/desk/check-in", data={"visit_number": "V000"})

    assert "A001" in page.text
    assert "A001" in again.text
    assert unknown.status_code == 404


def test_a_nurse_does_not_open_the_doctors_pages(house: House) -> None:
    _, held, _ = house.waiting()
    nurse = house.browser("nurse")

    pages = [nurse.get(f"/desk/visits/{held.public_id}"), nurse.get("/desk/sessions"), nurse.get(queue_page(house))]

    assert [page.status_code for page in pages] == [403] * 3
    assert all("not_allowed" in page.text for page in pages)


@pytest.mark.parametrize("path", ["/desk/", "/desk/check-in", "/review/", "/terminal/", "/window/", "/staff/"])
def test_a_stranger_is_led_to_the_log_in(house: House, path: str) -> None:
    answer = house.browser().get(path)

    assert answer.status_code == 302
    assert answer.location.startswith("/staff/login")


def test_a_form_without_its_token_is_refused(house: House) -> None:
    doctor = house.browser("doctor")
    house.app.config["WTF_CSRF_ENABLED"] = True

    answer = doctor.post(f"{queue_page(house)}/next")

    assert (answer.status_code, "stale_form" in answer.text) == (400, True)


def test_a_slip_is_taken_back_within_a_minute(house: House) -> None:
    _, _, ticket = house.waiting()
    doctor = house.browser("doctor")
    doctor.post(f"{queue_page(house)}/next")
    doctor.post(f"/desk/tickets/{ticket.public_id}/begin")
    doctor.post(f"/desk/tickets/{ticket.public_id}/finish")

    offered = doctor.get(queue_page(house)).text
    page = follow(doctor, doctor.post(f"/desk/tickets/{ticket.public_id}/undo"))
    again = doctor.post(f"/desk/tickets/{ticket.public_id}/undo")

    assert "A001 号：结束就诊" in offered
    assert "已撤销" in page.text
    assert state_of(house, ticket) == "serving"
    assert (again.status_code, "cannot_undo" in again.text) == (409, True)


def test_what_was_followed_by_something_else_is_not_offered_to_be_taken_back(house: House) -> None:
    _, _, ticket = house.waiting()
    doctor = house.browser("doctor")
    doctor.post(f"{queue_page(house)}/next")
    doctor.post(f"/desk/tickets/{ticket.public_id}/begin")
    before = doctor.get(queue_page(house)).text

    after = follow(doctor, doctor.post(f"/desk/tickets/{ticket.public_id}/tests")).text

    assert f"/desk/tickets/{ticket.public_id}/undo" in before
    assert f"/desk/tickets/{ticket.public_id}/undo" not in after
