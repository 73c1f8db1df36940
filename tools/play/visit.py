"""The played visit: who plays, what is known so far, and what every step may ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tools.play.browser import Browser, Page, StepFailed
from tools.play.people import Person, somebody

T = TypeVar("T")
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.50"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1"


@dataclass
class Visit:
    """One visit being played on the demo that `endpoints` describes."""

    endpoints: dict[str, Any]
    person: Person = field(default_factory=somebody)
    known: dict[str, str] = field(default_factory=dict)
    _staff: dict[str, Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The patient's phone and the outside world are at hand."""
        self.diary = Path(self.endpoints["logs"]) / "play.log"
        self.phone = Browser(self.endpoints["base_url"], self.diary, WECHAT)
        self.world = Browser(self.endpoints["sandbox_url"], self.diary)

    def __getitem__(self, name: str) -> str:
        """What an earlier step found out; StepFailed when it did not."""
        if name not in self.known:
            raise StepFailed(f"{name} is not known, for an earlier step failed")
        return self.known[name]

    def __setitem__(self, name: str, value: str) -> None:
        """A fact that later steps need."""
        self.known[name] = value

    def passer_by(self) -> Browser:
        """A browser of somebody who is not logged in."""
        return Browser(self.endpoints["base_url"], self.diary, PHONE)

    def staff(self, role: str) -> Browser:
        """The browser of a member of staff, logged in at the first use."""
        if role not in self._staff:
            login = self.endpoints["logins"][role]
            browser = Browser(self.endpoints["base_url"], self.diary)
            page = browser.press(
                browser.open("/staff/login"), "/staff/login", login=login["login"], password=login["password"]
            )
            if "/staff/login" in page.url:
                raise StepFailed(f"{role} could not log in: {page.gist}")
            self._staff[role] = browser
        return self._staff[role]

    def his_sends(self, kind: str, **order: object) -> dict[str, Any]:
        """The hospital system sends a message by MLLP; its record of it. StepFailed unless it was answered AA."""
        sent: Any = self.world.json("POST", "/sandbox/his/send", {"kind": kind, **order})
        if sent["ack_code"] != "AA":
            error = next((line for line in sent["ack"].splitlines() if line.startswith("ERR")), "")
            raise StepFailed(f"{kind} {sent['control_id']} was answered {sent['ack_code']} {error}")
        return dict(sent)

    def his_heard(self, message_type: str, about: str) -> list[dict[str, Any]]:
        """What the hospital system was sent of a type (its beginning) about a number, newest first."""
        heard: Any = self.world.json("GET", "/sandbox/his/received")
        return [one for one in heard if one["message_type"].startswith(message_type) and about in one["raw"]]

    def messages(self, title_part: str) -> list[dict[str, Any]]:
        """The WeChat messages this patient received whose address or fields hold `title_part`, newest first."""
        found: Any = self.world.json("GET", f"/sandbox/wxoa/messages?openid={self['openid']}")
        return [one for one in found if title_part in f"{one['template_id']} {one['url']} {one['data']}"]

    def without_person(self, text: str) -> str:
        """The text with the played patient's own data masked."""
        for canary in self.person.canaries:
            text = text.replace(canary, masked(canary))
        return text

    def note(self, text: str) -> None:
        """A line in the diary."""
        with self.diary.open("a") as diary:
            diary.write(text + "\n")


def wait_for(what: str, ask: Callable[[], T | None], seconds: float = 20) -> T:
    """What `ask` finds, asked again and again; StepFailed naming `what` when it finds nothing in time."""
    give_up_at = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > give_up_at:
            raise StepFailed(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.25)


def shown_within(browser: Browser, path: str, words: str, seconds: float = 20) -> Page:
    """The page at `path` as soon as it says `words`."""

    def look() -> Page | None:
        page = browser.open(path)
        return page if words in page.words else None

    return wait_for(f"“{words}” at {path}", look, seconds)


def masked(text: str) -> str:
    """The first character of a name, a star for each other."""
    return text[:1] + "*" * (len(text) - 1)
