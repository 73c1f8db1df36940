"""Payment notifications a second, verified and kept in a durable row, beside a bare RSA verification and a commit."""

from __future__ import annotations

import base64
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import psycopg
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import create_engine

from app import tables as _tables  # noqa: F401 - every table is made
from app.kernel.clock import SystemClock
from app.kernel.crypto import Keyring
from app.kernel.db import Base, engine_options, prepare
from app.kernel.uow import Units
from app.payment import asking, receiving
from app.payment.models import PayMethod
from bench.figures import Figure, median_ratio
from tests import factories
from tests import factories_payment as make
from tests.private_postgres import running_postgres

PATIENTS = 20


@dataclass(frozen=True)
class Told:
    """A notification as it arrives."""

    headers: dict[str, str]
    body: bytes


@contextmanager
def hospital() -> Iterator[tuple[Units, str]]:
    """An empty hospital on a PostgreSQL of its own with fsync on."""
    with running_postgres(durable=True) as url:
        engine = create_engine(url, **engine_options(url, pool_size=10))
        prepare(engine)
        Base.metadata.create_all(engine)
        keys = Keyring([("bench", b"k" * 32)], b"i" * 32)
        yield Units(engine, SystemClock(), keys, ZoneInfo("Asia/Shanghai"), {}), url.replace("+psycopg", "")
        engine.dispose()


def orders(units: Units, count: int) -> list[str]:
    """As many bills asked for, each by its order's number."""
    till, made = make.Till(), []
    with units.open() as uow:
        people = [factories.person(uow) for _ in range(PATIENTS)]
    for number in range(count):
        who = people[number % PATIENTS]
        with units.open(who.actor) as uow:
            bill = make.bill(uow, who)
        made.append(asking.start(units, till, who.actor, bill.public_id, PayMethod.NATIVE).out_trade_no)
    return made


def told_of(units: Units, out_trade_no: str) -> Told:
    """WeChat Pay says, signed and sealed, that the order was paid."""
    body = make.envelope(make.seal(make.paid_facts(out_trade_no)), event_id=secrets.token_hex(16))
    return Told(make.signed(body, units.clock.wall_now()), body)


def _ours(units: Units, told: Told) -> None:
    if receiving.accept(units, make.notification_keys(), told.headers, told.body) != 204:
        raise SystemExit("a good notification was not believed, so our speed says nothing")


def _bare(connection: psycopg.Connection, told: Told) -> None:
    stamp, nonce = told.headers["Wechatpay-Timestamp"], told.headers["Wechatpay-Nonce"]
    message = f"{stamp}\n{nonce}\n".encode() + told.body + b"\n"
    signature = base64.b64decode(told.headers["Wechatpay-Signature"])
    make.platform_key().public_key().verify(signature, message, PKCS1v15(), SHA256())
    connection.execute("INSERT INTO bare_told (body) VALUES (%s)", (told.body,))
    connection.commit()


def _rate(work: Callable[[Told], None], told: list[Told], at_once: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(work, told))
    return len(told) / (time.perf_counter() - began)


def measure(*, quick: bool) -> Iterator[Figure]:
    """`verified_per_s`, one after the other, and `verified_per_s_c8`, eight at once; the peer does the bare steps."""
    rounds, count = (3, 100) if quick else (5, 400)
    with hospital() as (units, url), psycopg.connect(url) as setting_up:
        setting_up.execute("CREATE TABLE bare_told (id bigserial PRIMARY KEY, body bytea NOT NULL)")
        setting_up.commit()
        for metric, at_once in (("verified_per_s", 1), ("verified_per_s_c8", 8)):
            rates: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(rounds):
                told = [told_of(units, number) for number in orders(units, count)]
                rates["ours"].append(_rate(lambda each: _ours(units, each), told, at_once))
                with _connections(url, at_once) as lent:
                    rates["bare"].append(_rate(lent, told, at_once))
            ours, bare = (round(statistics.median(rates[name]), 1) for name in ("ours", "bare"))
            yield Figure(metric, "notifications/s", ours, rounds, bare, None, round(median_ratio(*rates.values()), 2))


@contextmanager
def _connections(url: str, at_once: int) -> Iterator[Callable[[Told], None]]:
    """The bare work on as many connections, each open before the clock starts."""
    idle = [psycopg.connect(url) for _ in range(at_once)]

    def work(told: Told) -> None:
        connection = idle.pop()
        _bare(connection, told)
        idle.append(connection)

    yield work
    for connection in idle:
        connection.close()
