"""Weeks are planned, days differ, holidays rest; what patients have booked is never moved by a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.kernel.uow import Units, Uow
from app.registration import service as registration
from app.rulebook import service as rulebook
from app.scheduling import by_hospital, calendar, plans, shifts
from app.scheduling.errors import BadShift, ClockChange, DayIsPast, SlotsOverlap
from app.scheduling.models import ClinicSession, HalfDay, Practitioner, ShiftException, Slot
from app.scheduling.opening import starting
from app.scheduling.shifts import ShiftIn
from app.scheduling.states import SessionState
from tests import factories
from tests.conftest import SetClock

MORNING = ShiftIn(time(8), places=12, slot_minutes=20, room="3-05", fee_fen=2500)
AFTERNOON = ShiftIn(time(14), places=6, slot_minutes=30, room="3-06", fee_fen=3000)
TUESDAY = date(2026, 11, 24)  # the day after the tests' Monday
AM, PM = HalfDay.AM, HalfDay.PM


@pytest.fixture
def doctor(units: Units) -> Practitioner:
    """A doctor of whom nothing is planned."""
    with units.open() as uow:
        department = factories.clinic(uow, code="CV").department
        return factories.another_doctor(uow, department)


def sits(uow: Uow, doctor: Practitioner) -> list[tuple[date, str, int, str]]:
    """The doctor's open sessions: day, first time, places, room."""
    rows = uow.session.scalars(
        select(ClinicSession)
        .where(ClinicSession.practitioner_id == doctor.id, ClinicSession.state == SessionState.OPEN)
        .order_by(ClinicSession.starts_at)
    )
    found = []
    for row in rows:
        places = uow.session.scalars(select(Slot.id).where(Slot.session_id == row.id)).all()
        found.append((row.visit_day, f"{row.starts_at.astimezone(uow.zone):%H:%M}", len(places), row.room))
    return found


def test_a_new_shift_opens_its_sessions_and_a_changed_one_changes_them(units: Units, doctor: Practitioner) -> None:
    with units.open() as uow:
        first = shifts.write_shift(uow, doctor, 1, MORNING)
        was = sits(uow, doctor)
        second = shifts.write_shift(uow, doctor, 1, replace(MORNING, starts=time(9), places=4, room="3-09"))
        now = sits(uow, doctor)

    assert (first.opened, second.opened, second.changed) == (5, 0, 5)
    assert was[0] == (TUESDAY, "08:00", 12, "3-05")
    assert now[0] == (TUESDAY, "09:00", 4, "3-09")
    assert len(now) == 5


def test_a_session_with_a_patient_stays_as_it_is_and_is_named(units: Units, doctor: Practitioner) -> None:
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        who = factories.person(uow)
        booked_in = uow.session.scalars(
            select(ClinicSession).where(ClinicSession.practitioner_id == doctor.id, ClinicSession.visit_day == TUESDAY)
        ).one()
    factories.held(units, who, booked_in)

    with units.open() as uow:
        done = shifts.write_shift(uow, doctor, 1, replace(MORNING, places=4))
        off = shifts.be_off(uow, doctor, TUESDAY, AM, "ill")

        assert (done.changed, [left.public_id for left in done.left]) == (4, [booked_in.public_id])
        assert [left.public_id for left in off.left] == [booked_in.public_id]
        assert sits(uow, doctor)[0] == (TUESDAY, "08:00", 12, "3-05")


def test_a_place_that_somebody_gave_back_is_not_taken_away(units: Units, doctor: Practitioner) -> None:
    """Its registration still tells which place it was."""
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, replace(MORNING, places=1))
        who = factories.person(uow)
        session = uow.session.scalars(
            select(ClinicSession).where(ClinicSession.practitioner_id == doctor.id, ClinicSession.visit_day == TUESDAY)
        ).one()
        shifts.write_shift(uow, doctor, 1, replace(MORNING, places=2))
    with units.open() as uow:
        first = uow.session.scalars(select(Slot).where(Slot.session_id == session.id, Slot.seq == 1)).one()
        first.kept_for, first.kept_until = "window", session.ends_at
    held = factories.held(units, who, session)
    with units.open(who.actor) as uow:
        registration.cancel(uow, public_id=held.public_id)
    assert held.place_no == 2

    with units.open() as uow:
        done = shifts.write_shift(uow, doctor, 1, replace(MORNING, places=1))

        assert [left.public_id for left in done.left] == [session.public_id]
        assert sits(uow, doctor)[0][2] == 2


def test_a_day_off_closes_and_its_end_opens_again(units: Units, doctor: Practitioner) -> None:
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        shifts.be_off(uow, doctor, TUESDAY, AM)
        while_off = [row[0] for row in sits(uow, doctor)]
        shifts.drop_exception(uow, doctor, TUESDAY, AM)

        assert TUESDAY not in while_off
        assert sits(uow, doctor)[0] == (TUESDAY, "08:00", 12, "3-05")


def test_a_stopped_session_does_not_open_again_by_a_plan(units: Units, doctor: Practitioner) -> None:
    from app.registration import closing

    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        session = uow.session.scalars(
            select(ClinicSession).where(ClinicSession.practitioner_id == doctor.id, ClinicSession.visit_day == TUESDAY)
        ).one()
        closing.stop_session(uow, public_id=session.public_id, why="ill")

        shifts.write_shift(uow, doctor, 1, replace(MORNING, places=3))

        assert session.state == SessionState.STOPPED


def test_one_day_differs_or_has_a_session_more(units: Units, doctor: Practitioner) -> None:
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        shifts.write_exception(uow, doctor, TUESDAY, replace(MORNING, starts=time(10), places=3, room="5-01"))
        shifts.write_exception(uow, doctor, TUESDAY + timedelta(days=1), AFTERNOON)

        assert sits(uow, doctor)[:3] == [
            (TUESDAY, "10:00", 3, "5-01"),
            (TUESDAY + timedelta(days=1), "14:00", 6, "3-06"),
            (TUESDAY + timedelta(days=7), "08:00", 12, "3-05"),
        ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"places": 0}, "places"),
        ({"places": 201}, "places"),
        ({"slot_minutes": 31}, "slot_minutes"),
        ({"places_per_slot": 0}, "places_per_slot"),
        ({"fee_fen": -1}, "fee_fen"),
        ({"room": ""}, "room"),
        ({"kept_window": 9, "kept_lobby": 4}, "kept_online"),
        ({"kept_until_minutes": -1}, "kept_until_minutes"),
        ({"starts": time(23, 30), "places": 3}, "places"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    units: Units, doctor: Practitioner, wrong: dict[str, object], field: str
) -> None:
    with units.open() as uow, pytest.raises(BadShift) as refused:
        shifts.write_shift(uow, doctor, 1, replace(MORNING, **wrong))

    assert field in refused.value.facts["fields"]


def test_shifts_that_overlap_are_refused(units: Units, doctor: Practitioner) -> None:
    long_morning = replace(MORNING, starts=time(11, 30), places=9)  # until 14:30
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, AFTERNOON)
        with pytest.raises(SlotsOverlap):
            shifts.write_shift(uow, doctor, 1, long_morning)
        with pytest.raises(SlotsOverlap):
            shifts.write_exception(uow, doctor, TUESDAY, long_morning)
        shifts.write_shift(uow, doctor, 1, replace(long_morning, places=7))


def test_one_overlap_does_not_keep_the_others_closed(units: Units, doctor: Practitioner) -> None:
    """A session with a patient is in the way of one shift; every other shift opens all the same."""
    with units.open() as uow:
        in_the_way, who = factories.another_session(uow, doctor, half_day=PM, starts=time(8, 30)), factories.person(uow)
    factories.held(units, who, in_the_way)
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)

        assert [row[:2] for row in sits(uow, doctor)][:2] == [
            (TUESDAY, "08:30"),
            (TUESDAY + timedelta(days=7), "08:00"),
        ]


def test_nothing_is_planned_for_a_day_that_is_over(units: Units, doctor: Practitioner) -> None:
    yesterday = date(2026, 11, 22)
    with units.open() as uow:
        for deed in (
            lambda: shifts.write_exception(uow, doctor, yesterday, MORNING),
            lambda: shifts.be_off(uow, doctor, yesterday, AM),
            lambda: shifts.copy_week(uow, doctor, TUESDAY, yesterday - timedelta(days=7)),
            lambda: calendar.say(uow, yesterday, None),
        ):
            with pytest.raises(DayIsPast):
                deed()


def test_a_doctors_weeks_are_anothers_where_nothing_is_in_the_way(units: Units, doctor: Practitioner) -> None:
    with units.open() as uow:
        other = factories.another_doctor(uow, factories.clinic(uow, code="PED").department, code="DY")
        shifts.write_shift(uow, doctor, 1, MORNING)
        shifts.write_shift(uow, doctor, 2, AFTERNOON)
        shifts.write_shift(uow, other, 2, replace(AFTERNOON, room="9-09"))

        assert shifts.copy_doctor(uow, doctor, other) == 1
        assert [(shift.weekday, shift.room) for shift in shifts.week_of(uow, other.id)] == [(1, "3-05"), (2, "9-09")]


def test_a_week_is_planned_as_another_was(units: Units, doctor: Practitioner) -> None:
    next_week = TUESDAY + timedelta(days=7)
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        shifts.write_exception(uow, doctor, TUESDAY, replace(MORNING, places=3))
        shifts.write_exception(uow, doctor, TUESDAY + timedelta(days=2), AFTERNOON)
        shifts.write_shift(uow, doctor, 5, AFTERNOON)
        shifts.be_off(uow, doctor, TUESDAY + timedelta(days=4), PM)

        assert shifts.copy_week(uow, doctor, TUESDAY, next_week + timedelta(days=3)) == 3
        assert shifts.copy_week(uow, doctor, TUESDAY, next_week) == 0
        that_week = [row for row in sits(uow, doctor) if next_week <= row[0] < next_week + timedelta(days=6)]
    assert that_week == [
        (next_week, "08:00", 3, "3-05"),
        (next_week + timedelta(days=2), "14:00", 6, "3-06"),
    ]


@pytest.mark.parametrize(
    ("day", "runs_as"),
    [
        (date(2026, 10, 1), None),  # 国庆节
        (date(2026, 10, 4), None),  # a Sunday within it
        (date(2026, 10, 7), None),  # a day off for which 10 October is worked
        (date(2026, 10, 10), 2),  # that Saturday runs as the Wednesday it pays for
        (date(2026, 10, 8), 3),
        (date(2026, 9, 25), None),  # 中秋节, a Friday, and its weekend
        (date(2026, 9, 26), None),
        (date(2026, 9, 20), 1),  # the Sunday before is worked for Tuesday 6 October
        (date(2026, 9, 12), 5),  # an ordinary Saturday
        (date(2027, 1, 1), None),
    ],
)
def test_the_calendar_of_2026(day: date, runs_as: int | None) -> None:
    assert calendar.runs_as(day, None, closed_on_public_holidays=True) == runs_as
    closed = calendar.runs_as(day, None, closed_on_public_holidays=False)
    assert closed == (day.weekday() if runs_as is None else runs_as)


def test_nobody_sits_on_a_holiday_unless_somebody_says_so(units: Units, doctor: Practitioner, clock: SetClock) -> None:
    clock.at(datetime(2026, 9, 28, 1, tzinfo=UTC))
    holiday, worked_saturday = date(2026, 10, 1), date(2026, 10, 10)
    with units.open() as uow:
        for weekday in range(5):
            shifts.write_shift(uow, doctor, weekday, MORNING)
        resting = {row[0] for row in sits(uow, doctor)}
        shifts.write_exception(uow, doctor, holiday, AFTERNOON)
        on_duty = {row[0] for row in sits(uow, doctor)}
        calendar.say(uow, date(2026, 10, 2), 4, "值班")
        calendar.say(uow, date(2026, 10, 9), None, "搬迁")
        plans.apply(uow, doctor.id)
        by_own_word = {row[0] for row in sits(uow, doctor)}
        calendar.take_back(uow, date(2026, 10, 9))
        plans.apply(uow, doctor.id)

        assert (holiday in resting, worked_saturday in resting) == (False, True)
        assert on_duty - resting == {holiday}
        assert by_own_word ^ on_duty == {date(2026, 10, 2), date(2026, 10, 9)}
        assert date(2026, 10, 9) in {row[0] for row in sits(uow, doctor)}


def test_a_department_that_never_rests_sits_on_holidays(units: Units, doctor: Practitioner, clock: SetClock) -> None:
    clock.at(datetime(2026, 9, 28, 1, tzinfo=UTC))
    with units.open() as uow:
        rulebook.write(uow, rulebook.Where("CV"), {"closed_on_public_holidays": False})
        shifts.write_shift(uow, doctor, 3, MORNING)

        assert date(2026, 10, 1) in {row[0] for row in sits(uow, doctor)}


def test_what_the_hospital_system_opened_is_planned_and_stays(units: Units, doctor: Practitioner) -> None:
    at = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
    with units.open() as uow:
        shifts.write_shift(uow, doctor, 1, MORNING)
        by_hospital.open_extra(uow, practitioner=doctor, starts_at=at, minutes=60, room="7-01")
        shifts.write_shift(uow, doctor, 1, replace(MORNING, places=5))

        assert (date(2026, 11, 25), "14:00", 3, "7-01") in sits(uow, doctor)
        assert uow.session.scalars(select(ShiftException.day)).all() == [date(2026, 11, 25)]


def test_nobody_sits_at_an_hour_that_the_clock_leaves_out() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = date(2026, 3, 29)

    with pytest.raises(ClockChange):
        starting(spring, time(2, 30), berlin)

    assert starting(spring, time(3, 30), berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    twice = date(2026, 10, 25)  # 02:30 is there twice: the first one counts
    assert starting(twice, time(2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_clock_change_keeps_one_days_session_closed_and_no_other(
    units: Units, doctor: Practitioner, clock: SetClock
) -> None:
    clock.at(datetime(2026, 3, 22, 8, tzinfo=UTC))
    in_berlin = replace(units, zone=ZoneInfo("Europe/Berlin"))
    with in_berlin.open() as uow:
        shifts.write_shift(uow, doctor, 6, replace(MORNING, starts=time(2, 30), places=3))
        sundays = [row[0] for row in sits(uow, doctor)]
        with pytest.raises(ClockChange):
            shifts.write_exception(uow, doctor, date(2026, 3, 29), replace(MORNING, starts=time(2, 10), places=3))

    assert date(2026, 3, 29) not in sundays
    assert date(2026, 4, 5) not in sundays  # 清明节
    assert date(2026, 4, 12) in sundays
