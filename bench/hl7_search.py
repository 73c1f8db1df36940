"""The HL7 log with a million messages on PostgreSQL: every search of the console, and a thousand taken again."""

from __future__ import annotations

import logging
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import Connection, text

from app import create_app
from app.identity.logins import hash_password
from app.identity.models import Staff
from app.kernel.message_keys import KeyKind, searched
from app.kernel.uow import Units
from app.runtime import Runtime
from bench.figures import Figure, percentile
from config import read_settings
from hl7_adapter.replaying import take_again
from tests.private_postgres import running_postgres

PASSWORD = "bench-2026"
SECONDS_BETWEEN = 3  # a million messages are a month of a large hospital
TAKEN_AGAIN = 1_000


@dataclass(frozen=True)
class Size:
    """Messages that came and messages that went, and how often each search is asked."""

    received: int
    sent: int
    asked: int


FULL = Size(received=700_000, sent=300_000, asked=30)
QUICK = Size(received=7_000, sent=3_000, asked=5)

# One in three hundred is refused, one in two thousand of a rare type, one in five thousand of a rare sender; a patient
# has forty, a visit and an order have two each.
RECEIVED = """
INSERT INTO inbox (source, key, kind, body, state, received_at, done_at, error_code, error_place, repeats, subject_ref,
                   answer, answer_code, took_ms)
SELECT CASE WHEN n % 5000 = 0 THEN 'hl7:LIS|LAB' ELSE 'hl7:HIS|H' END, 'M' || n,
       CASE WHEN n % 2000 = 1 THEN 'MFN^M02' WHEN n % 3 = 1 THEN 'ORU^R01' ELSE 'ADT^A31' END,
       convert_to('MSH|^~\\&|HIS|H|M|H|20261123||ADT^A31|M' || n || '|P|2.5.1|||||CHN|UNICODE UTF-8' || chr(13)
                  || 'PID|1||P' || n || '^^^HIS^PI||张三' || chr(13) || 'ZZZ|' || repeat('x', 600) || chr(13), 'UTF8'),
       CASE WHEN n % 300 = 0 THEN 'refused' ELSE 'done' END,
       CAST(:now AS timestamptz) - (:rows - n) * make_interval(secs => :apart), :now,
       CASE WHEN n % 300 = 0 THEN 'patient_unknown' ELSE '' END, '', 0, '', convert_to(repeat('a', 150), 'UTF8'),
       CASE WHEN n % 300 = 0 THEN 'AE' ELSE 'AA' END, n % 40
FROM generate_series(1, :rows) AS n
"""
SENT = """
INSERT INTO outbox (topic, key, lane, payload, body, state, due_at, tries, posted_at, last_error, kind, peer, sent_at)
SELECT 'hospital', 'RegistrationBooked:' || n, 'patient-' || n % 25000, '{"event": "RegistrationBooked"}',
       convert_to(repeat('x', 700), 'UTF8'), CASE WHEN n % 1000 = 0 THEN 'dead' ELSE 'sent' END, :now, 1,
       CAST(:now AS timestamptz) - (:rows - n) * make_interval(secs => :apart), '',
       CASE WHEN n % 2000 = 1 THEN 'RDS^O13' ELSE 'SRM^S01' END, 'HIS|H',
       CASE WHEN n % 1000 = 0 THEN NULL ELSE CAST(:now AS timestamptz) END
FROM generate_series(1, :rows) AS n
"""
KEYS = """
INSERT INTO message_key (direction, item_id, kind, value)
SELECT :direction, n, k, CASE k WHEN 'patient' THEN md5((n % :patients)::text) WHEN 'control' THEN 'M' || n
                                ELSE k || n / 2 END
FROM generate_series(1, :rows) AS n, unnest(ARRAY['control', 'patient', 'visit', 'order']) AS k
"""
KNOWN = "UPDATE message_key SET value = :index WHERE kind = 'patient' AND value = md5('1')"


def measure(*, quick: bool) -> Iterator[Figure]:
    """Each search as a page of the console, half of them for what came and half for what went; then the replay."""
    size = QUICK if quick else FULL
    with running_postgres() as url:
        app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": url}))
        app.config["WTF_CSRF_ENABLED"] = False
        logging.getLogger("menzhen").setLevel(logging.WARNING)
        with app.app_context():
            upgrade()
        runtime: Runtime = app.extensions["menzhen"]
        began = time.perf_counter()
        _fill(runtime.units, size)
        yield Figure("stored_messages", "messages", size.received + size.sent, 1)
        yield Figure("filled_in_s", "s", round(time.perf_counter() - began, 1), 1)
        page = _console(app.test_client())
        slowest = []
        for name, address in _searches(runtime.units, size).items():
            took = [_timed(lambda asked=address: page.get(asked())) for _ in range(size.asked)]
            slowest.append(percentile(took, 95))
            yield Figure(f"p95_ms_{name}", "ms", round(slowest[-1]), len(took))
        yield Figure("p95_ms_worst_search", "ms", round(max(slowest)), len(slowest))
        yield from _replay(page, runtime.units)


def _fill(units: Units, size: Size) -> None:
    with units.open() as uow:
        uow.session.add(Staff(login="it", name="信息科", password_hash=hash_password(PASSWORD), roles=["it"]))
        now, index = uow.now(), searched(uow, KeyKind.PATIENT, "P1")
    with units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET {name} = 0"))
        terms = {"now": now, "apart": SECONDS_BETWEEN}
        connection.execute(text(RECEIVED), {**terms, "rows": size.received})
        connection.execute(text(SENT), {**terms, "rows": size.sent})
        _keys(connection, size)
        connection.execute(text(KNOWN), {"index": index})
        connection.execute(text("VACUUM ANALYZE inbox, outbox, message_key"))


def _keys(connection: Connection, size: Size) -> None:
    for direction, rows in (("in", size.received), ("out", size.sent)):
        connection.execute(text(KEYS), {"direction": direction, "rows": rows, "patients": rows // 40})


def _console(client: FlaskClient) -> FlaskClient:
    answer = client.post("/staff/login", data={"login": "it", "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    for direction in ("in", "out"):
        client.get(f"/staff/hl7?direction={direction}")  # templates are compiled once
    return client


def _searches(units: Units, size: Size) -> dict[str, Callable[[], str]]:
    """What is asked, each time with other numbers: an address of the console for each."""
    chance = random.Random(3)
    with units.open(reads_only=True) as uow:
        index, now, zone = searched(uow, KeyKind.PATIENT, "P1"), uow.now(), uow.zone
    month = SECONDS_BETWEEN * size.received // 86_400 or 1

    def day() -> str:
        at = (now - timedelta(days=chance.randrange(month))).astimezone(zone).date().isoformat()
        return f"from={at}&to={at}"

    def number() -> int:
        return chance.randrange(1, size.sent)

    asked: dict[str, Callable[[], str]] = {
        "newest": lambda: "",
        "patient": lambda: f"patient={index}",
        "patient_and_state": lambda: f"patient={index}&state={{done}}",
        "visit": lambda: f"visit=visit{number() // 2}",
        "order": lambda: f"order=order{number() // 2}",
        "nobodys_order": lambda: f"order=NONE{number()}",
        "control": lambda: f"control=M{number()}",
        "type": lambda: "type={common}",
        "rare_type": lambda: "type={rare}",
        "no_type": lambda: "type=ZZZ",
        "peer": lambda: "peer=HIS|H",
        "rare_peer": lambda: "peer=LIS|LAB",
        "no_peer": lambda: "peer=NOBODY",
        "state": lambda: "state={bad}",
        "day": day,
        "day_and_type": lambda: f"{day()}&type={{rare}}",
        "day_and_state": lambda: f"{day()}&state={{bad}}",
        "day_type_peer_and_state": lambda: f"{day()}&type={{common}}&peer=HIS|H&state={{bad}}",
        "old_page": lambda: f"before={number()}",
    }
    words = {
        "in": {"done": "done", "common": "ADT^A31", "rare": "MFN", "bad": "refused"},
        "out": {"done": "sent", "common": "SRM", "rare": "RDS^O13", "bad": "dead"},
    }
    return {
        f"{direction}_{name}": lambda terms=terms, direction=direction: (
            f"/staff/hl7?direction={direction}&" + terms().format(**words[direction])
        )
        for direction in words
        for name, terms in asked.items()
    }


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    answer = ask()
    assert getattr(answer, "status_code", 0) in (200, 302), answer
    return (time.perf_counter() - began) * 1000


def _replay(page: FlaskClient, units: Units) -> Iterator[Figure]:
    """A thousand refused messages: told of first, then asked for, then taken by the adapter."""
    address = f"/staff/hl7/again?state=refused&type=ADT&limit={TAKEN_AGAIN}"
    dry = [_timed(lambda: page.get(address)) for _ in range(5)]
    yield Figure("dry_run_ms", "ms", round(statistics.median(dry)), len(dry))
    upto = re.search(r'name="upto" value="(\d+)"', page.get(address).text)
    assert upto is not None
    form = {"reason": "bench", "upto": upto[1], "once": "bench"}
    yield Figure("ask_again_ms", "ms", round(_timed(lambda: page.post(address, data=form))), 1)
    began, taken = time.perf_counter(), 0
    while count := take_again(units):
        taken += count
    yield Figure("taken_again_per_s", "messages/s", round(taken / (time.perf_counter() - began)), taken)
