"""Doctors' weekly shifts, what differs on single days, and copying either; sessions to come follow at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.scheduling import for_staff as sittings
from app.scheduling import service as scheduling
from app.scheduling import shifts as planning
from app.scheduling.errors import BadShift
from app.scheduling.models import HalfDay, Pattern, Practitioner, Shift, ShiftException
from app.scheduling.plans import Applied
from app.scheduling.shifts import ShiftIn
from app.web import edge, show, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint
from app.web.staff.lists import field

WEEKDAYS = tuple(date(2026, 11, 23) + timedelta(days=ahead) for ahead in range(7))  # any Monday, and its week
KEPT = ("kept_online", "kept_lobby", "kept_revisit", "kept_window")
LABELS = {
    "starts": _l("开始时间"),
    "places": _l("总号数"),
    "slot_minutes": _l("每个时段几分钟"),
    "places_per_slot": _l("每个时段几位患者"),
    "room": _l("诊室"),
    "fee": _l("挂号费（元）"),
    "kept_online": _l("留给网上预约"),
    "kept_lobby": _l("留给现场扫码"),
    "kept_revisit": _l("留给复诊"),
    "kept_window": _l("留给窗口（老人、无手机）"),
    "kept_until_minutes": _l("开诊前几分钟起剩余号对所有人开放"),
}
_USUAL = {"places": "20", "slot_minutes": "30", "places_per_slot": "4", "kept_until_minutes": "60"}
_FAULTS = {
    "out_of_range": _l("%(label)s超出范围"),
    "required": _l("请填写%(label)s"),
    "more_than_places": _l("各渠道留的号加起来超过总号数"),
    "after_midnight": _l("结束时间超过午夜"),
}


@blueprint.get("/shifts")
@work.needs(ADMIN, OPERATIONS)
def shifts() -> edge.Answer:
    """Every doctor with their week in one line, of one department or all."""
    uow = edge.current_uow()
    departments = scheduling.departments(uow)
    code = work.one_of(work.asked("department", 24), [each.code for each in departments])
    chosen = next((each.id for each in departments if each.code == code), None)
    names = {each.id: show.in_language(each.name, each.name_en) for each in departments}
    options = [("", gettext("全部")), *((each.code, names[each.id]) for each in departments)]
    return work.page(
        "staff/shifts.html",
        PLACE,
        tabs=tabs("shifts"),
        filters=[field("department", gettext("科室"), options=options)],
        rows=[
            {
                "doctor": show.with_title(doctor.name, doctor.title),
                "department": names[doctor.department_id],
                "week": _week_words(planning.week_of(uow, doctor.id)),
                "href": url_for("staff.doctor_shifts", doctor=doctor.code),
            }
            for doctor in sittings.doctors(uow, chosen)
        ],
    )


def tabs(current: str) -> list[dict[str, object]]:
    """The three pages of planning."""
    named = (("schedules", gettext("门诊")), ("shifts", gettext("每周排班")), ("calendar", gettext("日历")))
    return [{"label": label, "href": url_for(f"staff.{name}"), "current": name == current} for name, label in named]


def _week_words(week: list[Shift]) -> str:
    return show.listed(
        f"{show.weekday(WEEKDAYS[shift.weekday])} {show.HALF_DAYS[shift.half_day]}" for shift in week
    ) or str(gettext("没有排班"))


@blueprint.get("/shifts/doctor")
@work.needs(ADMIN, OPERATIONS)
def doctor_shifts() -> edge.Answer:
    """One doctor's week, the days that differ, and the forms that change them."""
    uow = edge.current_uow()
    return _page(uow, scheduling.practitioner_by_code(uow, work.asked("doctor", 24)))


def _page(
    uow: Uow, doctor: Practitioner, errors: dict[str, str] | None = None, sent: dict[str, str] | None = None
) -> str:
    today = uow.today()
    return work.page(
        "staff/doctor_shifts.html",
        PLACE,
        doctor={"code": doctor.code, "name": show.with_title(doctor.name, doctor.title)},
        week=[
            _row(shift) | {"when": show.weekday(WEEKDAYS[shift.weekday]), "weekday": shift.weekday}
            for shift in planning.week_of(uow, doctor.id)
        ],
        exceptions=[_exception(row) for row in planning.exceptions_of(uow, doctor.id)],
        weekdays=[(str(number), show.weekday(day)) for number, day in enumerate(WEEKDAYS)],
        half_days=[(half_day.value, str(words)) for half_day, words in show.HALF_DAYS.items()],
        others=[
            (other.code, show.with_title(other.name, other.title))
            for other in sittings.doctors(uow)
            if other.id != doctor.id
        ],
        labels={name: str(label) for name, label in LABELS.items()},
        errors=errors or {},
        sent=_USUAL | (sent or {}),
        today=today.isoformat(),
        next_week=(today + timedelta(days=7)).isoformat(),
    )


def _row(pattern: Pattern) -> dict[str, object]:
    kept = [f"{LABELS[f'kept_{channel.value}']} {count}" for channel, count in pattern.kept().items() if count]
    return {
        "half_day": pattern.half_day.value,
        "time": f"{show.HALF_DAYS[pattern.half_day]} {pattern.starts:%H:%M}",
        "places": gettext(
            "%(places)s 个号，每 %(minutes)s 分钟 %(each)s 位",
            places=pattern.places,
            minutes=pattern.slot_minutes,
            each=pattern.places_per_slot,
        ),
        "kept": show.listed(kept) or "-",
        "room": pattern.room,
        "fee": show.yuan(pattern.fee_fen),
    }


def _exception(row: ShiftException) -> dict[str, object]:
    what = gettext("停诊一天") if row.is_off else gettext("按此出诊")
    return _row(row) | {"day": row.day.isoformat(), "when": show.day_words(row.day), "what": what, "note": row.note}


def _doctor(uow: Uow) -> Practitioner:
    return scheduling.practitioner_by_code(uow, work.typed("doctor", 24))


def _typed_shift() -> ShiftIn:
    """The half-day that the form says; what is no number stands there as one that no half-day can have."""
    names = ("places", "slot_minutes", "places_per_slot", *KEPT, "kept_until_minutes")
    return ShiftIn(
        starts=_clock(work.typed("starts", 5)),
        room=work.typed("room", 24),
        fee_fen=_fen(work.typed("fee", 10)),
        **{name: _number(work.typed(name, 6) or ("0" if name in KEPT else "")) for name in names},
    )


def _number(text: str) -> int:
    found = work.whole(text)
    return -1 if found is None else found


def _fen(text: str) -> int:
    whole, point, part = text.partition(".")
    if len(part) > 2 or (point and not part):
        return -1
    yuan, fen = work.whole(whole), work.whole(part.ljust(2, "0"))
    return -1 if yuan is None or fen is None else yuan * 100 + fen


def _clock(text: str) -> time:
    found = work.clock_time(text)
    if found is None:
        raise BadShift(fields={"starts": "required"})
    return found


def _day(name: str) -> date:
    found = work.day(work.typed(name, 10))
    if found is None:
        raise BadInput(fields={name: "required"})
    return found


def _half_day() -> HalfDay:
    return HalfDay(work.one_of(work.typed("half_day", 3), HalfDay, HalfDay.AM.value))


def _changed(deed: Callable[[Uow, Practitioner], Applied]) -> edge.Answer:
    """The deed is done and its page follows; what was typed wrong is told at its field."""
    uow = edge.current_uow()
    doctor = _doctor(uow)
    try:
        done = deed(uow, doctor)
    except BadShift as refused:
        named = refused.facts["fields"]
        errors = {
            name: str(_FAULTS[code]) % {"label": LABELS.get("fee" if name == "fee_fen" else name, name)}
            for name, code in (named.items() if isinstance(named, dict) else ())
        }
        sent = {name: work.typed(name, 24) for name in (*LABELS, "day", "note")}
        return _page(uow, doctor, errors, sent), 422
    _tell(done)
    return redirect(url_for("staff.doctor_shifts", doctor=doctor.code))


def _tell(done: Applied) -> None:
    flash(
        gettext(
            "已保存：新开放 %(opened)s 场，调整 %(changed)s 场，取消 %(closed)s 场",
            opened=done.opened,
            changed=done.changed,
            closed=done.closed,
        ),
        "ok",
    )
    if done.left:
        named = show.listed(f"{show.day_words(sits.visit_day)} {show.HALF_DAYS[sits.half_day]}" for sits in done.left)
        flash(gettext("这些门诊已有患者，保持原样，请到门诊页停诊或替诊：%(sessions)s", sessions=named), "warn")


@blueprint.post("/shifts/week")
@work.needs(ADMIN, OPERATIONS)
def write_shift() -> edge.Answer:
    """The doctor sits so every week on that day."""
    weekday = min(max(_number(work.typed("weekday", 1)), 0), 6)
    return _changed(lambda uow, doctor: planning.write_shift(uow, doctor, weekday, _typed_shift()))


@blueprint.post("/shifts/week/drop")
@work.needs(ADMIN, OPERATIONS)
def drop_shift() -> edge.Answer:
    """The doctor sits there no more."""
    weekday = min(max(_number(work.typed("weekday", 1)), 0), 6)
    return _changed(lambda uow, doctor: planning.drop_shift(uow, doctor, weekday, _half_day()))


@blueprint.post("/shifts/day")
@work.needs(ADMIN, OPERATIONS)
def write_exception() -> edge.Answer:
    """On one day the doctor sits otherwise, or once more."""
    day, note = _day("day"), work.typed("note", 120)
    return _changed(lambda uow, doctor: planning.write_exception(uow, doctor, day, _typed_shift(), note))


@blueprint.post("/shifts/day/off")
@work.needs(ADMIN, OPERATIONS)
def be_off() -> edge.Answer:
    """On one day the doctor does not sit."""
    day, note = _day("day"), work.typed("note", 120)
    return _changed(lambda uow, doctor: planning.be_off(uow, doctor, day, _half_day(), note))


@blueprint.post("/shifts/day/drop")
@work.needs(ADMIN, OPERATIONS)
def drop_exception() -> edge.Answer:
    """The weekly shift holds again on that day."""
    day = _day("day")
    return _changed(lambda uow, doctor: planning.drop_exception(uow, doctor, day, _half_day()))


@blueprint.post("/shifts/copy")
@work.needs(ADMIN, OPERATIONS)
def copy_shifts() -> edge.Answer:
    """The doctor's week is another's, where nothing is in the way."""
    uow = edge.current_uow()
    doctor, target = _doctor(uow), scheduling.practitioner_by_code(uow, work.typed("target", 24))
    copied = planning.copy_doctor(uow, doctor, target)
    flash(gettext("已复制 %(count)s 个班次；已有或冲突的没有改动", count=copied), "ok")
    return redirect(url_for("staff.doctor_shifts", doctor=target.code))


@blueprint.post("/shifts/copy-week")
@work.needs(ADMIN, OPERATIONS)
def copy_week() -> edge.Answer:
    """One week is planned as another was."""
    uow = edge.current_uow()
    doctor = _doctor(uow)
    differing = planning.copy_week(uow, doctor, _day("from_week"), _day("to_week"))
    flash(gettext("已复制，%(count)s 个半天有改动", count=differing), "ok")
    return redirect(url_for("staff.doctor_shifts", doctor=doctor.code))
