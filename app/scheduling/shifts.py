"""Planning a doctor's weeks: weekly shifts (排班), what differs on one day, and copying either."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from app.kernel import audit
from app.kernel.uow import Uow
from app.scheduling import plans
from app.scheduling.errors import BadShift, DayIsPast, SlotsOverlap
from app.scheduling.models import HalfDay, Pattern, Practitioner, Shift, ShiftException
from app.scheduling.opening import half_day_of, length_of, starting
from app.scheduling.plans import FIGURES, Applied

MOST_PLACES, MOST_PER_SLOT, MOST_FEE_FEN, MOST_MINUTES_BEFORE = 200, 50, 9_999_00, 7 * 1440
_ANY_DAY = date(2000, 1, 3)


@dataclass(frozen=True)
class ShiftIn:
    """A half-day as it is planned; which half of the day it is follows from when it begins."""

    starts: time
    places: int
    slot_minutes: int
    room: str
    fee_fen: int
    places_per_slot: int = 1
    kept_online: int = 0
    kept_lobby: int = 0
    kept_revisit: int = 0
    kept_window: int = 0
    kept_until_minutes: int = 0

    def figures(self) -> dict[str, object]:
        """The columns of a pattern; refuses `bad_shift` with the fields that make no sense."""
        faults = {
            name: "out_of_range" for name, (least, most) in _RANGES.items() if not least <= getattr(self, name) <= most
        }
        if not 1 <= len(self.room) <= 24:
            faults["room"] = "required"
        if self.kept_online + self.kept_lobby + self.kept_revisit + self.kept_window > self.places:
            faults["kept_online"] = "more_than_places"
        if faults:
            raise BadShift(fields=faults)
        columns = asdict(self) | {"half_day": half_day_of(self.starts)}
        begins = datetime.combine(_ANY_DAY, self.starts)
        if (begins + length_of(Shift(**columns))).date() != _ANY_DAY:
            raise BadShift(fields={"places": "after_midnight"})
        return columns


_RANGES = {
    "places": (1, MOST_PLACES),
    "slot_minutes": (1, 30),
    "places_per_slot": (1, MOST_PER_SLOT),
    "fee_fen": (0, MOST_FEE_FEN),
    **{f"kept_{channel}": (0, MOST_PLACES) for channel in ("online", "lobby", "revisit", "window")},
    "kept_until_minutes": (0, MOST_MINUTES_BEFORE),
}


def week_of(uow: Uow, practitioner_id: int) -> list[Shift]:
    """The doctor's weekly shifts, from Monday morning on."""
    return list(
        uow.session.scalars(
            select(Shift).where(Shift.practitioner_id == practitioner_id).order_by(Shift.weekday, Shift.starts)
        )
    )


def exceptions_of(uow: Uow, practitioner_id: int) -> list[ShiftException]:
    """What differs for the doctor from today on."""
    return list(
        uow.session.scalars(
            select(ShiftException)
            .where(ShiftException.practitioner_id == practitioner_id, ShiftException.day >= uow.today())
            .order_by(ShiftException.day, ShiftException.starts)
        )
    )


def write_shift(uow: Uow, doctor: Practitioner, weekday: int, said: ShiftIn) -> Applied:
    """The doctor sits so every week on `weekday` (0 is Monday), in place of what was said of that half-day.

    Sessions to come follow, but for those with patients. Refuses `bad_shift`, and `slots_overlap` with another shift.
    """
    columns = said.figures()
    week = [shift for shift in week_of(uow, doctor.id) if shift.weekday == weekday]
    _refuse_overlap([shift for shift in week if shift.half_day != columns["half_day"]], Shift(**columns))
    row = next((shift for shift in week if shift.half_day == columns["half_day"]), None)
    row = row or Shift(practitioner_id=doctor.id, weekday=weekday)
    _write(uow, row, columns)
    audit.record(uow, "shift.write", "practitioner", doctor.code, weekday=weekday, half_day=row.half_day.value)
    return plans.apply(uow, doctor.id)


def drop_shift(uow: Uow, doctor: Practitioner, weekday: int, half_day: HalfDay) -> Applied:
    """The doctor sits there no more; sessions to come close, but for those with patients. Quiet without one."""
    for shift in week_of(uow, doctor.id):
        if (shift.weekday, shift.half_day) == (weekday, half_day):
            uow.session.delete(shift)
    uow.session.flush()
    audit.record(uow, "shift.drop", "practitioner", doctor.code, weekday=weekday, half_day=half_day.value)
    return plans.apply(uow, doctor.id)


def write_exception(uow: Uow, doctor: Practitioner, day: date, said: ShiftIn, note: str = "") -> Applied:
    """On that day the doctor sits so: in place of the half-day's shift, or once more (also on a holiday).

    Refuses `bad_shift`, `day_is_past`, `slots_overlap`, `clock_change`.
    """
    columns = said.figures()
    starting(day, said.starts, uow.zone)
    planned = plans.plan(uow, day, day, doctor.id).of(doctor.id, day)
    others = [pattern for half_day, pattern in planned.items() if half_day != columns["half_day"]]
    _refuse_overlap(others, Shift(**columns))
    row = _exception_on(uow, doctor, day, HalfDay(str(columns["half_day"])))
    _write(uow, row, columns | {"is_off": False, "note": note[:120]})
    audit.record(uow, "shift.exception", "practitioner", doctor.code, day=day.isoformat())
    return plans.apply(uow, doctor.id)


def be_off(uow: Uow, doctor: Practitioner, day: date, half_day: HalfDay, note: str = "") -> Applied:
    """On that day the doctor does not sit; a session with patients is left, to be stopped or given to another doctor.

    Quiet for a half-day on which nothing is planned. Refuses `day_is_past`.
    """
    row = _exception_on(uow, doctor, day, half_day)
    planned = plans.plan(uow, day, day, doctor.id).of(doctor.id, day).get(half_day)
    if planned is not None:
        _write(uow, row, figures_of(planned) | {"is_off": True, "note": note[:120]})
        audit.record(uow, "shift.off", "practitioner", doctor.code, day=day.isoformat(), half_day=half_day.value)
    return plans.apply(uow, doctor.id)


def drop_exception(uow: Uow, doctor: Practitioner, day: date, half_day: HalfDay) -> Applied:
    """The weekly shift holds again on that half-day; quiet when it does. Refuses `day_is_past`."""
    row = _exception_on(uow, doctor, day, half_day)
    if row in uow.session:
        uow.session.delete(row)
        uow.session.flush()
        audit.record(uow, "shift.exception_drop", "practitioner", doctor.code, day=day.isoformat())
    return plans.apply(uow, doctor.id)


def copy_doctor(uow: Uow, source: Practitioner, target: Practitioner) -> int:
    """The target has the source's weekly shifts where it had none and nothing is in the way; returns how many."""
    copied = 0
    for shift in week_of(uow, source.id):
        same_day = [own for own in week_of(uow, target.id) if own.weekday == shift.weekday]
        if not any(own.half_day == shift.half_day or _clash(own, shift) for own in same_day):
            _write(uow, Shift(practitioner_id=target.id, weekday=shift.weekday), figures_of(shift))
            copied += 1
    audit.record(uow, "shift.copy", "practitioner", target.code, source=source.code, shifts=copied)
    plans.apply(uow, target.id)
    return copied


def copy_week(uow: Uow, doctor: Practitioner, source: date, target: date) -> int:
    """The week of `target` is planned as that of `source` was, day by day; returns how many half-days now differ.

    Refuses `day_is_past` for a week that is over; days of it that are over stay as they were.
    """
    first, second = (day - timedelta(days=day.weekday()) for day in (source, target))
    if second + timedelta(days=6) < uow.today():
        raise DayIsPast(day=second.isoformat())
    differing = 0
    for offset in range(7):
        day = second + timedelta(days=offset)
        if day >= uow.today():
            differing += _copy_day(uow, doctor, first + timedelta(days=offset), day)
    audit.record(uow, "shift.copy_week", "practitioner", doctor.code, source=first.isoformat(), week=second.isoformat())
    plans.apply(uow, doctor.id)
    return differing


def _copy_day(uow: Uow, doctor: Practitioner, source: date, day: date) -> int:
    wanted = plans.plan(uow, source, source, doctor.id).of(doctor.id, source)
    standing = plans.plan(uow, day, day, doctor.id).of(doctor.id, day)
    differing = 0
    for half_day in HalfDay:
        new, old = wanted.get(half_day), standing.get(half_day)
        figures = figures_of(new or old) if new or old else {}
        if (new is None) == (old is None) and (new is None or figures == figures_of(old or new)):
            continue
        _write(uow, _exception_on(uow, doctor, day, half_day), figures | {"is_off": new is None})
        differing += 1
    return differing


def figures_of(pattern: Pattern | None) -> dict[str, object]:
    """The pattern's columns that another row can have."""
    return {name: getattr(pattern, name) for name in FIGURES}


def _exception_on(uow: Uow, doctor: Practitioner, day: date, half_day: HalfDay) -> ShiftException:
    """What is said of that half-day, or a new row that is in no session yet."""
    if day < uow.today():
        raise DayIsPast(day=day.isoformat())
    known = uow.session.scalars(
        select(ShiftException).where(
            ShiftException.practitioner_id == doctor.id,
            ShiftException.day == day,
            ShiftException.half_day == half_day,
        )
    ).first()
    return known or ShiftException(practitioner_id=doctor.id, day=day)


def _write(uow: Uow, row: Pattern, columns: dict[str, object]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    uow.session.add(row)
    uow.session.flush()


def _refuse_overlap(others: list[Pattern] | list[Shift], new: Pattern) -> None:
    clashing = next((other for other in others if _clash(other, new)), None)
    if clashing is not None:
        raise SlotsOverlap(starts=clashing.starts.isoformat(timespec="minutes"))


def _clash(one: Pattern, other: Pattern) -> bool:
    begins, others = (datetime.combine(_ANY_DAY, pattern.starts) for pattern in (one, other))
    return begins < others + length_of(other) and others < begins + length_of(one)
