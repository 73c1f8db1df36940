"""Messages that come in: each has one effect and its answer, whatever is wrong with it and however often it comes."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.identity import service as identity
from app.identity.models import Patient, Sex
from app.kernel import inbox
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Units
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.reports import service as reports
from app.reports.models import Report
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from tests.hl7.files import ALL, OF_THE_VISIT, expected, message, visit

INTERFACE = Path(__file__).parents[2] / "docs" / "hl7" / "README.md"


def answer(units: Units, raw: bytes) -> str:
    """The MSA segment that the message gets."""
    told = receive(units, raw)
    assert told is not None
    return parse(told).get("MSA")


def last_row(units: Units) -> InboxItem:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(InboxItem).order_by(InboxItem.id.desc()).limit(1)).one()


def count(units: Units, table: type) -> int:
    with units.open(reads_only=True) as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0


def patient(units: Units, number: str) -> Patient:
    with units.open(reads_only=True) as uow:
        found = identity.patient_by_identifier(uow, "his", number)
        assert found is not None
        return found


def test_each_message_gets_the_answer_that_stands_beside_it(hospital: Units) -> None:
    for name in OF_THE_VISIT:
        wanted, raw = expected(name), visit(name)

        told = parse(receive(hospital, raw) or b"")

        row = last_row(hospital)
        seen = {"answer": told.get("MSA-1"), "state": row.state.value}
        if row.error_code:
            seen |= {"code": row.error_code, "error": int(told.get("ERR-3.1")), "place": row.error_place}
            assert (told.get("ERR-2.1"), told.get("ERR-4")) == (row.error_place[:3], "E"), name
        assert seen == wanted, name
        assert (told.get("MSA-2"), row.body, row.answer) == (parse(raw).get("MSH-10"), raw, told.raw), name


def test_the_interfaces_example_is_answered_as_it_says(hospital: Units) -> None:
    blocks = re.findall(r"```\n(MSH.*?)\n```", INTERFACE.read_text(encoding="utf-8"), re.DOTALL)
    ((sent, promised),) = (block.split("\n\n") for block in blocks if "\n\n" in block)

    told = receive(hospital, sent.replace("\n", "\r").encode()) or b""

    assert told.decode().split("\r")[1:3] == promised.split("\n")


def test_whatever_comes_is_kept_and_answered_without_an_internal_error(hospital: Units) -> None:
    for name in ALL:
        raw = message(name.removesuffix(".hl7"))

        told = receive(hospital, raw)

        if told is None:
            assert name == "ack.hl7"
        else:
            assert parse(told).get("MSA-1") in ("AA", "AE", "AR"), name
            assert last_row(hospital).body == raw, name
            assert last_row(hospital).error_code != "internal_error", name


def test_a_new_patient_is_on_file_with_every_number(hospital: Units) -> None:
    receive(hospital, visit("a04_new"))

    filed = patient(hospital, "P20001")
    with hospital.open(reads_only=True) as uow:
        assert identity.name_of(uow, filed) == "珅诚"
        assert identity.phone_of(uow, filed) == "+8613800138001"
        assert identity.id_number_of(uow, filed) == "11010119900307803X"
        assert identity.identifier_of(uow, filed.id, "insurance") == "66880001"
    assert filed.sex is Sex.MALE


def test_names_come_in_every_habit(hospital: Units) -> None:
    for name in ("a04_given_name_only", "a04_number_without_type"):
        receive(hospital, visit(name))

    with hospital.open(reads_only=True) as uow:
        assert identity.name_of(uow, patient(hospital, "P20002")) == "李四"
        assert identity.name_of(uow, patient(hospital, "P20003")) == "王五"
    assert patient(hospital, "P20002").birth_date is not None
    assert patient(hospital, "P20003").sex is Sex.FEMALE


def test_an_empty_field_leaves_and_two_quotes_delete(hospital: Units) -> None:
    receive(hospital, visit("a31_person"))
    with hospital.open(reads_only=True) as uow:
        kept = identity.phone_of(uow, patient(hospital, "P10001"))

    receive(hospital, visit("a08_phone_deleted"))

    with hospital.open(reads_only=True) as uow:
        assert kept == "+8613800138000"
        assert identity.phone_of(uow, patient(hospital, "P10001")) == ""
        assert identity.name_of(uow, patient(hospital, "P10001")) == "张秀英"


@pytest.mark.parametrize("name", ["omp_two_lines", "rde_one_line", "orm_one_line"])
def test_an_order_is_a_prescription_in_all_three_forms(hospital: Units, name: str) -> None:
    receive(hospital, visit(name))

    with hospital.open(reads_only=True) as uow:
        written = uow.session.scalars(select(Prescription)).one()
        line = prescriptions.lines_of(uow, written.id)[0]
        diagnosis = prescriptions.diagnosis_of(uow, written)
    assert (written.issuer, written.patient_id) == ("HIS|HOSPITAL", patient(hospital, "P10001").id)
    assert (written.prescriber_code, written.prescriber_name) == ("D001", "张伟")
    assert (line.drug_code, line.quantity, line.unit, line.amount_fen) == ("IBU300", 2, "盒", 3720)
    assert (line.dose, line.frequency, line.days, line.route) == ("0.3g", "BID", 3, "口服")
    assert (diagnosis.code, diagnosis.text) == ("K29.7", "慢性胃炎")
    assert written.issued_at.isoformat() == "2026-11-23T01:20:00+00:00"


def test_a_price_that_is_not_sent_is_worked_out(hospital: Units) -> None:
    receive(hospital, visit("omp_two_lines"))

    with hospital.open(reads_only=True) as uow:
        written = uow.session.scalars(select(Prescription)).one()
        prices = [line.unit_price_fen for line in prescriptions.lines_of(uow, written.id)]
    assert prices == [1860, 2240]
    assert written.total_fen == 5960


def test_a_report_is_on_file_with_its_findings(hospital: Units) -> None:
    receive(hospital, visit("oru_blood_count"))

    with hospital.open(reads_only=True) as uow:
        filed = uow.session.scalars(select(Report)).one()
        first, second = reports.observations_of(uow, filed)
    assert (filed.filler_number, filed.name, filed.state.value) == ("LAB1", "血常规", "final")
    assert (first.code, first.value, first.unit, first.flag) == ("WBC", "11.2", "10^9/L", "H")
    assert (second.name, second.reference_range) == ("血红蛋白", "115-150")


def test_a_repeat_gets_the_stored_answer_and_has_no_second_effect(hospital: Units) -> None:
    first = receive(hospital, visit("omp_two_lines"))

    again = receive(hospital, visit("omp_two_lines"))

    assert again == first
    assert count(hospital, Prescription) == 1
    assert last_row(hospital).repeats == 1


def test_the_same_control_id_with_other_content_is_taken_and_flagged(hospital: Units) -> None:
    other = visit("a04_new").replace(b"P20001", b"P20101").replace(b"~11010119900307803X^^^MPS^NNCHN", b"")
    receive(hospital, visit("a04_new"))

    told = receive(hospital, other.replace(b"~66880001^^^NHSA^HC", b""))

    assert parse(told or b"").get("MSA-1") == "AA"
    assert patient(hospital, "P20101").id != patient(hospital, "P20001").id
    assert last_row(hospital).kind == "ADT^A04 id reused"
    with hospital.open(reads_only=True) as uow:
        flags = select(func.count()).where(AuditEvent.action == "hl7.control_id_reused")
        assert uow.session.scalar(flags) == 1


def test_another_sender_may_use_the_same_control_id(hospital: Units) -> None:
    receive(hospital, visit("a31_person"))

    receive(hospital, visit("a31_person").replace(b"|HIS|HOSPITAL|", b"|LIS|HOSPITAL|", 1))

    assert last_row(hospital).source == "hl7:LIS|HOSPITAL"
    assert last_row(hospital).kind == "ADT^A31"


def test_an_order_refused_for_its_patient_is_taken_when_the_patient_is_known(hospital: Units) -> None:
    refused = answer(hospital, visit("omp_unknown_patient"))
    receive(hospital, visit("a31_person").replace(b"P10001", b"P99999").replace(b"A31_PERSON", b"NOW"))

    taken = answer(hospital, visit("omp_unknown_patient"))

    assert (refused[:6], taken[:6]) == ("MSA|AE", "MSA|AA")
    assert count(hospital, Prescription) == 1


def test_a_message_whose_refusal_was_dealt_with_is_taken_anew_when_it_comes_again(hospital: Units) -> None:
    receive(hospital, visit("omp_unknown_patient"))
    with hospital.open() as uow:
        row = uow.session.get_one(InboxItem, last_row(hospital).id)
        inbox.finish(uow, row, InboxState.FILED, error_code=row.error_code, error_place=row.error_place)
    receive(hospital, visit("a31_person").replace(b"P10001", b"P99999").replace(b"A31_PERSON", b"NOW"))

    taken = answer(hospital, visit("omp_unknown_patient"))

    assert taken.startswith("MSA|AA")
    assert count(hospital, Prescription) == 1


def test_a_refused_message_leaves_nothing_behind(hospital: Units) -> None:
    patients = count(hospital, Patient)

    receive(hospital, visit("a04_wrong_check_digit"))
    receive(hospital, visit("omp_amount_differs"))

    assert count(hospital, Patient) == patients
    assert count(hospital, Prescription) == 0


def test_what_fails_inside_is_answered_207_and_can_be_sent_again(
    hospital: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("hl7_adapter.mapping.patients.identity.file_patient_from_his", lambda *_: 1 / 0)
        failed = parse(receive(hospital, visit("a04_new")) or b"")

    again = answer(hospital, visit("a04_new"))

    assert (failed.get("MSA-1"), failed.get("ERR-3.1")) == ("AE", "207")
    assert again.startswith("MSA|AA")


def test_fifty_at_once_bring_one_message_and_it_has_one_effect(hospital: Units) -> None:
    with ThreadPoolExecutor(50) as senders:
        told = set(senders.map(lambda _: receive(hospital, visit("omp_two_lines")), range(50)))

    assert len(told) == 1
    assert count(hospital, Prescription) == 1
    assert last_row(hospital).state is InboxState.DONE


def test_an_answer_is_never_answered(hospital: Units) -> None:
    rows = count(hospital, InboxItem)

    assert receive(hospital, message("ack")) is None

    assert count(hospital, InboxItem) == rows


def test_an_answer_that_nobody_asked_for_is_on_record_with_what_it_says(hospital: Units) -> None:
    """Some send the second answer of enhanced mode as a message of its own, on a line of its own."""
    told = b"MSH|^~\\&|HIS|HOSPITAL|M|H|2026||ACK^A04|X1|P|2.5.1\rMSA|AE|MZ0000000012\rERR||PID^1^7|102|E\r"

    assert receive(hospital, told) is None

    with hospital.open(reads_only=True) as uow:
        deed = uow.session.scalars(select(AuditEvent).where(AuditEvent.action == "hl7.answer_unasked")).one()
    assert (deed.subject_ref, deed.outcome, deed.detail) == ("MZ0000000012", "AE", {"kind": "ACK^A04"})


def test_a_header_full_of_odd_characters_can_be_kept(hospital: Units) -> None:
    raw = f"MSH|^~\\&|{'长' * 60}|\x00\x01|M|H|2026||ADT^A01|ID\x00{'9' * 400}|P|2.5.1\r".encode()

    assert answer(hospital, raw).startswith("MSA|AA|ID")

    assert receive(hospital, raw) == last_row(hospital).answer
    assert len(last_row(hospital).source) <= 48


def test_the_hospital_system_says_how_a_patient_is_insured(hospital: Units) -> None:
    from app.insurance import covering

    answer(hospital, visit("a04_insured"))

    who = patient(hospital, "P20021")
    with hospital.open(reads_only=True) as uow:
        coverage = covering.coverage_of(uow, who.id)
        assert coverage is not None
        assert (coverage.policy_code, covering.member_no_of(uow, coverage)) == ("employee", "6620021")


def test_a_control_id_of_two_hundred_characters_is_kept_and_told_back_whole(hospital: Units) -> None:
    long = b"C" * 200
    raw, other = (visit(name).replace(name.upper().encode(), long) for name in ("a31_person", "a28_person"))

    first, second = answer(hospital, raw), answer(hospital, other)

    assert first == second == f"MSA|AA|{long.decode()}"
    assert last_row(hospital).kind.endswith("id reused")
    assert receive(hospital, other) == last_row(hospital).answer
