"""Messages that wait at the same moment: one commit for all, each effect alone, and nobody answered before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.identity.models import Patient
from app.kernel import peers
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import MessageKey
from app.kernel.peers import Peer, UnknownPatient
from app.kernel.uow import Units
from app.prescription.models import Prescription
from hl7_adapter.er7 import parse
from hl7_adapter.filing import Filing
from hl7_adapter.intake import receive
from hl7_adapter.letters import letter
from hl7_adapter.mllp import HangUp
from hl7_adapter.taking import Went, take
from hl7_adapter.turns import Turns
from tests.hl7.files import visit
from tests.hl7.test_intake import count, last_row

A01 = visit("a01_not_mapped")
HIS = {"name": "HIS", "application": "HIS", "facility": "HOSPITAL"}


def taken(units: Units, *raws: bytes, filing: Filing | None = None) -> Sequence[Went]:
    return take(units, filing or Filing(units), [letter(raw) for raw in raws])


def codes(went: Sequence[Went]) -> list[str]:
    assert all(isinstance(each, bytes) for each in went), went
    return [parse(each).get("MSA-1") for each in went if isinstance(each, bytes)]


@contextmanager
def counted_commits(units: Units, fails: int = 0) -> Iterator[list[int]]:
    """How many commits there were; the first `fails` of them fail, and nothing of theirs stands."""
    seen: list[int] = []

    def commit(connection: object) -> None:
        seen.append(1)
        if len(seen) <= fails:
            raise OperationalError("COMMIT", {}, Exception("the line is cut"))

    event.listen(units.engine, "commit", commit)
    yield seen
    event.remove(units.engine, "commit", commit)


def test_messages_that_wait_together_share_a_commit(hospital: Units) -> None:
    raws = [visit(name) for name in ("a04_new", "omp_two_lines", "omp_unknown_patient", "oru_blood_count")]

    with counted_commits(hospital) as commits:
        went = taken(hospital, *raws)

    assert codes(went) == ["AA", "AA", "AE", "AA"]
    assert [parse(each).get("MSA-2") for each in went if isinstance(each, bytes)] == [
        parse(raw).get("MSH-10") for raw in raws
    ]
    assert len(commits) <= 2  # the agreement may be looked up before
    assert count(hospital, Prescription) == 1


def test_one_that_fails_after_it_has_written_leaves_nothing_behind_and_the_others_stand(hospital: Units) -> None:
    taken(hospital, visit("a04_new"))
    fails = visit("a04_new").replace(b"A04_NEW", b"FAILS").replace(b"P20001", b"P20099")
    fails = fails.replace(b"~11010119900307803X^^^MPS^NNCHN", b"")  # another person with the first one's insurance
    patients, events = count(hospital, Patient), count(hospital, AuditEvent)

    went = taken(hospital, visit("omp_two_lines"), fails, visit("oru_blood_count"))

    assert codes(went) == ["AA", "AE", "AA"]
    assert count(hospital, Patient) == patients
    assert count(hospital, Prescription) == 1
    with hospital.open(reads_only=True) as uow:
        told = uow.session.execute(select(AuditEvent.action, AuditEvent.outcome).order_by(AuditEvent.id)).all()
    heard = [outcome for action, outcome in told[events:] if action == "hl7.receive"]
    assert heard == ["ok", "identity_conflict", "ok"]
    assert "patient.file" not in [action for action, _ in told[events:]]


def test_what_waits_for_a_patient_is_released_by_the_next_message_of_the_same_turn(hospital: Units) -> None:
    with hospital.open() as uow:
        peers.file_peer(uow, Peer(**HIS, unknown_patient=UnknownPatient.PARK))
    order = visit("omp_two_lines").replace(b"P10001", b"P20001")

    went = taken(hospital, order, visit("a04_new"))

    assert codes(went) == ["AA", "AA"]
    assert count(hospital, Prescription) == 1


def test_a_commit_that_fails_answers_none_of_its_messages(hospital: Units) -> None:
    patients = count(hospital, Patient)

    with counted_commits(hospital, fails=99):
        went = taken(hospital, visit("a04_new"), visit("omp_two_lines"))

    assert [type(each) for each in went] == [OperationalError] * 2
    assert (count(hospital, Patient), count(hospital, Prescription)) == (patients, 0)


def test_what_failed_together_is_taken_alone_and_happens_once(hospital: Units) -> None:
    filing = Filing(hospital)
    taken(hospital, A01, filing=filing)

    with counted_commits(hospital, fails=1):
        went = taken(hospital, visit("a04_new"), visit("omp_two_lines"), filing=filing)

    assert codes(went) == ["AA", "AA"]
    assert count(hospital, Prescription) == 1


def test_the_same_message_twice_in_one_turn_is_a_message_and_its_repeat(hospital: Units) -> None:
    for raw in (A01, visit("omp_two_lines")):
        went = taken(hospital, raw, raw)

        assert went[0] == went[1] == last_row(hospital).answer
        assert last_row(hospital).repeats == 1
    assert count(hospital, Prescription) == 1


def test_a_filed_message_is_kept_answered_and_found_like_any_other(hospital: Units) -> None:
    receive(hospital, A01.replace(b"A01_NOT_MAPPED", b"LONG_WAY"))
    long_way = last_row(hospital)

    (went,) = taken(hospital, A01)

    row = last_row(hospital)
    assert (row.source, row.kind, row.state, row.body, row.answer) == (
        long_way.source,
        long_way.kind,
        InboxState.FILED,
        A01,
        went,
    )
    assert (row.answer_code, row.error_code, row.repeats) == ("AA", "", 0)
    with hospital.open(reads_only=True) as uow:
        assert _traces(uow.session, row) == _traces(uow.session, long_way)


def _traces(session: Session, row: InboxItem) -> list[tuple[object, ...]]:
    """What else stands of a message: the numbers it is found by but its own, and its audit row."""
    keys = select(MessageKey.kind, MessageKey.value).where(MessageKey.item_id == row.id, MessageKey.kind != "control")
    deed = select(AuditEvent.action, AuditEvent.actor_kind, AuditEvent.actor_ref, AuditEvent.outcome, AuditEvent.detail)
    heard = deed.where(AuditEvent.subject_kind == "hl7_message", AuditEvent.subject_ref == str(row.id))
    return [*sorted(tuple(key) for key in session.execute(keys)), *(tuple(each) for each in session.execute(heard))]


def test_other_content_under_a_filed_id_is_taken_and_flagged(hospital: Units) -> None:
    filing = Filing(hospital)
    taken(hospital, A01, filing=filing)

    went = taken(hospital, A01.replace(b"V0001", b"V0002"), filing=filing)

    assert codes(went) == ["AA"]
    assert last_row(hospital).kind == "ADT^A01 id reused"


def test_a_changed_agreement_holds_from_the_very_next_message(hospital: Units) -> None:
    filing = Filing(hospital)
    with hospital.open() as uow:
        filed = peers.file_peer(uow, Peer(**HIS))
    before = taken(hospital, A01, filing=filing)

    with hospital.open() as uow:
        peers.amend_peer(uow, replace(filed, is_paused=True))
    (after,) = taken(hospital, A01.replace(b"A01_NOT_MAPPED", b"NEXT"), filing=filing)

    assert codes(before) == ["AA"]
    assert isinstance(after, HangUp)
    assert last_row(hospital).key == "A01_NOT_MAPPED"


def test_a_turn_takes_half_of_what_waits_and_slow_ones_hold_nobody_up() -> None:
    turns_seen: list[list[str]] = []
    let_go = threading.Event()

    def work(came: Sequence[str]) -> list[str | Exception]:
        turns_seen.append(list(came))
        if came[0].startswith("slow"):
            let_go.wait(10)
        return [ValueError(each) if each == "bad" else each.upper() for each in came]

    async def scenario() -> None:
        turns: Turns[str, str] = Turns(work)
        slow = [asyncio.create_task(turns.take(each)) for each in ("slow", "slow too")]
        while len(turns_seen) < len(slow):
            await asyncio.sleep(0.001)
        told = await asyncio.gather(*(turns.take(each) for each in ("a", "bad", "c")), return_exceptions=True)
        assert [str(each) for each in told] == ["A", "bad", "C"]
        assert not any(each.done() for each in slow)
        let_go.set()
        assert await asyncio.gather(*slow) == ["SLOW", "SLOW TOO"]

    asyncio.run(scenario())

    assert turns_seen[0] == ["slow"]
    assert [each for turn in turns_seen for each in turn] == ["slow", "slow too", "a", "bad", "c"]


def test_a_turn_that_breaks_answers_nobody() -> None:
    def work(_came: Sequence[str]) -> list[str | Exception]:
        raise RuntimeError("away")

    async def scenario() -> None:
        turns: Turns[str, str] = Turns(work)
        with pytest.raises(RuntimeError, match="away"):
            await turns.take("a")

    asyncio.run(scenario())
