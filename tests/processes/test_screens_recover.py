"""The web process stops answering for a while: screens and phones say that they are old, and recover by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import create_engine

from app import create_app
from app.identity import logins
from app.kernel.db import Base
from app.kernel.uow import Units
from app.queueing import service as queueing
from bench.http_load import HOST
from bench.rush_house import Server, served
from config import read_settings
from tests import factories
from tests.browser.checks import open_chromium
from tests.conftest import MORNING
from tools.demo.environment import web_environment

pytestmark = pytest.mark.browser
COMMAND = [sys.executable, "-m", "granian", "--host", HOST, "--port", "{port}", "wsgi:application"]
STALE_AFTER_SECONDS = 15


@dataclass
class House:
    """A real web process, and a morning whose patients the test calls behind its back."""

    app: Flask
    clinic: factories.Clinic
    who: factories.Person
    visit: str
    database_url: str
    clock_file: Path
    port: int
    pids: list[int]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def units(self) -> Units:
        units: Units = self.app.extensions["menzhen"].units
        return units

    def call_next(self) -> str:
        """The next patient is called; whoever was called before is seen and gone."""
        with self.units.open() as uow:
            for ticket, _ in queueing.queue(uow, self.clinic.session):
                if ticket.called_at is not None:
                    queueing.begin(uow, ticket)
                    queueing.finish(uow, ticket)
        with self.units.open() as uow:
            return queueing.call_next(uow, session=self.clinic.session).number

    def signal(self, which: signal.Signals) -> None:
        """To the web server and all its workers, as far as they live."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, which)


def pids_of(parent: int) -> list[int]:
    """The process and its descendants."""
    told = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in told.splitlines()]
    found = [parent]
    for pid in found:
        found += [child for child, of in pairs if of == pid]
    return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock_file, url = tmp_path / "clock", f"sqlite:///{tmp_path / 'screens.db'}"
    clock_file.write_text(str(int((MORNING - datetime.now(UTC)).total_seconds())))
    env = {"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url, "MENZHEN_CLOCK_FILE": str(clock_file)}
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    app = create_app(read_settings(env))
    units: Units = app.extensions["menzhen"].units
    with units.open() as uow:
        clinic, people = factories.clinic(uow), [factories.person(uow) for _ in range(6)]
    held = [factories.booked(units, who, clinic.session) for who in people]
    for one in held:
        with units.open() as uow:
            queueing.check_in(uow, registration=uow.session.merge(one))
    with ExitStack() as stack:
        server = stack.enter_context(serving(url, clock_file))
        last = held[-1].public_id
        house = House(app, clinic, people[-1], last, url, clock_file, server.port, pids_of(server.pid))
        stack.callback(house.signal, signal.SIGCONT)
        yield house


def serving(url: str, clock_file: Path, port: int = 0) -> AbstractContextManager[Server]:
    """A web process as in production, with one worker."""
    more = {**web_environment(), "GRANIAN_WORKERS": "1", "MENZHEN_CLOCK_FILE": str(clock_file)}
    return served(url, COMMAND, port=port, **more)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


def open_screens(browser: Browser, house: House, stack: ExitStack, *, has_own_clock: bool) -> list[Page]:
    """Two department boards, a door's screen and the last patient's phone."""
    with house.units.open() as uow:
        secret = logins._begin(uow, house.who.actor, account_id=house.who.account.id).secret
    kept = {"lang": "zh_Hans_CN", "patient_secret": secret}
    signer = house.app.session_interface.get_signing_serializer(house.app)  # type: ignore[attr-defined]
    cookie = {"name": "menzhen", "value": str(signer.dumps(kept)), "url": house.url}
    pages = []
    for path in ("/board/GI", "/board/GI", "/board/GI/door?room=3-05", f"/visits/{house.visit}"):
        context = stack.enter_context(browser.new_context(viewport={"width": 1366, "height": 768}))
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        if has_own_clock:
            page.clock.install()
        page.goto(house.url + path)
        pages.append(page)
    return pages


def words(page: Page) -> str:
    return page.locator("[data-poll]").inner_text()


def is_old(page: Page) -> bool:
    """True while the page says that it is old."""
    return page.locator("[data-stale-note]:visible, .stale:visible").count() > 0


def wait_until(
    is_so: Callable[[Page], bool], pages: list[Page], *, within_seconds: float = 20, step_ms: int = 0
) -> None:
    """Every page comes to it by itself; the pages' own clocks are moved by `step_ms` between two looks."""
    give_up_at = time.monotonic() + within_seconds
    while not all(is_so(page) for page in pages):
        assert time.monotonic() < give_up_at, [words(page) for page in pages]
        for page in pages:
            if step_ms:
                page.clock.run_for(step_ms)
        pages[0].wait_for_timeout(50)


def test_stopped_or_killed_for_a_while_all_screens_say_so_and_recover(chromium: Browser, house: House) -> None:
    with ExitStack() as stack:
        pages = open_screens(chromium, house, stack, has_own_clock=True)
        first = house.call_next()
        wait_until(lambda page: first in words(page), pages, step_ms=1_000)
        were_old = [is_old(page) for page in pages]

        house.signal(signal.SIGSTOP)
        pass_time(pages, STALE_AFTER_SECONDS + 2)
        got_old = [is_old(page) for page in pages]
        second = house.call_next()
        pass_time(pages, 30)
        house.signal(signal.SIGCONT)
        wait_until(lambda page: second in words(page) and not is_old(page), pages, step_ms=1_000)

        house.signal(signal.SIGKILL)
        pass_time(pages, STALE_AFTER_SECONDS + 2)
        got_old_again = [is_old(page) for page in pages]
        third = house.call_next()
        stack.enter_context(serving(house.database_url, house.clock_file, house.port))
        wait_until(lambda page: third in words(page) and not is_old(page), pages, step_ms=1_000)

        assert (were_old, got_old, got_old_again) == ([False] * 4, [True] * 4, [True] * 4)
        assert words(pages[0]) == words(pages[1])


def pass_time(pages: list[Page], seconds: int) -> None:
    """So long passes by the pages' own clocks."""
    for page in pages:
        page.clock.run_for(seconds * 1000)


@pytest.mark.long
def test_a_minutes_stop_by_the_wall_clock(chromium: Browser, house: House) -> None:
    with ExitStack() as stack:
        pages = open_screens(chromium, house, stack, has_own_clock=False)
        house.signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        wait_until(is_old, pages, within_seconds=STALE_AFTER_SECONDS + 2)
        marked_after = time.monotonic() - stopped_at
        called = house.call_next()
        pages[0].wait_for_timeout(max(0.0, 60 - (time.monotonic() - stopped_at)) * 1000)
        house.signal(signal.SIGCONT)
        wait_until(lambda page: called in words(page) and not is_old(page), pages)

        assert marked_after > STALE_AFTER_SECONDS - 12
        assert words(pages[0]) == words(pages[1])
