"""Searches of a long HL7 log go by index: PostgreSQL never reads the whole table for any of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from app.kernel import message_health, message_keys, message_search
from app.kernel.message_keys import Direction, KeyKind
from app.kernel.message_search import Wanted
from app.kernel.uow import Units, Uow
from tests.conftest import SetClock, is_postgres

ROWS = 100_000
PASSED_OVER_AT_MOST = 20_000
# A month of messages: one in a thousand is refused, one in two thousand of a rare type, forty of each patient.
FILL_IN = """
INSERT INTO inbox (source, key, kind, body, state, received_at, done_at, error_code, error_place, repeats, subject_ref,
                   answer_code, took_ms)
SELECT CASE WHEN n % 5000 = 0 THEN 'hl7:LIS|LAB' ELSE 'hl7:HIS|H' END, 'M' || n,
       CASE WHEN n % 2000 = 0 THEN 'MFN^M02' WHEN n % 3 = 0 THEN 'ORU^R01' ELSE 'ADT^A08' END,
       convert_to(repeat('x', 800), 'UTF8'), CASE WHEN n % 1000 = 0 THEN 'refused' ELSE 'done' END,
       CAST(:now AS timestamptz) - (:rows - n) * interval '26 seconds', :now, '', '', 0, '', 'AA', n % 40
FROM generate_series(1, :rows) AS n
"""
FILL_OUT = """
INSERT INTO outbox (topic, key, lane, payload, body, state, due_at, tries, posted_at, last_error, kind, peer, sent_at)
SELECT 'hospital', 'K' || n, 'patient-' || n % 2500, '{}', convert_to(repeat('x', 800), 'UTF8'),
       CASE WHEN n % 1000 = 0 THEN 'dead' ELSE 'sent' END, :now, 1,
       CAST(:now AS timestamptz) - (:rows - n) * interval '26 seconds', '',
       CASE WHEN n % 2000 = 0 THEN 'RDS^O13' ELSE 'SRM^S01' END, 'HIS|H',
       CASE WHEN n % 1000 = 0 THEN NULL ELSE CAST(:now AS timestamptz) END
FROM generate_series(1, :rows) AS n
"""
FILL_KEYS = """
INSERT INTO message_key (direction, item_id, kind, value)
SELECT d, n, k, CASE k WHEN 'patient' THEN md5((n % 2500)::text) WHEN 'control' THEN 'M' || n ELSE k || n / 2 END
FROM generate_series(1, :rows) AS n, unnest(ARRAY['in', 'out']) AS d, unnest(ARRAY['control', 'patient', 'visit']) AS k
"""


@pytest.fixture
def long_log(units: Units, clock: SetClock) -> Units:
    if not is_postgres():
        pytest.skip("plans are PostgreSQL's")
    with units.open() as uow:
        for statement in (FILL_IN, FILL_OUT, FILL_KEYS):
            uow.session.execute(text(statement), {"now": clock.now(), "rows": ROWS})
    with units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE inbox, outbox, message_key"))
    return units


PATIENT = ((KeyKind.PATIENT, "c4ca4238a0b923820dcc509a6f75849b"),)  # md5 of 1
SEARCHES: dict[str, Wanted] = {
    "newest": Wanted(),
    "patient": Wanted(numbers=PATIENT),
    "patient and state": Wanted(numbers=PATIENT, state="done"),
    "visit": Wanted(numbers=((KeyKind.VISIT, "visit500"),)),
    "control id": Wanted(numbers=((KeyKind.CONTROL, "M77"),)),
    "nobody": Wanted(numbers=((KeyKind.ORDER, "none"),)),
    "common type": Wanted(kind="ADT"),
    "rare type": Wanted(kind="MFN"),
    "no such type": Wanted(kind="ZZZ"),
    "rare sender": Wanted(peer="LIS|LAB"),
    "unknown sender": Wanted(peer="NOBODY"),
    "type and sender": Wanted(kind="ORU^R01", peer="HIS|H"),
    "an old page": Wanted(before_id=200),
}
SEARCHES_OUT = {name: wanted for name, wanted in SEARCHES.items() if wanted.state == ""}


def goes_by_index(units: Units, ask: Callable[[Uow], object]) -> None:
    """Fails when a statement of it reads a long table, or passes over much of one."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(units.engine, "before_cursor_execute", note)
    with units.open(reads_only=True) as uow:
        ask(uow)
        event.remove(units.engine, "before_cursor_execute", note)
        connection = uow.session.connection()
        assert asked
        for statement, parameters in asked:
            analysed = connection.exec_driver_sql(f"EXPLAIN (ANALYZE) {statement}", parameters)  # type: ignore[arg-type]
            plan = "\n".join(analysed.scalars())
            passed_over = [int(count) for count in re.findall(r"Rows Removed by \w+: (\d+)", plan)]
            assert "Seq Scan" not in plan, plan
            assert max(passed_over, default=0) <= PASSED_OVER_AT_MOST, plan


@pytest.mark.long
def test_every_search_goes_by_index(long_log: Units, clock: SetClock) -> None:
    month = clock.now() - timedelta(days=20)
    times = {"a day": Wanted(since=month, until=month + timedelta(days=1))}
    times["a rare type on a day"] = Wanted(kind="MFN", since=month, until=month + timedelta(days=1))
    times["tomorrow"] = Wanted(since=clock.now() + timedelta(days=1))

    states = {"refused": Wanted(state="refused"), "parked": Wanted(state="received")}
    for wanted in (SEARCHES | times | states).values():
        goes_by_index(long_log, lambda uow, asked=wanted: message_search.received(uow, asked))  # type: ignore[misc]
    for wanted in (SEARCHES_OUT | times | {"dead": Wanted(state="dead")}).values():
        goes_by_index(long_log, lambda uow, asked=wanted: message_search.sent(uow, asked))  # type: ignore[misc]
    for error in (Wanted(error="patient_unknown"), Wanted(error="AR 204"), Wanted(since=month)):
        goes_by_index(long_log, lambda uow, asked=error: message_search.refusals(uow, asked))  # type: ignore[misc]
        goes_by_index(long_log, lambda uow, asked=error: message_search.failures(uow, asked))  # type: ignore[misc]
    refused = Wanted(state="refused", kind="ADT")
    goes_by_index(long_log, lambda uow: message_search.received(uow, refused, limit=1000, is_oldest_first=True))
    goes_by_index(long_log, message_search.senders)
    goes_by_index(long_log, lambda uow: (message_health.backlog(uow), message_health.answers(uow)))
    goes_by_index(long_log, lambda uow: message_keys.newest_with(uow, Direction.IN, KeyKind.CONTROL, "M77"))
