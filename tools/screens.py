"""Takes the README's pictures: plays a visit on the running demo and photographs what each face shows on the way.

`.venv/bin/python -m tools.screens [demo-data/endpoints.json]` writes docs/screens/*.png and the strip of three of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser as Chromium

from tests.browser.checks import open_chromium
from tools.demo.hospital_clock import set_clock
from tools.play.book import STEPS, play
from tools.play.browser import Browser
from tools.play.visit import PHONE, Visit
from tools.setup import ROOT

FOLDER = ROOT / "docs" / "screens"
SIZES = {"phone": (390, 844), "desk": (1366, 768), "board": (1366, 768)}
STRIP = ("phone-pickup", "terminal", "board")
STRIP_HEIGHT, STRIP_GAP = 520, 24
COLOURS = 128


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the size of screen, who looks (a role, or the patient or a passer-by), and at what."""

    name: str
    size: str
    who: str
    path: Callable[[Visit], str]


# After which step of the visit which pictures are taken.
SHOTS: dict[str, tuple[Shot, ...]] = {
    "bind": (Shot("phone-department", "phone", "patient", lambda _: "/departments/GI"),),
    "check_in": (Shot("phone-queue", "phone", "patient", lambda visit: f"/visits/{visit['registration']}"),),
    "called": (
        Shot("board", "board", "passer_by", lambda _: "/board/GI"),
        Shot("desk", "desk", "doctor", lambda visit: visit["queue"]),
    ),
    "split": (Shot("phone-bill", "phone", "patient", lambda visit: f"/bills/{visit['drug_bill']}"),),
    "qr_decoded": (Shot("phone-pickup", "phone", "patient", lambda visit: f"/pickup/{visit['bag']}"),),
    "bag_matched": (Shot("terminal", "desk", "pharmacist", lambda visit: f"/terminal/bags/{visit['bag']}"),),
    "invoice_verified": (Shot("phone-verify", "phone", "passer_by", lambda visit: visit["verify_url"]),),
    "timeline": (
        Shot("phone-timeline", "phone", "patient", lambda visit: f"/visits/{visit['registration']}"),
        Shot("staff", "desk", "admin", lambda _: "/staff/"),
        Shot("staff-hl7", "desk", "admin", lambda _: "/staff/hl7"),
        Shot("staff-channels", "desk", "admin", lambda _: "/staff/channels"),
    ),
}


def take(chromium: Chromium, visit: Visit, shot: Shot) -> None:
    """The picture stands in the folder, in few colours so that it stays small."""
    width, height = SIZES[shot.size]
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN", user_agent=PHONE)
    context.add_cookies(_cookies(_browser_of(visit, shot.who)))
    page = context.new_page()
    page.goto(_address(visit, shot), wait_until="load")
    page.wait_for_timeout(400)
    file = FOLDER / f"{shot.name}.png"
    page.screenshot(path=file)
    context.close()
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _address(visit: Visit, shot: Shot) -> str:
    path = shot.path(visit)
    return path if path.startswith("http") else visit.endpoints["base_url"] + path


def _browser_of(visit: Visit, who: str) -> Browser:
    if who == "patient":
        return visit.phone
    return visit.passer_by() if who == "passer_by" else visit.staff(who)


def _cookies(browser: Browser) -> list[dict[str, object]]:
    return [
        {"name": cookie.name, "value": cookie.value or "", "url": browser.base_url}
        for cookie in browser.session.cookies
    ]


def make_strip() -> None:
    """docs/screens/strip.png: the phone, the terminal and the board side by side."""
    pictures = []
    for name in STRIP:
        with Image.open(FOLDER / f"{name}.png") as picture:
            width = round(picture.width * STRIP_HEIGHT / picture.height)
            pictures.append(picture.convert("RGB").resize((width, STRIP_HEIGHT), Image.Resampling.LANCZOS))
    total = sum(picture.width for picture in pictures) + STRIP_GAP * (len(pictures) + 1)
    strip, left = Image.new("RGB", (total, STRIP_HEIGHT + 2 * STRIP_GAP), "#e8ecef"), STRIP_GAP
    for picture in pictures:
        strip.paste(picture, (left, STRIP_GAP))
        left += picture.width + STRIP_GAP
    strip.quantize(COLOURS).save(FOLDER / "strip.png", optimize=True)


def main(arguments: list[str]) -> int:
    """1 when a step of the visit failed, for then its pictures are not to be shown."""
    endpoints = json.loads(Path(arguments[0] if arguments else "demo-data/endpoints.json").read_text())
    set_clock(Path(endpoints["clock_file"]), datetime.now(UTC))
    visit = Visit(endpoints)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open_chromium() as chromium:
        for step in STEPS:
            outcome = play(step, visit)
            if not outcome.ok:
                sys.stderr.write(f"✗ {outcome.step}: {outcome.seen}\n")
                return 1
            for shot in SHOTS.get(outcome.step, ()):
                take(chromium, visit, shot)
                print(f"docs/screens/{shot.name}.png")
    make_strip()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
