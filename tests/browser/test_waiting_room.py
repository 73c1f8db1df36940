"""In the waiting room: the phone says whether it is near, by itself, and a board says its calls where it may."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.paper import voice
from app.queueing import service as queueing
from tests.browser import checks
from tests.browser.hospital import Hospital, open_hospital

pytestmark = pytest.mark.browser
HALL = {"latitude": 39.9042, "longitude": 116.4074}
FAR = {"latitude": 39.9500, "longitude": 116.4074}


@pytest.fixture(scope="module")
def early_hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The demo hospital before anybody came."""
    with open_hospital(tmp_path_factory.mktemp("hospital")) as hospital:
        yield hospital


def ask(page: Page, hospital: Hospital) -> str:
    """The button is pressed: what the page says."""
    page.goto(hospital.base_url + "/check-in")
    page.get_by_role("button", name="用手机定位看一看").click()
    line = page.locator("[data-near] [role=status]")
    line.filter(has_text="。").wait_for()
    return line.inner_text()


def test_where_the_phone_is_is_said_in_words_and_sent_to_nobody_and_needs_no_consent(
    chromium: Browser, early_hospital: Hospital
) -> None:
    early_hospital.house.booked(who=early_hospital.people["zhang"])
    with early_hospital.context(chromium, "zhang", screen=checks.PHONE) as phone:
        page, asked = phone.new_page(), []
        page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))

        refused = ask(page, early_hospital)
        phone.grant_permissions(["geolocation"])
        phone.set_geolocation(HALL)
        here = ask(page, early_hospital)
        phone.set_geolocation(FAR)
        far = ask(page, early_hospital)
        page.get_by_role("button", name="我已到院，签到").click()

        assert refused == "手机没有给出位置，不影响签到。"
        assert here == "您已在医院附近，可以签到。"
        assert far.startswith("您离医院还有约 4.")
        assert [url for url in asked if "39." in url or "116." in url] == []
        assert phone.storage_state()["origins"] == []
        assert page.locator(".ticket-number").inner_text().startswith("A00")


def recorded(hospital: Hospital, folder: Path) -> None:
    """Every word has its clip, of a twentieth of a second's silence."""
    for clip in voice.SAID:
        with wave.open(str(folder / f"{clip}.wav"), "wb") as sound:
            sound.setparams((1, 2, 8000, 400, "NONE", ""))
            sound.writeframes(b"\0\0" * 400)
    runtime = hospital.house.app.extensions["menzhen"]
    settings = replace(runtime.settings, voice_folder=str(folder))
    hospital.house.app.extensions["menzhen"] = replace(runtime, settings=settings)


def board(chromium: Browser, hospital: Hospital, heard: list[str]) -> Page:
    page = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN").new_page()
    page.on(
        "request", lambda asked: heard.append(asked.url.rsplit("/", 1)[1]) if "/board/voice/" in asked.url else None
    )
    page.goto(hospital.base_url + "/board/GI")
    return page


def test_a_new_call_is_said_only_where_there_are_clips_and_the_sound_is_on(
    chromium: Browser, early_hospital: Hospital, tmp_path: Path
) -> None:
    unheard: list[str] = []
    heard: list[str] = []
    without = board(chromium, early_hospital, unheard)
    has_button = without.locator("[data-voice]").count()
    nothing = without.request.get(early_hospital.base_url + "/board/voice/A").status
    recorded(early_hospital, tmp_path)
    early_hospital.house.waiting()
    off, on = board(chromium, early_hospital, unheard), board(chromium, early_hospital, heard)

    on.get_by_role("button", name="打开声音").click()
    with early_hospital.units.open() as uow:
        number = queueing.call_next(uow, session=early_hospital.house.clinic.session).number
    for page in (off, on):
        page.wait_for_selector(f"[data-call='{number}-1']")
    for _ in range(100):
        if "zhenshi" not in heard:
            on.wait_for_timeout(50)

    assert (has_button, nothing, unheard) == (0, 404, [])
    assert heard[0] == "qing"
    assert list(dict.fromkeys(heard)) == list(dict.fromkeys(voice.clips_of_call(number, "305")))
    assert on.get_by_role("button", name="关闭声音").get_attribute("aria-pressed") == "true"
    assert checks.small_targets(on, 44) == []
    assert checks.axe_violations(on) == []
