"""Everybody wants the last places at once, some vanish, some pay too late, and a web process dies in the middle."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from app import create_app
from app.cli import invariants
from app.jobs.timetable import BY_NAME
from bench.http_load import HOST, post
from bench.rush_house import Phone, RushHouse, Server, rush_house, served
from config import read_settings
from tests.conftest import is_postgres
from tests.sandbox.fixtures import RunningSandbox
from tools.demo.environment import web_environment

pytestmark = pytest.mark.skipif(not is_postgres(), reason="SQLite has one writer at a time")
OURS = "wsgi:application"
PATIENCE_SECONDS = 180
HOLD_SECONDS = 11 * 60
SOLD = "SELECT count(*) FROM slot WHERE state <> 'free' AND registration_id > 0"
TWICE = "SELECT count(*) - count(DISTINCT slot_id) FROM registration WHERE state IN ('held', 'booked')"


@dataclass
class Hospital:
    """A house with one session, two web processes, the outside world, and the jobs, which ring when told."""

    house: RushHouse
    sandbox: RunningSandbox
    webs: list[Server]
    clock_file: Path
    runtime: Any
    answers: list[int] = field(default_factory=list)

    def ring(self, *names: str) -> None:
        for name in names:
            BY_NAME[name].run(self.runtime)

    def rows(self, statement: str) -> list[Any]:
        with self.house.engine.connect() as connection:
            return list(connection.execute(text(statement)))

    def pass_time(self, seconds: int) -> None:
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self.clock_file)

    def ask(self, number: int, request: bytes) -> tuple[int, str]:
        """What the phone is answered; it asks the other process when one does not answer, as its proxy would."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            web = self.webs[number % len(self.webs)]
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, where = _sent(web.port, request)
                if status != 503:
                    self.answers.append(status)
                    return status, where
            number += 1
            time.sleep(0.05)
        raise AssertionError("nobody answers")

    def world(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        line = http.client.HTTPConnection(HOST, self.sandbox.http_port, timeout=60)
        line.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = line.getresponse()
        said = answer.read()
        assert answer.status == 200, said
        return dict(json.loads(said))


def _sent(port: int, request: bytes) -> tuple[int, str]:
    line = http.client.HTTPConnection(HOST, port, timeout=60)
    line.connect()
    assert line.sock is not None
    line.sock.sendall(request)
    answer = http.client.HTTPResponse(line.sock)
    answer.begin()
    answer.read()
    line.close()
    return answer.status, answer.headers.get("Location", "")


@contextlib.contextmanager
def hospital(folder: Path, *, people: int, places: int, application: str = OURS) -> Iterator[Hospital]:
    clock_file = folder / "clock"
    with ExitStack() as open_things:
        house = open_things.enter_context(rush_house(people=people, spread=(1, places), hot_places=1, durable=False))
        sandbox = RunningSandbox(folder / "sandbox", "http://127.0.0.1:9", "127.0.0.1:9")
        if application == OURS:  # who only wants to see places sold twice needs nobody to pay
            sandbox.start()
            open_things.callback(sandbox.kill)
        paid_by = sandbox.env if application == OURS else {}
        env = {**paid_by, "MENZHEN_CLOCK_FILE": str(clock_file), "MENZHEN_POOL_SIZE": "8"}
        command = [sys.executable, "-m", "granian", "--host", HOST, "--port", "{port}", application]
        webs: list[Server] = []
        for _ in range(2):
            extra = {"GRANIAN_WORKERS": "1", "GRANIAN_RESPAWN_FAILED_WORKERS": "false"}
            env_of_one = {**web_environment(), **env, **extra}
            webs.append(open_things.enter_context(served(house.url, command, **env_of_one)))
        settings = {**env, "MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": house.url}
        app = create_app(read_settings(settings))
        made = Hospital(house, sandbox, webs, clock_file, app.extensions["menzhen"])
        made.pass_time(0)
        yield made


def _everybody(hospital: Hospital, phones: list[Phone], deed: Callable[[int, Phone], object], after: int = 0) -> None:
    """All at once; when `after` of them have been answered, the second web process is killed."""
    hospital.answers.clear()
    with ThreadPoolExecutor(32) as crowd:
        asked = [crowd.submit(deed, number, phone) for number, phone in enumerate(phones)]
        if after:
            while len(hospital.answers) < after and not all(one.done() for one in asked):
                time.sleep(0.005)
            _kill(hospital.webs[1])
        for one in asked:
            one.result()


def _kill(web: Server) -> None:
    """The server and its worker are gone at once, whatever they were doing."""
    for child in _children(web.pid):
        os.kill(child, signal.SIGKILL)
    os.kill(web.pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _hold(hospital: Hospital, number: int, phone: Phone) -> tuple[int, str]:
    return hospital.ask(number, phone.hold(hospital.house.spread[0]))


def _orders_of(hospital: Hospital, held: list[Any]) -> dict[int, str]:
    """Each of the held registrations asks to pay; returns the provider's number of the order by the bill's key."""

    def ask_to_pay(number: int, row: Any) -> None:
        phone = hospital.house.phones[row.account_id - 1]
        form = urlencode({"csrf_token": phone.csrf_token})
        status, _ = hospital.ask(number, post(f"/bills/{row.bill}/pay", phone.cookie, form))
        assert status in {200, 302, 303}

    with ThreadPoolExecutor(8) as crowd:
        for done in [crowd.submit(ask_to_pay, number, row) for number, row in enumerate(held)]:
            done.result()
    return {row.bill_id: row.out_trade_no for row in hospital.rows("SELECT bill_id, out_trade_no FROM payment_order")}


HELD = (
    "SELECT r.id, r.account_id, b.public_id AS bill, b.id AS bill_id FROM registration r"
    " JOIN bill b ON b.purpose = 'registration' AND b.subject_id = r.id WHERE r.state = 'held' ORDER BY r.id"
)


def _pay(hospital: Hospital, numbers: list[str]) -> None:
    for number in numbers:
        hospital.world("/sandbox/wxpay/pay", {"out_trade_no": number})


def _settle(hospital: Hospital, holds: Callable[[], bool]) -> None:
    """The jobs ring until everything has arrived."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up_at, "it did not arrive"
        hospital.ring("payment_notifications", "payment_query", "payment_refunds")
        time.sleep(0.1)


def _the_rush(hospital: Hospital, *, places: int, kill_after: int) -> None:
    """Two thirds come first; a fifth of those who get a place vanish, a twentieth pay late, when others have come."""
    house = hospital.house
    first, second = house.phones[: len(house.phones) * 2 // 3], house.phones[len(house.phones) * 2 // 3 :]

    _everybody(hospital, first, lambda number, phone: _hold(hospital, number, phone), kill_after)
    if kill_after:
        hospital.webs.pop()
    held = hospital.rows(HELD)
    assert (len(held), house.count(SOLD), house.count(TWICE)) == (places, places, 0)

    vanish, late = max(1, places // 5), max(1, places // 20)
    payers, latecomers = held[vanish + late :], held[vanish : vanish + late]
    orders = _orders_of(hospital, payers + latecomers)
    _pay(hospital, [orders[row.bill_id] for row in payers])
    booked = "SELECT count(*) FROM registration WHERE state = 'booked'"
    _settle(hospital, lambda: house.count(booked) == len(payers))

    hospital.pass_time(HOLD_SECONDS)
    hospital.ring("expire_holds")
    assert house.count(SOLD) == len(payers)
    _everybody(hospital, second, lambda number, phone: _hold(hospital, number, phone))
    taken_again = hospital.rows(HELD)
    assert len(taken_again) == vanish + late
    orders = _orders_of(hospital, taken_again)
    _pay(hospital, [orders[row.bill_id] for row in taken_again[:-1]])
    _pay(hospital, [orders[row.bill_id] for row in latecomers])
    _settle(hospital, lambda: house.count(booked) == places - 1 and _all_late_money_is_back(hospital, latecomers))
    hospital.pass_time(2 * HOLD_SECONDS)
    hospital.ring("expire_holds")

    _is_right(hospital, places=places, booked=places - 1)


def _all_late_money_is_back(hospital: Hospital, latecomers: list[Any]) -> bool:
    bills = ", ".join(str(row.bill_id) for row in latecomers)
    back = hospital.house.count(
        f"SELECT coalesce(sum(amount_fen), 0) FROM refund WHERE state = 'succeeded' AND bill_id IN ({bills})"
    )
    return back == hospital.house.count(f"SELECT sum(total_fen) FROM bill WHERE id IN ({bills})")


def _in_the_provider_s_books(hospital: Hospital) -> tuple[int, int]:
    """What the provider took from patients in all, and what it gave back to them."""
    with urllib.request.urlopen(f"{hospital.sandbox.http_url}/sandbox/wxpay/books", timeout=60) as answer:
        books = json.load(answer)
    paid = sum(order["total_fen"] for order in books["orders"] if order["transaction_id"])
    return paid, sum(refund["refund_fen"] for refund in books["refunds"] if refund["state"] == "SUCCESS")


def _is_right(hospital: Hospital, *, places: int, booked: int) -> None:
    """Every place is confirmed or on offer, no number was given twice, and no fen is anywhere it should not be."""
    house = hospital.house
    state = dict(hospital.rows("SELECT state, count(*) FROM slot WHERE session_id = 1 GROUP BY state"))
    assert state == {"taken": booked, "free": places - booked}
    numbers = hospital.rows("SELECT place_no FROM registration WHERE state = 'booked'")
    assert len({row.place_no for row in numbers}) == booked
    paid, back = _in_the_provider_s_books(hospital)
    kept = house.count("SELECT coalesce(sum(fee_fen), 0) FROM registration WHERE state = 'booked'")
    assert paid - back == kept
    with hospital.runtime.units.open(reads_only=True) as uow:
        counts = {name: count for name, count in invariants.broken(uow).items() if "ledger" not in name}
    assert counts == {}


def test_with_a_process_killed_each_place_is_sold_once(tmp_path: Path) -> None:
    with hospital(tmp_path, people=72, places=12) as one:
        _the_rush(one, places=12, kill_after=10)


def test_those_who_read_and_then_write_sell_a_place_twice(tmp_path: Path) -> None:
    """The control: without the one statement that claims a place the same rush gives numbers twice."""
    with hospital(tmp_path, people=96, places=48, application="bench.rush_peer:application") as one:
        _everybody(one, one.house.phones, lambda number, phone: _hold(one, number, phone))

        assert one.house.count(TWICE) > 0


@pytest.mark.long
@pytest.mark.parametrize("kill_after", [0, 60])
def test_fifty_places_go_to_fifty_of_five_hundred(tmp_path: Path, kill_after: int) -> None:
    with hospital(tmp_path, people=500, places=50) as one:
        _the_rush(one, places=50, kill_after=kill_after)
