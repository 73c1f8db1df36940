"""Which weekday's shifts hold on a day: its own, none on a public holiday, another's on a weekend worked to make up."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from app.kernel import audit
from app.kernel.uow import Uow
from app.scheduling.errors import DayIsPast
from app.scheduling.models import HospitalDay

SATURDAY = 5
_INSTEAD_OF = re.compile(r"\d{4}-\d{2}-\d{2}")
# A weekend between a holiday and the next working day belongs to the holiday.
_LONGEST_RUN_DAYS = 4


@dataclass(frozen=True)
class PublicDay:
    """What the calendar says of a day: a holiday (`runs_as` None), or a weekend on which the work of another is done.

    `name` is empty for an ordinary day.
    """

    name: str
    name_en: str
    runs_as: int | None


@functools.cache
def _years(year: int) -> tuple[Mapping[date, str], Mapping[date, str], Mapping[date, date]]:
    """The year's and its neighbours' holidays in both languages, and for each working weekend the day off it pays."""
    from holidays import country_holidays  # noqa: PLC0415 - it knows every country; few processes ask for one

    years = (year - 1, year, year + 1)
    names = country_holidays("CN", years=years, language="zh_CN")
    names_en = country_holidays("CN", years=years, language="en_US")
    made_up = {}
    for day, name in names.items():
        found = _INSTEAD_OF.search(name)
        if found:
            made_up[date.fromisoformat(found[0])] = day
    return dict(names), dict(names_en), made_up


def public_day(day: date) -> PublicDay:
    """What the State Council's calendar says of the day; of years not told yet only the holidays by law are known."""
    names, names_en, made_up = _years(day.year)
    if day in made_up:
        return PublicDay("调休上班", "Working weekend", made_up[day].weekday())
    if day in names:
        return PublicDay(names[day], names_en[day], None)
    holiday = _joined_holiday(day, names, made_up)
    if holiday:
        return PublicDay(names[holiday], names_en[holiday], None)
    return PublicDay("", "", day.weekday())


def _joined_holiday(day: date, names: Mapping[date, str], made_up: Mapping[date, date]) -> date | None:
    """The holiday from which only days without work lead to this day of a weekend."""
    if day.weekday() < SATURDAY:
        return None
    for step in (-1, 1):
        for away in range(1, _LONGEST_RUN_DAYS):
            neighbour = day + timedelta(days=step * away)
            if neighbour in names:
                return neighbour
            if neighbour.weekday() < SATURDAY or neighbour in made_up:
                break
    return None


def own_words(uow: Uow, first: date, last: date) -> dict[date, HospitalDay]:
    """The hospital's own word on each of the days on which it has one."""
    rows = uow.session.scalars(select(HospitalDay).where(HospitalDay.day.between(first, last)))
    return {row.day: row for row in rows}


def runs_as(day: date, own: HospitalDay | None, *, closed_on_public_holidays: bool) -> int | None:
    """The weekday whose shifts hold on the day; None when the hospital rests."""
    if own is not None:
        return own.runs_as
    said = public_day(day)
    return day.weekday() if said.runs_as is None and not closed_on_public_holidays else said.runs_as


def say(uow: Uow, day: date, weekday: int | None, note: str = "") -> None:
    """The hospital's own word on the day: the weekday whose shifts hold, or None to rest. Refuses `day_is_past`."""
    row = _of_today_on(uow, day) or HospitalDay(day=day)
    row.runs_as, row.note = weekday, note[:120]
    uow.session.add(row)
    uow.session.flush()
    audit.record(uow, "calendar.say", "hospital_day", day.isoformat(), runs_as=weekday)


def take_back(uow: Uow, day: date) -> None:
    """The calendar holds again on the day; quiet when it does. Refuses `day_is_past`."""
    row = _of_today_on(uow, day)
    if row is not None:
        uow.session.delete(row)
        uow.session.flush()
        audit.record(uow, "calendar.take_back", "hospital_day", day.isoformat())


def _of_today_on(uow: Uow, day: date) -> HospitalDay | None:
    if day < uow.today():
        raise DayIsPast(day=day.isoformat())
    return uow.session.scalars(select(HospitalDay).where(HospitalDay.day == day)).first()
