"""Messages that a person hands in again: one effect each, linked to the original, on record with who and why."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.identity.models import Patient
from app.kernel import message_keys, outbox, peers, replays
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction, KeyKind
from app.kernel.message_search import Wanted, received, senders, sent
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Actor, Units
from hl7_adapter.intake import receive
from hl7_adapter.replaying import NoHead, Replayer, take_again, with_control_id
from hl7_adapter.search_keys import note_written

IT = Actor("staff", "it-1")
REPORT = (
    "MSH|^~\\&|LIS|LAB|MENZHEN|H|20261123093000||ORU^R01^ORU_R01|R{}|P|2.5.1\r"
    "PID|1||{}^^^HIS^PI||王小明\r"
    "OBR|1|P77|F88^LIS|CBC^血常规|||20261123080000|||||||||||||||20261123090000||LAB|F\r"
    "OBX|1|NM|WBC^白细胞||5.2|10*9/L|4-10|N|||F\r"
)
ADMISSION = (
    "MSH|^~\\&|HIS|HOSPITAL|MENZHEN|H|20261123093000||ADT^A04^ADT_A01|{}|P|2.5.1\r"
    "PID|1||{}^^^HIS^PI||王小明||19700101|M\r"
    "PV1|1|O|GI||||||||||||||||V900\r"
)


def only(units: Units, **having: object) -> InboxItem:
    with units.open(reads_only=True) as uow:
        terms = [getattr(InboxItem, name) == value for name, value in having.items()]
        return uow.session.scalars(select(InboxItem).where(*terms)).one()


def asked(units: Units, item: InboxItem, edited: bytes | None = None) -> str:
    with units.open(IT) as uow:
        return replays.ask(uow, uow.session.get_one(InboxItem, item.id), reason="病案号更正", edited=edited)


def request(units: Units, key: str) -> OutboxItem:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(OutboxItem).where(OutboxItem.key == key)).one()


def test_a_refused_message_is_taken_as_it_came_once_its_patient_is_on_file(hospital: Units) -> None:
    receive(hospital, REPORT.format(1, "P500").encode())
    refused = only(hospital, key="R1")
    receive(hospital, ADMISSION.format("A1", "P500").encode())

    key = asked(hospital, refused)
    taken = take_again(hospital)

    again = only(hospital, key="R1")
    assert (refused.state, refused.answer_code) == (InboxState.REFUSED, "AE")
    assert (taken, again.id, again.state, again.answer_code) == (1, refused.id, InboxState.DONE, "AA")
    assert request(hospital, key).state == OutboxState.SENT
    assert request(hospital, key).payload["result_id"] == refused.id


def test_a_message_that_had_its_effect_is_taken_as_a_copy_linked_to_it(hospital: Units) -> None:
    receive(hospital, ADMISSION.format("A1", "P500").encode())
    first = only(hospital, key="A1")

    key = asked(hospital, first)
    take_again(hospital)

    copy = only(hospital, key=key)
    assert (copy.copy_of_id, copy.state) == (first.id, InboxState.DONE)
    assert copy.body == first.body.replace(b"|A1|", f"|{key}|".encode())
    with hospital.open(reads_only=True) as uow:
        deeds = uow.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.subject_ref == str(first.id), AuditEvent.action.startswith("hl7.repl"))
            .order_by(AuditEvent.id)
        ).all()
        assert [(deed.action, deed.actor_ref) for deed in deeds] == [
            ("hl7.replay_asked", "it-1"),
            ("hl7.replayed", "hl7-replayer"),
        ]
        assert (deeds[0].detail["reason"], deeds[1].detail["asked_by"]) == ("病案号更正", "it-1")


def test_an_edited_copy_has_its_own_effect(hospital: Units) -> None:
    receive(hospital, REPORT.format(1, "P999").encode())
    refused = only(hospital, key="R1")

    key = asked(hospital, refused, refused.body.replace(b"P999", b"P10001"))
    take_again(hospital)

    assert only(hospital, key=key).state == InboxState.DONE
    assert (only(hospital, key="R1").state, only(hospital, key="R1").error_code) == (
        InboxState.FILED,
        "patient_unknown",
    )


@pytest.mark.parametrize("edited", [b"", b"PID|1", b"MSH"])
def test_a_copy_that_is_no_message_is_not_taken(hospital: Units, edited: bytes) -> None:
    known = only(hospital, key="KNOWN")

    with pytest.raises(replays.CopyNotValid):
        asked(hospital, known, edited)


def test_a_copy_without_room_for_a_control_id_ends_with_a_person(hospital: Units) -> None:
    key = asked(hospital, only(hospital, key="KNOWN"), b"MSH|^~\\&|HIS|H\rPID|1")

    take_again(hospital)

    assert (request(hospital, key).state, request(hospital, key).last_error) == (OutboxState.DEAD, "not_sendable")


def test_a_message_is_taken_again_though_its_sender_is_paused_and_bound_to_an_address(hospital: Units) -> None:
    with hospital.open(IT) as uow:
        peers.file_peer(
            uow,
            peers.Peer(name="HIS", application="HIS", facility="HOSPITAL", addresses=("10.0.0.1",), is_paused=True),
        )

    key = asked(hospital, only(hospital, key="KNOWN"))
    take_again(hospital)

    assert only(hospital, key=key).state == InboxState.DONE


def test_a_request_whose_taker_died_has_one_effect(hospital: Units, clock) -> None:
    key = asked(hospital, only(hospital, key="KNOWN"))
    take_again(hospital)
    with hospital.open() as uow:
        item = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == key)).one()
        item.state, item.lease_until = OutboxState.SENDING, clock.now()
    clock.step(seconds=1)

    take_again(hospital)

    assert only(hospital, key=key).repeats == 1
    assert request(hospital, key).state == OutboxState.SENT
    with hospital.open(reads_only=True) as uow:
        assert len(uow.session.scalars(select(Patient)).all()) == 1


def test_in_gb18030_only_the_control_id_changes() -> None:
    raw = "MSH|^~\\&|医|琟|M|H|20261123||ADT^A04|X1|P|2.4||||||GBK\nPID|1||1||王珅\n".encode("gb18030")

    copy = with_control_id(raw, "RP1")

    assert copy == raw.replace(b"|X1|", b"|RP1|")
    with pytest.raises(NoHead):
        with_control_id(b"PID|1", "RP1")


def test_messages_are_found_by_every_number_in_them(hospital: Units) -> None:
    receive(hospital, ADMISSION.format("A1", "P500").encode())
    receive(hospital, REPORT.format(1, "P500").encode())

    def found(kind: KeyKind, number: str) -> list[str]:
        with hospital.open(reads_only=True) as uow:
            value = message_keys.searched(uow, kind, number)
            return [item.key for item in received(uow, Wanted(numbers=((kind, value),)))]

    assert found(KeyKind.PATIENT, " P500 ") == ["R1", "A1"]
    assert found(KeyKind.CONTROL, "R1") == ["R1"]
    assert found(KeyKind.VISIT, "V900") == ["A1"]
    assert found(KeyKind.ORDER, "F88") == found(KeyKind.ORDER, "P77") == ["R1"]
    assert found(KeyKind.ORDER, "P500") == found(KeyKind.PATIENT, "") == []
    with hospital.open(reads_only=True) as uow:
        values = uow.session.scalars(
            select(message_keys.MessageKey.value).where(message_keys.MessageKey.kind == KeyKind.PATIENT)
        ).all()
        assert "P500" not in values
        assert senders(uow) == ["HIS|HOSPITAL", "LIS|LAB"]
        assert message_keys.newest_with(uow, Direction.OUT, KeyKind.CONTROL, "R1") is None


def test_the_search_narrows_by_type_sender_state_and_time(hospital: Units, clock) -> None:
    receive(hospital, ADMISSION.format("A1", "P500").encode())
    clock.step(hours=2)
    receive(hospital, REPORT.format(1, "P501").encode())

    def found(**wanted: object) -> list[str]:
        with hospital.open(reads_only=True) as uow:
            return [item.key for item in received(uow, Wanted(**wanted))]  # type: ignore[arg-type]

    now = clock.now()
    assert found(kind="ADT") == found(kind="ADT^A04") == ["A1", "KNOWN"]
    assert found(kind="ORU^R01", state="refused", peer="LIS|LAB") == ["R1"]
    assert found(peer="LIS") == found(kind="%") == found(kind="O_U") == []
    assert found(since=now) == ["R1"]
    assert found(until=now - timedelta(minutes=1)) == ["A1", "KNOWN"]
    assert found(before_id=only(hospital, key="A1").id) == ["KNOWN"]


def test_what_is_sent_is_found_by_its_type_receiver_and_numbers(hospital: Units) -> None:
    raw = b"MSH|^~\\&|MENZHEN|H|HIS|HOSPITAL|20261123||SRM^S01|MZ1|P|2.5.1\rARQ|V77\rPID|1||P500\r"
    with hospital.open() as uow:
        outbox.post(uow, "hospital", "K1", {"event": "RegistrationBooked", "registration_id": 1})
        item = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == "K1")).one()
        event = item.kind
        note_written(uow, item, raw)

    with hospital.open(reads_only=True) as uow:
        patient = message_keys.searched(uow, KeyKind.PATIENT, "P500")
        for wanted in (
            Wanted(numbers=((KeyKind.VISIT, "V77"), (KeyKind.PATIENT, patient))),
            Wanted(kind="SRM^S01", peer="HIS|HOSPITAL"),
        ):
            assert [found.key for found in sent(uow, wanted)] == ["K1"]
    assert event == "RegistrationBooked"


def test_the_adapter_takes_what_is_handed_in_until_it_is_stopped(hospital: Units) -> None:
    key = asked(hospital, only(hospital, key="KNOWN"))

    async def until_taken() -> None:
        replayer = Replayer(hospital)
        running = asyncio.create_task(replayer.run())
        while await asyncio.to_thread(lambda: request(hospital, key).state) != OutboxState.SENT:
            await asyncio.sleep(0.02)
        replayer.stopping.set()
        await running

    asyncio.run(asyncio.wait_for(until_taken(), 20))

    assert only(hospital, key=key).state == InboxState.DONE
