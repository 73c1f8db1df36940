"""What is agreed with a sender decides which answers it gets, and what its messages may do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.kernel import peers
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.peer_rules import CHARSETS
from app.kernel.peers import AckMode, Peer, ReusedId, UnknownEvent, UnknownPatient
from app.kernel.uow import Actor, Units
from app.prescription.models import Prescription
from hl7_adapter.ack import each_of
from hl7_adapter.er7 import codec_of, parse
from hl7_adapter.gate import Door
from hl7_adapter.intake import receive
from hl7_adapter.mllp import HangUp
from tests.conftest import SetClock
from tests.hl7.files import message, visit
from tests.hl7.test_intake import count, last_row, patient

HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL")
STRICT = Door("10.1.2.3", is_strict=True, contact="extension 8000")


def agreed(units: Units, **terms: object) -> Peer:
    with units.open(Actor("staff", "it")) as uow:
        return peers.file_peer(uow, replace(HIS, **terms))


def asking(raw: bytes, accept: str, application: str) -> bytes:
    """The message with MSH-15 and MSH-16."""
    first, _, rest = raw.partition(b"\r")
    fields = first.split(b"|")
    fields += [b""] * (18 - len(fields))
    fields[14:16] = [accept.encode(), application.encode()]
    return b"|".join(fields) + b"\r" + rest


def codes(units: Units, raw: bytes, door: Door = STRICT) -> list[str]:
    """MSA-1 of each answer that goes out."""
    return [parse(each).get("MSA-1") for each in each_of(receive(units, raw, door) or b"")]


GOOD, BAD, WORST = visit("a04_new"), visit("omp_unknown_patient"), visit("type_unknown")
MODES = [
    # mode, MSH-15, MSH-16, answers to one taken, to one refused, to one that cannot be taken
    ("original", "", "", ["AA"], ["AE"], ["AR"]),
    ("original", "AL", "AL", ["AA"], ["AE"], ["AR"]),
    ("original", "NE", "NE", ["AA"], ["AE"], ["AR"]),
    ("enhanced", "", "", ["CA"], ["CA"], ["CR"]),
    ("enhanced", "AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
    ("enhanced", "AL", "NE", ["CA"], ["CA"], ["CR"]),
    ("enhanced", "NE", "AL", ["AA"], ["AE"], ["AR"]),
    ("enhanced", "NE", "NE", [], [], []),
    ("enhanced", "ER", "ER", [], ["AE"], ["CR"]),
    ("enhanced", "SU", "SU", ["CA", "AA"], ["CA"], []),
    ("enhanced", "AL", "ER", ["CA"], ["CA", "AE"], ["CR"]),
    ("enhanced", "al", "su", ["CA", "AA"], ["CA"], ["CR"]),
    ("auto", "", "", ["AA"], ["AE"], ["AR"]),
    ("auto", "AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
    ("auto", "AL", "", ["CA"], ["CA"], ["CR"]),
    ("auto", "", "AL", ["AA"], ["AE"], ["AR"]),
    ("auto", "ER", "NE", [], [], ["CR"]),
]


@pytest.mark.parametrize("row", MODES, ids=lambda row: "-".join(word or "none" for word in row[:3]))
def test_each_mode_answers_as_asked(hospital: Units, row: tuple) -> None:
    mode, accept, application, *wanted = row
    agreed(hospital, ack_mode=AckMode(mode))

    found = [codes(hospital, asking(raw, accept, application)) for raw in (GOOD, BAD, WORST)]

    assert found == wanted


def test_both_answers_name_the_message_and_each_has_its_own_id(hospital: Units) -> None:
    agreed(hospital, ack_mode=AckMode.ENHANCED)
    raw = asking(BAD, "AL", "AL")

    first, second = each_of(receive(hospital, raw) or b"")

    assert parse(first).get("MSA-2") == parse(second).get("MSA-2") == "OMP_UNKNOWN_PATIENT"
    assert parse(first).get("MSH-10") != parse(second).get("MSH-10")
    assert ("ERR" in parse(first), parse(second).get("ERR-3.1")) == (False, "204")


def test_a_repeat_gets_both_stored_answers(hospital: Units) -> None:
    agreed(hospital, ack_mode=AckMode.ENHANCED)
    raw = asking(GOOD, "AL", "AL")

    assert receive(hospital, raw) == receive(hospital, raw)
    assert last_row(hospital).repeats == 1


def test_an_answer_is_never_answered_in_any_mode(hospital: Units) -> None:
    agreed(hospital, ack_mode=AckMode.ENHANCED)
    answer = b"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||ACK^A04|X1|P|2.5.1|||AL|AL\rMSA|AA|MZ1\r"

    assert receive(hospital, answer, STRICT) is None
    assert receive(hospital, message("ack"), STRICT) is None


def test_a_stranger_is_told_whom_to_ask_at_a_strict_door_and_served_at_another(hospital: Units) -> None:
    told = parse(receive(hospital, GOOD, STRICT) or b"")

    assert (told.get("MSA-1"), told.get("ERR-2.1"), told.get("ERR-3.1")) == ("AR", "MSH", "204")
    assert told.get("ERR-8").startswith("sender_unknown: ")
    assert "extension 8000" in told.get("ERR-8")
    assert (last_row(hospital).state, last_row(hospital).error_code) == (InboxState.REFUSED, "sender_unknown")
    assert codes(hospital, visit("a28_person"), Door()) == ["AA"]


def test_a_stranger_who_was_filed_sends_again_and_is_taken(hospital: Units) -> None:
    assert codes(hospital, GOOD) == ["AR"]

    agreed(hospital)

    assert codes(hospital, GOOD) == ["AA"]
    assert patient(hospital, "P20001")


def turned_away(units: Units, raw: bytes, door: Door) -> list[bytes]:
    with pytest.raises(HangUp) as end:
        receive(units, raw, door)
    return list(end.value.answers)


def test_from_a_foreign_address_nothing_is_kept_and_the_line_is_closed(hospital: Units) -> None:
    agreed(hospital, addresses=("10.1.0.0/16",))
    rows = count(hospital, InboxItem)

    (answer,) = turned_away(hospital, GOOD, Door("10.2.0.1"))

    assert parse(answer).get("MSA") == "MSA|AR|A04_NEW"
    assert parse(answer).get("ERR-8").startswith("address_not_allowed: ")
    assert count(hospital, InboxItem) == rows
    assert codes(hospital, GOOD, Door("10.1.2.3")) == ["AA"]


def test_a_frame_over_what_was_agreed_is_rejected(hospital: Units) -> None:
    agreed(hospital, max_frame_bytes=1024)

    (answer,) = turned_away(hospital, GOOD + b"NTE|1||" + b"x" * 1024 + b"\r", STRICT)

    assert (parse(answer).get("MSA-1"), parse(answer).get("ERR-8")[:15]) == ("AR", "frame_too_long:")
    assert codes(hospital, GOOD) == ["AA"]


def test_over_the_rate_a_sender_is_asked_to_try_again_and_then_is_taken(hospital: Units, clock: SetClock) -> None:
    agreed(hospital, messages_per_minute=2)
    raws = [visit(name) for name in ("a04_new", "a28_person", "a31_person")]

    answers = [parse(receive(hospital, raw, STRICT) or b"") for raw in raws]

    assert [answer.get("MSA-1") for answer in answers] == ["AA", "AA", "AE"]
    assert answers[2].get("ERR-3.1") == "207"
    assert "try again in " in answers[2].get("ERR-8")
    clock.step(seconds=60)
    assert codes(hospital, raws[2]) == ["AA"]


def test_a_paused_peer_is_not_answered_and_taken_after_the_pause(hospital: Units) -> None:
    known = agreed(hospital, is_paused=True)

    assert turned_away(hospital, GOOD, STRICT) == []

    with hospital.open(Actor("staff", "it")) as uow:
        peers.resume(uow, known.public_id)
    assert codes(hospital, GOOD) == ["AA"]


def test_turned_away_in_enhanced_mode_is_an_answer_to_storing(hospital: Units) -> None:
    agreed(hospital, ack_mode=AckMode.ENHANCED, messages_per_minute=1, addresses=("10.1.0.0/16",))
    codes(hospital, GOOD)

    over = codes(hospital, asking(visit("a28_person"), "AL", "AL"))
    (foreign,) = turned_away(hospital, asking(GOOD, "AL", "AL"), Door("10.2.0.1"))

    assert (over, parse(foreign).get("MSA-1")) == (["CE"], "CR")


def test_an_event_without_effect_is_refused_where_that_was_agreed(hospital: Units) -> None:
    raw = b"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||PMU^B01|B01|P|2.5.1\r"
    agreed(hospital, unknown_event=UnknownEvent.REFUSED)

    told = parse(receive(hospital, raw, STRICT) or b"")

    assert (told.get("MSA-1"), told.get("ERR-3.1"), told.get("ERR-2.3")) == ("AR", "201", "9")


def test_a_control_id_used_again_is_refused_where_that_was_agreed(hospital: Units) -> None:
    agreed(hospital, reused_id=ReusedId.REFUSE)
    other = visit("a31_person").replace(b"A31_PERSON", b"A04_NEW")
    codes(hospital, GOOD)

    told = [parse(receive(hospital, other, STRICT) or b"") for _ in range(2)]

    assert [(each.get("MSA-1"), each.get("ERR-3.1"), each.get("ERR-2.3")) for each in told] == [("AE", "205", "10")] * 2
    assert last_row(hospital).error_code == "control_id_reused"


def named(raw: bytes) -> bytes:
    """The order about somebody unknown, for a patient with the number of a new patient's message."""
    return raw.replace(b"P99999", b"P20001")


def test_an_order_about_somebody_unknown_files_them_where_that_was_agreed(hospital: Units) -> None:
    agreed(hospital, unknown_patient=UnknownPatient.CREATE)

    assert codes(hospital, BAD) == ["AA"]

    assert count(hospital, Prescription) == 1
    assert patient(hospital, "P99999")


def test_an_order_waits_for_its_patient_where_that_was_agreed(hospital: Units) -> None:
    agreed(hospital, unknown_patient=UnknownPatient.PARK)
    agreed(hospital, application="LIS")

    assert codes(hospital, named(BAD)) == ["AA"]
    assert codes(hospital, named(BAD)) == ["AA"]
    assert (last_row(hospital).state, count(hospital, Prescription)) == (InboxState.RECEIVED, 0)
    assert "P20001" not in last_row(hospital).subject_ref

    assert codes(hospital, GOOD.replace(b"|HIS|", b"|LIS|", 1)) == ["AA"]

    with hospital.open(reads_only=True) as uow:
        waited = uow.session.scalars(select(InboxItem).where(InboxItem.key == "OMP_UNKNOWN_PATIENT")).one()
        written = uow.session.scalars(select(Prescription)).one()
    assert (waited.state, waited.error_code, written.issuer) == (InboxState.DONE, "", "HIS|HOSPITAL")
    assert codes(hospital, named(BAD)) == ["AA"]
    assert count(hospital, Prescription) == 1


def test_what_waited_and_is_wrong_stands_on_the_work_list(hospital: Units) -> None:
    agreed(hospital, unknown_patient=UnknownPatient.PARK)
    codes(hospital, named(BAD).replace(b"37.20", b"37.21"))

    codes(hospital, GOOD)

    with hospital.open(reads_only=True) as uow:
        refused = select(func.count()).where(InboxItem.state == InboxState.REFUSED)
        assert uow.session.scalar(refused) == 1


def test_the_usual_character_set_of_a_sender_is_read_and_answered(hospital: Units) -> None:
    agreed(hospital, charset="BIG-5")
    words = "MSH|^~\\&|HIS|HOSPITAL|M|H|2026||ADT^A04^ADT_A01|B5|P|2.5.1\rPID|1||P20777^^^HIS^PI||陳誠\r".encode(
        "cp950"
    )

    told = parse(receive(hospital, words, STRICT) or b"")

    assert (told.get("MSA-1"), told.get("MSH-18")) == ("AA", "BIG-5")
    with hospital.open(reads_only=True) as uow:
        from app.identity import service as identity

        assert identity.name_of(uow, patient(hospital, "P20777")) == "陳誠"


def test_every_character_set_that_can_be_agreed_is_one_we_read() -> None:
    assert [label for label in CHARSETS if codec_of(label) is None] == []
