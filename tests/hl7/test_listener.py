"""The listener over the wire: answers follow the commit, and where nothing can be kept nothing is answered."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from app.identity.models import PatientIdentifier
from app.kernel.db import engine_options, prepare
from app.kernel.inbox import InboxItem
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter import send
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.listener import listen
from hl7_adapter.mllp import MllpClient, PeerClosed
from tests.hl7.files import OF_THE_VISIT, visit
from tests.hl7.test_mllp import free_port

ODD = (
    *("", '""', "^^^", "&&", "~", "\x00", "\\X00\\", "\\X80FF\\", "\\.br\\", "9" * 400, "-1", "1e9", "1.001", "NaN"),
    *("0", "２", "99999999999", "2026-13-40", "00010101000000-1200", "20261123092000+9999", "NW", "CA", "PI", "D9999"),
)


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The message with one to three fields or segments changed, lost, doubled or cut."""
    lines = raw.decode().split("\r")
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(lines))
        fields = lines[place].split("|")
        kind = chance.choice(("field", "field", "field", "lose", "double", "cut"))
        if kind == "field":
            fields[chance.randrange(len(fields))] = chance.choice(ODD)
            lines[place] = "|".join(fields)
        elif kind == "double":
            lines.insert(place, lines[place])
        elif kind == "cut":
            lines[place] = lines[place][: len(lines[place]) // 2]
        elif len(lines) > 1:
            del lines[place]
    return "\r".join(lines).encode()


def test_no_damage_makes_a_message_fail_inside(hospital: Units) -> None:
    chance = random.Random(20261123)

    for _ in range(400):
        receive(hospital, damaged(visit(chance.choice(OF_THE_VISIT)), chance))

    with hospital.open(reads_only=True) as uow:
        failed = uow.session.scalars(select(InboxItem.body).where(InboxItem.error_code == "internal_error")).all()
    assert failed == []


def test_twenty_messages_about_one_new_patient_at_once_file_one(hospital: Units) -> None:
    messages = [visit("a28_person").replace(b"A28_PERSON", f"N{number}".encode()) for number in range(20)]

    with ThreadPoolExecutor(20) as senders:
        answers = [
            parse(told or b"").get("MSA-1") for told in senders.map(lambda raw: receive(hospital, raw), messages)
        ]

    assert answers == ["AA"] * 20
    with hospital.open(reads_only=True) as uow:
        assert uow.session.scalar(select(func.count()).where(PatientIdentifier.value == "P20009")) == 1


async def exchange(units: Units, *messages: bytes) -> list[bytes]:
    settings = Hl7Settings(port=free_port())
    server, client = await listen(units, settings), MllpClient(settings.host, settings.port, 10)
    try:
        return [await client.send(raw) for raw in messages]
    finally:
        await client.close()
        await server.close(1)


def test_messages_are_answered_on_one_connection_in_order(hospital: Units) -> None:
    names = ("a04_new", "omp_two_lines", "oru_blood_count", "omp_unknown_patient")

    answers = asyncio.run(exchange(hospital, *(visit(name) for name in names)))

    assert [parse(raw).get("MSA-1") for raw in answers] == ["AA", "AA", "AA", "AE"]


def test_without_its_database_nothing_is_answered(hospital: Units, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}"
    away = create_engine(url, **engine_options(url, 1))
    prepare(away)

    with pytest.raises(PeerClosed):
        asyncio.run(exchange(replace(hospital, engine=away), visit("a04_new")))


def test_a_refusal_is_told_in_words(hospital: Units, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "order.hl7"
    file.write_bytes(visit("omp_three_decimals").replace(b"\r", b"\r\n"))
    port = free_port()

    async def run() -> int:
        server = await listen(hospital, Hl7Settings(port=port))
        code = await asyncio.to_thread(send.main, [str(file), "--port", str(port)])
        await server.close(1)
        return code

    assert asyncio.run(run()) == 1
    assert capsys.readouterr().out == (
        "AE: refused: something in it is wrong (message OMP_THREE_DECIMALS)\n"
        "  102 at FT1 2 11: amount_not_valid: not an amount of yuan with at most two decimals\n"
    )


def test_nobody_there_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "patient.hl7"
    file.write_bytes(visit("a04_new"))

    assert send.main([str(file), "--port", str(free_port())]) == 2
    assert capsys.readouterr().out.startswith("not sent: ")
