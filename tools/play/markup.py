"""What stands on a page: its words, its links, its forms, and its codes' drawings."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

SILENT = {"script", "style", "head"}
VOID = {"input", "img", "br", "meta", "link", "hr", "path", "source"}


@dataclass
class Form:
    """A form as the browser would send it: `fields` as they stand, `choices` what could be chosen by name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Markup:
    """A page taken apart; `words` are its texts in order, `links` pairs of address and words."""

    words: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    drawings: list[tuple[str, str]] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)


def take_apart(html: str) -> Markup:
    """The parts of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Markup()
        self._form: Form | None = None
        self._select = ""
        self._link: str | None = None
        self._link_words: list[str] = []
        self._silent = 0
        self._view_box = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found.attributes += [(name, value) for name, value in given.items() if value]
        if tag in SILENT:
            self._silent += 1
        if handler := getattr(self, f"_begin_{tag}", None):
            handler(given)

    def _begin_form(self, given: dict[str, str]) -> None:
        self._form = Form(given.get("action", ""), given.get("method", "get").lower())
        self.found.forms.append(self._form)

    def _begin_input(self, given: dict[str, str]) -> None:
        name, kind, value = given.get("name", ""), given.get("type", "text"), given.get("value", "")
        if self._form is None or not name or "disabled" in given:
            return
        if kind in {"radio", "checkbox"}:
            self._form.choices.setdefault(name, []).append(value or "on")
            if "checked" in given:
                self._form.fields[name] = value or "on"
        elif kind == "submit":
            self._form.buttons.append((name, value))
        else:
            self._form.fields[name] = value

    def _begin_button(self, given: dict[str, str]) -> None:
        if self._form is not None and given.get("name"):
            self._form.buttons.append((given["name"], given.get("value", "")))

    def _begin_textarea(self, given: dict[str, str]) -> None:
        if self._form is not None and given.get("name"):
            self._area = given["name"]
            self._form.fields[self._area] = ""

    def _begin_select(self, given: dict[str, str]) -> None:
        self._select = given.get("name", "")

    def _begin_option(self, given: dict[str, str]) -> None:
        if self._form is None or not self._select:
            return
        self._form.choices.setdefault(self._select, []).append(given.get("value", ""))
        if "selected" in given or self._select not in self._form.fields:
            self._form.fields[self._select] = given.get("value", "")

    def _begin_a(self, given: dict[str, str]) -> None:
        self._link, self._link_words = given.get("href"), []

    def _begin_svg(self, given: dict[str, str]) -> None:
        self._view_box = given.get("viewbox", "")

    def _begin_path(self, given: dict[str, str]) -> None:
        if given.get("stroke") and self._view_box:
            self.found.drawings.append((self._view_box, given.get("d", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(self._silent - 1, 0)
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "svg":
            self._view_box = ""
        elif tag == "a" and self._link is not None:
            self.found.links.append((self._link, " ".join(self._link_words)))
            self._link = None

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if self._area and self._form is not None:
            self._form.fields[self._area] += data
        if not words or self._silent:
            return
        self.found.words.append(words)
        if self._link is not None:
            self._link_words.append(words)
