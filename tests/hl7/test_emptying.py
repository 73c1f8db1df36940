"""What settled messages said goes after its time, and each still has one effect and its answer, however late."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from app.kernel import emptying, inbox, outbox, peers, replays
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import KeyKind, MessageKey
from app.kernel.outbox import Emptied, OutboxItem, OutboxState
from app.kernel.peers import AckMode, Peer, UnknownPatient
from app.kernel.uow import Actor, Units
from app.prescription.models import Prescription
from hl7_adapter.ack import each_of
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from tests.conftest import SetClock, is_postgres
from tests.hl7.files import visit
from tests.hl7.test_intake import answer, count, last_row

HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL")


def emptied(units: Units, *, days: int = 180, limit: int = 100) -> int:
    with units.open(Actor("job", "forget")) as uow:
        return emptying.empty_received(uow, settled_before=uow.now() - timedelta(days=days), limit=limit)


def rows(units: Units) -> list[InboxItem]:
    with units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(InboxItem).order_by(InboxItem.id)))


def kinds_of_keys(units: Units, item_id: int) -> set[KeyKind]:
    with units.open(reads_only=True) as uow:
        return set(uow.session.scalars(select(MessageKey.kind).where(MessageKey.item_id == item_id)))


def test_a_settled_message_keeps_its_line_and_nothing_of_what_it_said(hospital: Units, clock: SetClock) -> None:
    receive(hospital, visit("omp_two_lines"))
    before = last_row(hospital)
    clock.step(days=181)

    assert [emptied(hospital), emptied(hospital)] == [2, 0]

    row = last_row(hospital)
    assert (row.body, row.answer, row.emptied_at) == (b"", None, clock.now())
    assert (row.key, row.kind, row.state, row.answer_code) == (before.key, before.kind, before.state, "AA")
    assert kinds_of_keys(hospital, row.id) == {KeyKind.CONTROL}
    with hospital.open(reads_only=True) as uow:
        put_down = select(AuditEvent.detail).where(AuditEvent.action == "messages.empty")
        assert uow.session.scalars(put_down).all() == [{"count": 2}]


@pytest.mark.parametrize("is_known_again", [True, pytest.param(False, id="control: without its hash")])
def test_an_emptied_message_that_comes_again_is_answered_and_has_no_second_effect(
    hospital: Units, clock: SetClock, is_known_again: bool
) -> None:
    first = parse(receive(hospital, visit("omp_two_lines")) or b"")
    clock.step(days=181)
    emptied(hospital)
    if not is_known_again:
        with hospital.open() as uow:
            uow.session.execute(update(InboxItem).values(digest="0" * 64))

    again = parse(receive(hospital, visit("omp_two_lines") + b"\r\n") or b"")

    assert [again.get(field) for field in ("MSA-1", "MSA-2")] == ["AA", first.get("MSA-2")]
    assert (len(rows(hospital)) == 2) is is_known_again
    assert count(hospital, Prescription) == 1


def test_other_bytes_under_its_control_id_are_another_message(hospital: Units, clock: SetClock) -> None:
    receive(hospital, visit("a31_person"))
    clock.step(days=181)
    emptied(hospital)

    other = visit("a31_person").replace(b"PID|1", b"PID|2")

    assert (answer(hospital, other)[:6], last_row(hospital).kind) == ("MSA|AA", "ADT^A31 id reused")
    assert answer(hospital, other)[:6] == "MSA|AA"
    assert len(rows(hospital)) == 3


def test_it_is_answered_as_agreed_twice_in_enhanced_mode(hospital: Units, clock: SetClock) -> None:
    with hospital.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, replace(HIS, ack_mode=AckMode.ENHANCED))
    first = [parse(each).get("MSA-1") for each in each_of(receive(hospital, visit("omp_two_lines")) or b"")]
    clock.step(days=181)
    emptied(hospital)

    again = [parse(each).get("MSA-1") for each in each_of(receive(hospital, visit("omp_two_lines")) or b"")]

    assert again == first
    assert count(hospital, Prescription) == 1


def test_what_is_refused_parked_or_young_keeps_all(hospital: Units, clock: SetClock) -> None:
    with hospital.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, replace(HIS, unknown_patient=UnknownPatient.PARK))
    receive(hospital, visit("omp_unknown_patient"))
    receive(hospital, visit("omp_two_lines").replace(b"IBU300", b"NODRUG"))
    clock.step(days=181)
    receive(hospital, visit("a31_person"))

    emptied(hospital)

    known, parked, refused, young = rows(hospital)
    assert known.emptied_at is not None
    assert (parked.state, refused.state, young.state) == (InboxState.RECEIVED, InboxState.REFUSED, InboxState.DONE)
    assert [bool(row.body) for row in (parked, refused, young)] == [True, True, True]


def test_one_that_was_refused_and_closed_is_judged_anew_when_it_comes_after_all(
    hospital: Units, clock: SetClock
) -> None:
    receive(hospital, visit("omp_unknown_patient"))
    with hospital.open() as uow:
        row = uow.session.get_one(InboxItem, last_row(hospital).id)
        inbox.finish(uow, row, InboxState.FILED, error_code=row.error_code, error_place=row.error_place)
    clock.step(days=181)
    emptied(hospital)
    receive(hospital, visit("a31_person").replace(b"P10001", b"P99999").replace(b"A31_PERSON", b"NOW"))

    assert answer(hospital, visit("omp_unknown_patient"))[:6] == "MSA|AE"

    judged = rows(hospital)[1]
    assert (judged.state, judged.error_code) == (InboxState.REFUSED, "prescription_expired")
    assert (judged.emptied_at, judged.body) == (None, visit("omp_unknown_patient"))
    assert KeyKind.PATIENT in kinds_of_keys(hospital, judged.id)


def test_two_that_empty_at_once_take_each_message_once(hospital: Units, clock: SetClock) -> None:
    raw = visit("a31_person")
    for number in range(30):
        receive(hospital, raw.replace(b"A31_PERSON", f"N{number}".encode()))
    clock.step(days=181)

    with ThreadPoolExecutor(3) as jobs:
        done = sum(jobs.map(lambda _: emptied(hospital, limit=15), range(6)))

    assert done == 31
    assert all(row.emptied_at and row.digest for row in rows(hospital))


def posted(units: Units, state: OutboxState) -> int:
    with units.open() as uow:
        outbox.post(uow, "hospital", state.value, {"event": "BillPaid", "bill_id": 1})
        uow.session.flush()
        item = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == state.value)).one()
        item.state, item.body, item.answer = state, b"MSH|", b"MSA|AA"
        item.sent_at = uow.now() if state is OutboxState.SENT else None
        return item.id


def test_what_was_told_is_emptied_and_what_waits_or_is_dead_is_not(units: Units, clock: SetClock) -> None:
    sent, dead, waiting = (posted(units, state) for state in (OutboxState.SENT, OutboxState.DEAD, OutboxState.WAITING))
    clock.step(days=181)

    with units.open(Actor("job", "forget")) as uow:
        over = uow.now() - timedelta(days=180)
        assert [emptying.empty_told(uow, told_before=over, limit=9) for _ in range(2)] == [1, 0]

    with units.open() as uow:
        kept = {item.id: (item.body, item.answer) for item in uow.session.scalars(select(OutboxItem))}
        assert kept == {sent: (None, None), dead: (b"MSH|", b"MSA|AA"), waiting: (b"MSH|", b"MSA|AA")}
        with pytest.raises(Emptied):
            outbox.tell_again(uow, sent)
        outbox.tell_again(uow, dead)


def test_an_emptied_message_cannot_be_handed_in_again(hospital: Units, clock: SetClock) -> None:
    clock.step(days=181)
    emptied(hospital)

    for edited in (None, b"MSH|^~\\&|HIS"):
        with pytest.raises(Emptied), hospital.open(Actor("staff", "it")) as uow:
            replays.ask(uow, uow.session.scalars(select(InboxItem)).one(), reason="r", edited=edited)

    with hospital.open(reads_only=True) as uow:
        handed_in = select(func.count()).where(OutboxItem.topic == replays.TOPIC)
        assert uow.session.scalar(handed_in) == 0


def test_each_batch_is_found_by_index(units: Units) -> None:
    asked: list[tuple[str, Any]] = []
    with units.open() as uow:
        event.listen(uow.session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        emptying.empty_received(uow, settled_before=uow.now(), limit=9)
        emptying.empty_told(uow, told_before=uow.now(), limit=9)

        connection = uow.session.connection()
        if is_postgres():
            for other_way in ("seqscan", "bitmapscan", "sort"):  # of a table with so few rows any way is cheap
                connection.exec_driver_sql(f"SET LOCAL enable_{other_way} = off")
        explain = "EXPLAIN " if is_postgres() else "EXPLAIN QUERY PLAN "
        plans = [
            "\n".join(str(line) for line in connection.exec_driver_sql(explain + statement, params))
            for statement, params in list(asked)
            if statement.startswith("SELECT")
        ]

    assert ["ix_inbox_to_empty" in plans[0], "ix_outbox_to_empty" in plans[1]] == [True, True]
    assert not any("SORT" in plan.upper() or "TEMP B-TREE" in plan for plan in plans)
