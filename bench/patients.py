"""Patients who come one after another: each plays the whole visit as `./demo --play` does, and every step is timed."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.hospital import DEPARTMENT, Desk
from tools.play import collecting, paying, prescribing, registering, returning, waiting
from tools.play.book import play
from tools.play.browser import Browser
from tools.play.visit import Visit

Step = Callable[[Visit], Mapping[str, object]]


class Guest(Visit):
    """A patient at an address of their own, seen by a doctor of the bench; staff stay logged in from visit to visit."""

    def __post_init__(self) -> None:
        """The phone gets a number that is in use in China, and an address."""
        self.person = replace(self.person, phone=f"138{secrets.randbelow(10**8):08d}")
        super().__post_init__()
        self.address = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        _come_from(self.phone, self.address)

    def passer_by(self) -> Browser:
        """Somebody at the same address who is not logged in."""
        return _come_from(super().passer_by(), self.address)


def _come_from(browser: Browser, address: str) -> Browser:
    browser.session.headers["X-Forwarded-For"] = address
    return browser


def hold(visit: Visit) -> Mapping[str, object]:
    """A place with the bench's own doctor is held until the fee is paid."""
    phone = visit.phone
    phone.open("/departments").link("/departments/")
    phone.open(f"/departments/{DEPARTMENT}")
    page = phone.open(f"/sessions/{visit['session']}")
    form = page.form("/registrations$")
    page = phone.send(page, form, patient=form.choices["patient"][0])
    visit["registration"] = page.url.rsplit("/", 1)[-1]
    visit["visit_number"] = page.value_of("就诊号")
    visit["bill"] = page.form(r"/bills/[^/]+/pay").action.split("/")[2]
    return {}


# What the played visit does, without waiting for the reminder that comes days later.
TO_THE_DOOR: tuple[Step, ...] = (
    registering.patient_from_his,
    registering.login,
    registering.bind,
    registering.poster_scan,
    hold,
    registering.pay_fee,
    registering.confirmed_message,
    registering.his_told_registration,
    waiting.check_in,
)
TO_THE_END: tuple[Step, ...] = (
    waiting.called,
    prescribing.prescription_from_his,
    prescribing.reviewed,
    paying.split,
    paying.pay_self,
    collecting.bag_ready,
    collecting.qr_decoded,
    collecting.bag_matched,
    collecting.collected,
    collecting.second_scan_refused,
    collecting.his_told_dispense,
    collecting.invoice_pdf,
    collecting.invoice_verified,
    returning.report_looked_up,
)


@dataclass
class Came:
    """One visit as it went: when it ended, how long each step took, and what was missing (empty: nothing)."""

    ended_at: float = 0.0
    step_ms: dict[str, float] = field(default_factory=dict)
    missing: str = ""


def come(visit: Visit, steps: tuple[Step, ...]) -> Came:
    """The steps in their order, up to the first that does not show what it must."""
    came = Came()
    for step in steps:
        began = time.perf_counter()
        outcome = play(step, visit)
        came.step_ms[outcome.step] = (time.perf_counter() - began) * 1000
        if not outcome.ok:
            came.missing = f"{outcome.step}: {outcome.seen['missing']}"
            break
    came.ended_at = time.time()
    return came


def guest(endpoints: dict[str, Any], desk: Desk, staff: dict[str, Browser]) -> Guest:
    """A new patient who will see the doctor at this desk; `staff` keeps who is logged in already."""
    login = {"login": desk.login, "password": endpoints["logins"]["admin"]["password"]}
    own = {
        **endpoints,
        "logins": {**endpoints["logins"], "bench": login},
        "board_url": re.sub(r"/board/.*", f"/board/{DEPARTMENT}", endpoints["board_url"]),
    }
    return Guest(own, known={"doctor": "bench", "session": desk.session}, _staff=staff)


def come_until(endpoints: dict[str, Any], desk: Desk, until: float) -> list[Came]:
    """Patients of one desk, one after another, at least one, as long as it is before `until` (seconds of the epoch)."""
    staff: dict[str, Browser] = {}
    went = [come(guest(endpoints, desk, staff), TO_THE_DOOR + TO_THE_END)]
    while time.time() < until:
        went.append(come(guest(endpoints, desk, staff), TO_THE_DOOR + TO_THE_END))
    return went
