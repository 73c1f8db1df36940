"""The same message from many connections at once, and again after a restart: one effect, and one answer for all."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import MllpClient
from tests.private_postgres import free_port
from tests.processes.test_hl7_survives_kill import HOST, a_patient, effects, rows, running


async def repeated(port: int, raw: bytes, connections: int, times: int) -> list[str]:
    """The MSA segments that so many connections get for the same message, each so many times."""

    async def one() -> list[str]:
        client = MllpClient(HOST, port, 60)
        told = [parse(await client.send(raw)).get("MSA") for _ in range(times)]
        await client.close()
        return told

    return [msa for told in await asyncio.gather(*(one() for _ in range(connections))) for msa in told]


def has_one_effect(engine: Engine, database_url: str, connections: int, times: int) -> None:
    port, raw, other = free_port(), a_patient(1, "SAME"), a_patient(2, "SAME")

    with running(database_url, port):
        first = asyncio.run(repeated(port, raw, connections, times))
    with running(database_url, port):
        again = asyncio.run(repeated(port, raw, connections, 1))
        flagged = asyncio.run(repeated(port, other, connections, 1))

    assert first == ["MSA|AA|SAME"] * connections * times
    assert set(again) == set(flagged) == {"MSA|AA|SAME"}
    assert effects(engine) == 2
    kept = rows(engine)
    assert [row.kind for row in kept] == ["ADT^A04", "ADT^A04 id reused"]
    assert [row.repeats for row in kept] == [connections * (times + 1) - 1, connections - 1]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).where(AuditEvent.action == "hl7.control_id_reused")) == 1
        assert session.scalar(select(func.count(InboxItem.answer.distinct()))) == 2


@pytest.mark.slow
def test_one_message_from_many_connections_has_one_effect_also_after_a_restart(
    engine: Engine, database_url: str
) -> None:
    has_one_effect(engine, database_url, connections=10, times=5)


@pytest.mark.long
def test_a_thousand_repeats_on_fifty_connections_have_one_effect(engine: Engine, database_url: str) -> None:
    has_one_effect(engine, database_url, connections=50, times=20)
