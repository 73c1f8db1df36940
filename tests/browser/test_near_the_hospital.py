"""The phone says whether it is near the hospital, by itself: where it is never leaves the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import checks
from tests.browser.hospital import Hospital

pytestmark = pytest.mark.browser
HALL = {"latitude": 39.9042, "longitude": 116.4074}
FAR = {"latitude": 39.9500, "longitude": 116.4074}


@pytest.fixture
def phone(chromium: Browser, quiet_hospital: Hospital) -> Iterator[BrowserContext]:
    quiet_hospital.house.booked(who=quiet_hospital.people["zhang"])
    with quiet_hospital.context(chromium, "zhang", screen=checks.PHONE) as context:
        yield context


def ask(page: Page, hospital: Hospital) -> str:
    """The button is pressed: what the page says."""
    page.goto(hospital.base_url + "/check-in")
    page.get_by_role("button", name="用手机定位看一看").click()
    line = page.locator("[data-near] [role=status]")
    line.filter(has_text="。").wait_for()
    return line.inner_text()


def test_where_the_phone_is_is_said_in_words_and_sent_to_nobody_and_needs_no_consent(
    phone: BrowserContext, quiet_hospital: Hospital
) -> None:
    page, asked = phone.new_page(), []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))

    refused = ask(page, quiet_hospital)
    phone.grant_permissions(["geolocation"])
    phone.set_geolocation(HALL)
    here = ask(page, quiet_hospital)
    phone.set_geolocation(FAR)
    far = ask(page, quiet_hospital)
    page.get_by_role("button", name="我已到院，签到").click()

    assert refused == "手机没有给出位置，不影响签到。"
    assert here == "您已在医院附近，可以签到。"
    assert far.startswith("您离医院还有约 4.")
    assert [url for url in asked if "39." in url or "116." in url] == []
    assert phone.storage_state()["origins"] == []
    assert page.locator(".ticket-number").inner_text() == "A001"
