"""Messages that change nothing, filed from the listener's own loop: kept before the answer, together, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.kernel import peers
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.peers import Peer
from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.filing import Filing
from hl7_adapter.letters import letter
from hl7_adapter.listener import listen
from hl7_adapter.mllp import MllpClient
from hl7_adapter.short_way import BYTES_AT_MOST, ShortWay
from tests.hl7.files import visit
from tests.hl7.test_intake import count, last_row
from tests.hl7.test_mllp import free_port

A01 = visit("a01_not_mapped")


@pytest.fixture
def ward(hospital: Units) -> Units:
    if hospital.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such way: there all go the long one")
    return hospital


def admission(number: int) -> bytes:
    """An admission, which means nothing to outpatients, with a control id of its own."""
    return A01.replace(b"A01_NOT_MAPPED", b"A01_%d" % number)


def filed(units: Units, *turns: Sequence[bytes], between: Callable[[], object] = lambda: None) -> list[bytes | None]:
    """What the short way answers; the messages of a turn come at once, and `between` happens between the turns."""

    async def run() -> list[bytes | None]:
        short_way, told = ShortWay(units, Filing(units)), list[bytes | None]()
        for number, turn in enumerate(turns):
            if number:
                between()
            waiting: list[Awaitable[bytes | None]] = [short_way.file(letter(raw)) for raw in turn]
            told += await asyncio.gather(*waiting)
        await short_way.close()
        return told

    return asyncio.run(run())


def transactions(units: Units) -> int:
    """How many transactions the admissions on file were written by."""
    with units.open(reads_only=True) as uow:
        by = "SELECT count(DISTINCT xmin::text) FROM inbox WHERE kind = 'ADT^A01'"
        return int(uow.session.execute(text(by)).scalar_one())


def test_what_comes_at_once_is_kept_by_few_statements_and_each_is_answered(ward: Units) -> None:
    raws = [admission(number) for number in range(40)]

    told = filed(ward, raws[:1], raws[1:])

    assert [parse(each or b"").get("MSA-2") for each in told] == [f"A01_{number}" for number in range(40)]
    with ward.open(reads_only=True) as uow:
        rows = select(InboxItem.body, InboxItem.answer, InboxItem.state).where(InboxItem.kind == "ADT^A01")
        kept = {body: (answer, state) for body, answer, state in uow.session.execute(rows)}
    assert kept == {raw: (answer, InboxState.FILED) for raw, answer in zip(raws, told, strict=True)}
    assert transactions(ward) <= 3


def test_what_it_leaves_to_the_long_way_is_not_touched(ward: Units) -> None:
    answer = b"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123||ACK^A01^ACK|M1|P|2.5.1\rMSA|AA|X\r"

    told = filed(ward, [A01], [A01, visit("a04_new"), answer])

    assert [each is None for each in told] == [False, True, True, True]
    assert count(ward, InboxItem) == 2  # the known patient's and the admission


def test_what_cannot_be_read_is_kept_and_refused(ward: Units) -> None:
    (told,) = filed(ward, [b"no message at all"])

    assert parse(told or b"").get("MSA-1") == "AR"
    assert last_row(ward).body == b"no message at all"


def test_of_two_copies_at_once_one_is_kept_and_the_other_is_its_repeat(ward: Units) -> None:
    one, other = filed(ward, [A01, A01])

    assert (one is None) != (other is None)
    assert count(ward, InboxItem) == 2


def test_when_the_line_breaks_its_messages_go_the_long_way_and_the_next_ones_do_not(ward: Units) -> None:
    cuts = iter([CUT, "SELECT 1"])

    def cut() -> None:
        with ward.engine.connect() as connection:
            connection.execute(text(next(cuts)))

    told = filed(ward, [admission(1)], [admission(2)], [admission(3)], between=cut)

    assert [each is None for each in told] == [False, True, False]


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE '%told AS MATERIALIZED%' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("ends", ["", "NTE|1||" + "x" * BYTES_AT_MOST + "\r"])
def test_whichever_way_a_message_went_it_is_kept_and_answered_the_same(hospital: Units, ends: str) -> None:
    async def run() -> list[bytes]:
        settings = Hl7Settings(port=free_port())
        server, client = await listen(hospital, settings), MllpClient(settings.host, settings.port, 10)
        try:
            return [await client.send(raw) for raw in (A01 + ends.encode(), A01 + ends.encode())]
        finally:
            await client.close()
            await server.close(1)

    first, again = asyncio.run(run())

    row = last_row(hospital)
    assert parse(first).get("MSA-1") == "AA"
    assert first == again == row.answer
    assert (row.state, row.repeats) == (InboxState.FILED, 1)


def test_a_changed_agreement_holds_from_the_very_next_message(ward: Units) -> None:
    with ward.open() as uow:
        agreed = peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL"))

    def pause() -> None:
        with ward.open() as uow:
            peers.amend_peer(uow, replace(agreed, is_paused=True))

    told = filed(ward, [admission(1)], [admission(2)], between=pause)

    assert [each is None for each in told] == [False, True]
    assert last_row(ward).key == "A01_1"
