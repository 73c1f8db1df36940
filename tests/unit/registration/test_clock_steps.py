"""Clocks that jump: a zone that changes its hour, and a machine whose time is set while people hold places."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.engine import Engine

from app.events import BillPaid
from app.kernel.crypto import Keyring
from app.kernel.uow import Units
from app.registration import by_time, service
from app.registration.models import Registration
from app.registration.rules import cancel_closes_at, refund_percent
from app.registration.states import RegistrationState
from app.rulebook.terms import CancelUntil, RefundTier, Rules
from app.scheduling.rules import closes_at, opens_at
from tests import factories
from tests.conftest import SetClock

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # Berlin: a day of 23 hours, and one of 25


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "cancels"),
    [
        (BERLIN, SPRING, utc(2026, 3, 22, 6), utc(2026, 3, 29, 22), utc(2026, 3, 28, 16)),
        (BERLIN, AUTUMN, utc(2026, 10, 18, 5), utc(2026, 10, 25, 23), utc(2026, 10, 24, 15)),
        (SHANGHAI, SPRING, utc(2026, 3, 21, 23), utc(2026, 3, 29, 16), utc(2026, 3, 28, 9)),
        (SHANGHAI, date(1986, 5, 4), utc(1986, 4, 26, 23), utc(1986, 5, 4, 15), utc(1986, 5, 3, 9)),
    ],
    ids=["23 hours", "25 hours", "no change", "the summer time of 1986"],
)
def test_rules_follow_the_wall_on_the_day_its_clock_changes(
    zone: ZoneInfo, day: date, opens: datetime, closes: datetime, cancels: datetime
) -> None:
    rules = Rules(
        window_days=7,
        release_clock="07:00",
        cancel_until=CancelUntil.CLOCK,
        cancel_days_before=1,
        cancel_clock="17:00",
    )
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=zone)

    assert opens_at(rules, day, zone) == opens
    assert closes_at(rules, day, zone) == closes
    assert cancel_closes_at(rules, nine, title="", zone=zone) == cancels


def test_minutes_before_are_real_minutes_across_the_change() -> None:
    rules = Rules(refund_tiers=(RefundTier(120, 100), RefundTier(0, 0)))
    half_past_three = datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)  # 90 real minutes after one o'clock

    assert refund_percent(rules, half_past_three, datetime(2026, 3, 29, 1, 0, tzinfo=BERLIN).astimezone(UTC)) == 0
    assert refund_percent(rules, half_past_three, datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN).astimezone(UTC)) == 100


@pytest.fixture
def quiet(engine: Engine, clock: SetClock, keys: Keyring) -> Units:
    """Nothing follows any event: the bill and its money are put there by the test."""
    return Units(engine, clock, keys, SHANGHAI, {})


@pytest.mark.parametrize(
    ("minutes", "after_the_job", "after_paying"),
    [
        (-24 * 60, RegistrationState.HELD, RegistrationState.BOOKED),
        (-1, RegistrationState.HELD, RegistrationState.BOOKED),
        (0, RegistrationState.HELD, RegistrationState.BOOKED),
        (11, RegistrationState.EXPIRED, RegistrationState.BOOKED),
        (24 * 60, RegistrationState.EXPIRED, RegistrationState.EXPIRED),
    ],
)
def test_a_clock_that_is_set_loses_no_place_and_sells_none_twice(
    quiet: Units, clock: SetClock, minutes: int, after_the_job: RegistrationState, after_paying: RegistrationState
) -> None:
    with quiet.open() as uow:
        clinic, who = factories.clinic(uow, places=2), factories.person(uow)
    held = factories.held(quiet, who, clinic.session)

    clock.step(minutes=minutes)
    with quiet.open() as uow:
        by_time.expire_due(uow)
    with quiet.open() as uow:
        assert uow.session.get_one(Registration, held.id).state == after_the_job
    with quiet.open() as uow:
        service.confirm_when_paid(uow, BillPaid(1, "registration", held.id, held.patient_id))
    clock.step(minutes=-minutes)

    with quiet.open() as uow:
        assert uow.session.get_one(Registration, held.id).state == after_paying
        other = factories.person(uow)
    assert factories.held(quiet, other, clinic.session).place_no in {1, 2}
    with quiet.open() as uow:
        standing = uow.session.query(Registration.slot_id).filter(Registration.state.in_(["held", "booked"]))
        taken = [slot for (slot,) in standing]
    assert len(taken) == len(set(taken))
