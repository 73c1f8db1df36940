"""From choosing a department to the doctor's door by keys alone, without scripts, on the smallest phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from app.queueing import service as queueing
from tests import factories
from tests.browser import checks
from tests.browser.hospital import Hospital, open_hospital

pytestmark = pytest.mark.browser
MOST_TABS = 60
# What has the focus: its words, and whether a reader sees it (WCAG 2.2, 2.4.7 and 2.4.11).
_FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = (at.closest('label') || at).getBoundingClientRect();
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 20), 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const style = getComputedStyle(at);
  return {
    words: (at.innerText || at.closest('label')?.innerText || at.getAttribute('aria-label') || at.id || '').trim(),
    isInside: box.bottom > 0 && box.top < innerHeight,
    isCovered: !top || !(at.contains(top) || top.contains(at) || at.closest('label')?.contains(top)),
    isMarked: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
  };
}"""


@dataclass(frozen=True)
class Way:
    """How somebody reads: letters twice as large by the browser, or by the page's own elder mode."""

    text: float = 1
    is_elder: bool = False


WAYS = {"as_it_is": Way(), "twice_the_text": Way(text=2), "elder": Way(is_elder=True)}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The demo hospital before anybody came, with one patient for each way."""
    with open_hospital(tmp_path_factory.mktemp("walks")) as hospital:
        for way in WAYS:
            with hospital.units.open() as uow:
                hospital.people[way] = factories.person(uow, name="许文静")
        yield hospital


class Walk:
    """Somebody on a phone with a keyboard: moves by Tab, presses Enter, and looks at every page.

    `judge` is a page of the same person that runs scripts, which axe needs.
    """

    def __init__(self, page: Page, way: Way, judge: Page) -> None:
        self.page, self.way, self.judge = page, way, judge
        self.problems: list[str] = []
        self.screens = 0

    def arrive(self, path: str = "") -> None:
        """Opens a page, or looks at the one that was led to."""
        if path:
            self.page.goto(path)
        checks.scale_text(self.page, self.way.text)
        self.screens += 1
        title = self.page.inner_text("h1")
        beyond = checks.overflow_px(self.page)
        found = [f"overflows by {beyond} px"] if beyond else []
        found += checks.overlap_problems(self.page)
        found += self.by_axe() if self.way.text != 1 else []
        self.problems += [f"{title}: {problem}" for problem in found]

    def by_axe(self) -> list[str]:
        """What axe finds on the same page in letters as large."""
        self.judge.context.clear_cookies()
        self.judge.context.add_cookies(self.page.context.cookies())  # type: ignore[arg-type]
        self.judge.goto(self.page.url)
        checks.scale_text(self.judge, self.way.text)
        return checks.axe_violations(self.judge)

    def press(self, words: str) -> None:
        """Tabs to the link or button with these words and presses Enter."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(_FOCUSED)
            if focused is None:
                continue
            if not focused["isInside"] or focused["isCovered"] or not focused["isMarked"]:
                self.problems.append(f"focus not to be seen: {focused}")
            if words in focused["words"]:
                with self.page.expect_navigation():
                    self.page.keyboard.press("Enter")
                self.arrive()
                return
        raise AssertionError(f"no key leads to {words}: {self.page.inner_text('main')[:300]}")


def paid(hospital: Hospital) -> None:
    till = hospital.house.till
    till.pay(next(reversed(till.orders)), hospital.clock.now())


def called(hospital: Hospital) -> str:
    """The doctor calls the next, who is the one who walks; names the ticket."""
    with hospital.units.open(hospital.house.actors["doctor"]) as uow:
        return queueing.call_next(uow, session=hospital.house.clinic.session).public_id


def seen(hospital: Hospital, ticket_id: str) -> None:
    with hospital.units.open(hospital.house.actors["doctor"]) as uow:
        ticket = queueing.ticket_by_public_id(uow, ticket_id)
        queueing.begin(uow, ticket)
        queueing.finish(uow, ticket)


@pytest.mark.parametrize("name", WAYS)
def test_a_place_is_booked_paid_waited_for_and_called_by_keys_alone(
    chromium: Browser, hospital: Hospital, name: str
) -> None:
    way, home = WAYS[name], hospital.base_url + "/"
    small = {"screen": checks.PHONE_SMALL, "elder": way.is_elder}
    with (
        hospital.context(chromium, name, has_javascript=False, **small) as context,
        hospital.context(chromium, name, **small) as judging,
    ):
        walk = Walk(context.new_page(), way, judging.new_page())

        walk.arrive(home)
        walk.press("去挂号")
        walk.press("消化内科")
        walk.press("张伟 主任医师")
        walk.press("锁定号源")
        walk.press("支付 ¥")
        paid(hospital)
        walk.press("我已付款")
        walk.press("我已到院")
        assert "下一位就是您" in walk.page.inner_text("main")
        ticket_id = called(hospital)
        walk.arrive(walk.page.url)
        assert "请" in walk.page.inner_text(".ticket")
        walk.arrive(home)
        seen(hospital, ticket_id)

    assert walk.problems == []
    assert walk.screens == 10


@pytest.mark.parametrize(
    "style", ["a:focus { outline: none !important; box-shadow: none !important }", ".bar { height: 100vh; top: 0 }"]
)
def test_a_focus_that_nobody_sees_is_found(chromium: Browser, style: str) -> None:
    """The control of what the walks look for."""
    page = chromium.new_page()
    bar = ".bar { background: #fff; bottom: 0; height: 3rem; position: fixed; width: 100% }"
    page.set_content(f"<style>{bar}{style}</style><a href='#x'>去挂号</a><div class='bar'></div>")

    page.keyboard.press("Tab")

    seen = page.evaluate(_FOCUSED)
    assert seen["isCovered"] or not seen["isMarked"]
