"""What a program of another system is told of a visit by FHIR, and what it is not."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.identity import service as identity
from app.identity.models import Patient
from app.invoice.models import Filing, Invoice
from app.invoice.states import FilingState
from app.kernel.audit import AuditEvent
from app.payment import refunds
from app.payment.ports import RefundFact, RefundFactState
from app.registration import by_hospital
from app.registration.models import Registration
from app.reports import service as reports
from app.reports.rules import ObservationIn, ReportIn
from tests import factories
from tests.web.fhir_fixtures import Program, code_of, program
from tests.web.test_terminal import HANDED, match, served
from tests.web.work_fixtures import House, house

__all__ = ["house"]
HERE = "http://127.0.0.1:8000/fhir"
CARD = "urn:oid:2.16.156.10011.1.3"


@pytest.fixture
def reader(house: House) -> Program:
    return program(house)


def a_report(house: House, patient: Patient, status: str = "F") -> str:
    observations = (
        ObservationIn("WBC", "白细胞计数", "12.3", "10^9/L", "3.5-9.5", "H"),
        ObservationIn("CRP", "C反应蛋白", "<0.5", "mg/L", "0-10", ""),
        ObservationIn("COL", "颜色", "淡黄色", "", "", ""),
    )
    moment = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
    sent = ReportIn("LAB1", patient.id, None, "CBC", "血常规", status, moment, observations)
    with house.units.open() as uow:
        return reports.receive_from_his(uow, report=sent, peer="HIS").public_id


def test_a_patient_is_found_by_number_in_the_body_and_read_by_id(house: House, reader: Program):
    with house.units.open() as uow:
        said = identity.PatientFromHis("M1001", name="张秀英", birth_date=datetime(1980, 1, 1).date())
        patient = identity.file_patient_from_his(uow, said)

    bundle = reader.post_search("Patient", identifier=f"{HERE}/ids/mrn|M1001")
    told = reader.get(f"/Patient/{patient.public_id}")

    assert [entry["resource"] for entry in bundle["entry"]] == [told]
    assert told["name"][0]["text"] == "张秀英"
    assert told["identifier"][0]["value"] == "M1001"
    assert told["birthDate"] == "1980-01-01"
    assert "M1001" not in json.dumps(bundle["link"])
    assert house.audited("fhir.read") == house.audited("fhir.search") == 1


def test_the_identity_number_finds_and_is_never_told(house: House, reader: Program):
    with house.units.open() as uow:
        who = factories.person(uow)
        number = identity.id_number_of(uow, who.patient)

    bundle = reader.post_search("Patient", identifier=f"{CARD}|{number}")

    assert bundle["entry"][0]["resource"]["id"] == who.patient.public_id
    assert number not in json.dumps(bundle)


NOT_UNDERSTOOD = [
    (f"/Patient?identifier={CARD}|110105198001010012", {"identifier": "use_post_search"}),
    ("/Patient", {"identifier": "required"}),
    ("/Patient?name=张", {"name": "unknown_parameter"}),
    ("/Invoice", {"patient": "required"}),
    ("/Appointment?date=2026-13-40", {"date": "not_a_day"}),
    ("/Slot?start=ge2026-11-23T09:00:00", {"start": "not_a_day"}),
    ("/Slot?status=free&status=busy", {"status": "given_twice"}),
    ("/Slot?status=open", {"status": "unknown_code"}),
    ("/Slot?_count=many", {"_count": "not_a_number"}),
    ("/Slot?_format=xml", {"_format": "json_only"}),
    ("/Slot?_cursor=enc:v1:test:AAAA:AAAA", {"_cursor": "not_valid"}),
    ("/Slot?_cursor=%F0%9F%8F%A5", {"_cursor": "not_valid"}),
    ("/MedicationRequest?patient=Patient/x", {"patient": "not_a_reference"}),
]


def test_a_search_that_is_not_understood_is_refused_and_not_widened(reader: Program):
    for path, fields in NOT_UNDERSTOOD:
        refused = reader.get(path, status=422)

        assert code_of(refused) == "bad_input"
        assert json.loads(refused["issue"][0]["diagnostics"])["fields"] == fields


def test_no_number_of_a_person_is_in_the_log(house: House, reader: Program, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)

    reader.get(f"/Patient?identifier={CARD}|110105198001010012", status=422)
    reader.post_search("Patient", identifier=f"{CARD}|110105198001010012")

    assert "110105198001010012" not in caplog.text + str([record.__dict__ for record in caplog.records])


def test_places_come_page_after_page_each_once_and_in_order(house: House, reader: Program):
    schedule = reader.found("/Schedule?date=2026-11-23")[0]
    path, seen = f"/Slot?schedule=Schedule/{schedule['id']}&status=free&_count=7", []

    while path:
        page = reader.get(path)
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        following = {link["relation"]: link["url"] for link in page["link"]}.get("next", "")
        path = following.removeprefix(HERE)

    assert seen == [f"{schedule['id']}-{number}" for number in range(1, 21)]
    assert reader.get(f"/Slot/{seen[0]}")["schedule"] == {"reference": f"Schedule/{schedule['id']}"}
    assert schedule["actor"][0]["identifier"]["value"] == house.clinic.practitioner.code


def test_a_cursor_is_sealed_and_for_one_client(house: House, reader: Program):
    who, _ = house.booked()
    house.booked("李建国")
    page = reader.get("/Appointment?date=2026-11-23&_count=1")
    following = page["link"][1]["url"]

    stolen = program(house, name="别家").get(following.removeprefix(HERE), status=422)
    rest = reader.get(following.removeprefix(HERE))

    assert "2026-11-23" not in urlsplit(following).query
    assert who.patient.public_id not in following
    assert code_of(stolen) == "bad_input"
    assert len(rest["entry"]) == 1
    assert [link["relation"] for link in rest["link"]] == ["self"]


def test_the_whole_visit_is_told(house: House, reader: Program):
    who, _ = house.ready_bag()
    patient = f"patient=Patient/{who.patient.public_id}"

    visits = reader.found(f"/Appointment?{patient}")
    drugs = reader.found(f"/MedicationRequest?{patient}")
    told = reader.found(f"/Invoice?{patient}")
    nothing = reader.get(f"/MedicationDispense?{patient}")

    assert [visit["status"] for visit in visits] == ["booked"]
    assert drugs[0]["status"] == "active"
    assert drugs[0]["subject"]["reference"] == f"Patient/{who.patient.public_id}"
    assert "entry" not in nothing
    assert [each["totalNet"]["value"] for each in told] == [25.0, sum_of(house, who.patient.id)]
    for each in (*visits, *drugs, *told):
        assert reader.get(f"/{each['resourceType']}/{each['id']}") == each


def sum_of(house: House, patient_id: int) -> float:
    with house.units.open(reads_only=True) as uow:
        last = select(Invoice.total_fen).where(Invoice.patient_id == patient_id).order_by(Invoice.id.desc())
        return uow.session.scalars(last).first() / 100


def test_a_red_invoice_names_the_blue_one_it_takes_back(house: House, reader: Program):
    who, visit = house.booked()
    with house.units.open() as uow:
        by_hospital.take_back(uow, uow.session.get_one(Registration, visit.id))
    refunds.send_refunds(house.units, house.till)
    with house.units.open() as uow:
        (number,) = house.till.refunds
        refunds.finish(uow, number, RefundFact(RefundFactState.SUCCEEDED))

    taken_back, red = reader.found(f"/Invoice?patient={who.patient.public_id}")

    assert (taken_back["status"], red["status"]) == ("cancelled", "issued")
    assert red["totalNet"] == {"value": -25.0, "currency": "CNY"}
    assert taken_back["identifier"][0]["value"] in red["note"][0]["text"]


def test_an_invoice_with_a_fiscal_number_is_known_by_it(house: House, reader: Program):
    who, _ = house.booked()
    with house.units.open() as uow:
        filing = uow.session.scalars(select(Filing).order_by(Filing.id.desc())).first()
        own = uow.session.get_one(Invoice, filing.invoice_id)
        filing.issuer, filing.state = "fiscal", FilingState.ISSUED
        filing.batch_code, filing.number, filing.check_code = "11060126", "0000000042", "a1b2c3"

    (told,) = reader.found(f"/Invoice?patient={who.patient.public_id}")

    assert [(each["use"], each["value"]) for each in told["identifier"]] == [
        ("official", "11060126-0000000042"),
        ("secondary", f"{own.batch_code}-{own.number}"),
    ]


def test_a_report_holds_its_findings_and_a_withdrawn_one_none(house: House, reader: Program):
    with house.units.open() as uow:
        who = factories.person(uow)
    report_id = a_report(house, who.patient)

    told = reader.get(f"/DiagnosticReport/{report_id}")
    a_report(house, who.patient, status="X")
    withdrawn = reader.found(f"/DiagnosticReport?patient={who.patient.public_id}")[0]

    white, protein, colour = told["contained"]
    assert white["valueQuantity"] == {"value": 12.3, "unit": "10^9/L"}
    assert white["interpretation"][0]["coding"][0]["code"] == "H"
    assert protein["valueQuantity"] == {"value": 0.5, "comparator": "<", "unit": "mg/L"}
    assert colour["valueString"] == "淡黄色"
    assert [each["reference"] for each in told["result"]] == ["#o1", "#o2", "#o3"]
    assert withdrawn["status"] == "entered-in-error"
    assert "contained" not in withdrawn


def test_every_look_at_a_record_is_the_clients(house: House, reader: Program):
    who, _ = house.booked()
    reader.found("/Appointment?date=2026-11-23")
    reader.found("/Slot?start=2026-11-23")

    with house.units.open(reads_only=True) as uow:
        deeds = uow.session.scalars(select(AuditEvent).where(AuditEvent.action.like("fhir.%"))).all()

    assert [(deed.actor_kind, deed.actor_ref) for deed in deeds] == [("client", reader.client_id)]
    assert (deeds[0].subject_kind, deeds[0].subject_ref) == ("patient", who.patient.public_id)
    assert deeds[0].detail == {"resource": "Appointment", "count": 1}


def test_whoever_has_it_already_is_not_sent_it_again(house: House, reader: Program):
    who, _ = house.booked()
    path = f"/fhir/Patient/{who.patient.public_id}"
    first = reader.browser.get(path, headers=reader.headers)

    same = reader.browser.get(path, headers=reader.headers | {"If-None-Match": first.headers["ETag"]})

    assert same.status_code == 304
    assert not same.data


NOT_THERE = [
    ("GET", "/fhir/Patient/0123456789abcdefghjkmnpqrs", 404, "not_found"),
    ("GET", "/fhir/Slot/0123456789abcdefghjkmnpqrs-99999999999999999999", 404, "not_found"),
    ("GET", "/fhir/Slot/%00", 422, "bad_input"),
    ("GET", "/fhir/Encounter", 404, "not_found"),
    ("GET", "/fhir/Patient/1/_history/2", 404, "not_found"),
    ("PUT", "/fhir/Patient/1", 405, "method_not_allowed"),
    ("DELETE", "/fhir/Appointment/1", 405, "method_not_allowed"),
]


def test_what_is_not_there_is_refused_as_fhir_refuses(reader: Program):
    for method, path, status, code in NOT_THERE:
        answer = reader.browser.open(path, method=method, headers=reader.headers)

        assert code_of(Program._read(answer, status)) == code
    assert code_of(reader.get("/Slot", status=406, Accept="application/fhir+xml")) == "bad_request"


def test_the_statement_of_what_it_can_do_is_open_and_valid(house: House):
    browser = house.app.test_client()

    told = Program._read(browser.get("/fhir/metadata"), 200)

    assert told["fhirVersion"] == "4.0.1"
    assert {each["type"] for each in told["rest"][0]["resource"]} == {
        *("Patient", "Schedule", "Slot", "Appointment"),
        *("MedicationRequest", "MedicationDispense", "DiagnosticReport", "Invoice"),
    }
    assert browser.get("/fhir/.well-known/smart-configuration").json["token_endpoint"] == f"{HERE}/token"


def test_a_drug_in_the_patients_hands_is_a_dispense(house: House, reader: Program):
    pharmacist, bag = served(house)
    match(pharmacist, bag, bag.bag_code)
    pharmacist.post(f"/terminal/bags/{bag.public_id}/hand-over", data=HANDED)

    with house.units.open(reads_only=True) as uow:
        patient_id = uow.session.get_one(Patient, bag.patient_id).public_id

    dispense = reader.found(f"/MedicationDispense?patient={patient_id}")[0]
    request = reader.get(f"/{dispense['authorizingPrescription'][0]['reference']}")

    assert (dispense["status"], request["status"]) == ("completed", "completed")
    assert dispense["quantity"] == request["dispenseRequest"]["quantity"]
    assert reader.get(f"/MedicationDispense/{dispense['id']}") == dispense
