"""A small browser: keeps cookies, follows links, fills forms, and writes down every address it asks for."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urljoin

import requests

from tools.play.markup import Form, Markup, take_apart

TIMEOUT_SECONDS = 20


class StepFailed(Exception):
    """A step of the visit did not show what it must; the text says what was seen instead."""


@dataclass(frozen=True)
class Page:
    """An answer as a page."""

    url: str
    status: int
    text: str

    @cached_property
    def markup(self) -> Markup:
        """Its parts."""
        return take_apart(self.text)

    @property
    def words(self) -> str:
        """All its words in one line."""
        return " ".join(self.markup.words)

    def link(self, pattern: str) -> str:
        """The first link whose address fits; StepFailed when there is none."""
        return self._first([href for href, _ in self.markup.links], pattern, "link")

    def links(self, pattern: str) -> list[str]:
        """All links whose address fits."""
        return [href for href, _ in self.markup.links if re.search(pattern, href)]

    def form(self, pattern: str) -> Form:
        """The first form whose address fits; StepFailed when there is none."""
        action = self._first([form.action for form in self.markup.forms], pattern, "form")
        return next(form for form in self.markup.forms if form.action == action)

    def has_form(self, pattern: str) -> bool:
        """Whether a form's address fits."""
        return any(re.search(pattern, form.action) for form in self.markup.forms)

    def value_of(self, label: str) -> str:
        """The words that follow `label`; StepFailed when the label is not there."""
        words = self.markup.words
        if label not in words[:-1]:
            raise StepFailed(f"no “{label}” at {self.where}")
        return words[words.index(label) + 1]

    def amount_of(self, label: str) -> int | None:
        """The amount in fen that follows `label` on the page; None when there is none."""
        words = self.markup.words
        for before, after in itertools.pairwise(words):
            if before == label and (found := re.fullmatch(r"¥\s*(\d[\d,]*)\.(\d\d)", after)):
                return int(found[1].replace(",", "")) * 100 + int(found[2])
        return None

    def demand(self, *wanted: str) -> None:
        """StepFailed unless all these words stand on the page."""
        missing = [word for word in wanted if word not in self.words]
        if missing:
            raise StepFailed(f"not on {self.where}: {', '.join(missing)}; it says: {self.gist}")

    @property
    def where(self) -> str:
        """Its path and status."""
        return f"{re.sub(r'^https?://[^/]+', '', self.url)} ({self.status})"

    @property
    def gist(self) -> str:
        """The beginning of its words, without figures that could be a person's."""
        return re.sub(r"\d{6,}", "…", self.words)[:160]

    def _first(self, addresses: list[str], pattern: str, what: str) -> str:
        found = next((address for address in addresses if re.search(pattern, address)), None)
        if found is None:
            raise StepFailed(f"no {what} {pattern} at {self.where}; it says: {self.gist}")
        return found


class Browser:
    """One browser with its own cookies, on the pages of `base_url`; every address goes into the diary."""

    def __init__(self, base_url: str, diary: Path, agent: str = "Mozilla/5.0") -> None:
        """A browser that has been nowhere yet."""
        self.base_url, self.diary = base_url, diary
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"User-Agent": agent, "Accept-Language": "zh-CN,zh;q=0.9"})

    def open(self, path: str, *, may_fail: bool = False) -> Page:
        """The page at `path`, redirects followed; StepFailed for an error unless `may_fail`."""
        return self._page(self._send("GET", path), may_fail=may_fail)

    def send(self, page: Page, form: Form, *, may_fail: bool = False, **fields: str | list[str]) -> Page:
        """What follows when the form is sent with these fields filled in, the rest as it stood."""
        target = urljoin(page.url, form.action)
        filled = {**form.fields, **fields}
        answer = self._send("POST", target, data=filled) if form.method == "post" else self._send("GET", target, filled)
        return self._page(answer, may_fail=may_fail)

    def press(self, page: Page, pattern: str, *, may_fail: bool = False, **fields: str | list[str]) -> Page:
        """What follows when the form with this address is sent."""
        return self.send(page, page.form(pattern), may_fail=may_fail, **fields)

    def fetch(self, path: str) -> requests.Response:
        """The bare answer at `path`, for what is no page."""
        return self._send("GET", path)

    def json(self, method: str, path: str, body: object = None) -> object:
        """What a program's door answers; StepFailed for an error."""
        answer = self.session.request(method, urljoin(self.base_url, path), json=body, timeout=TIMEOUT_SECONDS)
        if answer.status_code >= 400:
            raise StepFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")
        return answer.json()

    def _send(self, method: str, path: str, params: object = None, data: object = None) -> requests.Response:
        url = urljoin(self.base_url + "/", path)
        answer = self.session.request(method, url, params=params, data=data, timeout=TIMEOUT_SECONDS)
        with self.diary.open("a") as diary:
            for each in [*answer.history, answer]:
                diary.write(f"{each.request.method} {each.request.url} {each.status_code}\n")
        return answer

    def _page(self, answer: requests.Response, *, may_fail: bool) -> Page:
        page = Page(answer.url, answer.status_code, answer.text)
        if answer.status_code >= 400 and not may_fail:
            raise StepFailed(f"{page.where} says: {page.gist}")
        return page
