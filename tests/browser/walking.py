"""Somebody who walks through pages by keys alone, and what is wrong with the pages they come by."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser import checks

MOST_TABS = 60
# What has the focus: its words, and whether a reader sees it (WCAG 2.2, 2.4.7 and 2.4.11).
FOCUSED = """() => {
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
    """How somebody reads: letters twice as large, or the page's own elder mode; and whether they scanned a poster."""

    text: float = 1
    is_elder: bool = False
    is_in_the_lobby: bool = False


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
        self.judge.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        return checks.axe_violations(self.judge)

    def press(self, words: str) -> None:
        """Tabs to the link or button with these words, presses Enter, and looks at the page it leads to."""
        self.reach(words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.arrive()

    def unfold(self, words: str) -> None:
        """Tabs to the part with these words and presses Enter, which shows what is in it."""
        self.reach(words)
        self.page.keyboard.press("Enter")

    def reach(self, words: str) -> None:
        """Tabs until what has these words has the focus, which is to be seen wherever it is."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(FOCUSED)
            if focused is None:
                continue
            if not focused["isInside"] or focused["isCovered"] or not focused["isMarked"]:
                self.problems.append(f"focus not to be seen: {focused}")
            if words in focused["words"]:
                return
        raise AssertionError(f"no key leads to {words}: {self.page.inner_text('main')[:300]}")
