"""The code on the phone opens the bag at the terminal; pharmacist and doctor work without touching the mouse."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from sqlalchemy import select

from app.pharmacy.models import Bag, Scan
from tests.browser import checks
from tests.browser.hospital import Hospital

pytestmark = pytest.mark.browser
SCALE = 0.2
GUN_MS, HAND_MS = 2, 120
MOST_SHOTS, STUTTER_MS = 4, 5_000
MOST_TABS = 40


@pytest.fixture
def counter(chromium: Browser, hospital: Hospital) -> Iterator[BrowserContext]:
    """The terminal's browser, its pharmacist logged in at window 1."""
    with hospital.context(chromium, "checker", screen=checks.DESKTOP) as context:
        yield context


def code_in(picture: bytes) -> str:
    """What a camera reads from the picture at a fifth of its size; '' when nothing."""
    with Image.open(io.BytesIO(picture)) as full:
        size = (round(full.width * SCALE), round(full.height * SCALE))
        small = full.convert("L").resize(size, Image.Resampling.LANCZOS)
    return next((str(found.text) for found in zxingcpp.read_barcodes(small)), "")


def shown_code(chromium: Browser, hospital: Hospital) -> str:
    """The code on the pickup page of the patient whose bag is ready, read from a small screenshot."""
    with hospital.context(chromium, "zhang", screen=checks.PHONE) as context:
        page = context.new_page()
        page.goto(f"{hospital.base_url}/pickup/{hospital.ids['bag.ready']}")
        return code_in(page.screenshot())


def scan(page: Page, hospital: Hospital, digits: str) -> None:
    """The gun types the digits while nothing has the focus; again when a busy machine made it stutter.

    A pause of 80 ms between two keys is none of a gun's: the terminal then takes only what came after it.
    """
    for _ in range(MOST_SHOTS):
        page.goto(hospital.base_url + "/terminal/")
        page.evaluate("document.activeElement.blur(); sessionStorage.clear()")
        assert page.evaluate("document.activeElement === document.body")
        with suppress(PlaywrightTimeout), page.expect_navigation(timeout=STUTTER_MS):
            page.keyboard.type(digits, delay=GUN_MS)
            page.keyboard.press("Enter")
        if page.locator(".verdict").count() and "not_a_pickup_code" not in page.inner_text(".verdict"):
            return
    raise AssertionError(f"the terminal did not take the scan: {page.inner_text('main')[:200]}")


def bag_of(hospital: Hospital, key: str) -> Bag:
    with hospital.units.open() as uow:
        return uow.session.scalars(select(Bag).where(Bag.public_id == hospital.ids[key])).one()


def let_go(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Escape")


def test_a_small_screenshot_of_the_code_finds_the_bag_and_is_worth_nothing_later(
    chromium: Browser, hospital: Hospital, counter: BrowserContext
) -> None:
    digits = shown_code(chromium, hospital)
    assert re.fullmatch(r"1\d{21}", digits)
    page = counter.new_page()

    scan(page, hospital, digits)
    found = (page.url, page.inner_text(".verdict"), page.inner_text("main"))
    let_go(page)
    hospital.clock.step(minutes=5)
    scan(page, hospital, digits)
    refused = (page.url, page.inner_text(".verdict"))

    assert found[0].endswith(f"/terminal/bags/{hospital.ids['bag.ready']}")
    assert "可以取药" in found[1]
    assert "W1-" in found[1]
    assert "张秀英" in found[2]
    assert "/terminal/scans/" in refused[0]
    assert "取药码已过期" in refused[1]
    assert "code_expired" in refused[1]
    with hospital.units.open() as uow:
        kept = uow.session.scalars(select(Scan.code).order_by(Scan.id.desc()).limit(1)).one()
    assert kept.value == "code_expired"


def test_without_network_the_bag_in_hand_stays_on_the_screen_and_the_scan_is_made_again(
    chromium: Browser, hospital: Hospital, counter: BrowserContext
) -> None:
    page, bag = counter.new_page(), bag_of(hospital, "bag.ready")
    scan(page, hospital, shown_code(chromium, hospital))
    address = page.url

    counter.set_offline(True)
    page.fill("#f-bag_code", bag.bag_code)
    page.keyboard.press("Enter")
    words = page.inner_text("[data-no-network]")
    stays = (page.url, page.inner_text(".verdict h2"))
    counter.set_offline(False)
    page.wait_for_selector("[data-no-network]", state="hidden")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    matched = page.inner_text("main")
    let_go(page)

    assert "没有网络，刚才的操作没有提交" in words
    assert stays == (address, "可以取药")
    assert "请患者说出一项" in matched


def test_the_next_patients_code_is_not_swallowed_while_a_bag_is_checked(
    chromium: Browser, hospital: Hospital, counter: BrowserContext
) -> None:
    page, bag = counter.new_page(), bag_of(hospital, "bag.ready")
    scan(page, hospital, shown_code(chromium, hospital))
    with page.expect_navigation():
        page.fill("#f-bag_code", bag.bag_code)
        page.keyboard.press("Enter")
    silent = page.get_by_text("请先发完这袋药").is_visible()
    for _ in range(MOST_SHOTS):
        page.keyboard.type("1" * 22, delay=GUN_MS)
        page.keyboard.press("Enter")
        if page.get_by_text("请先发完这袋药").is_visible():
            break
    told = page.get_by_text("请先发完这袋药").is_visible()
    let_go(page)

    assert (silent, told) == (False, True)


def test_half_a_minute_later_the_phone_shows_another_code(chromium: Browser, hospital: Hospital) -> None:
    digits = shown_code(chromium, hospital)
    hospital.clock.step(seconds=31)

    assert shown_code(chromium, hospital) != digits


def tab_to(page: Page, selector: str) -> None:
    """Tab is pressed until the element has the focus; on the way each stop is seen to have it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """selector => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
              return { there: e.matches(selector), name: e.outerHTML.slice(0, 120),
                ringed: e === document.body || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2),
                seen: b.bottom > 0 && b.top < innerHeight && b.width > 0 }; }""",
            selector,
        )
        assert stop["ringed"], f"no focus ring: {stop['name']}"
        assert stop["seen"], f"focus out of sight: {stop['name']}"
        if stop["there"]:
            return
    raise AssertionError(f"Tab never came to {selector}")


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_pharmacist_hands_a_bag_over_by_keys_alone(hospital: Hospital, counter: BrowserContext) -> None:
    page, bag = counter.new_page(), bag_of(hospital, "bag.served")
    page.goto(hospital.base_url + "/terminal/")

    tab_to(page, "[name=digits]")
    page.keyboard.type(hospital.house.code(bag), delay=HAND_MS)
    press(page, "Enter")
    tab_to(page, "[name=bag_code]")
    page.keyboard.type(bag.bag_code, delay=HAND_MS)
    press(page, "Enter")
    assert "药袋相符" in page.inner_text(".verdict")
    tab_to(page, "[name=identity]")
    page.keyboard.press("Space")
    for check in ("form", "drugs", "incompatibility", "reasonable_use"):
        tab_to(page, f"[name=check][value={check}]")
        page.keyboard.press("Space")
    press(page, "F8")

    assert page.url.endswith("/done")
    assert f"{bag.number} 已发药" in page.inner_text(".verdict")
    press(page, "Escape")
    assert page.url.endswith("/terminal/")


def test_a_doctor_calls_sees_and_finishes_by_keys_alone(chromium: Browser, hospital: Hospital) -> None:
    with hospital.context(chromium, "doctor", screen=checks.DESKTOP) as context:
        page = context.new_page()
        page.goto(hospital.base_url + "/desk/sessions")

        tab_to(page, f"[href$='{hospital.ids['session']}']")
        press(page, "Enter")
        assert "A006" in page.inner_text(".now")
        press(page, "F2")
        assert "钱多多" in page.inner_text(".patient-banner")
        press(page, "F2")
        assert page.url.endswith("/prescribe")
        press(page, "Escape")
        press(page, "F10")
        assert "候诊 2 人" in page.inner_text(".now")
        press(page, "F8")
        assert "A007" in page.inner_text(".now")
        press(page, "F6")

        assert "候诊 1 人" in page.inner_text(".now")
        assert "已过号" in page.inner_text("table")


def test_the_slip_of_whoever_has_no_phone_is_printed_by_a_button(chromium: Browser, hospital: Hospital) -> None:
    with hospital.context(chromium, "nurse", screen=checks.DESKTOP) as context:
        page = context.new_page()
        page.add_init_script("window.print = () => { document.title = 'printed'; }")
        page.goto(f"{hospital.base_url}/desk/registrations/{hospital.ids['visit.held']}/slip")
        page.get_by_role("button", name="打印凭条").click()
        title = page.title()
        page.emulate_media(media="print")
        is_on_paper = page.locator("[data-print]").is_visible()

    assert (title, is_on_paper) == ("printed", False)
