"""The hospital's rules decide who may book what and when, what a cancellation costs, and who is suspended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.events import RegistrationCancelled
from app.kernel.errors import NotFound, Refused
from app.kernel.moves import IllegalMove
from app.kernel.uow import Units
from app.registration import by_time, closing, conduct, limits, service
from app.registration.errors import AppealEmpty, CancelTooLate, PatientSuspended
from app.registration.models import ConductRecord, Registration, Suspension
from app.registration.rules import cancel_closes_at, limit_reached, months_from, refund_percent
from app.registration.states import RegistrationState
from app.rulebook import service as rulebook
from app.rulebook.terms import SHIPPED, Breach, BreachLimit, CancelUntil, RefundTier, Rules
from app.scheduling import opening
from app.scheduling import service as scheduling
from app.scheduling.errors import SoldOut
from app.scheduling.models import ClinicSession, Shift, Slot
from tests import factories
from tests.conftest import SetClock

ZONE = ZoneInfo("Asia/Shanghai")
TEN = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)  # Friday 10:00 in the hospital


def write(units: Units, **body: object) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, body)


def house(units: Units, **clinic: int) -> tuple[factories.Clinic, factories.Person]:
    with units.open() as uow:
        return factories.clinic(uow, **clinic), factories.person(uow)  # type: ignore[arg-type]


def session_in(units: Units, clinic: factories.Clinic, days: int) -> ClinicSession:
    """The doctor's session so many days ahead."""
    with units.open() as uow:
        shift = uow.session.query(Shift).filter_by(practitioner_id=clinic.practitioner.id).one()
        made = opening.open_session(uow, shift, uow.today() + timedelta(days=days))
        assert made is not None
        return made


def refusal(units: Units, who: factories.Person, session: ClinicSession) -> str:
    try:
        factories.held(units, who, session)
    except Refused as refused:
        return refused.code
    return ""


def cancel(units: Units, who: factories.Person, registration: Registration) -> list[object]:
    with units.open(who.actor) as uow:
        service.cancel(uow, public_id=registration.public_id)
        return list(uow._happened)


@pytest.mark.parametrize(
    ("rules", "title", "hour"),
    [
        (SHIPPED, "主治医师", "27 09:30"),
        (Rules(cancel_minutes_before=30, expert_cancel_minutes_before=720), "主任医师", "26 22:00"),
        (Rules(cancel_until=CancelUntil.CLOCK, cancel_clock="00:00"), "主任医师", "27 00:00"),
        (Rules(cancel_until=CancelUntil.CLOCK, cancel_clock="24:00"), "主任医师", "28 00:00"),
        (Rules(cancel_until=CancelUntil.CLOCK, cancel_days_before=1, cancel_clock="17:00"), "", "26 17:00"),
    ],
)
def test_until_when_a_place_can_be_given_back(rules: Rules, title: str, hour: str) -> None:
    closes_at = cancel_closes_at(rules, TEN, title=title, zone=ZONE)

    assert closes_at.astimezone(ZONE).strftime("%d %H:%M") == hour


@pytest.mark.parametrize(("minutes", "percent"), [(200, 100), (120, 100), (119, 0), (0, 0), (-5, 0)])
def test_the_refund_falls_by_tiers(minutes: int, percent: int) -> None:
    rules = Rules(refund_tiers=(RefundTier(120, 100), RefundTier(0, 0)))

    assert refund_percent(rules, TEN, TEN - timedelta(minutes=minutes)) == percent


def test_months_are_counted_as_people_do() -> None:
    assert months_from(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert months_from(date(2026, 1, 31), -2) == date(2025, 11, 30)


def test_the_limit_that_suspends_longest_counts() -> None:
    limits_ = (BreachLimit(Breach.CANCEL, 2, 1, 1), BreachLimit(Breach.NO_SHOW_OR_LATE_CANCEL, 2, 12, 6))
    rules, today = Rules(breach_limits=limits_), date(2026, 11, 23)
    long_ago, lately = date(2026, 1, 5), date(2026, 11, 20)

    assert limit_reached(rules, [(Breach.CANCEL, lately), (Breach.CANCEL, long_ago)], today) is None
    assert limit_reached(rules, [(Breach.CANCEL, lately)] * 2, today) == limits_[0]
    both = [(Breach.CANCEL, lately)] * 2 + [(Breach.NO_SHOW, long_ago), (Breach.LATE_CANCEL, lately)]
    assert limit_reached(rules, both, today) == limits_[1]


def test_a_place_is_held_for_as_long_as_the_rules_say(units: Units) -> None:
    write(units, hold_minutes=25)
    clinic, who = house(units)

    held = factories.held(units, who, clinic.session)

    assert held.held_until - held.held_at == timedelta(minutes=25)


def test_a_day_opens_at_its_release_and_not_before(units: Units, clock: SetClock) -> None:
    write(units, window_days=7, release_clock="12:00")
    clinic, who = house(units)
    in_a_week, later = session_in(units, clinic, 7), session_in(units, clinic, 14)

    assert refusal(units, who, in_a_week) == "not_released_yet"  # it is 09:30
    clock.step(hours=2, minutes=30)
    assert refusal(units, who, in_a_week) == ""
    assert refusal(units, who, later) == "not_released_yet"


def test_where_today_cannot_be_booked_online_tomorrow_can(units: Units) -> None:
    write(units, window_first_day=1)
    clinic, who = house(units)

    assert refusal(units, who, clinic.session) == "booking_is_over"
    assert refusal(units, who, session_in(units, clinic, 1)) == ""


def test_an_account_books_for_its_holder_only_where_the_rules_say_so(units: Units) -> None:
    write(units, only_own_record=True)
    clinic, who = house(units)
    child = factories.child(units, who)

    assert refusal(units, child, clinic.session) == "only_own_record"
    assert refusal(units, who, clinic.session) == ""


def test_a_patient_has_so_many_places_in_so_many_days(units: Units, clock: SetClock) -> None:
    write(units, patient_bookings_at_most=2, patient_bookings_within_days=7)
    clinic, who = house(units)
    for days in (0, 1):
        factories.booked(units, who, clinic.session if days == 0 else session_in(units, clinic, days))
    third = session_in(units, clinic, 10)

    assert refusal(units, who, third) == "too_many_bookings"
    clock.step(days=7, minutes=1)
    assert refusal(units, who, third) == ""


def test_a_patient_has_so_many_places_in_a_department_a_day(units: Units) -> None:
    write(units, patient_department_day_at_most=1, account_bookings_per_day_at_most=2)
    clinic, who = house(units)
    with units.open() as uow:
        other = factories.clinic(uow, code="EYE")
    factories.booked(units, who, clinic.session)

    with units.open() as uow:
        rules = limits.rules_of_session(uow, clinic.session)
        uow.actor = who.actor
        with pytest.raises(Refused) as refused:
            limits.refuse_against_the_rules(uow, rules, who.patient, clinic.session)
    assert refused.value.code == "too_many_in_department"
    assert refusal(units, who, other.session) == ""
    assert refusal(units, who, session_in(units, clinic, 1)) == "too_many_of_account"


def test_whoever_was_seen_lately_comes_again_without_a_fee(units: Units, clock: SetClock) -> None:
    write(units, free_return_days=3)
    clinic, who = house(units)
    first = factories.booked(units, who, clinic.session)
    in_three, in_four = session_in(units, clinic, 3), session_in(units, clinic, 4)
    with units.open() as uow:
        row = uow.session.get_one(Registration, first.id)
        service.mark_checked_in(uow, row)
        service.begin_consultation(uow, row)
        service.end_consultation(uow, row)

    again, too_late = factories.held(units, who, in_three), factories.held(units, who, in_four)

    assert (again.fee_fen, again.state) == (0, RegistrationState.BOOKED)
    assert (too_late.fee_fen, too_late.state) == (2500, RegistrationState.HELD)


def test_after_the_cut_off_nothing_is_given_back_online(units: Units) -> None:
    write(units, cancel_until="clock", cancel_clock="00:00")
    clinic, who = house(units)
    booked = factories.booked(units, who, clinic.session)

    with pytest.raises(CancelTooLate) as refused:
        cancel(units, who, booked)
    assert refused.value.facts["closes_at"] == "2026-11-22T16:00:00+00:00"


@pytest.mark.parametrize(("days", "was_paid"), [(1, True), (0, False)])
def test_a_fee_comes_back_as_far_as_the_tiers_say(units: Units, days: int, was_paid: bool) -> None:
    tiers = [{"minutes_before": 120, "refund_percent": 100}, {"minutes_before": 0, "refund_percent": 0}]
    write(units, refund_tiers=tiers, cancel_minutes_before=0, expert_cancel_minutes_before=0)
    clinic, who = house(units)
    booked = factories.booked(units, who, clinic.session if days == 0 else session_in(units, clinic, days))

    (cancelled,) = [event for event in cancel(units, who, booked) if isinstance(event, RegistrationCancelled)]

    assert cancelled.was_paid is was_paid


def test_a_place_that_came_back_rests_a_random_while(units: Units, clock: SetClock) -> None:
    write(units, returned_place_minutes_at_least=5, returned_place_minutes_at_most=30)
    clinic, who = house(units, places=1)
    with units.open() as uow:
        friend = factories.person(uow)
    held = factories.held(units, who, clinic.session)

    cancel(units, who, held)

    with units.open(reads_only=True) as uow:
        (slot,) = uow.session.query(Slot)
        assert timedelta(minutes=5) <= slot.free_from - clock.now() <= timedelta(minutes=30)
        assert scheduling.card(uow, clinic.session.public_id).free_places == 0
    assert refusal(units, friend, clinic.session) == SoldOut.code
    clock.step(minutes=31)
    with pytest.raises(Refused) as over:
        factories.held(units, friend, clinic.session)
    assert over.value.code == "session_closed"


def test_a_rested_place_is_anybodys(units: Units, clock: SetClock) -> None:
    write(units, returned_place_minutes_at_least=1, returned_place_minutes_at_most=5)
    clinic, who = house(units, places=1)
    with units.open() as uow:
        friend = factories.person(uow)
    cancel(units, who, factories.held(units, who, clinic.session))
    clock.step(minutes=6)

    assert refusal(units, friend, clinic.session) == ""


def three_no_shows(units: Units, clock: SetClock, clinic: factories.Clinic, who: factories.Person) -> None:
    for _ in range(3):
        factories.booked(units, who, session_in(units, clinic, 1))
        clock.step(days=1, hours=10)
        with units.open() as uow:
            by_time.close_sessions(uow)
        clock.step(hours=-10)


LIMIT = {"breach": "no_show", "breaches": 3, "within_months": 3, "suspend_months": 3}


def test_three_no_shows_suspend_for_three_months(units: Units, clock: SetClock) -> None:
    write(units, breach_limits=[LIMIT])
    clinic, who = house(units)
    three_no_shows(units, clock, clinic, who)

    with pytest.raises(PatientSuspended) as refused:
        factories.held(units, who, session_in(units, clinic, 1))

    assert refused.value.facts["ends_at"] == "2027-02-25T16:00:00+00:00"
    assert refused.value.facts["breaches"] == 3
    clock.at(datetime(2027, 2, 26, tzinfo=UTC))
    assert refusal(units, who, session_in(units, clinic, 1)) == ""


def test_an_objection_that_is_granted_lifts_the_suspension(units: Units, clock: SetClock) -> None:
    write(units, breach_limits=[LIMIT])
    clinic, who = house(units)
    with units.open() as uow:
        stranger, clerk = factories.person(uow), factories.staff(uow, "operations")
    three_no_shows(units, clock, clinic, who)
    with units.open(who.actor) as uow:
        ((standing, _),) = conduct.of_account(uow)
        with pytest.raises(AppealEmpty):
            conduct.appeal(uow, public_id=standing.public_id, words="  ")
    with pytest.raises(NotFound), units.open(stranger.actor) as uow:
        conduct.appeal(uow, public_id=standing.public_id, words="不是我")

    with units.open(who.actor) as uow:
        conduct.appeal(uow, public_id=standing.public_id, words="当天住院，没法取消")
    with units.open(clerk) as uow:
        ((waiting, patient),) = conduct.appeals(uow)
        assert (conduct.words_of(uow, waiting), patient.id) == ("当天住院，没法取消", who.patient.id)
        assert "住院" not in waiting.appeal_sealed
        conduct.answer(uow, public_id=waiting.public_id, is_granted=True, why="已核实住院记录")

    assert refusal(units, who, session_in(units, clinic, 1)) == ""
    with pytest.raises(IllegalMove), units.open(clerk) as uow:
        conduct.answer(uow, public_id=standing.public_id, is_granted=False, why="再看")
    with units.open(reads_only=True) as uow:
        assert uow.session.query(Suspension).one().answer == "已核实住院记录"
        assert {row.suspension_id for row in uow.session.query(ConductRecord)} == {standing.id}


def test_what_the_hospital_cancels_is_not_counted(units: Units) -> None:
    write(units, breach_limits=[{**LIMIT, "breach": "cancel", "breaches": 1}])
    clinic, who = house(units)
    factories.booked(units, who, clinic.session)

    with units.open() as uow:
        closing.stop_session(uow, public_id=clinic.session.public_id, why="医生生病")

    with units.open(reads_only=True) as uow:
        assert uow.session.query(ConductRecord).count() == 0
