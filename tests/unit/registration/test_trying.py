"""Weeks of bookings judged by other rules: what would have been refused, paid back, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.kernel.uow import Units
from app.registration import service
from app.registration.trying import PastBooking, judge, past_bookings
from app.rulebook.published_sets import published_sets
from app.rulebook.terms import SHIPPED, CancelUntil, RefundTier
from tests import factories
from tests.conftest import SetClock

ZONE = ZoneInfo("Asia/Shanghai")
STARTS = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # Friday 10:00
BOOKED = PastBooking(1, 1, 1, "主任医师", 2500, STARTS - timedelta(days=3), STARTS, date(2026, 11, 20))


def on(days: int, **more: object) -> PastBooking:
    """The same booking so many days later."""
    by = timedelta(days=days)
    moved = replace(BOOKED, held_at=BOOKED.held_at + by, starts_at=STARTS + by, visit_day=BOOKED.visit_day + by)
    return replace(moved, **more)  # type: ignore[arg-type]


def test_nothing_that_was_allowed_is_refused_by_the_same_rules() -> None:
    found = judge([BOOKED, on(1), on(2, cancelled_at=STARTS)], SHIPPED, ZONE)

    assert (found.bookings, found.refused, found.cancel_refused, found.suspended) == (3, Counter(), 0, 0)
    assert found.refunded_fen == {100: 2500}


def test_the_window_and_the_limits_refuse_what_is_beyond_them() -> None:
    far, today = on(5, held_at=STARTS - timedelta(days=30)), on(6, held_at=STARTS + timedelta(days=6, hours=-1))
    four = [on(day) for day in range(4)]

    assert judge([far, today], replace(SHIPPED, window_days=14, window_first_day=1), ZONE).refused == {
        "not_released_yet": 1,
        "booking_is_over": 1,
    }
    assert judge(four, published_sets()["srrsh"].rules, ZONE).refused == {"too_many_bookings": 1}
    twice = [BOOKED, replace(BOOKED, starts_at=STARTS + timedelta(hours=5))]
    assert judge(twice, replace(SHIPPED, patient_department_day_at_most=1), ZONE).refused == {
        "too_many_in_department": 1
    }
    assert judge(twice, replace(SHIPPED, account_bookings_per_day_at_most=1), ZONE).refused == {
        "too_many_of_account": 1
    }


def test_whoever_was_not_verified_when_they_booked_would_have_been_refused() -> None:
    before, after = BOOKED.held_at - timedelta(days=1), BOOKED.held_at + timedelta(days=1)
    booked = [BOOKED, *(replace(BOOKED, patient_id=2, proven_at=proven_at) for proven_at in (before, after))]

    found = judge(booked, replace(SHIPPED, verified_only=True), ZONE)

    assert found.refused == {"identity_not_verified": 2}


def test_cancellations_fall_under_the_cut_off_and_the_tiers() -> None:
    early, late = STARTS - timedelta(hours=20), STARTS - timedelta(hours=1)
    cancelled = [replace(BOOKED, cancelled_at=early), replace(BOOKED, patient_id=2, cancelled_at=late)]
    by_midnight = replace(SHIPPED, cancel_until=CancelUntil.CLOCK, cancel_clock="00:00")
    tiers = replace(SHIPPED, refund_tiers=(RefundTier(120, 100), RefundTier(0, 0)))

    assert judge(cancelled, by_midnight, ZONE).cancel_refused == 1
    found = judge(cancelled, tiers, ZONE)
    assert (found.refunded_fen, found.kept_fen) == ({100: 2500}, 2500)


def test_whoever_missed_too_often_would_have_been_suspended() -> None:
    missed = [on(day, was_missed=True) for day in range(3)]

    assert judge(missed, published_sets()["lcrmyy"].rules, ZONE).suspended == 1
    assert judge(missed[:2], published_sets()["lcrmyy"].rules, ZONE).suspended == 0


def test_what_happened_is_read_as_it_was(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
        one, other, third = (factories.person(uow) for _ in range(3))
    clock.step(hours=-3)
    kept, given_back, _ = (factories.booked(units, who, clinic.session) for who in (one, other, third))
    clock.step(minutes=10)
    with units.open(other.actor) as uow:
        service.cancel(uow, public_id=given_back.public_id)
    with units.open() as uow:
        service.miss(uow, uow.session.get_one(type(kept), kept.id))

    with units.open(reads_only=True) as uow:
        found = past_bookings(uow, days=28)

        assert past_bookings(uow, days=28, department_id=clinic.department.id + 1) == []
    assert [each.patient_id for each in found] == [one.patient.id, other.patient.id, third.patient.id]
    assert [each.was_missed for each in found] == [True, False, False]
    assert [each.cancelled_at for each in found] == [None, clock.now(), None]
