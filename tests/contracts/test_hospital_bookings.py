"""What the hospital system booked comes as a counted batch, from its own books, to whoever holds the token."""

from __future__ import annotations

import dataclasses
import io
import secrets
from datetime import date
from typing import Any

import pytest
import requests
from hl7.client import MLLPClient

from app.couriers.hospital_bookings import HospitalBookings
from app.reconciliation import reading_hospital
from app.reconciliation.ports import StatementKind, StatementNotReady
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Subject
from config import HospitalStatementSettings
from tests.sandbox.fixtures import RunningSandbox, free_port

DAY = date(2026, 11, 29)
LINE = "FT1|{place}|{number}-{place}-{kind}||{stamp}||{kind}|IBU300^布洛芬|||1|{yuan}&CNY"


def told(
    sandbox: RunningSandbox, number: str, *amounts: str, kind: str = "PY", stamp: str = "20261129093000+0800"
) -> str:
    """The hospital system is told of a bill, as we tell it: charge lines, then payment lines; the message's number."""
    control_id = f"MZ{secrets.randbelow(10**10):010d}"
    kinds = ("CG", "PY") if kind == "PY" else (kind,)
    lines = [
        LINE.format(place=place, number=number, kind=each, stamp=stamp, yuan=yuan)
        for each in kinds
        for place, yuan in enumerate(amounts, 1)
    ]
    head = f"MSH|^~\\&|MENZHEN|H|HIS|H|20261129093000||DFT^P03^DFT_P03|{control_id}|P|2.5.1||||||UNICODE UTF-8"
    say(sandbox, "\r".join([head, "EVN|P03|20261129093000", "PID|1||P0001^^^HIS^PI||测试甲", "PV1|1|O", *lines, ""]))
    return control_id


def say(sandbox: RunningSandbox, text: str) -> None:
    with MLLPClient("127.0.0.1", sandbox.his_port, encoding="utf-8") as client:
        assert b"MSA|AA" in client.send_message(text)


def bookings(sandbox: RunningSandbox, **changes: Any) -> HospitalBookings:
    env = sandbox.env
    settings = HospitalStatementSettings(env["HIS_STATEMENT_URL"], env["HIS_STATEMENT_TOKEN"], 5)
    return HospitalBookings(dataclasses.replace(settings, **changes))


def fetched(courier: HospitalBookings, day: date = DAY) -> dict[str, RowIn]:
    file = io.BytesIO()
    courier.fetch(StatementKind.TRADE, day, file)
    return {row.number: row for row in reading_hospital.rows_of(file)}


def plant(sandbox: RunningSandbox, kind: str, control_id: str) -> None:
    order = {"kind": kind, "control_id": control_id}
    requests.post(f"{sandbox.http_url}/sandbox/his/plant", json=order, timeout=30).raise_for_status()


def test_what_it_was_told_is_booked_on_its_day(sandbox: RunningSandbox) -> None:
    paid, back, later = (secrets.token_hex(8) for _ in range(3))
    told(sandbox, paid, "38.60", "12.00")
    told(sandbox, back, "7.00", kind="CD")
    told(sandbox, later, "1.00", stamp="20261130000001+0800")

    booked = fetched(bookings(sandbox))

    assert (booked[paid].subject, booked[paid].amount_fen) == (Subject.PAYMENT, 5060)
    assert (booked[back].subject, booked[back].amount_fen) == (Subject.REFUND, 700)
    assert later not in booked
    assert fetched(bookings(sandbox), date(2020, 1, 1)) == {}


def test_books_that_differ_say_so_and_a_letter_that_comes_again_is_booked_anew(sandbox: RunningSandbox) -> None:
    number = secrets.token_hex(8)
    control_id = told(sandbox, number, "25.00")

    plant(sandbox, "amount", control_id)
    assert fetched(bookings(sandbox))[number].amount_fen == 2501
    plant(sandbox, "only_there", control_id)
    assert [row.amount_fen for name, row in fetched(bookings(sandbox)).items() if name.startswith("OWN")] == [2500]
    plant(sandbox, "lost", control_id)
    assert number not in fetched(bookings(sandbox))


def test_nobody_else_is_told(sandbox: RunningSandbox) -> None:
    for changes in ({"token": "another"}, {"token": ""}, {"url": f"http://127.0.0.1:{free_port()}"}):
        with pytest.raises(StatementNotReady):
            fetched(bookings(sandbox, **changes))
