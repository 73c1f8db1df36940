"""The timetable names every job once, a failing job silences nobody, and each job finds nothing in an empty house."""

from __future__ import annotations

import logging
from typing import cast

import pytest
from sqlalchemy import select

from app.analytics import heartbeats
from app.couriers.chosen import Couriers
from app.jobs import work
from app.jobs.__main__ import main
from app.jobs.bell import Bell
from app.jobs.timetable import BY_NAME, JOBS, Job
from app.kernel import inbox
from app.kernel.errors import TryLater
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Units
from app.runtime import Runtime
from config import BadSettings, read_settings
from tests import factories
from tests.conftest import SetClock

PROMISED = {
    "expire_holds",
    "waitlist",
    "close_sessions",
    "call_back",
    "wait_errors",
    "open_sessions",
    "reminders",
    "deliver_messages",
    "payment_notifications",
    "payment_query",
    "payment_refunds",
    "payment_close",
    "rx_expire",
    "day_figures",
    "audit_seal",
    "rate_sweep",
    "forget",
}


@pytest.fixture
def runtime(units: Units) -> Runtime:
    nobody = Couriers(payments=None, notification_keys=None, texts=None, wechat=None)
    return Runtime(read_settings({"MENZHEN_MODE": "demo"}), units, nobody)


@pytest.fixture
def bell(runtime: Runtime) -> Bell:
    return Bell(runtime, runtime.units.clock.wall_now())


def test_every_job_stands_once_and_rings_often_enough() -> None:
    assert len(BY_NAME) == len(JOBS)
    assert set(BY_NAME) >= PROMISED
    assert all(1 <= job.every_seconds <= 3600 for job in JOBS)
    assert all(job.run.__module__ == work.__name__ for job in JOBS)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_job_with_nothing_to_do_does_nothing(bell: Bell, name: str) -> None:
    assert bell.ring(BY_NAME[name]) is True
    assert bell.failed == 0


def test_an_unpaid_place_goes_back_by_itself(bell: Bell, units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    factories.held(units, who, clinic.session)

    clock.step(minutes=11)

    assert [work.expire_holds(bell.runtime), work.expire_holds(bell.runtime)] == [1, 0]


def test_sessions_stand_for_the_weeks_ahead_once(bell: Bell, units: Units) -> None:
    with units.open() as uow:
        factories.clinic(uow)

    assert [work.open_sessions(bell.runtime), work.open_sessions(bell.runtime)] == [5, 0]


def test_the_audit_is_sealed_once(bell: Bell, units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        factories.person(uow)
    clock.step(minutes=10)

    assert work.audit_seal(bell.runtime) > 0
    assert work.audit_seal(bell.runtime) == 0


def fail(error: Exception) -> Job:
    def run(_: Runtime) -> int:
        raise error

    return Job("breaks", 1, run)


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("张秀英 13800000001"), "ValueError"), (TryLater(phone="13800000001"), "try_later")]
)
def test_a_job_that_breaks_is_counted_and_named_by_its_code_only(
    bell: Bell, units: Units, error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="app.jobs"):
        assert bell.ring(fail(error)) is False
    assert bell.ring(BY_NAME["expire_holds"]) is True
    bell.beat()

    with units.open() as uow:
        beat = heartbeats.heartbeats(uow)[0]
        assert (beat.ran, beat.failed, beat.last_error) == (2, 1, f"breaks: {code}")
    record = caplog.records[0]
    assert (record.getMessage(), record.__dict__["job"], record.__dict__["code"]) == ("a job failed", "breaks", code)


def test_a_database_that_is_away_does_not_end_the_process(bell: Bell) -> None:
    away = cast("Units", object())

    Bell(Runtime(bell.runtime.settings, away, bell.runtime.couriers), bell.started_at).beat()


def test_the_timetable_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    assert "reminders every 5 s" in capsys.readouterr().out


def kept_messages(units: Units) -> int:
    with units.open(reads_only=True) as uow:
        return len(uow.session.scalars(select(InboxItem.id).where(InboxItem.body != b"")).all())


@pytest.mark.parametrize(("days", "left"), [("180", 0), ("365", 3), ("0", 3)])
def test_at_night_settled_messages_are_emptied_after_the_days_that_were_set(
    units: Units, clock: SetClock, days: str, left: int
) -> None:
    with units.open() as uow:
        for number in range(3):
            item, _ = inbox.receive(uow, "hl7:HIS|H", f"M{number}", b"MSH|")
            inbox.finish(uow, item, InboxState.FILED)
    nobody = Couriers(payments=None, notification_keys=None, texts=None, wechat=None)
    runtime = Runtime(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_MESSAGES_KEPT_DAYS": days}), units, nobody)
    clock.step(days=181)

    assert work.forget(runtime) == 0
    assert kept_messages(units) == 3
    clock.step(hours=17)
    work.forget(runtime)

    assert kept_messages(units) == left


def test_messages_that_may_be_asked_for_again_cannot_be_set_to_go_sooner() -> None:
    with pytest.raises(BadSettings, match="MENZHEN_MESSAGES_KEPT_DAYS"):
        read_settings({"MENZHEN_MODE": "demo", "MENZHEN_MESSAGES_KEPT_DAYS": "30"})
