"""A board says each new call twice once its sound is on; before that, and without clips, it is silent."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.paper import voice
from app.queueing import service as queueing
from tests.browser import checks
from tests.browser.hospital import Hospital

pytestmark = pytest.mark.browser
CALL = voice.clips_of_call("A001", "305")


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


def call(hospital: Hospital) -> None:
    with hospital.units.open() as uow:
        queueing.call_next(uow, session=hospital.house.clinic.session)


def test_a_new_call_is_said_only_where_there_are_clips_and_the_sound_is_on(
    chromium: Browser, quiet_hospital: Hospital, tmp_path: Path
) -> None:
    unheard: list[str] = []
    heard: list[str] = []
    without = board(chromium, quiet_hospital, unheard)
    has_button = without.locator("[data-voice]").count()
    nothing = without.request.get(quiet_hospital.base_url + "/board/voice/A").status
    recorded(quiet_hospital, tmp_path)
    quiet_hospital.house.waiting()
    off, on = board(chromium, quiet_hospital, unheard), board(chromium, quiet_hospital, heard)

    on.get_by_role("button", name="打开声音").click()
    call(quiet_hospital)
    for page in (off, on):
        page.wait_for_selector("[data-call='A001-1']")
    for _ in range(100):
        if "zhenshi" not in heard:
            on.wait_for_timeout(50)

    assert (has_button, nothing, unheard) == (0, 404, [])
    assert heard[0] == "qing"
    assert list(dict.fromkeys(heard)) == list(dict.fromkeys(CALL))
    assert on.get_by_role("button", name="关闭声音").get_attribute("aria-pressed") == "true"
    assert checks.small_targets(on, 44) == []
    assert checks.axe_violations(on) == []
