"""The days ahead: holidays, working weekends, and the hospital's own word on any of them."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel.errors import BadInput
from app.rulebook import service as rulebook
from app.scheduling import calendar as days_of
from app.scheduling import for_staff as sittings
from app.scheduling import plans
from app.scheduling.models import HospitalDay
from app.web import edge, show, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint
from app.web.staff.shifts import WEEKDAYS, tabs

WEEKS_SHOWN = 10
RESTS = "rest"


@blueprint.get("/calendar")
@work.needs(ADMIN, OPERATIONS)
def calendar() -> edge.Answer:
    """The days that are not ordinary ones, ten weeks ahead, and a form for any day."""
    uow = edge.current_uow()
    first, last = uow.today(), uow.today() + timedelta(weeks=WEEKS_SHOWN)
    own = days_of.own_words(uow, first, last)
    rests = rulebook.rules_for(uow).closed_on_public_holidays
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return work.page(
        "staff/calendar.html",
        PLACE,
        tabs=tabs("calendar"),
        rows=[_row(day, own.get(day), is_closed=rests) for day in days if own.get(day) or days_of.public_day(day).name],
        rests=rests,
        options=[
            (RESTS, gettext("全院停诊")),
            *(
                (str(number), gettext("按%(weekday)s出诊", weekday=show.weekday(day)))
                for number, day in enumerate(WEEKDAYS)
            ),
        ],
        today=first.isoformat(),
    )


def _row(day: date, own: HospitalDay | None, *, is_closed: bool) -> dict[str, object]:
    said = days_of.public_day(day)
    runs_as = days_of.runs_as(day, own, closed_on_public_holidays=is_closed)
    resting = gettext("停诊")
    return {
        "day": day.isoformat(),
        "when": show.day_words(day),
        "name": show.in_language(said.name, said.name_en) or "-",
        "runs_as": resting
        if runs_as is None
        else gettext("按%(weekday)s出诊", weekday=show.weekday(WEEKDAYS[runs_as])),
        "is_own": own is not None,
        "note": own.note if own else "",
    }


@blueprint.post("/calendar")
@work.needs(ADMIN, OPERATIONS)
def say_of_day() -> edge.Answer:
    """The hospital's own word on a day."""
    uow, day = edge.current_uow(), _day()
    said = work.one_of(work.typed("runs_as", 4), [RESTS, *map(str, range(7))], RESTS)
    days_of.say(uow, day, None if said == RESTS else int(said), work.typed("note", 120))
    return _followed()


@blueprint.post("/calendar/take-back")
@work.needs(ADMIN, OPERATIONS)
def take_day_back() -> edge.Answer:
    """The public calendar holds again on a day."""
    days_of.take_back(edge.current_uow(), _day())
    return _followed()


def _day() -> date:
    found = work.day(work.typed("day", 10))
    if found is None:
        raise BadInput(fields={"day": "required"})
    return found


def _followed() -> edge.Answer:
    """Every doctor's sessions are as they are planned now."""
    uow, done = edge.current_uow(), plans.Applied()
    for doctor in sittings.doctors(uow):
        done += plans.apply(uow, doctor.id)
    flash(gettext("已保存：新开放 %(opened)s 场，取消 %(closed)s 场", opened=done.opened, closed=done.closed), "ok")
    if done.left:
        flash(gettext("%(count)s 场门诊已有患者，保持原样，请到门诊页停诊或替诊", count=len(done.left)), "warn")
    return redirect(url_for("staff.calendar"))
