"""A session with patients: its free places are kept anew, it has its own release, and nobody loses a place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel.audit import AuditEvent
from app.kernel.errors import Refused
from app.kernel.uow import Units
from app.registration import limits
from app.registration import service as registration
from app.rulebook import service as rulebook
from app.scheduling import keeping, plans, release, service, shifts
from app.scheduling.models import BookingChannel, ClinicSession, Shift, Slot
from app.scheduling.shifts import ShiftIn, figures_of
from tests import factories
from tests.conftest import SetClock, is_postgres

ONLINE, LOBBY, REVISIT, WINDOW = BookingChannel
only_postgres = pytest.mark.skipif(not is_postgres(), reason="SQLite has one writer at a time")


@pytest.fixture
def clinic(units: Units, clock: SetClock) -> factories.Clinic:
    """Six places at 09:30, looked at from 06:30, of which somebody has the first."""
    clock.step(hours=-3)
    with units.open() as uow:
        made, who = factories.clinic(uow, places=6, kept_window=1), factories.person(uow)
    factories.booked(units, who, made.session)
    return made


def keep(units: Units, clinic: factories.Clinic, until_minutes: int = 60, **kept: int) -> None:
    with units.open() as uow:
        wanted = {channel: kept.get(channel.value, 0) for channel in BookingChannel}
        keeping.keep(uow, public_id=clinic.session.public_id, kept=wanted, until_minutes=until_minutes)


def give(units: Units, clinic: factories.Clinic, **from_now: float) -> None:
    with units.open() as uow:
        at = uow.now() + timedelta(**from_now) if from_now else None
        keeping.release(uow, public_id=clinic.session.public_id, release_at=at)


def refusal(units: Units, clinic: factories.Clinic) -> str:
    with units.open() as uow:
        who = factories.person(uow)
    try:
        factories.held(units, who, clinic.session)
    except Refused as refused:
        return refused.code
    return ""


def free(units: Units, clinic: factories.Clinic) -> dict[BookingChannel, int]:
    with units.open() as uow:
        return {
            channel: service.card(uow, clinic.session.public_id, channel=channel).free_places
            for channel in BookingChannel
        }


def test_free_places_are_kept_anew_and_taken_ones_stay(units: Units, clinic: factories.Clinic) -> None:
    before = free(units, clinic)

    keep(units, clinic, lobby=2, window=3)

    assert before == {ONLINE: 4, LOBBY: 4, REVISIT: 4, WINDOW: 5}
    assert free(units, clinic) == {ONLINE: 0, LOBBY: 2, REVISIT: 0, WINDOW: 3}
    assert refusal(units, clinic) == "kept_for_others"
    with units.open() as uow:
        session = uow.session.get_one(ClinicSession, clinic.session.id)
        now = keeping.kept_now(uow, session)
        assert (now.free, now.until_minutes, session.is_kept_by_hand) == (5, 60, True)
        assert now.by_channel == {ONLINE: 0, LOBBY: 2, REVISIT: 0, WINDOW: 3}
        assert uow.session.scalars(select(Slot.state).where(Slot.seq == 1)).one() == "taken"
        kept = uow.session.scalars(select(AuditEvent).where(AuditEvent.action == "session.keep")).one()
        assert kept.detail["kept"] == {"lobby": 2, "window": 3}


@pytest.mark.parametrize(
    ("until_minutes", "kept", "code"),
    [
        (60, {"online": 3, "window": 3}, "more_kept_than_free"),
        (180, {"window": 1}, "kept_until_past"),
        (60, {"window": -1}, "bad_shift"),
        (-1, {"window": 1}, "bad_shift"),
        (7 * 1440 + 1, {"window": 1}, "bad_shift"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(
    units: Units, clinic: factories.Clinic, until_minutes: int, kept: dict[str, int], code: str
) -> None:
    before = free(units, clinic)

    with pytest.raises(Refused) as refused:
        keep(units, clinic, until_minutes, **kept)

    assert refused.value.code == code
    assert free(units, clinic) == before


def test_nothing_is_kept_any_more_also_after_the_time_for_it(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    clock.step(hours=3)

    keep(units, clinic, 60)

    assert set(free(units, clinic).values()) == {5}


def test_the_weekly_shift_leaves_what_was_kept_by_hand_until_its_places_change(
    units: Units, clinic: factories.Clinic
) -> None:
    with units.open() as uow:
        session = factories.another_session(uow, clinic.practitioner, days=7, half_day="am", starts=shifts.time(9, 30))
        shift = uow.session.scalars(select(Shift)).one()
        same = {name: value for name, value in figures_of(shift).items() if name != "half_day"}
        shifts.write_shift(uow, clinic.practitioner, shift.weekday, ShiftIn(**same))  # type: ignore[arg-type]
        keeping.keep(uow, public_id=session.public_id, kept={ONLINE: 5}, until_minutes=0)

    def apply(**changes: int) -> None:
        with units.open() as uow:
            said = ShiftIn(**(same | changes))  # type: ignore[arg-type]
            shifts.write_shift(uow, clinic.practitioner, clinic.session.visit_day.weekday(), said)
            plans.apply(uow, clinic.practitioner.id)

    def kept() -> tuple[int, int]:
        with units.open() as uow:
            now = keeping.kept_now(uow, uow.session.get_one(ClinicSession, session.id))
            return now.by_channel[ONLINE], now.by_channel[WINDOW]

    apply(kept_window=2)
    by_hand = kept()
    apply(places=8, kept_window=2)

    assert (by_hand, kept()) == ((5, 0), (0, 2))


def test_a_session_has_its_own_release_before_or_after_its_departments(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    give(units, clinic, hours=1)
    too_soon = refusal(units, clinic)
    clock.step(hours=1)
    in_time = refusal(units, clinic)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"window_first_day": 0, "window_days": 0, "release_clock": "11:30"})
    give(units, clinic)
    by_the_rules = refusal(units, clinic)
    give(units, clinic, minutes=1)
    clock.step(minutes=1)

    assert (too_soon, in_time, by_the_rules, refusal(units, clinic)) == ("not_released_yet", "", "not_released_yet", "")
    with units.open() as uow:
        kept = select(AuditEvent.detail).where(AuditEvent.action == "session.release").order_by(AuditEvent.id)
        deeds = uow.session.scalars(kept).all()
        assert [bool(detail["at"]) for detail in deeds] == [True, False, True]


@pytest.mark.parametrize(
    ("hours", "first_day", "code"),
    [(-1, 0, "release_in_past"), (0, 0, "release_in_past"), (9, 0, "release_too_late"), (1, 1, "release_too_late")],
)
def test_a_release_that_lets_nobody_book_is_refused(
    units: Units, clinic: factories.Clinic, hours: int, first_day: int, code: str
) -> None:
    with units.open() as uow:
        if first_day:
            rulebook.write(uow, rulebook.HOUSE, {"window_first_day": first_day})

    with pytest.raises(Refused) as refused:
        give(units, clinic, hours=hours, seconds=0)

    assert refused.value.code == code


def test_a_session_that_is_over_or_stopped_is_left_alone(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    with units.open() as uow:
        service.stop_session(uow, public_id=clinic.session.public_id, why="test")

    for change in (lambda: keep(units, clinic), lambda: give(units, clinic, hours=1)):
        with pytest.raises(Refused) as refused:
            change()
        assert refused.value.code == "session_closed"


def test_the_waiting_room_of_an_own_release_lets_in_by_turns(
    units: Units, clinic: factories.Clinic, clock: SetClock
) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"release_admits_per_second": 1})
        who, late = factories.person(uow), factories.person(uow)
    give(units, clinic, minutes=20)

    with units.open(who.actor) as uow:
        near = release.release_near(uow, clinic.department)
        assert near is not None
        assert near.visit_day == clinic.session.visit_day
        release.enter(uow, near)
    clock.step(minutes=20)
    out_of_turn = refusal(units, clinic)
    with units.open(who.actor) as uow:
        assert release.enter(uow, near).is_admitted
        patient, session = who.patient, uow.session.get_one(ClinicSession, clinic.session.id)
        registration.hold(uow, session_public_id=session.public_id, patient_public_id=patient.public_id)
    with units.open(late.actor) as uow:
        assert limits.is_released(uow, limits.rules_of_session(uow, session), session)

    assert out_of_turn == "wait_your_turn"


@only_postgres
def test_a_place_that_somebody_is_just_taking_is_not_counted_among_those_to_keep(
    units: Units, clinic: factories.Clinic
) -> None:
    """Its control: a look that does not pass over the locked place counts it, and would keep a place that is sold."""
    with units.open() as uow:
        who = factories.person(uow)
    taking = units.begin(who.actor)
    registration.hold(taking, session_public_id=clinic.session.public_id, patient_public_id=who.patient.public_id)

    with units.open() as uow:
        session = uow.session.get_one(ClinicSession, clinic.session.id)
        unlocked, locked = (len(keeping._free(uow, session, locked=locked)) for locked in (False, True))
    with pytest.raises(Refused) as refused:
        keep(units, clinic, window=5)
    keep(units, clinic, window=4)
    units.finish(taking)

    assert (unlocked, locked) == (5, 4)
    assert refused.value.code == "more_kept_than_free"
    assert free(units, clinic) == {ONLINE: 0, LOBBY: 0, REVISIT: 0, WINDOW: 4}
