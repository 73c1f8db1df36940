"""The hospital system away with 5,000 messages waiting: when somebody is told, and how fast they go out after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from sqlalchemy import create_engine

from app import tables as _tables  # noqa: F401 - every table is made
from app.kernel import message_health
from app.kernel.db import Base, engine_options, prepare
from app.kernel.message_health import AlarmCode
from bench.figures import Figure
from tests.private_postgres import free_port, running_postgres
from tests.processes.hl7_moody import Moody, listening
from tests.processes.hl7_outward import Outward, telling, units_of
from tests.processes.test_hl7_survives_kill import running

EVENTS, QUICK_EVENTS = 5_000, 500
EACH_PATIENTS = 10


def measure(*, quick: bool) -> Iterator[Figure]:
    """`alarm_after_s`, `drained_per_s` (after its return), `out_of_order` (letters before an earlier one's)."""
    count = QUICK_EVENTS if quick else EVENTS
    with ExitStack() as stack:
        url = stack.enter_context(running_postgres(durable=True))
        engine = create_engine(url, **engine_options(url, 2))
        stack.callback(engine.dispose)
        prepare(engine)
        Base.metadata.create_all(engine)
        outward = Outward(units_of(engine))
        outward.admit(count // EACH_PATIENTS)
        outward.post(count)
        theirs, calm = free_port(), Moody(each=0)
        began = time.monotonic()
        stack.enter_context(running(url, free_port(theirs), telling(theirs)))
        _wait_for_alarm(outward)
        yield Figure("alarm_after_s", "s", round(time.monotonic() - began, 1), 1)
        with listening(calm, theirs):
            outward.wait_until_told()
        yield Figure("drained_per_s", "messages/s", round(count / (calm.ended - calm.began), 1), count)
        yield Figure("out_of_order", "messages", calm.out_of_order(), count)
        yield Figure("sent_twice", "messages", len(calm.heard) - len(calm.first), count)


def _wait_for_alarm(outward: Outward) -> None:
    while True:
        with outward.units.open(reads_only=True) as uow:
            if any(alarm.code is AlarmCode.PEER_AWAY for alarm in message_health.alarms(uow)):
                return
        time.sleep(0.1)
