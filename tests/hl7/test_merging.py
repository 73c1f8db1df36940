"""Two records of one person become one: what either held is the patient's, whichever number it comes under."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from app import tables as all_tables
from app.identity import service as identity
from app.identity.models import Patient, PatientIdentifier, PatientLink
from app.insurance import covering
from app.insurance.rules import Usage
from app.kernel.db import Base
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Units
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.reports import service as reports
from app.scheduling.models import ClinicSession
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.mapping.outbound import write
from tests import factories
from tests.hl7.files import visit

OURS = Hl7Settings(his_host="127.0.0.1", his_port=0, answer_timeout_seconds=10)
HEAD = "MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500||{kind}|{id}|P|2.5.1|||||CHN|UNICODE UTF-8\r"


def send(units: Units, kind: str, control_id: str, *segments: str) -> str:
    """The message's MSA-1, with the code of its refusal."""
    raw = (HEAD.format(kind=kind, id=control_id) + "\r".join(segments) + "\r").encode()
    told = parse(receive(units, raw) or b"")
    return " ".join(part for part in (told.get("MSA-1"), told.get("ERR-8").partition(":")[0]) if part)


def merge(units: Units, staying: str, going: str, control_id: str = "MERGE", name: str = "") -> str:
    return send(units, "ADT^A40^ADT_A39", control_id, f"PID|1||{staying}^^^HIS^PI||{name}", f"MRG|{going}^^^HIS^PI")


def person_called(units: Units, number: str, *more: str) -> None:
    pid = f"PID|1||{'~'.join((f'{number}^^^HIS^PI', *more))}||李四||19800101|M"
    assert send(units, "ADT^A04^ADT_A01", f"NEW{number}", "EVN||20261123", pid) == "AA"


def patient_id(units: Units, number: str) -> int:
    with units.open(reads_only=True) as uow:
        found = identity.patient_by_identifier(uow, "his", number)
        assert found is not None
        return found.id


def tables_of_patients() -> list[tuple[str, str]]:
    assert all_tables
    return [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "patient"
    ]


def test_whatever_the_merged_record_held_is_the_patients(hospital: Units) -> None:
    for name in ("omp_two_lines", "oru_blood_count"):
        receive(hospital, visit(name))
    gone = patient_id(hospital, "P10001")
    person_called(hospital, "P2")

    assert merge(hospital, "P2", "P10001") == "AA"

    stays = patient_id(hospital, "P2")
    assert patient_id(hospital, "P10001") == stays != gone
    with hospital.open(reads_only=True) as uow:
        left = {
            name: uow.session.scalar(text(f"SELECT count(*) FROM {name} WHERE {column} = {gone}"))
            for name, column in tables_of_patients()
        }
        assert len(left) >= 12
        assert {name: count for name, count in left.items() if count} == {}
        assert uow.session.scalars(select(Prescription.patient_id)).all() == [stays]
        assert uow.session.get_one(Patient, gone).merged_into_id == stays


def test_who_acted_for_the_merged_record_acts_for_the_patient_and_reads_what_was_its(hospital: Units) -> None:
    with hospital.open() as uow:
        who = factories.person(uow, name="张秀英")
        number = identity.id_number_of(uow, who.patient)
        session = uow.session.scalars(select(ClinicSession)).one()
    booked = factories.held(hospital, who, session)
    person_called(hospital, "P1", f"{number}^^^MPS^NNCHN")
    receive(hospital, visit("oru_blood_count").replace(b"P10001", b"P1"))
    person_called(hospital, "P2")

    assert merge(hospital, "P2", "P1") == "AA"

    with hospital.open(who.actor, reads_only=True) as uow:
        assert registration.of_account(uow, booked.public_id).patient_id == patient_id(hospital, "P2")
        (report,) = reports.list_of_account(uow)
        assert len(reports.observations_of(uow, report)) == 2
        ((patient, relation),) = identity.patients_of(uow)
        assert (patient.id, relation.value) == (patient_id(hospital, "P2"), "self")
        assert identity.id_number_of(uow, patient) == number
        assert identity.phone_of(uow, patient) != ""


def test_merging_twice_is_quiet_and_the_other_way_round_is_refused(hospital: Units) -> None:
    person_called(hospital, "P2")
    first = merge(hospital, "P2", "P10001", "M1")

    again = merge(hospital, "P2", "P10001", "M2")
    back = merge(hospital, "P10001", "P2", "M3")

    assert (first, again, back) == ("AA", "AA", "AE merge_circular")
    with hospital.open(reads_only=True) as uow:
        merged = select(func.count()).where(Patient.merged_into_id.is_not(None))
        assert uow.session.scalar(merged) == 1


def test_a_chain_of_merges_ends_at_the_last_record(hospital: Units) -> None:
    receive(hospital, visit("omp_two_lines"))
    person_called(hospital, "P2")
    person_called(hospital, "P3")

    merge(hospital, "P2", "P10001", "M1")
    merge(hospital, "P3", "P2", "M2")
    late = send(hospital, "ADT^A08^ADT_A01", "LATE", "PID|1||P10001^^^HIS^PI||||||||||13800138009")

    assert late == "AA"
    assert {patient_id(hospital, number) for number in ("P10001", "P2", "P3")} == {patient_id(hospital, "P3")}
    with hospital.open(reads_only=True) as uow:
        stays = uow.session.get_one(Patient, patient_id(hospital, "P3"))
        assert identity.phone_of(uow, stays) == "+8613800138009"
        assert identity.identifier_of(uow, stays.id, "his") == "P3"
        assert uow.session.scalars(select(Prescription.patient_id)).all() == [stays.id]


def test_an_order_under_the_merged_number_is_the_patients(hospital: Units) -> None:
    person_called(hospital, "P2")
    merge(hospital, "P2", "P10001")

    receive(hospital, visit("omp_two_lines"))

    with hospital.open(reads_only=True) as uow:
        written = uow.session.scalars(select(Prescription)).one()
        assert written.patient_id == patient_id(hospital, "P2")
        assert len(prescriptions.lines_of(uow, written.id)) == 2


def test_an_order_repeated_after_the_merge_is_the_same_prescription(hospital: Units) -> None:
    receive(hospital, visit("omp_two_lines"))
    person_called(hospital, "P2")
    merge(hospital, "P2", "P10001")

    receive(hospital, visit("omp_two_lines").replace(b"P10001", b"P2").replace(b"OMP_TWO_LINES", b"AGAIN"))

    with hospital.open(reads_only=True) as uow:
        written = uow.session.scalars(select(Prescription)).one()
        assert (written.version, written.state.value) == (1, "issued")


def test_orders_that_cross_the_merge_are_the_patients(hospital: Units) -> None:
    person_called(hospital, "P2")

    def order(number: int) -> str:
        if number == 4:
            return merge(hospital, "P2", "P10001")
        raw = visit("omp_two_lines").replace(b"RX1", f"RX{number}".encode())
        return parse(receive(hospital, raw.replace(b"OMP_TWO_LINES", f"N{number}".encode())) or b"").get("MSA-1")

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(order, range(8)))

    assert answers == ["AA"] * 8
    with hospital.open(reads_only=True) as uow:
        assert set(uow.session.scalars(select(Prescription.patient_id))) == {patient_id(hospital, "P2")}


def test_records_with_two_identity_numbers_are_for_a_person_to_look_at(hospital: Units) -> None:
    person_called(hospital, "P2", f"{factories.id_number(21)}^^^MPS^NNCHN")
    person_called(hospital, "P3", f"{factories.id_number(22)}^^^MPS^NNCHN")

    assert merge(hospital, "P2", "P3") == "AE identity_conflict"

    assert patient_id(hospital, "P2") != patient_id(hospital, "P3")


def test_a_number_that_only_the_merge_knows_finds_the_patient(hospital: Units) -> None:
    known = patient_id(hospital, "P10001")

    assert merge(hospital, "P10001", "OLD1", "M1") == "AA"
    assert merge(hospital, "NEW1", "P10001", "M2") == "AA"

    assert patient_id(hospital, "OLD1") == patient_id(hospital, "NEW1") == known
    with hospital.open(reads_only=True) as uow:
        assert identity.identifier_of(uow, known, "his") == "NEW1"


def test_of_two_places_with_one_doctor_one_is_given_back(hospital: Units) -> None:
    with hospital.open() as uow:
        first, second = factories.person(uow), factories.person(uow)
        session = uow.session.scalars(select(ClinicSession)).one()
        uow.session.get_one(Patient, second.patient.id).id_number_index = None
        uow.session.get_one(Patient, second.patient.id).id_number_sealed = ""
        for who, number in ((first, "P1"), (second, "P2")):
            uow.session.add(PatientIdentifier(patient_id=who.patient.id, system="his", value=number))
    kept = factories.booked(hospital, first, session)
    gone = factories.held(hospital, second, session)

    assert merge(hospital, "P1", "P2") == "AA"

    with hospital.open(reads_only=True) as uow:
        states = {row.id: row.state for row in uow.session.scalars(select(Registration))}
        assert states == {kept.id: RegistrationState.BOOKED, gone.id: RegistrationState.CANCELLED}
        links = uow.session.scalars(select(PatientLink).where(PatientLink.ended_at.is_(None)))
        assert {link.patient_id for link in links} == {first.patient.id}


def test_what_was_used_of_two_coverages_counts_once_more(hospital: Units) -> None:
    person_called(hospital, "P2")
    with hospital.open() as uow:
        for number, used in (("P10001", 300), ("P2", 500)):
            who = identity.patient_by_identifier(uow, "his", number)
            assert who is not None
            usage = Usage(deductible_used_fen=used, cap_used_fen=used * 2, account_balance_fen=0)
            covering.bind_coverage(uow, patient_id=who.id, policy_code="employee", member_no="66880001", usage=usage)

    merge(hospital, "P2", "P10001")

    with hospital.open(reads_only=True) as uow:
        coverage = covering.coverage_of(uow, patient_id(hospital, "P2"))
        assert coverage is not None
        assert (coverage.deductible_used_fen, coverage.cap_used_fen) == (800, 1600)


def test_a_merged_record_is_not_told_to_the_hospital_any_more(hospital: Units) -> None:
    with hospital.open() as uow:
        who = factories.person(uow)
        uow.session.add(PatientIdentifier(patient_id=who.patient.id, system="his", value="P1"))
    person_called(hospital, "P2")

    merge(hospital, "P2", "P1")

    with hospital.open(reads_only=True) as uow:
        rows = {row.payload["patient_id"]: row for row in uow.session.scalars(select(OutboxItem))}
        assert write(uow, OURS, rows[who.patient.id].payload, "MZ1") is None
        assert rows[who.patient.id].lane == rows[patient_id(hospital, "P2")].lane


@pytest.mark.parametrize("count", [1, 1000])
def test_a_patient_may_have_a_thousand_numbers(hospital: Units, count: int) -> None:
    others = "~".join(f"X{number}^^^OTHER^DL" for number in range(count - 1))

    assert send(hospital, "ADT^A08^ADT_A01", "MANY", f"PID|1||{others}~P10001^^^HIS^PI||张秀英") == "AA"


def test_more_than_a_thousand_numbers_are_refused_in_words(hospital: Units) -> None:
    others = "~".join(["X^^^OTHER^DL"] * 1001)

    assert send(hospital, "ADT^A08^ADT_A01", "MANY", f"PID|1||{others}") == "AE too_many_repetitions"
    with hospital.open(reads_only=True) as uow:
        row = uow.session.scalars(select(InboxItem).order_by(InboxItem.id.desc()).limit(1)).one()
        assert (row.state, row.error_place) == (InboxState.REFUSED, "PID-3")


def test_a_message_merges_some_hundreds_and_not_any_number(hospital: Units) -> None:
    pairs = [f"PID|{n}||P10001^^^HIS^PI||\rMRG|OLD{n}^^^HIS^PI" for n in range(501)]

    assert send(hospital, "ADT^A40^ADT_A39", "MANY", *pairs) == "AE too_many_pairs"
