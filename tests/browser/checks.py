"""What every page must hold: readable, reachable, inside the screen, light, and speaking to no other host."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
PHONE_SMALL, PHONE, DESKTOP = (320, 568), (390, 844), (1366, 768)
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary"

_VISIBLE = """
const seen = e => { const b = e.getBoundingClientRect(), s = getComputedStyle(e);
  return b.width > 1 && b.height > 1 && s.visibility !== 'hidden' && !e.closest('.visually-hidden, .skip'); };
const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + ' "' + (e.textContent || e.value || '').trim().replace(/\\s+/g, ' ').slice(0, 30) + '"';
"""

_OVERLAP = (
    "(controls) => {"
    + _VISIBLE
    + """
  const pinned = e => ['fixed', 'sticky'].includes(getComputedStyle(e).position);
  const bars = [...document.querySelectorAll('body *')].filter(e => seen(e) && pinned(e));
  const things = [...document.querySelectorAll(controls + ', p, h1, h2, h3, dd, li.step, .tag')].filter(seen);
  const reached = new Set(), found = new Set();
  const at = (x, y) => document.elementFromPoint(x, y);
  const own = (e, hit) => hit && (e.contains(hit) || (e.labels && [...e.labels].some(l => l.contains(hit))));
  const end = document.documentElement.scrollHeight - innerHeight;
  for (let y = 0; ; y += innerHeight / 6) {
    scrollTo(0, Math.min(y, end));
    for (const bar of bars) {
      const b = bar.getBoundingClientRect();
      for (let i = 1; i < 24; i++) for (const part of [0.15, 0.5, 0.85]) {
        const px = b.left + b.width * i / 24, py = b.top + b.height * part;
        if (px < 0 || py < 0 || px >= innerWidth || py >= innerHeight) continue;
        const hit = at(px, py);
        if (!own(bar, hit)) found.add(name(bar).slice(0, 24) + ' is covered by ' + (hit ? name(hit) : 'nothing'));
      }
    }
    for (const e of things) {
      if (reached.has(e)) continue;
      const b = e.getBoundingClientRect(), hit = at(b.left + b.width / 2, b.top + b.height / 2);
      if (own(e, hit) || (hit && hit.contains(e) && !pinned(hit) && !e.matches(controls))) reached.add(e);
    }
    if (y >= end) break;
  }
  things.filter(e => !reached.has(e)).forEach(e => found.add(name(e) + ' cannot be reached'));
  scrollTo(0, 0);
  return [...found];
}"""
)

_TARGETS = (
    "([controls, minimum]) => {"
    + _VISIBLE
    + """
  const inText = e => e.tagName === 'A' && getComputedStyle(e).display === 'inline' && e.parentNode.textContent.trim() !== e.textContent.trim();
  const ticked = e => ['radio', 'checkbox'].includes(e.type);
  const area = e => ticked(e) && e.closest('label') ? e.closest('label') : e;
  return [...document.querySelectorAll(controls)].filter(e => seen(e) && !inText(e)).map(e => [e, area(e).getBoundingClientRect()])
    .filter(([e, b]) => b.width < minimum - .5 || b.height < minimum - .5).map(([e, b]) => name(e) + ' ' + Math.round(b.width) + 'x' + Math.round(b.height));
}"""
)

_TEXTS = (
    "() => {"
    + _VISIBLE
    + """
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = {};
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !seen(e) || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
    const s = getComputedStyle(e), px = parseFloat(s.fontSize), ratio = parseFloat(s.lineHeight) / px || 1.2;
    const key = px.toFixed(1) + '/' + ratio.toFixed(2);
    sizes[key] = sizes[key] || {px: px, ratio: ratio, sample: text.slice(0, 20)};
  }
  return Object.values(sizes).sort((a, b) => a.px - b.px);
}"""
)

_HOSTS = """() => {
  const named = [...document.querySelectorAll('[src], [href], [action], [srcset], [data-poll]')].map(e =>
    e.getAttribute('src') || e.getAttribute('href') || e.getAttribute('action') || e.getAttribute('srcset') || e.getAttribute('data-poll'));
  const loaded = performance.getEntriesByType('resource').map(r => r.name);
  return [...new Set(named.concat(loaded).map(a => new URL(a, location.href)).filter(u => /^http/.test(u.protocol) && u.host !== location.host).map(u => u.host))];
}"""


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
    found = page.evaluate("tags => axe.run(document, {runOnly: tags}).then(r => r.violations)", AXE_TAGS)
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def overflow_px(page: Page) -> int:
    """How far the page reaches beyond the right edge of the screen, in CSS pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def overlap_problems(page: Page) -> list[str]:
    """Pinned bars that something paints over, and texts or controls that no scroll position uncovers (looks every 1/6 screen)."""
    return list(page.evaluate(_OVERLAP, CONTROLS))


def small_targets(page: Page, minimum: int) -> list[str]:
    """Controls narrower or lower than `minimum` CSS pixels; links inside running text are excepted (WCAG 2.5.8)."""
    return list(page.evaluate(_TARGETS, [CONTROLS, minimum]))


def text_sizes(page: Page) -> list[dict[str, Any]]:
    """Each visible pair of text size and line height once, smallest first: `px`, `ratio`, `sample`."""
    return list(page.evaluate(_TEXTS))


def external_hosts(page: Page) -> list[str]:
    """Other hosts that the page names or has loaded from."""
    return list(page.evaluate(_HOSTS))


def scale_text(page: Page, factor: float) -> None:
    """Makes all text larger, as a reader's own setting does."""
    page.evaluate(
        "f => { const e = document.documentElement; e.style.fontSize = parseFloat(getComputedStyle(e).fontSize) * f + 'px'; }",
        factor,
    )


def wire_bytes(context: BrowserContext, url: str) -> int:
    """Bytes on the wire, headers included, of a first visit to `url` with all it loads."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    lengths: list[float] = []
    session.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(url, wait_until="networkidle")
    page.close()
    return int(sum(lengths))
