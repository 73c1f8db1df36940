"""How the console's long lists are filtered and paged: newest first, an older page by the last row's key."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, time
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from flask_babel import gettext

from app.kernel import logbook
from app.kernel.clock import at_hospital
from app.kernel.uow import Uow
from app.web import work

# What a list's address may say besides the page.
KEPT = (
    *("day", "list", "direction", "state", "type", "from", "to", "actor", "action", "subject", "outcome"),
    *("peer", "control", "patient", "visit", "order", "error", "from_at", "to_at"),
)


def before_id() -> int | None:
    """The key before which the asked-for page begins; None for the newest page."""
    return work.whole(work.asked("before", 15)) or None


def asked(uow: Uow, states: type[enum.StrEnum] | None = None) -> logbook.Asked:
    """What the address asks of a list: a state, the days `from` and `to` (both of them within), the page.

    Where a list asks for times too, `from_at` and `to_at` are the minutes of these days (both of them within); one
    without its day is today's.
    """
    begins, ends = (work.clock_time(work.asked(name, 5)) for name in ("from_at", "to_at"))
    first = work.day(work.asked("from", 10)) or (uow.today() if begins else None)
    last = work.day(work.asked("to", 10)) or (uow.today() if ends else None)
    end_of = (ends or time(23, 59)).replace(second=59, microsecond=999999)
    return logbook.Asked(
        state=work.one_of(work.asked("state", 16), states or ()),
        since=at_hospital(first, begins or time(0), uow.zone) if first else None,
        until=at_hospital(last, end_of, uow.zone) if last else None,
        before_id=before_id(),
    )


def address(endpoint: str, terms: dict[str, str]) -> str:
    """The page's address with what it is asked for."""
    return f"{url_for(endpoint)}?{urlencode(terms)}" if terms else url_for(endpoint)


def paging(rows: Sequence[Any]) -> dict[str, str]:
    """The links below the list: back to the newest, on to older ones; `rows` have an `id`."""
    path = request.path
    given = {name: request.args[name] for name in KEPT if name in request.args}
    older = f"{path}?{urlencode({**given, 'before': rows[-1].id})}" if len(rows) == logbook.PAGE_ROWS else ""
    newest = f"{path}?{urlencode(given)}" if before_id() else ""
    return {"text": gettext("%(count)s 条", count=len(rows)), "previous_href": newest, "next_href": older}


def field(name: str, label: str, *, options: list[tuple[str, str]] | None = None, kind: str = "text") -> dict[str, Any]:
    """A field of a list's filter, with what was asked."""
    return {"name": name, "label": label, "value": work.asked(name), "options": options, "type": kind}


def day_field(name: str, label: str, day: date) -> dict[str, Any]:
    """The one day a list is about."""
    return {"name": name, "label": label, "value": day.isoformat(), "options": None, "type": "date"}


def day_fields() -> list[dict[str, Any]]:
    """The two days of a filter."""
    return [field("from", gettext("从"), kind="date"), field("to", gettext("到"), kind="date")]


def time_fields() -> list[dict[str, Any]]:
    """The two days of a filter, each with a time of day that may be left out."""
    begins, ends = (
        field("from_at", gettext("从（时刻）"), kind="time"),
        field("to_at", gettext("到（时刻）"), kind="time"),
    )
    first, last = day_fields()
    return [first, begins, last, ends]
