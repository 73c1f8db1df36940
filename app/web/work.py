"""What every working place shares: its frame with name and links, who works there, and what a form or address said."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, ParamSpec

from flask import Blueprint, Response, render_template, request, url_for

from app.identity import for_staff
from app.identity import service as identity
from app.identity.models import Patient
from app.identity.rules import age_on
from app.kernel import audit
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.uow import Uow
from app.web import edge, show

P = ParamSpec("P")
MOST_ID = 2**62
BAR_AT_MOST = 9
_IN_ADDRESS = re.compile(r"[A-Za-z0-9_:-]{1,64}", re.ASCII)
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_NOT_TYPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Link:
    """A page in a working place's bar; shown to `roles` (empty: everybody there), current on its own and `also`."""

    label: object
    endpoint: str
    roles: frozenset[str] = frozenset()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Pages that belong together: one entry in a long bar, with a second bar of its pages while one of them is open."""

    label: object
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Place:
    """A working place: what stands in its bar."""

    name: object
    links: tuple[Link | Group, ...] = ()


def surface(name: str, *, prefix: str, guard: edge.Guard) -> Blueprint:
    """A working place's blueprint; an address with anything but a well-formed id in it is NotFound."""
    blueprint = edge.surface(name, prefix=prefix, guard=guard)
    blueprint.url_value_preprocessor(_refuse_malformed)
    return blueprint


def _refuse_malformed(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    for value in (values or {}).values():
        is_number = isinstance(value, int)
        if (is_number and value > MOST_ID) or not (is_number or may_be_in_address(str(value))):
            raise NotFound


def may_be_in_address(text: str) -> bool:
    """True for a well-formed code or id: what else stands in an address names nothing."""
    return _IN_ADDRESS.fullmatch(text) is not None


def needs(*roles: str) -> Callable[[Callable[P, edge.Answer]], Callable[P, edge.Answer]]:
    """A page for `roles` only, within a surface that others may enter; refuses `not_allowed`."""

    def marked(view: Callable[P, edge.Answer]) -> Callable[P, edge.Answer]:
        @functools.wraps(view)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> edge.Answer:
            if not edge.actor().roles & set(roles):
                raise NotAllowed(needs=", ".join(roles))
            return view(*args, **kwargs)

        return wrapped

    return marked


def page(template: str, place: Place, **facts: object) -> str:
    """The template in the frame of `place`: its name, its links for whoever is logged in, and their name."""
    staff = for_staff.colleague(edge.current_uow())
    return render_template(
        template,
        surface_name=str(place.name),
        staff_name=staff.name if staff else "",
        logout_url=url_for("entrance.staff_log_out"),
        password_url=url_for("entrance.own_password"),
        **_bars(place),
        **facts,
    )


def _bars(place: Place) -> dict[str, list[dict[str, object]]]:
    """The place's bar, and under it that of the group that is open; few pages stand side by side in one bar."""
    parts = [(each.label, links) for each in place.links if (links := _for_asker(each))]
    pages = [link for _, links in parts for link in links]
    if len(pages) <= BAR_AT_MOST:
        return {"nav": [_entry(link.label, [link]) for link in pages], "nav_within": []}
    within = next((links for _, links in parts if len(links) > 1 and any(map(_is_open, links))), [])
    return {
        "nav": [_entry(label if len(links) > 1 else links[0].label, links) for label, links in parts],
        "nav_within": [_entry(link.label, [link]) for link in within],
    }


def _for_asker(each: Link | Group) -> list[Link]:
    links = each.links if isinstance(each, Group) else (each,)
    return [link for link in links if not link.roles or link.roles & edge.actor().roles]


def _entry(label: object, links: list[Link]) -> dict[str, object]:
    return {"label": str(label), "href": url_for(links[0].endpoint), "current": any(map(_is_open, links))}


def _is_open(link: Link) -> bool:
    return request.endpoint in {link.endpoint, *link.also}


def patient_banner(uow: Uow, patient: Patient, *facts: str) -> dict[str, object]:
    """The patient's full name, sex and age for the banner; that it was looked at is on record."""
    audit.record(uow, "patient.read", "patient", patient.public_id, page=request.endpoint or "")
    known = [str(show.SEXES[patient.sex])]
    if patient.birth_date:
        known.append(age_words(age_on(patient.birth_date, uow.today())))
    return {"name": identity.name_of(uow, patient), "facts": [*known, *(fact for fact in facts if fact)]}


def age_words(years: int) -> str:
    """68 岁, or aged 68."""
    return f"aged {years}" if show.is_english() else f"{years} 岁"


def typed(name: str, at_most: int = 200) -> str:
    """What was typed into the form's field, without outer blanks and control characters, cut at `at_most`."""
    return clean(request.form.get(name, ""), at_most)


def asked(name: str, at_most: int = 64) -> str:
    """What the address asks for under `name`, cleaned like `typed`."""
    return clean(request.args.get(name, ""), at_most)


def clean(text: str, at_most: int) -> str:
    """`text` without outer blanks and without characters that no keyboard types or no database keeps."""
    return _NOT_TYPED.sub("", text).strip()[:at_most].strip()


def whole(text: str) -> int | None:
    """The whole number that `text` says in ASCII digits; None for anything else or one beyond all figures here."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None


def day(text: str) -> date | None:
    """The day that `text` says as 2026-11-23; None for anything else, and outside of 2000 to 2199."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def clock_time(text: str) -> time | None:
    """The time of day that `text` says as 09:30; None for anything else, a time in another zone among it."""
    return time.fromisoformat(text) if _CLOCK_TIME.fullmatch(text) else None


def one_of(text: str, options: object, default: str = "") -> str:
    """`text` when it is one of `options` (a StrEnum or a collection of words), else `default`."""
    return text if text in {str(option) for option in options} else default  # type: ignore[attr-defined]


def pdf(content: bytes, name: str) -> Response:
    """The PDF, shown by the browser under a name that holds no personal data."""
    answer = Response(content, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return answer
