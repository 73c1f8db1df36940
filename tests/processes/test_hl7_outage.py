"""The hospital system is away while messages wait, and in a bad mood when it comes back: nothing lost or mixed up."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from app.kernel import message_health
from app.kernel.db import Base, engine_options, prepare
from app.kernel.message_health import AlarmCode
from app.kernel.outbox import OutboxState
from hl7_adapter.er7 import parse
from tests.private_postgres import free_port, running_postgres
from tests.processes.hl7_moody import Moody, listening
from tests.processes.hl7_outward import Outward, telling, units_of
from tests.processes.test_hl7_survives_kill import running

ALERT_SECONDS = 60


def drained(database_url: str, engine: Engine, count: int, *, each: int, lane: str = "patient-{patient}") -> Moody:
    """So many events waited while nobody was there; then a moody hospital system came back and heard them all."""
    outward = Outward(units_of(engine))
    outward.admit(max(5, count // 10))
    outward.post(count, lane)
    theirs, moody = free_port(), Moody(each)
    began = time.monotonic()
    with running(database_url, free_port(theirs), telling(theirs, answer_seconds=1)):
        assert_alarmed(outward, began)
        # One may be on its way to see whether anybody is there again; none counts as told, none is given up.
        assert {row.state for row in outward.rows()} <= {OutboxState.WAITING, OutboxState.SENDING}
        with listening(moody, theirs):
            outward.wait_until_told()
    assert_told_as_answered(outward, moody)
    return moody


def assert_alarmed(outward: Outward, began: float) -> None:
    """Within a minute somebody is told that the receiver is away."""
    while True:
        with outward.units.open(reads_only=True) as uow:
            codes = {alarm.code for alarm in message_health.alarms(uow)}
        if AlarmCode.PEER_AWAY in codes:
            return
        assert time.monotonic() - began < ALERT_SECONDS, "no alarm within a minute"
        time.sleep(0.1)


def assert_told_as_answered(outward: Outward, moody: Moody) -> None:
    """Each event was heard under one control id, always in the same bytes, and counts as told by its own answer."""
    rows = outward.rows()
    assert {f"MZ{row.id:010d}": row.body for row in rows} == moody.first
    assert set(moody.heard) == set(moody.first.items())
    assert {row.state for row in rows} == {OutboxState.SENT}
    assert moody.told == set(moody.first)
    assert all(parse(row.answer or b"").get("MSA-2") == f"MZ{row.id:010d}" for row in rows)


@pytest.mark.slow
def test_what_waited_arrives_in_each_patients_order(engine: Engine, database_url: str) -> None:
    assert drained(database_url, engine, 48, each=8).out_of_order() == 0


@pytest.mark.slow
def test_without_lanes_a_bad_answer_would_mix_up_a_patients_letters(engine: Engine, database_url: str) -> None:
    assert drained(database_url, engine, 48, each=8, lane="lane-{number}").out_of_order() > 0


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_five_thousand_arrive_in_each_patients_order(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        durable = stack.enter_context(running_postgres(durable=True)) if kind == "postgresql" else ""
        url = durable or f"sqlite:///{tmp_path / 'menzhen.db'}"
        engine = create_engine(url, **engine_options(url, 5))
        stack.callback(engine.dispose)
        prepare(engine)
        Base.metadata.create_all(engine)

        assert drained(url, engine, 5_000, each=250).out_of_order() == 0
