"""How the hospital system is told of patients: new, changed, insured, in the house, and not in the house after all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.identity import for_staff
from app.identity import service as identity
from app.identity.merging import merge_patients
from app.identity.models import Patient
from app.insurance import covering
from app.kernel import peers
from app.kernel.outbox import OutboxItem
from app.kernel.peers import PatientLevel, Peer
from app.kernel.uow import Actor, Units
from app.queueing import service as queueing
from app.queueing import taking_back
from app.registration import service as registration
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling.models import HalfDay
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.sender import Sender
from sandbox.his import messages
from tests import factories, factories_prescription
from tests.hl7.test_outbound import Visit, told, visit
from tests.processes.hl7_outward import HOST, simulated_his

__all__ = ["visit"]
HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL")
BY_PERSON = replace(HIS, patient_level=PatientLevel.PERSON)
DESK = Actor("staff", "nurse")


def agreed(units: Units, peer: Peer) -> None:
    with units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, peer)


def give_back(visit: Visit) -> None:
    with visit.units.open() as uow:
        going = uow.session.get_one(Registration, visit.registration.id)
        registration.give_back(uow, going, by_hospital=True, why="session_stopped")


@pytest.mark.parametrize(
    ("peer", "has_visit", "kind"),
    [
        (HIS, True, "ADT^A08^ADT_A01"),
        (HIS, False, "ADT^A08^ADT_A01"),
        (BY_PERSON, True, "ADT^A08^ADT_A01"),
        (BY_PERSON, False, "ADT^A31^ADT_A05"),
    ],
)
def test_a_change_is_told_at_the_visit_and_without_one_as_agreed(
    visit: Visit, peer: Peer, has_visit: bool, kind: str
) -> None:
    agreed(visit.units, peer)
    if not has_visit:
        give_back(visit)

    message = told(visit.units, "PatientChanged", patient_id=visit.person.patient.id)

    assert message is not None
    assert message.get("MSH-9") == kind
    assert message.get("PV1-19.1") == (visit.registration.visit_number if has_visit else "")
    with visit.units.open(reads_only=True) as uow:
        phone = identity.phone_of(uow, visit.person.patient).removeprefix("+86")
    assert message.get("PID-13.1") == phone


def test_a_new_patient_is_a_person_where_that_was_agreed(visit: Visit) -> None:
    agreed(visit.units, BY_PERSON)

    message = told(visit.units, "PatientFiled", patient_id=visit.person.patient.id)

    assert message is not None
    assert (message.get("MSH-9"), message.get("EVN-1")) == ("ADT^A28^ADT_A05", "A28")


def test_how_a_patient_is_insured_is_told_with_the_change(visit: Visit) -> None:
    patient = visit.person.patient
    with visit.units.open() as uow:
        factories_prescription.stocked(uow)
        covering.bind_coverage(uow, patient_id=patient.id, policy_code="employee", member_no="NH13800138000")

    message = told(visit.units, "PatientInsured", patient_id=patient.id)

    assert message is not None
    assert (message.get("IN1-2.1"), message.get("IN1-36")) == ("employee", "NH13800138000")


def test_a_record_that_is_part_of_another_changes_no_more(visit: Visit) -> None:
    with visit.units.open() as uow:
        identity.file_patient_from_his(uow, identity.PatientFromHis(mrn="P1", name="张秀英"))
        card = identity.id_number_of(uow, visit.person.patient)
        identity.file_patient_from_his(uow, identity.PatientFromHis(mrn="P2", id_number=card))
        merge_patients(uow, surviving_mrn="P1", merged_mrn="P2")

    assert told(visit.units, "PatientChanged", patient_id=visit.person.patient.id) is None


def told_of(units: Units, event: str) -> int:
    with units.open(reads_only=True) as uow:
        return uow.session.query(OutboxItem).filter(OutboxItem.key.startswith(event)).count()


def test_each_change_at_the_desk_is_told_and_none_that_the_hospital_told_us(hospital: Units) -> None:
    with hospital.open() as uow:
        patient = factories.person(uow, phone="+8613900139001").patient
    for phone in ("13900139002", "13900139002", "13900139003"):
        with hospital.open(DESK) as uow:
            for_staff.change_phone(uow, public_id=patient.public_id, phone=phone)
    with hospital.open(reads_only=True) as uow:
        card = identity.id_number_of(uow, patient)

    told_us = {"patient_id": "P7", "name": "张秀英", "id_number": card, "phone": "13900139004"}
    receive(hospital, messages.write("a08", told_us, "CHANGED"))

    assert told_of(hospital, "PatientChanged:") == 2
    with hospital.open(reads_only=True) as uow:
        assert identity.phone_of(uow, uow.session.get_one(Patient, patient.id)) == "+8613900139004"


def test_a_check_in_to_a_shared_line_is_told_without_a_room(visit: Visit) -> None:
    with visit.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
        other = factories.another_doctor(uow, visit.clinic.department)
        starts = visit.clinic.session.starts_at.astimezone(uow.zone).time()
        factories.another_session(uow, other, days=0, room="3-11", half_day=HalfDay.AM, starts=starts)
        ticket = queueing.check_in(uow, registration=uow.session.get_one(Registration, visit.registration.id))

    message = told(visit.units, "PatientCheckedIn", registration_id=visit.registration.id, ticket_id=ticket.id)

    assert message is not None
    assert (message.get("ZQN-1"), message.get("ZQN-2")) == ("A001", "")


def test_the_hospital_hears_of_arrival_mistake_and_arrival_in_this_order(hospital: Units, tmp_path: Path) -> None:
    with hospital.open() as uow:
        who, session = factories.person(uow), factories.clinic(uow, code="EN").session
    place = factories.booked(hospital, who, session)
    for deed in ("come", "mistake", "come"):
        with hospital.open(DESK) as uow:
            ticket = queueing.check_in(uow, registration=uow.session.get_one(Registration, place.id))
            if deed == "mistake":
                taking_back.take_back(uow, ticket)
    with hospital.open(DESK) as uow:
        for_staff.change_phone(uow, public_id=who.patient.public_id, phone="13900139005")

    with simulated_his(tmp_path) as books:
        settings = Hl7Settings(his_host=HOST, his_port=books.port, answer_timeout_seconds=2)
        asyncio.run(Sender(hospital, settings).round())
        heard = [parse(bytes(row["raw"])) for row in books.store.rows("SELECT raw FROM his_received ORDER BY id")]

    about = [message for message in heard if message.get("PV1-19.1") == place.visit_number]
    told_as = [message.get("MSH-9.2") for message in about if message.get("MSH-9.1") == "ADT"]
    assert told_as == ["A10", "A11", "A10", "A08"]
    assert [message.get("ZQN-1") for message in about if message.get("MSH-9.2") == "A10"] == ["A002", "A002"]
    assert {row["answer_code"] for row in books.store.rows("SELECT answer_code FROM his_received")} == {"AA"}
