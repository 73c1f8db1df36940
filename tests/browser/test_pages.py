"""Every page of every surface, as it stands in mid-morning, can be read, reached and worked on every screen."""

from __future__ import annotations

from collections import defaultdict

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import checks
from tests.browser.addresses import NO_PAGES, PAGES, SURFACES, Address, addresses, get_routes
from tests.browser.hospital import Hospital

pytestmark = pytest.mark.browser
SCREENS = {320: checks.PHONE_SMALL, 390: checks.PHONE, 1366: checks.DESKTOP}
AXE_AT = {False: (390, 1366), True: (390,)}
ELDERS_SURFACES = {"patient", "entrance"}
FIRST_LOAD_BYTES, REPEAT_BYTES = 40_000, 5_000
Found = dict[str, list[str]]


def grouped(hospital: Hospital, surface: str, at_most: int | None = None) -> dict[str, list[Address]]:
    """The surface's pages by who opens them; each page as it stands for `at_most` of its patients."""
    by_who: dict[str, list[Address]] = defaultdict(list)
    for endpoint in PAGES:
        if endpoint.split(".")[0] == surface:
            for address in addresses(endpoint, hospital.ids)[:at_most]:
                by_who[address.who].append(address)
    return by_who


def listening(context: BrowserContext) -> tuple[Page, list[str]]:
    """A new page, and what its console complains about."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def open_page(page: Page, hospital: Hospital, address: Address) -> None:
    answer = page.goto(hospital.base_url + address.path, wait_until="load")
    assert answer is not None
    assert answer.status == 200, address
    assert page.url == hospital.base_url + address.path, address


def problems_at(page: Page, width: int, *, elder: bool, surface: str) -> list[str]:
    page.set_viewport_size({"width": SCREENS[width][0], "height": SCREENS[width][1]})
    found = [f"overflows by {checks.overflow_px(page)} px"] if checks.overflow_px(page) else []
    found += checks.overlap_problems(page)
    found += [f"too small: {target}" for target in checks.small_targets(page, 44)]
    if elder and surface in ELDERS_SURFACES:
        found += [f"too small for the elder: {target}" for target in checks.low_main_targets(page, 60)]
    if width in AXE_AT[elder]:
        found += checks.axe_violations(page)
    return found


NORMAL = [pytest.param(surface, False, id=f"{surface}-normal") for surface in SURFACES]
ELDER = [
    # Patients turn the large text on; where the staff works the same sheet is tried when there is time.
    pytest.param(surface, True, id=f"{surface}-elder", marks=() if surface in ELDERS_SURFACES else pytest.mark.long)
    for surface in SURFACES
]


@pytest.mark.parametrize(("surface", "elder"), NORMAL + ELDER)
def test_every_page_can_be_read_and_reached(chromium: Browser, hospital: Hospital, surface: str, elder: bool) -> None:
    found: Found = {}

    for who, pages in grouped(hospital, surface).items():
        with hospital.context(chromium, who, screen=checks.PHONE_SMALL, elder=elder) as context:
            page, complaints = listening(context)
            for address in pages:
                open_page(page, hospital, address)
                for width in SCREENS:
                    for problem in problems_at(page, width, elder=elder, surface=surface):
                        found.setdefault(address.path, []).append(f"{width}: {problem}")
                if checks.external_hosts(page) or complaints:
                    found.setdefault(address.path, []).extend([*checks.external_hosts(page), *complaints])
                complaints.clear()
                page.set_viewport_size({"width": 320, "height": 568})

    assert found == {}


@pytest.mark.parametrize("surface", SURFACES)
def test_english_fits_the_smallest_phone(chromium: Browser, hospital: Hospital, surface: str) -> None:
    found: Found = {}

    for who, pages in grouped(hospital, surface).items():
        with hospital.context(chromium, who, screen=checks.PHONE_SMALL, lang="en") as context:
            page, _ = listening(context)
            for address in pages:
                open_page(page, hospital, address)
                if checks.overflow_px(page):
                    found[address.path] = [f"overflows by {checks.overflow_px(page)} px"]

    assert found == {}


@pytest.mark.parametrize("surface", ["patient", "entrance", "public"])
def test_a_page_for_patients_is_light(chromium: Browser, hospital: Hospital, surface: str) -> None:
    first, repeat = {}, {}

    for who, pages in grouped(hospital, surface, at_most=1).items():
        with hospital.context(chromium, who, screen=checks.PHONE) as context:
            checks.repeat_bytes(context, hospital.base_url + pages[0].path)
            for address in pages:
                first[address.path] = checks.wire_bytes(context, hospital.base_url + address.path)
                repeat[address.path] = checks.repeat_bytes(context, hospital.base_url + address.path)

    print(f"\n{surface}: first at most {max(first.values())} bytes, again at most {max(repeat.values())} bytes")
    assert {path: size for path, size in first.items() if not 1_000 < size <= FIRST_LOAD_BYTES} == {}
    assert {path: size for path, size in repeat.items() if not 500 < size <= REPEAT_BYTES} == {}


@pytest.mark.parametrize("elder", [False, True])
def test_the_pickup_code_stands_on_the_first_screen_of_a_small_phone(
    chromium: Browser, hospital: Hospital, elder: bool
) -> None:
    with hospital.context(chromium, "zhang", screen=checks.PHONE_SMALL, elder=elder) as context:
        page = context.new_page()
        page.goto(f"{hospital.base_url}/pickup/{hospital.ids['bag.ready']}")
        code, tabs = page.locator(".qr svg").bounding_box(), page.locator(".tabs").bounding_box()

    assert code
    assert tabs
    assert code["y"] + code["height"] <= tabs["y"]


def test_an_identity_number_with_a_flaw_is_seen_whole_in_large_type(chromium: Browser, hospital: Hospital) -> None:
    with hospital.context(chromium, "zhang", screen=checks.PHONE_SMALL, elder=True) as context:
        page = context.new_page()
        page.goto(f"{hospital.base_url}/patients/new")
        page.get_by_label("姓名").fill("王小明")
        page.get_by_label("身份证号").fill("110105201803070012")
        page.locator("main").get_by_role("button", name="添加").click()
        page.locator(".field-bad").wait_for()
        field = page.locator("#f-id_number")
        widths = field.evaluate("field => [field.scrollWidth, field.clientWidth]")
        focused = page.evaluate("document.activeElement.id")

    assert widths[0] <= widths[1]
    assert focused == "f-id_number"


def test_every_get_route_is_looked_at_or_is_no_page(hospital: Hospital) -> None:
    routes = get_routes(hospital.house.app)

    assert routes == set(PAGES) | set(NO_PAGES)
    assert set(PAGES) & set(NO_PAGES) == set()
