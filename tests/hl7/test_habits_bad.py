"""What goes wrong at the other end: each case gets the answer of the table, is kept, and does no harm."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.identity.models import Patient
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.peers import OtherFacility, UnknownPatient
from app.kernel.uow import Units
from app.prescription.models import Prescription
from app.reports.models import Report
from hl7_adapter.er7 import build, parse
from hl7_adapter.intake import receive
from tests.hl7.files import visit
from tests.hl7.test_intake import count, last_row, patient
from tests.hl7.test_peers import agreed
from tests.hl7.test_profiles import with_field

HEAD = "MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500+0800||{}|{}|P|2.5.1\r"


def said(units: Units, raw: bytes) -> tuple[str, str, str]:
    """MSA-1, ERR-3 and the place (segment and field) of the answer; the message stands in the inbox as it came."""
    told = parse(receive(units, raw) or b"")
    assert last_row(units).body == raw
    place = "-".join(part for part in (told.get("ERR-2.1"), told.get("ERR-2.3")) if part)
    return told.get("MSA-1"), told.get("ERR-3.1"), place


BAD = [
    # what, the message, its field with another value, MSA-1, ERR-3, place
    ("a birth in the future", "a04_new", ("PID", 7, "20991231"), ("AE", "102", "PID-7")),
    ("the thirty-first of February", "a04_new", ("PID", 7, "20260231"), ("AE", "102", "PID-7")),
    ("the year nought", "a04_new", ("PID", 7, "00000101"), ("AE", "102", "PID-7")),
    ("an offset that no place has", "omp_two_lines", ("ORC", 9, "20261123090000+2500"), ("AE", "102", "ORC-9")),
    ("seven digits", "a04_new", ("PID", 7, "2026112"), ("AE", "102", "PID-7")),
    ("no digit but noughts", "a04_new", ("PID", 7, "00000000"), ("AE", "102", "PID-7")),
    ("an hour that no day has", "omp_two_lines", ("ORC", 9, "20261123250000"), ("AE", "102", "ORC-9")),
    ("an order of next month", "omp_two_lines", ("ORC", 9, "20261223090000"), ("AE", "102", "ORC-9")),
    ("a report of next month", "oru_blood_count", ("OBR", 22, "20261223090000"), ("AE", "102", "OBR-22")),
    ("three decimals", "omp_two_lines", ("FT1", 11, "37.201"), ("AE", "102", "FT1-11")),
    ("a price of three decimals", "omp_two_lines", ("FT1", 12, "18.601"), ("AE", "102", "FT1-12")),
    ("a negative amount", "omp_two_lines", ("FT1", 11, "-37.20"), ("AE", "102", "FT1-11")),
    ("an amount in words", "omp_two_lines", ("FT1", 11, "三十七元"), ("AE", "102", "FT1-11")),
    ("another currency", "omp_two_lines", ("FT1", 11, "37.20&USD"), ("AE", "103", "FT1-11")),
    ("1,001 numbers", "a04_new", ("PID", 3, "~".join(f"N{n}^^^X^PI" for n in range(1001))), ("AE", "102", "PID-3")),
    ("an order for nobody", "omp_two_lines", ("PID", 3, "NOBODY^^^HIS^PI"), ("AE", "204", "PID-3")),
    ("a name in another character set than MSH-18 says", "a04_new", ("PID", 5, "张\x85三"), ("AE", "102", "PID-5")),
    ("nobody's name", "a04_new", ("PID", 5, "^^^^^^L"), ("AE", "101", "PID-5")),
    ("a merge of one number with itself", "a40_into_itself", ("MSH", 10, "A40"), ("AE", "207", "MRG-1")),
]


def test_each_mistake_is_refused_at_its_place(hospital: Units) -> None:
    for what, name, field, wanted in BAD:
        assert said(hospital, with_field(visit(name), *field)) == wanted, what


GOOD = [
    ("how exactly a birth is known (TS.2)", "a04_new", ("PID", 7, "19800101^D")),
    ("a birth nobody knows", "a04_new", ("PID", 7, "^003")),
    ("how exactly the time of the order is known", "omp_two_lines", ("ORC", 9, "20261123090000^S")),
    ("a visit number longer than any of ours", "omp_two_lines", ("PV1", 19, "V" * 64)),
    ("the offset as ISO 8601 writes it", "omp_two_lines", ("ORC", 9, "2026-11-23T09:00:00+08:00")),
    ("the offset as a database writes it", "omp_two_lines", ("ORC", 9, "2026-11-23 09:00:00.25+08")),
    ("Greenwich", "omp_two_lines", ("ORC", 9, "20261123010000Z")),
    ("the Marquesas", "omp_two_lines", ("ORC", 9, "20261122153000-0930")),
    ("a magnetic stripe among the numbers", "a04_new", ("PID", 3, f"P20001^^^HIS^PI~%B8{'0' * 90}^^^^CIP")),
]


def test_what_the_effect_has_no_need_of_refuses_no_message(hospital: Units) -> None:
    for what, name, field in GOOD:
        assert said(hospital, with_field(visit(name), *field)) == ("AA", "", ""), what


def test_a_line_end_in_a_field_makes_no_segment_of_ours(hospital: Units) -> None:
    name = "张三\rFT1|1|||20261123||CG|IBU300|||1|0.01|0.01\rPID|2||P10001^^^HIS^PI"

    written = build([["MSH"], ["PID", "1", None, name, None, name]])

    assert [segment.name for segment in parse(written)] == ["MSH", "PID"]
    assert parse(written).get("PID-3") == name


@pytest.mark.parametrize("end", ["\\X0D\\", "\\X0A\\", "\\X0D0A\\", "\\.br\\"])
def test_an_escaped_line_end_in_a_name_stays_inside_of_its_field(hospital: Units, end: str) -> None:
    injected = f"{end}PID|2||P10001^^^HIS^PI||x".replace("|", "\\F\\").replace("^", "\\S\\")

    answer = said(hospital, with_field(visit("a04_new"), "PID", 5, f"李四{injected}"))

    assert answer[0] in ("AA", "AE")
    assert count(hospital, Patient) <= 2
    assert parse(last_row(hospital).answer or b"").segments("PID") == []


def test_a_real_line_end_in_a_name_is_the_sender_s_second_segment_and_refused(hospital: Units) -> None:
    raw = with_field(visit("a04_new"), "PID", 5, "李四\rPID|2||P10001^^^HIS^PI||王五")

    assert said(hospital, raw) == ("AE", "102", "PID-3")
    assert count(hospital, Patient) == 1


def test_the_answer_repeats_a_control_id_without_its_line_ends(hospital: Units) -> None:
    raw = with_field(visit("a04_new"), "MSH", 10, "X\\X0D\\MSA|AA|FORGED".replace("|", "\\F\\"))

    told = parse(receive(hospital, raw) or b"")

    assert [segment.name for segment in told] == ["MSH", "MSA"]
    assert told.get("MSA-2") == parse(raw).get("MSH-10")


def merge(staying: str, going: str, number: str) -> bytes:
    return f"{HEAD.format('ADT^A40^ADT_A39', number)}PID|1||{staying}^^^HIS^PI||张秀英\rMRG|{going}^^^HIS^PI\r".encode()


def test_a_message_under_a_number_that_was_merged_is_the_patients(hospital: Units) -> None:
    receive(hospital, with_field(visit("a31_person"), "PID", 3, "P77^^^HIS^PI"))
    receive(hospital, merge("P10001", "P77", "M1"))

    answer = said(hospital, with_field(visit("oru_blood_count"), "PID", 3, "P77^^^HIS^PI"))

    assert answer == ("AA", "", "")
    with hospital.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Report.patient_id)).one() == patient(hospital, "P10001").id


def test_what_waits_under_a_number_has_its_effect_when_that_is_merged(hospital: Units) -> None:
    agreed(hospital, unknown_patient=UnknownPatient.PARK)
    waiting = with_field(visit("omp_two_lines"), "PID", 3, "P88^^^HIS^PI")
    assert said(hospital, waiting) == ("AA", "", "")
    assert (last_row(hospital).state, count(hospital, Prescription)) == (InboxState.RECEIVED, 0)

    receive(hospital, merge("P10001", "P88", "M2"))

    with hospital.open(reads_only=True) as uow:
        row = uow.session.scalars(select(InboxItem).where(InboxItem.body == waiting)).one()
        written = uow.session.scalars(select(Prescription)).one()
        assert uow.session.scalar(select(func.count()).where(InboxItem.state == InboxState.RECEIVED)) == 0
    assert (row.state, row.error_code) == (InboxState.DONE, "")
    assert written.patient_id == patient(hospital, "P10001").id


@pytest.mark.parametrize(
    ("policy", "answer", "orders"),
    [(UnknownPatient.CREATE, "AA", 1), (UnknownPatient.PARK, "AA", 0), (UnknownPatient.REFUSE, "AE", 0)],
)
def test_an_order_for_somebody_unknown_is_dealt_with_as_agreed(
    hospital: Units, policy: UnknownPatient, answer: str, orders: int
) -> None:
    agreed(hospital, unknown_patient=policy)

    told = said(hospital, with_field(visit("omp_two_lines"), "PID", 3, "P99^^^HIS^PI"))

    assert (told[0], count(hospital, Prescription)) == (answer, orders)


def test_a_report_for_another_hospital_leaves_nothing_when_that_was_agreed(hospital: Units) -> None:
    agreed(hospital, facilities=("HOSPITAL",), other_facility=OtherFacility.REFUSE)

    assert said(hospital, with_field(visit("oru_blood_count"), "MSH", 6, "ELSEWHERE")) == ("AE", "204", "MSH-6")
    assert count(hospital, Report) == 0
