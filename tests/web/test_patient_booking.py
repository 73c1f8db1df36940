"""A patient is bound, a place is held, and nobody else sees any of it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from app.analytics.models import ChannelKind, ChannelScan
from app.analytics.service import file_channel
from app.identity.models import Patient
from app.kernel.audit import AuditEvent
from app.kernel.uow import Units
from app.registration import service as registration
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling.models import BookingChannel, Slot
from app.scheduling.states import SlotState
from tests import factories
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden

CARD = factories.id_number(901)
WRONG_CHECK_DIGIT = CARD[:-1] + ("0" if CARD[-1] != "0" else "1")


def hold(phone: Phone, clinic: House, **fields: str):
    page = phone.open(f"/sessions/{clinic.clinic.session.public_id}").text
    patient = re.search(r'name="patient" value="([^"]+)"', page)
    assert patient, page[:500]
    once = hidden(page, "once")
    given = {"patient": patient[1], "session": clinic.clinic.session.public_id, "once": once}
    return phone.send("/registrations", **(given | fields))


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({"id_number": WRONG_CHECK_DIGIT}, 422, "身份证号码有误"),
        ({"id_number": "12"}, 422, "身份证号码有误"),
        ({"name": ""}, 422, "请填写证件上的姓名"),
        ({"name": "李\u202e四"}, 422, "请填写证件上的姓名"),
    ],
)
def test_what_cannot_be_bound_is_told_at_its_field(phone, typed, status, words):
    phone.log_in("13800000101")

    answer = phone.send(
        "/patients", **({"name": "张秀英", "id_number": factories.id_number(901), "relation": "self"} | typed)
    )

    assert answer.status_code == status
    assert words in answer.text
    assert 'class="error-list"' in answer.text


def test_a_person_on_record_is_bound_by_nobody_who_only_guesses(zhang, li):
    wrong_name = li.send("/patients", name="王五", id_number=factories.id_number(901), relation="other")
    right_name = li.send("/patients", name="张秀英", id_number=factories.id_number(901), relation="other")

    assert (wrong_name.status_code, right_name.status_code) == (409, 409)
    assert "信息与医院登记的不一致" in wrong_name.text
    assert "信息与医院登记的不一致" in right_name.text


def test_ten_tries_to_bind_an_hour_are_enough(zhang):
    answers = [zhang.send("/patients", name="王五", id_number="x", relation="other").status_code for _ in range(10)]

    assert answers[-1] == 429


def test_a_relation_nobody_knows_counts_as_another(zhang):
    zhang.send("/patients", name="王小明", id_number=factories.id_number(903), relation="cousin")

    assert "其他亲属" in zhang.open("/patients").text


def test_an_unbound_patient_is_seen_no_longer(zhang, units: Units):
    with units.open() as uow:
        public_id = uow.session.scalars(select(Patient.public_id)).one()
    asked = zhang.open(f"/patients/{public_id}/unbind")

    zhang.send(f"/patients/{public_id}/unbind")

    assert asked.status_code == 200
    assert "还没有就诊人" in zhang.open("/patients").text
    assert zhang.open(f"/patients/{public_id}/unbind").status_code == 404


def test_a_place_is_held_and_the_page_says_until_when(zhang, clinic):
    answer = hold(zhang, clinic)

    page = zhang.follow(answer).text

    assert "09:41" in page
    assert "还剩 10 分钟" in page
    assert "¥25.00" in page
    assert "09:41" in zhang.open("/").text


def test_whoever_finds_nobody_to_check_in_is_led_to_the_other_patients(zhang):
    assert 'href="/patients">切换就诊人' in zhang.open("/check-in").text


def test_the_page_says_which_time_would_be_had_now(zhang, clinic):
    where = f"/sessions/{clinic.clinic.session.public_id}"

    first = zhang.open(where).text
    had = zhang.open(hold(zhang, clinic).location).text
    second = zhang.open(where).text

    assert "现在约到 09:30 的号" in first
    assert "09:30–09:45" in had
    assert "现在约到 09:45 的号" in second


def test_the_second_tap_leads_to_the_same_place(zhang, clinic, units: Units):
    session = clinic.clinic.session.public_id
    page = zhang.open(f"/sessions/{session}").text
    fields = {"patient": hidden(page, "patient"), "session": session, "once": hidden(page, "once")}

    first, second = zhang.send("/registrations", **fields), zhang.send("/registrations", **fields)
    another_form = zhang.send("/registrations", **(fields | {"once": "another-key"}))

    assert first.location == second.location == another_form.location
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Registration)) == 1


def test_a_form_sent_again_with_other_contents_is_refused(zhang, clinic):
    hold(zhang, clinic, once="key")

    answer = hold(zhang, clinic, once="key", patient="somebody-else")

    assert answer.status_code == 422
    assert "once_key_reused" in answer.text


def test_a_full_session_says_so_and_takes_no_money(zhang, clinic, units: Units):
    session = clinic.clinic.session.public_id
    page = zhang.open(f"/sessions/{session}").text
    fields = {"patient": hidden(page, "patient"), "session": session, "once": "k"}
    with units.open() as uow:
        for number, slot in enumerate(uow.session.scalars(select(Slot))):
            slot.state, slot.registration_id = SlotState.TAKEN, -number - 1

    answer = zhang.send("/registrations", **fields)
    shown = zhang.open(f"/sessions/{session}").text
    with units.open() as uow:
        for slot in uow.session.scalars(select(Slot)):
            slot.state, slot.registration_id = SlotState.FREE, None

    assert answer.status_code == 409
    assert "sold_out" in answer.text
    assert "没有扣款" in answer.text
    assert "这个班次已约满" in shown


def test_who_cancels_is_asked_first_and_told_what_it_means(zhang, clinic, units: Units, clock):
    clock.step(hours=-1)
    limit = {"breach": "cancel", "breaches": 3, "within_months": 6, "suspend_months": 1}
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"breach_limits": [limit]})
    where = hold(zhang, clinic).location
    unpaid = zhang.open(f"{where}/cancel").text
    with units.open() as uow:
        registration.confirm(uow, uow.session.scalars(select(Registration)).one())

    offered, booked = zhang.open(where).text, zhang.open(f"{where}/cancel").text

    assert f'href="{where}/cancel"' in offered
    assert "不会扣款" in unpaid
    assert "会记一次" not in unpaid
    assert "挂号费 ¥25.00 原路退回" in booked
    assert "6 个月内满 3 次，暂停网上预约 1 个月" in booked
    assert f'action="{where}/cancel"' in booked


def test_a_place_that_was_never_paid_brings_no_money_back(zhang, clinic):
    where = hold(zhang, clinic).location

    zhang.send(f"{where}/cancel")

    assert "已付的费用会原路退回" not in zhang.open(where).text
    assert zhang.open(f"{where}/cancel").location == where


def test_a_cancelled_place_is_free_again(zhang, clinic):
    where = hold(zhang, clinic).location

    zhang.send(f"{where}/cancel")

    assert "这个号已取消" in zhang.open(where).text
    assert zhang.send(f"{where}/cancel").status_code == 409


def test_a_poster_is_remembered_until_a_place_is_held(zhang, clinic, units: Units):
    with units.open() as uow:
        code = file_channel(uow, name="大厅立牌", target="/departments/GI").code

    landed = zhang.open(f"/c/{code}")
    hold(zhang, clinic)

    assert landed.location == "/departments/GI"
    with units.open() as uow:
        assert uow.session.scalars(select(Registration.source_code)).one() == code
        assert uow.session.scalar(select(func.count()).select_from(ChannelScan)) == 1


def test_an_unknown_poster_leads_nowhere(phone):
    assert phone.open("/c/nothing").status_code == 404


@pytest.mark.parametrize("day", ["2026-11-24", "2026-12-30", "1900-01-01", "9999-12-31", "tomorrow", "2026-13-45"])
def test_any_day_asked_for_shows_a_page(zhang, clinic, day):
    assert zhang.open(f"/departments/GI?day={day}").status_code == 200


def test_checking_in_gives_a_number_once(zhang, clinic, units: Units):
    where = hold(zhang, clinic).location
    too_early = zhang.send(f"{where}/check-in")
    with units.open() as uow:
        registration.confirm(uow, uow.session.scalars(select(Registration)).one())

    first, second = zhang.send(f"{where}/check-in"), zhang.send(f"{where}/check-in")

    assert too_early.status_code == 409
    assert "cannot_check_in" in too_early.text
    assert first.location == second.location
    assert "A001" in zhang.follow(first).text


def test_too_early_says_from_when_on(zhang, clinic, units: Units, clock):
    where = hold(zhang, clinic).location
    with units.open() as uow:
        registration.confirm(uow, uow.session.scalars(select(Registration)).one())
    clock.step(hours=-2)

    answer = zhang.send(f"{where}/check-in")

    assert answer.status_code == 409
    assert "08:30 起可以签到" in answer.text


def test_another_patients_pages_do_not_exist_and_the_attempts_are_on_record(zhang, li, clinic, units: Units):
    place = hold(zhang, clinic).location.rsplit("/", 1)[-1]
    bill = re.search(r"/bills/(\w+)", zhang.open("/bills").text)
    with units.open() as uow:
        patient = uow.session.scalars(select(Patient.public_id).order_by(Patient.id)).first()
    pages = [
        f"/registrations/{place}",
        f"/visits/{place}",
        f"/visits/{place}/live",
        f"/bills/{bill[1]}",
        f"/bills/{bill[1]}/paying",
        f"/bills/{bill[1]}/paying/live",
        f"/patients/{patient}/unbind",
    ]
    forms = [
        f"/registrations/{place}/cancel",
        f"/registrations/{place}/check-in",
        f"/visits/{place}/rejoin",
        f"/bills/{bill[1]}/pay",
        f"/bills/{bill[1]}/look-up",
        f"/patients/{patient}/unbind",
        f"/patients/{patient}/choose",
    ]

    answers = [li.open(page).status_code for page in pages] + [li.send(form).status_code for form in forms]

    assert answers == [404] * (len(pages) + len(forms))
    with units.open() as uow:
        noted = uow.session.scalar(
            select(func.count()).where(AuditEvent.outcome == "not_found", AuditEvent.subject_kind == "page")
        )
    assert noted == len(answers)


def test_another_patient_cannot_be_booked_for(zhang, li, clinic, units: Units):
    with units.open() as uow:
        zhangs = uow.session.scalars(select(Patient.public_id).order_by(Patient.id)).first()

    answer = hold(li, clinic, patient=zhangs)

    assert answer.status_code == 404


def test_the_front_page_is_a_304_until_something_changes(zhang, clinic, units: Units):
    where = hold(zhang, clinic).location
    with units.open() as uow:
        registration.confirm(uow, uow.session.scalars(select(Registration)).one())
    zhang.send(f"{where}/check-in")
    live = where.replace("registrations", "visits") + "/live"
    first = zhang.open(live)

    unchanged = zhang.open(live, **{"If-None-Match": first.headers["ETag"]})
    home = zhang.open("/live", **{"If-None-Match": zhang.open("/live").headers["ETag"]})
    zhang.send("/preferences", language="en", next="/")
    in_english = zhang.open(live, **{"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, unchanged.status_code, home.status_code, in_english.status_code) == (200, 304, 304, 200)
    assert unchanged.data == b""


def test_a_doctors_title_is_told_in_the_readers_language(zhang, clinic):
    where = f"/sessions/{clinic.clinic.session.public_id}"
    chinese = [zhang.open(page).text for page in ("/departments/GI", where)]

    zhang.send("/preferences", language="en", next="/")

    english = [zhang.open(page).text for page in ("/departments/GI", where)]
    assert all("张伟 主任医师" in page for page in chinese)
    assert all("张伟 Chief physician" in page and "医师" not in page for page in english)


def test_a_day_that_is_not_released_is_not_offered(zhang, clinic):
    page = zhang.open("/departments/GI").text
    with clinic.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"window_first_day": 1})

    assert "张伟" in page
    assert "张伟" not in zhang.open("/departments/GI").text


def test_places_kept_for_the_lobby_are_shown_to_whoever_scanned_its_poster_today(zhang, clinic, units: Units, clock):
    clock.step(hours=-1)
    with units.open() as uow:
        kinds = (ChannelKind.ARTICLE, ChannelKind.POSTER)
        codes = [file_channel(uow, name=kind.value, target="/departments/GI", kind=kind).code for kind in kinds]
        for slot in uow.session.scalars(select(Slot)):
            slot.kept_for, slot.kept_until = BookingChannel.LOBBY, slot.starts_at
    session = clinic.clinic.session.public_id

    zhang.open(f"/c/{codes[0]}")
    at_home = zhang.open(f"/sessions/{session}").text
    refused = zhang.send("/registrations", session=session, patient=patient_on_file(units))
    zhang.open(f"/c/{codes[1]}")
    here = zhang.open(f"/sessions/{session}").text
    held = hold(zhang, clinic)

    assert "09:30 起对所有人开放" in at_home
    assert (refused.status_code, "kept_for_others" in refused.text) == (409, True)
    assert "锁定号源" in here
    assert held.status_code == 302


def patient_on_file(units: Units) -> str:
    with units.open() as uow:
        return uow.session.scalars(select(Patient.public_id)).one()
