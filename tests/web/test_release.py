"""The release minute on the phone: a turn by opening the department's page, also without JavaScript."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.identity.models import Patient
from app.kernel.uow import Units
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling import keeping
from app.scheduling.models import ReleaseToken
from tests import factories
from tests.web.conftest import Phone
from tests.web.test_patient_booking import patient_on_file
from tests.web.work_fixtures import House, hidden

RELEASE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday 10:00 in the hospital


@pytest.fixture
def session_id(zhang: Phone, clinic: House, units: Units, clock) -> str:
    with units.open() as uow:
        rules = {"window_days": 7, "release_clock": "10:00", "release_admits_per_second": 1}
        rulebook.write(uow, rulebook.HOUSE, rules)
        made = factories.another_session(uow, clinic.clinic.practitioner, days=7).public_id
    clock.at(RELEASE - timedelta(minutes=5))
    return made


def tokens(units: Units) -> int:
    with units.open() as uow:
        return uow.session.scalar(select(func.count()).select_from(ReleaseToken)) or 0


def test_who_opens_the_page_before_the_release_has_a_turn_after_it(
    zhang: Phone, clinic: House, units: Units, clock, session_id: str
) -> None:
    before = zhang.open("/departments/GI").text
    again = zhang.open("/departments/GI/release")
    unchanged = zhang.open("/departments/GI/release", **{"If-None-Match": again.headers["ETag"]})
    clock.at(RELEASE)
    patient = patient_on_file(units)
    admitted = zhang.open("/departments/GI/release").text
    on_to = re.search(r'href="(/departments/GI\?day=[^"]+)"', admitted)
    assert on_to
    page = zhang.open(on_to[1]).text
    held = zhang.send("/registrations", patient=patient, session=session_id)

    assert ("10:00 放号" in before, "随机排序" in before) == (True, True)
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in before
    assert unchanged.status_code == 304
    assert "轮到您了" in admitted
    assert ("张伟" in page, "http-equiv" in page) == (True, False)
    assert held.status_code == 302
    assert tokens(units) == 1


def test_who_has_no_turn_yet_is_told_to_wait(
    zhang: Phone, li: Phone, clinic: House, units: Units, clock, session_id: str
) -> None:
    clock.at(RELEASE)
    zhang.open("/departments/GI")
    with units.open() as uow:
        patients = {row.name_masked: row.public_id for row in uow.session.scalars(select(Patient))}
    her, him = (next(value for name, value in patients.items() if name[0] == first) for first in "张李")

    too_soon = li.send("/registrations", patient=him, session=session_id)
    waiting = li.open("/departments/GI").text
    refused = li.send("/registrations", patient=him, session=session_id)
    hers = zhang.send("/registrations", patient=her, session=session_id)
    clock.step(seconds=1)
    his = li.send("/registrations", patient=him, session=session_id)

    assert (too_soon.status_code, refused.status_code) == (429, 429)
    assert ("wait_your_turn" in refused.text, "大约 1 秒" in refused.text) == (True, True)
    assert "前面约 1 人，大约 1 秒" in waiting
    assert (hers.status_code, his.status_code) == (302, 302)


def test_far_from_a_release_the_page_tells_of_none_and_keeps_nothing(
    zhang: Phone, clinic: House, units: Units, clock, session_id: str
) -> None:
    clock.at(RELEASE + timedelta(hours=2))

    page = zhang.open("/departments/GI").text
    live = zhang.open("/departments/GI/release")

    assert ("放号" in page, live.status_code, live.text.strip()) == (False, 200, "")
    assert tokens(units) == 0


def test_five_hundred_tries_of_one_account_in_a_second_are_refused_in_words(
    zhang: Phone, clinic: House, units: Units
) -> None:
    session = clinic.clinic.session.public_id
    page = zhang.open(f"/sessions/{session}").text
    patient = re.search(r'name="patient" value="([^"]+)"', page)
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert patient
    assert token
    form = {"patient": patient[1], "session": session, "csrf_token": token[1]}
    cookie = zhang.client.get_cookie("menzhen")
    assert cookie

    def tap(number: int) -> tuple[int, bool]:
        client = clinic.app.test_client()
        client.set_cookie("menzhen", cookie.value)
        answer = client.post("/registrations", data=form | {"once": f"k{number}"})
        return answer.status_code, "too_many" in answer.text

    with ThreadPoolExecutor(4) as pool:
        answers = Counter(pool.map(tap, range(500)))

    assert set(answers) == {(302, False), (429, True)}
    assert 60 <= answers[(302, False)] <= 64  # those at the same instant do not see each other
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Registration)) == 1


def test_without_the_setting_nobody_counts(zhang: Phone, clinic: House, units: Units) -> None:
    """The control of the test above."""
    runtime = clinic.app.extensions["menzhen"]
    clinic.app.extensions["menzhen"] = replace(runtime, settings=replace(runtime.settings, booking_tries_per_minute=0))
    session = clinic.clinic.session.public_id
    page = zhang.open(f"/sessions/{session}").text
    form = {"patient": hidden(page, "patient"), "session": session}

    answers = {zhang.send("/registrations", **form).status_code for _ in range(70)}

    assert answers == {302}


def test_a_session_with_its_own_release_is_shown_before_and_chosen_after_it(
    zhang: Phone, clinic: House, units: Units
) -> None:
    clinic.clock.step(hours=-2)
    session = clinic.clinic.session.public_id
    with units.open() as uow:
        keeping.release(uow, public_id=session, release_at=uow.now() + timedelta(hours=1))

    before = zhang.open("/departments/GI?day=2026-11-23").text
    refused = zhang.send("/registrations", patient=patient_on_file(units), session=session)
    clinic.clock.step(hours=1)
    after = zhang.open("/departments/GI?day=2026-11-23").text

    assert ("08:31 放号" in before, "未放号" in before, f"/sessions/{session}" in before) == (True, True, False)
    assert (refused.status_code, "还没有放号" in refused.text) == (409, True)
    assert ("放号" in after, f"/sessions/{session}" in after) == (False, True)
