"""Nothing told is lost, nothing told twice counts twice, and a patient's messages keep their order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app.kernel import counters, inbox, outbox
from app.kernel.uow import Units, Uow
from tests.conftest import SetClock, is_postgres


def test_a_lane_is_told_in_order_one_at_a_time(units: Units) -> None:
    with units.open() as uow:
        outbox.post(uow, "hospital", "a1", {"n": 1}, lane="patient-a")
        outbox.post(uow, "hospital", "a2", {"n": 2}, lane="patient-a")
        outbox.post(uow, "hospital", "b1", {"n": 3}, lane="patient-b")
        outbox.post(uow, "hospital", "a1", {"n": 9}, lane="patient-a")

    with units.open() as uow:
        first = [item.key for item in outbox.claim(uow, "hospital", limit=10, lease_seconds=30)]
    with units.open() as uow:
        while_leased = outbox.claim(uow, "hospital", limit=10, lease_seconds=30)

    assert first == ["a1", "b1"]
    assert while_leased == []


@pytest.mark.skipif(not is_postgres(), reason="counts what PostgreSQL read")
def test_who_is_next_is_found_without_laying_every_item_beside_every_other(units: Units) -> None:
    """As after an outage: many wait, and the database's plan is one of the time when nothing did."""
    items, lanes = 600, 60
    with units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) outbox"))
    for _ in range(12):  # more often than a plan is made anew for each run
        with units.open() as uow:
            assert outbox.claim(uow, "hospital", limit=32, lease_seconds=30) == []
    with units.open() as uow:
        for number in range(items):
            outbox.post(uow, "hospital", f"k{number}", {}, lane=f"patient-{number % lanes}")

    with units.open() as uow:
        before = _rows_read(uow)
        claimed = outbox.claim(uow, "hospital", limit=32, lease_seconds=30)
        rows_read = _rows_read(uow) - before

    assert len(claimed) == 32
    assert rows_read < 10 * items


def _rows_read(uow: Uow) -> int:
    """Since the connection last told the server of it, which it may do between any two units."""
    read = text("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'outbox'")
    return int(uow.session.execute(read).scalar_one())


def test_an_item_whose_sender_died_is_given_out_again(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        outbox.post(uow, "message", "m", {})
        outbox.claim(uow, "message", limit=1, lease_seconds=30)

    clock.step(seconds=31)

    with units.open() as uow:
        assert [item.tries for item in outbox.claim(uow, "message", limit=1, lease_seconds=30)] == [2]


def test_a_failed_item_waits_and_a_dead_one_can_be_sent_again(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        outbox.post(uow, "message", "m", {})
        item = outbox.claim(uow, "message", limit=1, lease_seconds=30)[0]
        outbox.mark_failed(uow, item.id, "provider_away")

    with units.open() as uow:
        assert outbox.claim(uow, "message", limit=1, lease_seconds=30) == []
    clock.step(seconds=3)
    with units.open() as uow:
        again = outbox.claim(uow, "message", limit=1, lease_seconds=30)[0]
        outbox.mark_failed(uow, again.id, "unknown_template", is_final=True)
        outbox.send_again(uow, again.id)
    with units.open() as uow:
        assert outbox.claim(uow, "message", limit=1, lease_seconds=30)[0].key == "m"


def test_ten_senders_at_once_take_each_item_once(units: Units) -> None:
    with units.open() as uow:
        for number in range(60):
            outbox.post(uow, "message", str(number), {})

    def take(_: int) -> list[str]:
        taken: list[str] = []
        for _round in range(6):
            with units.open() as uow:
                taken += [item.key for item in outbox.claim(uow, "message", limit=5, lease_seconds=60)]
        return taken

    with ThreadPoolExecutor(10) as pool:
        taken = [key for keys in pool.map(take, range(10)) for key in keys]

    assert sorted(taken, key=int) == [str(number) for number in range(60)]


def test_a_repeat_meets_the_item_that_is_already_there(units: Units) -> None:
    with units.open() as uow:
        item, is_new = inbox.receive(uow, "wechat", "event-1", b"{}")
        assert is_new
        inbox.finish(uow, item, inbox.InboxState.DONE)

    with units.open() as uow:
        again, is_new = inbox.receive(uow, "wechat", "event-1", b"{}")

        assert not is_new
        assert (again.id, again.repeats, again.state) == (item.id, 1, inbox.InboxState.DONE)


def test_numbers_have_no_gap_and_no_twin_under_concurrency(units: Units) -> None:
    def take(number: int) -> int:
        uow = units.begin()
        value = counters.next_number(uow, "invoice")
        if number % 5 == 0:
            units.drop(uow)
            return 0
        units.finish(uow)
        return value

    with ThreadPoolExecutor(8) as pool:
        given = sorted(value for value in pool.map(take, range(50)) if value)

    assert given == list(range(1, 41))
