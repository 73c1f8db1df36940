"""What each doctor's day is to be by shifts, exceptions and calendar, and making the sessions so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.kernel import audit, moves
from app.kernel.clock import at_hospital
from app.kernel.moves import Move
from app.kernel.uow import Uow
from app.rulebook.service import rules_for
from app.scheduling import calendar
from app.scheduling.errors import ClockChange, SlotsOverlap
from app.scheduling.models import (
    ClinicSession,
    Department,
    HalfDay,
    HospitalDay,
    Pattern,
    Practitioner,
    Shift,
    ShiftException,
    Slot,
)
from app.scheduling.opening import OPEN_AHEAD_DAYS, length_of, open_session, places_of, sessions_on
from app.scheduling.rules import where_of
from app.scheduling.states import SESSION, SessionAction, SessionState, SlotState

FIGURES = (
    *("half_day", "starts", "places", "slot_minutes", "places_per_slot", "room", "fee_fen"),
    *("kept_online", "kept_lobby", "kept_revisit", "kept_window", "kept_until_minutes"),
)
NO_SHIFT = "no_shift_any_more"


@dataclass
class Applied:
    """How many sessions were opened, changed and closed, and which have patients and so stay as they are."""

    opened: int = 0
    changed: int = 0
    closed: int = 0
    left: tuple[ClinicSession, ...] = ()

    def __add__(self, other: Applied) -> Applied:
        """Both together."""
        return Applied(
            self.opened + other.opened,
            self.changed + other.changed,
            self.closed + other.closed,
            self.left + other.left,
        )


@dataclass(frozen=True)
class Plan:
    """Who of the doctors sits on which day, as it stands now."""

    shifts: Collection[Shift]
    exceptions: Collection[ShiftException]
    own_words: dict[date, HospitalDay]
    is_closed_on_holidays: dict[int, bool]

    def of(self, practitioner_id: int, day: date) -> dict[HalfDay, Pattern]:
        """The doctor's half-days of the day: the weekly shifts that hold, but for those that an exception replaces."""
        weekday = calendar.runs_as(
            day,
            self.own_words.get(day),
            closed_on_public_holidays=self.is_closed_on_holidays[practitioner_id],
        )
        found: dict[HalfDay, Pattern] = {
            shift.half_day: shift
            for shift in self.shifts
            if shift.practitioner_id == practitioner_id and shift.weekday == weekday
        }
        for exception in self.exceptions:
            if exception.practitioner_id == practitioner_id and exception.day == day:
                found.pop(exception.half_day, None)
                if not exception.is_off:
                    found[exception.half_day] = exception
        return found


def plan(uow: Uow, first: date, last: date, practitioner_id: int | None = None) -> Plan:
    """What is planned for the days, for one doctor or all of them."""
    shifts, exceptions = select(Shift), select(ShiftException).where(ShiftException.day.between(first, last))
    whose = select(Practitioner.id, Department).join(Department, Department.id == Practitioner.department_id)
    if practitioner_id is not None:
        shifts = shifts.where(Shift.practitioner_id == practitioner_id)
        exceptions = exceptions.where(ShiftException.practitioner_id == practitioner_id)
        whose = whose.where(Practitioner.id == practitioner_id)
    closed = {
        doctor: rules_for(uow, where_of(department)).closed_on_public_holidays
        for doctor, department in uow.session.execute(whose)
    }
    return Plan(
        shifts=uow.session.scalars(shifts.order_by(Shift.id)).all(),
        exceptions=uow.session.scalars(exceptions.order_by(ShiftException.id)).all(),
        own_words=calendar.own_words(uow, first, last),
        is_closed_on_holidays=closed,
    )


def open_ahead(uow: Uow, *, days: int = OPEN_AHEAD_DAYS) -> int:
    """The sessions planned for today and the `days` that follow stand; returns how many were opened now.

    One that would overlap another of its doctor's does not open; the console shows it.
    """
    first, last = uow.today(), uow.today() + timedelta(days=days)
    planned, opened = plan(uow, first, last), 0
    doctors = sorted({row.practitioner_id for row in (*planned.shifts, *planned.exceptions)})
    for day in _days(first, last):
        for doctor in doctors:
            opened += sum(_opened(uow, pattern, day) for pattern in planned.of(doctor, day).values())
    return opened


def _opened(uow: Uow, pattern: Pattern, day: date) -> bool:
    try:
        return open_session(uow, pattern, day) is not None
    except (SlotsOverlap, ClockChange):
        return False


def apply(uow: Uow, practitioner_id: int) -> Applied:
    """The doctor's sessions to come are as planned, but for those that have patients: these are left, and returned."""
    first, last = uow.today(), uow.today() + timedelta(days=OPEN_AHEAD_DAYS)
    planned = plan(uow, first, last, practitioner_id)
    done = Applied()
    for day in _days(first, last):
        done += _apply_on(uow, practitioner_id, day, planned.of(practitioner_id, day))
    audit.record(uow, "shift.apply", "practitioner", str(practitioner_id), opened=done.opened, changed=done.changed)
    return done


def _apply_on(uow: Uow, practitioner_id: int, day: date, wanted: dict[HalfDay, Pattern]) -> Applied:
    done = Applied()
    standing = {session.half_day: session for session in sessions_on(uow, practitioner_id, day)}
    for half_day, session in standing.items():
        if half_day in wanted and _rests_for_want_of_a_plan(uow, session):
            moves.move(uow, SESSION, session, SessionAction.REOPEN)
        if session.state == SessionState.OPEN and session.planned_practitioner_id is None:
            done += _fit(uow, session, wanted.get(half_day))
    new = [pattern for half_day, pattern in wanted.items() if half_day not in standing]
    return done + Applied(opened=sum(_opened(uow, pattern, day) for pattern in new))


def _rests_for_want_of_a_plan(uow: Uow, session: ClinicSession) -> bool:
    """True for a session that was closed because nothing was planned, which is not the hospital's 停诊."""
    if session.state != SessionState.STOPPED:
        return False
    stops = select(Move.why).where(
        Move.machine == SESSION.name, Move.subject_id == session.id, Move.action == SessionAction.STOP.value
    )
    return uow.session.scalars(stops.order_by(Move.id.desc()).limit(1)).first() == NO_SHIFT


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]


def _fit(uow: Uow, session: ClinicSession, pattern: Pattern | None) -> Applied:
    """The session is as `pattern` says, or closed without one; left when a patient has or had a place in it."""
    if session.starts_at <= uow.now():
        return Applied()
    wanted = places_of(session, pattern, uow.zone) if pattern else []
    slots = list(uow.session.scalars(select(Slot).where(Slot.session_id == session.id).order_by(Slot.seq)))
    if pattern is not None and _is_so(session, slots, pattern, wanted):
        return Applied()
    uow.session.get_one(ClinicSession, session.id, with_for_update=True, populate_existing=True)
    has_patients = any(slot.state != SlotState.FREE for slot in slots)
    if has_patients:
        return Applied(left=(session,))
    if pattern is None:
        moves.move(uow, SESSION, session, SessionAction.STOP, why=NO_SHIFT)
        return Applied(closed=1)
    try:
        with uow.session.begin_nested():
            _remake(uow, session, pattern, slots, wanted)
    except IntegrityError:  # a place that has to go was somebody's once
        return Applied(left=(session,))
    return Applied(changed=1)


_COLUMNS = ("seq", "starts_at", "ends_at", "kept_for", "kept_until")


def _is_so(session: ClinicSession, slots: list[Slot], pattern: Pattern, wanted: list[dict[str, object]]) -> bool:
    """True when nothing is to be changed; what was kept by hand is as wanted however it differs."""
    is_same = (session.room, session.fee_fen) == (pattern.room, pattern.fee_fen)
    names = _COLUMNS[:3] if session.is_kept_by_hand else _COLUMNS
    planned = [{name: place[name] for name in names} for place in wanted]
    return is_same and [{name: getattr(slot, name) for name in names} for slot in slots] == planned


def _remake(
    uow: Uow, session: ClinicSession, pattern: Pattern, slots: list[Slot], wanted: list[dict[str, object]]
) -> None:
    session.room, session.fee_fen = pattern.room, pattern.fee_fen
    session.starts_at = at_hospital(session.visit_day, pattern.starts, uow.zone)
    session.ends_at = session.starts_at + length_of(pattern)
    session.is_kept_by_hand = False
    for slot, columns in zip(slots, wanted, strict=False):
        for name, value in columns.items():
            setattr(slot, name, value)
    uow.session.add_all(Slot(session_id=session.id, **columns) for columns in wanted[len(slots) :])
    surplus = [slot.id for slot in slots[len(wanted) :]]
    uow.session.flush()
    uow.session.execute(delete(Slot).where(Slot.id.in_(surplus)))
    audit.record(uow, "session.change", "session", session.public_id)
