"""What every page must hold: readable, reachable, inside the screen, light, and speaking to no other host."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = {  # what it need not do costs as much as what it does: tell what passes, and load the sheets once more
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "preload": False,
}
PHONE_SMALL, PHONE, DESKTOP = (320, 568), (390, 844), (1366, 768)
MAIN_CONTROLS = "main .button, .tabs a, .slot, .choice"
LATE_LOADS_MS = 200
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary"

_LOOK = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8").strip()


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """A headless Chromium of this machine; closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Page) -> list[str]:
    """One line per element that breaks a WCAG 2.2 AA rule or an axe best practice."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("how => axe.run(document, how).then(r => r.violations)", AXE)
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def overflow_px(page: Page) -> int:
    """How far the page reaches beyond the right edge of the screen, in CSS pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def overlap_problems(page: Page) -> list[str]:
    """Pinned bars that something paints over, and texts or controls that no scroll position uncovers.

    It looks at every sixth of a screen and leaves the page at its top.
    """
    return list(page.evaluate(f"controls => {_LOOK}.overlap(controls)", CONTROLS))


def small_targets(page: Page, minimum: int) -> list[str]:
    """Controls narrower or lower than `minimum` CSS pixels; links inside running text are excepted (WCAG 2.5.8)."""
    return list(page.evaluate(f"given => {_LOOK}.targets(given)", [CONTROLS, minimum]))


def low_main_targets(page: Page, minimum: int) -> list[str]:
    """What a patient is there to press (buttons, tabs, slots, choices), where it is lower than `minimum` CSS pixels."""
    return list(page.evaluate(f"given => {_LOOK}.targets(given)", [MAIN_CONTROLS, minimum]))


def text_sizes(page: Page) -> list[dict[str, Any]]:
    """Each visible pair of text size and line height once, smallest first: `px`, `ratio`, `sample`."""
    return list(page.evaluate(f"{_LOOK}.texts()"))


def external_hosts(page: Page) -> list[str]:
    """Other hosts that the page names or has loaded from."""
    return list(page.evaluate(f"{_LOOK}.hosts()"))


def scale_text(page: Page, factor: float) -> None:
    """Makes all text larger, as a reader's own setting does."""
    page.evaluate(
        """factor => { const root = document.documentElement;
          root.style.fontSize = parseFloat(getComputedStyle(root).fontSize) * factor + 'px'; }""",
        factor,
    )


def wire_bytes(context: BrowserContext, url: str) -> int:
    """Bytes on the wire, headers included, of a first visit to `url` with all it loads."""
    return _bytes(context, url, is_first=True)


def repeat_bytes(context: BrowserContext, url: str) -> int:
    """Bytes on the wire of a visit to `url` in a context that has visited the site and kept what it may keep."""
    return _bytes(context, url, is_first=False)


def _bytes(context: BrowserContext, url: str, *, is_first: bool) -> int:
    page = context.pages[0] if context.pages else context.new_page()
    session = context.new_cdp_session(page)
    lengths: list[float] = []
    session.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": is_first})
    page.goto(url, wait_until="load")
    page.wait_for_timeout(LATE_LOADS_MS)  # the icon comes after the page
    session.detach()
    page.goto("about:blank")
    return int(sum(lengths))
