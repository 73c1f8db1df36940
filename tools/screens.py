"""Takes the documents' pictures: plays a visit on the running demo and photographs what each face shows on the way.

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
from tools.demo.hospital_clock import set_clock, shown_now
from tools.play.book import STEPS, play
from tools.play.browser import Browser
from tools.play.people import somebody
from tools.play.visit import PHONE, Visit
from tools.setup import ROOT

FOLDER = ROOT / "docs" / "screens"
SIZES = {"phone": (390, 844), "desk": (1366, 768), "board": (1366, 768)}
STRIP = ("phone-pickup", "terminal", "board")
STRIP_HEIGHT, STRIP_GAP = 520, 24
COLOURS = 128
OTHERS = 4  # who wait besides the played patient


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the size of screen, who looks (a role, or the patient or a passer-by), and at what."""

    name: str
    size: str
    who: str
    path: Callable[[Visit], str]


def _at_registration_desk(visit: Visit) -> str:
    nurse = visit.staff("nurse")
    return nurse.press(nurse.open("/desk/register"), "/desk/register$", id_number=visit.person.id_number).url


def _at_review(visit: Visit) -> str:
    links = visit.staff("reviewer").open("/review/").markup.links
    return next(href for href, words in links if visit["prescription"] in words)


def _at_cashier(visit: Visit) -> str:
    cashier = visit.staff("cashier")
    page = cashier.open("/window/cashier/shift")
    if page.has_form("/window/cashier/shift$"):
        cashier.press(page, "/window/cashier/shift$", float="200")
    return f"/window/cashier/bills/{visit['drug_bill']}"


# After which step of the visit which pictures are taken.
SHOTS: dict[str, tuple[Shot, ...]] = {
    "check_in": (
        Shot("phone-queue", "phone", "patient", lambda visit: f"/visits/{visit['registration']}"),
        Shot("register", "desk", "nurse", _at_registration_desk),
    ),
    "called": (
        Shot("board", "board", "passer_by", lambda _: "/board/GI"),
        Shot("desk", "desk", "doctor", lambda visit: visit["queue"]),
    ),
    "prescription_from_his": (Shot("review", "desk", "reviewer", _at_review),),
    "split": (
        Shot("phone-bill", "phone", "patient", lambda visit: f"/bills/{visit['drug_bill']}"),
        Shot("cashier", "desk", "cashier", _at_cashier),
    ),
    "qr_decoded": (Shot("phone-pickup", "phone", "patient", lambda visit: f"/pickup/{visit['bag']}"),),
    "bag_matched": (Shot("terminal", "desk", "pharmacist", lambda visit: f"/terminal/bags/{visit['bag']}"),),
    "timeline": (
        Shot("phone-timeline", "phone", "patient", lambda visit: f"/visits/{visit['registration']}"),
        Shot("staff", "desk", "admin", lambda _: "/staff/"),
        Shot("staff-hl7", "desk", "admin", lambda _: "/staff/hl7"),
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


def let_others_arrive(visit: Visit) -> None:
    """Others have a place with the same doctor, by the hospital system, and are in the house."""
    desk = {"doctor": ("GI", "D001"), "second_doctor": ("CV", "D004")}
    department, doctor = desk[visit["doctor"]]
    starts = shown_now(Path(visit.endpoints["clock_file"])).strftime("%Y%m%d%H%M%S%z")
    for _ in range(OTHERS):
        one = somebody()
        who = {"patient_id": one.record_number, "name": one.name, "id_number": one.id_number}
        born = {"sex": one.sex, "birth_day": one.birth_day}
        place = {"appointment": f"A-{one.record_number}", "department_code": department, "doctor_code": doctor}
        visit.his_sends("a04", **who, **born)
        visit.his_sends("siu_s12", **who, **place, starts=starts)
        visit.his_sends("siu_s14", **who, appointment=place["appointment"], status="Arrived")


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
            if outcome.step == "check_in":
                let_others_arrive(visit)
            for shot in SHOTS.get(outcome.step, ()):
                take(chromium, visit, shot)
                print(f"docs/screens/{shot.name}.png")
    make_strip()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
