"""A reminder is told once per account and stage, while people are awake, and only while it is of use."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.identity import service as identity
from app.identity.models import PatientLink, Relation
from app.kernel.moves import Move
from app.kernel.uow import Units
from app.notifications.models import Message
from app.revisit import service
from app.revisit.models import Reminder
from app.revisit.states import ReminderState
from app.revisit.telling import tell_due
from tests import factories
from tests.conftest import SetClock
from tests.factories_revisit import hospital, visit, with_story


@pytest.fixture
def units(units: Units) -> Units:
    return with_story(units)


def told(units: Units) -> int:
    with units.open() as uow:
        return tell_due(uow)


def fates(units: Units) -> list[tuple[str, str, str]]:
    with units.open() as uow:
        rows = uow.session.scalars(select(Reminder).order_by(Reminder.due_at, Reminder.id))
        return [(row.stage.value, row.state.value, row.reason) for row in rows]


def reminded(units: Units) -> int:
    with units.open() as uow:
        return len(uow.session.scalars(select(Message).where(Message.template == "reminded")).all())


def test_each_stage_is_told_once_on_its_day(units: Units, clock: SetClock) -> None:
    visit(units, due_in_days=14)

    per_day = Counter[str]()
    for hour in range(24 * 15):
        clock.at(hospital("2026-11-23", "09:30") + timedelta(hours=hour))
        per_day[clock.now().date().isoformat()] += told(units)

    assert {day: count for day, count in per_day.items() if count} == {
        "2026-11-30": 1,
        "2026-12-04": 1,
        "2026-12-06": 1,
    }
    assert reminded(units) == 3


def test_nothing_is_told_at_night(units: Units, clock: SetClock) -> None:
    visit(units, due_in_days=14)

    clock.at(hospital("2026-11-30", "20:00"))
    assert told(units) == 0

    clock.at(hospital("2026-12-01", "08:00"))
    assert told(units) == 1


def test_after_days_of_silence_only_the_latest_stage_is_told(units: Units, clock: SetClock) -> None:
    visit(units, due_in_days=14)

    clock.at(hospital("2026-12-06", "11:00"))

    assert told(units) == 1
    assert fates(units) == [("7d", "suppressed", "overtaken"), ("3d", "suppressed", "overtaken"), ("1d", "told", "")]


def test_a_day_that_is_over_is_not_reminded_of(units: Units, clock: SetClock) -> None:
    visit(units, due_in_days=14)

    clock.at(hospital("2026-12-08", "11:00"))

    assert told(units) == 0
    assert {reason for _, _, reason in fates(units)} == {"lapsed"}


def test_every_account_of_the_patient_is_reminded_and_who_left_is_not(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)
    with units.open() as uow:
        daughter = factories.person(uow)
        uow.session.add(
            PatientLink(
                account_id=daughter.account.id,
                patient_id=made.who.patient.id,
                relation=Relation.PARENT,
                created_at=uow.now(),
            )
        )
        uow.session.flush()
        service.remind(uow, made.plan, daughter.account)

    clock.at(hospital("2026-11-30", "10:00"))
    assert told(units) == 2

    with units.open(daughter.actor) as uow:
        identity.unbind_patient(uow, made.who.patient.public_id)
    clock.at(hospital("2026-12-04", "10:00"))
    assert told(units) == 1
    assert ("3d", "suppressed", "unlinked") in fates(units)


def test_an_account_that_opted_out_hears_no_more(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)

    with units.open(made.who.actor) as uow:
        service.opt_out(uow, public_id=made.plan.public_id)
        service.opt_out(uow, public_id=made.plan.public_id)

    clock.at(hospital("2026-11-30", "11:00"))
    assert told(units) == 0
    assert {reason for _, _, reason in fates(units)} == {"opted_out"}
    with units.open(made.who.actor) as uow:
        assert not service.is_reminding(uow, made.plan)


def test_eight_tellers_at_once_tell_each_reminder_once(units: Units, clock: SetClock) -> None:
    for number in range(12):
        one_more(units, f"C{number}")
    clock.at(hospital("2026-11-30", "10:00"))

    def tell(_: int) -> int:
        with units.open() as uow:
            return tell_due(uow, limit=2)

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(tell, range(24)))

    assert sum(counts) == 12
    assert reminded(units) == 12
    with units.open() as uow:
        moves = uow.session.scalars(select(Move.subject_id).where(Move.machine == "reminder", Move.action == "tell"))
        assert Counter(moves).most_common(1)[0][1] == 1


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_conditional_update_the_same_race_tells_twice(units: Units, clock: SetClock) -> None:
    """The control: read what is due, then write it; the race above must catch exactly this."""
    for number in range(12):
        one_more(units, f"C{number}")
    clock.at(hospital("2026-11-30", "10:00"))

    def read_then_write(_: int) -> int:
        with units.open() as uow:
            due = select(Reminder).where(Reminder.state == "planned", Reminder.due_at <= uow.now())
            found = uow.session.scalars(due.order_by(Reminder.id).limit(2)).all()
            uow.session.execute(text("SELECT pg_sleep(0.01)"))
            for reminder in found:
                reminder.state, reminder.told_at = ReminderState.TOLD, uow.now()
            return len(found)

    with ThreadPoolExecutor(8) as pool:
        told_in_all = sum(pool.map(read_then_write, range(24)))

    assert told_in_all > 12


def one_more(units: Units, code: str) -> None:
    """One more patient with a plan, in a clinic of its own."""
    with units.open() as uow:
        clinic, who = factories.clinic(uow, code=code), factories.person(uow)
    registration = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        service.plan(uow, registration=registration, due_day=uow.today() + timedelta(days=14))


def test_a_unit_that_is_dropped_tells_nobody(units: Units, clock: SetClock) -> None:
    visit(units, due_in_days=14)
    clock.at(hospital("2026-11-30", "10:00"))

    uow = units.begin()
    assert tell_due(uow) == 1
    uow.settle()
    units.drop(uow)

    assert reminded(units) == 0
    assert told(units) == 1
    assert reminded(units) == 1
