"""The waiting list in words and forms, on the phone and at the desk."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext

from app.kernel.errors import BadInput, NotFound
from app.registration.waitlist import Waiting, Wish
from app.scheduling.models import HalfDay
from app.web import show


def wish_words(found: Waiting) -> str:
    """What somebody waits for: department, doctor, days and half-day."""
    entry, department = found.entry, found.department
    doctor = found.practitioner.name if found.practitioner else str(gettext("任意医生"))
    days = show.day_words(entry.from_day)
    if entry.to_day != entry.from_day:
        days = f"{days}–{show.day_words(entry.to_day)}"
    half = str(show.HALF_DAYS[entry.half_day]) if entry.half_day else ""
    name = show.in_language(department.name, department.name_en)
    return " ".join(part for part in (name, doctor, days, half) if part)


def half_days() -> list[tuple[str, str]]:
    """The choices of a form's half-day, any of them first."""
    return [("", str(gettext("全天"))), *((half.value, str(words)) for half, words in show.HALF_DAYS.items())]


def read(code: str, typed: dict[str, str]) -> Wish:
    """The wish that a form states; refuses `bad_input` for what is no day, NotFound for what is no half-day."""
    return Wish(code, _day(typed["from_day"]), _day(typed["to_day"]), typed["doctor"], _half(typed["half_day"]))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(fields={"from_day": "not_valid"}) from None


def _half(text: str) -> HalfDay | None:
    if text and text not in set(HalfDay):
        raise NotFound
    return HalfDay(text) if text else None
