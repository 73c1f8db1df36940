"""The release minute: one turn an account, by lot for who came before and in order after, never more a second."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from app.kernel.uow import Units
from app.registration import service as registration
from app.rulebook import service as rulebook
from app.scheduling import release
from app.scheduling.errors import WaitYourTurn
from app.scheduling.models import ClinicSession, ReleaseToken
from app.scheduling.release import Turn
from tests import factories
from tests.conftest import SetClock

RELEASE = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)  # Tuesday 08:00 in the hospital
PER_SECOND = 5


@pytest.fixture
def clinic(units: Units, clock: SetClock) -> factories.Clinic:
    """Tuesday at eight the places of the Tuesday after are released."""
    clock.at(RELEASE - timedelta(days=1))
    with units.open() as uow:
        clinic = factories.clinic(uow)
        rules = {"window_days": 7, "release_clock": "08:00", "release_admits_per_second": PER_SECOND}
        rulebook.write(uow, rulebook.HOUSE, rules)
        session = factories.another_session(uow, clinic.practitioner, days=8, places=60, slot_minutes=1)
    clock.at(RELEASE - timedelta(minutes=10))
    return replace(clinic, session=session)


def people(units: Units, count: int) -> list[factories.Person]:
    with units.open() as uow:
        return [factories.person(uow) for _ in range(count)]


def enter(units: Units, clinic: factories.Clinic, who: factories.Person) -> Turn:
    with units.open(who.actor) as uow:
        near = release.release_near(uow, clinic.department)
        assert near is not None
        return release.look(uow, near) or release.enter(uow, near)


def turns(units: Units) -> dict[int, int | None]:
    with units.open() as uow:
        return {row.account_id: row.turn for row in uow.session.scalars(select(ReleaseToken).order_by(ReleaseToken.id))}


def test_who_came_before_is_drawn_by_lot_and_who_comes_after_follows(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    early, late = people(units, 20), people(units, 3)
    before = [enter(units, clinic, who) for who in early]
    clock.at(RELEASE)

    after = [enter(units, clinic, who) for who in (*early, *late)]

    assert {(turn.is_drawn, turn.is_admitted) for turn in before} == {(False, False)}
    drawn = turns(units)
    order = [drawn[who.account.id] for who in early]
    assert sorted(order) == list(range(20))
    assert order != sorted(order)  # by lot: one chance in 20! of being as they came
    assert [drawn[who.account.id] for who in late] == [20, 21, 22]
    assert [turn.seconds for turn in after[:20]] == [number // PER_SECOND for number in order]


def test_an_account_has_one_turn_however_often_it_looks(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    who = people(units, 1)[0]
    for _ in range(3):
        enter(units, clinic, who)
    clock.at(RELEASE)
    for _ in range(3):
        enter(units, clinic, who)

    assert list(turns(units).values()) == [0]


def test_a_quiet_minute_saves_no_turns_up(units: Units, clinic: factories.Clinic, clock: SetClock) -> None:
    """Of twelve who come at once a minute later five go in that second, five in the next and two in the one after."""
    clock.at(RELEASE + timedelta(seconds=60))

    seconds = Counter(enter(units, clinic, who).seconds for who in people(units, 12))

    assert seconds == {0: 5, 1: 5, 2: 2}


def test_nobody_books_before_their_turn_and_everybody_after(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    everybody = people(units, 12)
    for who in everybody:
        enter(units, clinic, who)
    stranger = people(units, 1)[0]
    clock.at(RELEASE)
    booked: Counter[int] = Counter()
    said: list[object] = []

    for second in range(4):
        clock.at(RELEASE + timedelta(seconds=second))
        for who in list(everybody):
            enter(units, clinic, who)
            try:
                factories.held(units, who, clinic.session)
            except WaitYourTurn as refused:
                said.append(refused.facts["retry_seconds"])
                continue
            booked[second] += 1
            everybody.remove(who)

    assert booked == {0: 5, 1: 5, 2: 2}
    assert Counter(said) == {1: 7, 2: 2}
    with pytest.raises(WaitYourTurn):
        factories.held(units, stranger, clinic.session)


def test_without_the_waiting_room_the_same_people_book_in_the_same_second(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    """The control of the test above."""
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"window_days": 7, "release_clock": "08:00"})
    clock.at(RELEASE)

    held = [factories.held(units, who, clinic.session) for who in people(units, 12)]

    assert len(held) == 12


@pytest.mark.parametrize(
    ("minutes", "is_open"), [(-31, False), (-30, True), (0, True), (9.9, True), (10, False), (60, False)]
)
def test_it_opens_before_the_release_and_closes_after(
    units: Units, clinic: factories.Clinic, clock: SetClock, minutes: float, is_open: bool
) -> None:
    who = people(units, 1)[0]
    clock.at(RELEASE + timedelta(minutes=minutes))

    with units.open(who.actor) as uow:
        assert (release.release_near(uow, clinic.department) is not None) is is_open


def test_it_stays_open_while_anybody_waits(units: Units, clinic: factories.Clinic, clock: SetClock) -> None:
    with units.open() as uow:
        rulebook.write(
            uow,
            rulebook.HOUSE,
            {"window_days": 7, "release_clock": "08:00", "release_admits_per_second": 1, "release_queue_minutes": 1},
        )
    clock.at(RELEASE + timedelta(seconds=58))
    last = [enter(units, clinic, who) for who in people(units, 5)][-1]

    clock.at(RELEASE + timedelta(seconds=61))
    with units.open() as uow:
        still = release.release_near(uow, clinic.department)
    clock.at(RELEASE + timedelta(seconds=64))
    with units.open() as uow:
        over = release.release_near(uow, clinic.department)

    assert (last.seconds, still is not None, over) == (4, True, None)


def test_days_released_long_ago_and_other_departments_are_not_held_up(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    with units.open() as uow:
        other = factories.clinic(uow, code="CV")
        clock.at(RELEASE)
        near = factories.another_session(uow, clinic.practitioner, days=1)
        assert release.release_near(uow, other.department) is None  # it has nothing to release that day
    who = people(units, 1)[0]

    assert factories.held(units, who, near).place_no == 1


def test_a_day_without_sessions_has_no_waiting_room(units: Units, clinic: factories.Clinic, clock: SetClock) -> None:
    clock.at(RELEASE + timedelta(days=1))

    with units.open() as uow:
        assert release.release_near(uow, clinic.department) is None


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_many_who_look_in_the_first_second_are_drawn_once_and_numbered_once(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    early, late = people(units, 24), people(units, 16)
    for who in early:
        enter(units, clinic, who)
    clock.at(RELEASE)
    start = Barrier(40)

    def look(who: factories.Person) -> Turn:
        start.wait()
        return enter(units, clinic, who)

    with ThreadPoolExecutor(40) as pool:
        seen = list(pool.map(look, [*early, *late]))

    with units.open() as uow:
        numbered = uow.session.scalars(select(ReleaseToken.turn)).all()
        assert uow.session.scalar(select(func.count()).select_from(ClinicSession)) == 2
    assert len(set(numbered)) == 40
    assert all(number is not None for number in numbered)
    assert max(Counter(turn.seconds for turn in seen).values()) <= PER_SECOND
    drawn = turns(units)
    assert max(drawn[who.account.id] or 0 for who in early) < 24 <= min(drawn[who.account.id] or 0 for who in late)


def test_the_desk_does_not_wait_in_line_with_the_phones(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    who = people(units, 1)[0]
    clock.at(RELEASE)
    with units.open() as uow:
        session = uow.session.get_one(ClinicSession, clinic.session.id)
        release.refuse_out_of_turn(uow, session, rulebook.rules_for(uow))
    with units.open(who.actor) as uow, pytest.raises(WaitYourTurn):
        registration.hold(uow, session_public_id=clinic.session.public_id, patient_public_id=who.patient.public_id)
