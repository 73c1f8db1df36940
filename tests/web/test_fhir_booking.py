"""Programs get their tokens and book places by FHIR: once, the very place, by the hospital's rules."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import select

from app.identity import clients, guardians
from app.identity.models import ApiClient, ApiToken
from app.kernel import peers
from app.kernel.peers import Peer
from app.kernel.uow import Actor
from app.payment.models import Bill
from app.registration import deciding
from app.registration.models import Registration, Suspension
from app.rulebook import service as rulebook
from app.rulebook.terms import Breach
from app.scheduling import service as scheduling
from tests import factories
from tests.factories import Person
from tests.web.fhir_fixtures import Program, code_of, program
from tests.web.work_fixtures import House, house

__all__ = ["house"]


@pytest.fixture
def booker(house: House) -> Program:
    return program(house)


@pytest.fixture
def who(house: House) -> Person:
    with house.units.open() as uow:
        return factories.person(uow)


def wanted(house: House, who: Person, seq: int = 3, number: str = "") -> dict:
    identifier = [{"system": "urn:portal", "value": number}] if number else []
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "slot": [{"reference": f"Slot/{house.clinic.session.public_id}-{seq}"}],
        "participant": [{"actor": {"reference": f"Patient/{who.patient.public_id}"}, "status": "accepted"}],
    } | ({"identifier": identifier} if number else {})


def registrations(house: House) -> list[Registration]:
    with house.units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Registration)))


def told(appointment: dict) -> tuple[str, list[str]]:
    """The appointment's status, the patient's and the doctor's."""
    return appointment["status"], [each["status"] for each in appointment["participant"]]


def test_a_place_is_held_until_its_fee_is_paid(house: House, booker: Program, who: Person):
    made = booker.book(wanted(house, who))
    with house.units.open(reads_only=True) as uow:
        billed = uow.session.scalars(select(Bill.total_fen)).all()

    house.pay(who)
    paid = booker.get(f"/Appointment/{made['id']}")

    assert told(made) == ("pending", ["needs-action", "accepted"])
    assert made["extension"][0]["valueDateTime"] == "2026-11-23T09:40:00+08:00"
    assert made["slot"] == [{"reference": f"Slot/{house.clinic.session.public_id}-3"}]
    assert billed == [2500]
    assert registrations(house)[0].source_code == "fhir"
    assert told(paid) == ("booked", ["accepted", "accepted"])
    assert booker.get(f"/Slot/{house.clinic.session.public_id}-3")["status"] == "busy"
    assert house.audited("fhir.book") == 1


@pytest.mark.parametrize(
    ("says", "status", "participants"),
    [("yes", "booked", ["accepted", "accepted"]), ("no", "cancelled", ["accepted", "accepted"])],
)
def test_a_place_of_which_the_hospital_system_is_asked_is_pending_until_it_answers(
    house: House, booker: Program, who: Person, says: str, status: str, participants: list[str]
):
    with house.units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", decides_bookings=True))
        free = factories.another_session(uow, house.clinic.practitioner, days=1, fee_fen=0).public_id
    slot = {"slot": [{"reference": f"Slot/{free}-1"}]}
    at_once = booker.book(wanted(house, who) | slot)
    asked = booker.get(f"/Appointment/{at_once['id']}")

    with house.units.open(Actor("peer", "hl7-sender")) as uow:
        visit = uow.session.scalars(select(Registration)).one()
        if says == "yes":
            deciding.accepted(uow, visit, nth=0)
        else:
            deciding.refused(uow, visit, nth=0, reason="AE 205")
    answered = booker.get(f"/Appointment/{at_once['id']}")

    assert told(at_once) == told(asked) == ("pending", ["accepted", "needs-action"])
    assert "extension" not in asked
    assert told(answered) == (status, participants)


def test_json_that_is_nested_without_end_is_refused_like_any_other_nonsense(house: House, booker: Program):
    deep, json_type = "[" * 100_000, {"Content-Type": "application/fhir+json"}
    pharmacist = house.browser("checker")

    appointment = booker.browser.post("/fhir/Appointment", data=deep, headers=booker.headers | json_type)
    scan = pharmacist.post("/terminal/scan", data=deep, content_type="application/json")

    assert (appointment.status_code, code_of(appointment.get_json(force=True))) == (400, "bad_request")
    assert (scan.status_code, "bad_input" in scan.text) == (422, True)


def test_the_same_number_books_once(house: House, booker: Program, who: Person):
    first = booker.book(wanted(house, who, number="A-1"))

    again = booker.book(wanted(house, who, number="A-1"), status=200)
    by_header = booker.book(wanted(house, who), status=200, **{"If-None-Exist": "identifier=urn:portal|A-1"})
    found = booker.post_search("Appointment", identifier="urn:portal|A-1")

    assert first["id"] == again["id"] == by_header["id"] == found["entry"][0]["resource"]["id"]
    assert {"system": "urn:portal", "value": "A-1"} in first["identifier"]
    assert len(registrations(house)) == 1


def test_a_number_that_names_another_patient_books_nothing(house: House, booker: Program, who: Person):
    booker.book(wanted(house, who, number="A-1"))
    with house.units.open() as uow:
        other = factories.person(uow, name="李建国")

    refused = booker.book(wanted(house, other, seq=4, number="A-1"), status=422)

    assert code_of(refused) == "once_key_reused"
    assert len(registrations(house)) == 1


def test_the_number_of_one_client_is_nothing_to_another(house: House, booker: Program, who: Person):
    booker.book(wanted(house, who, number="A-1"))

    found = program(house, name="别家").post_search("Appointment", identifier="urn:portal|A-1")

    assert "entry" not in found


def test_a_place_that_is_anothers_is_sold_out_though_others_are_free(house: House, booker: Program, who: Person):
    booker.book(wanted(house, who))
    with house.units.open() as uow:
        other = factories.person(uow, name="李建国")

    refused = booker.book(wanted(house, other), status=409)
    taken = booker.book(wanted(house, other, seq=4))

    assert code_of(refused) == "sold_out"
    assert refused["issue"][0]["code"] == "conflict"
    assert taken["slot"][0]["reference"].endswith("-4")


def test_a_second_place_with_the_same_doctor_is_a_duplicate(house: House, booker: Program, who: Person):
    first = booker.book(wanted(house, who))

    refused = booker.book(wanted(house, who, seq=5), status=409)

    assert code_of(refused) == "already_registered"
    assert json.loads(refused["issue"][0]["diagnostics"])["registration"] == first["id"]


def test_a_stopped_session_has_no_free_places(house: House, booker: Program, who: Person):
    session = house.clinic.session.public_id
    with house.units.open() as uow:
        scheduling.stop_session(uow, public_id=session, why="test")

    free = booker.get(f"/Slot?schedule=Schedule/{session}&status=free")
    refused = booker.book(wanted(house, who), status=409)

    assert "entry" not in free
    assert booker.get(f"/Slot/{session}-3")["status"] == "busy-unavailable"
    assert code_of(refused) == "session_closed"


def test_the_hospitals_rules_hold_for_programs_too(house: House, booker: Program, who: Person):
    with house.units.open() as uow:
        since, until = uow.now() - timedelta(days=1), uow.now() + timedelta(days=30)
        told = {"breach": Breach.NO_SHOW, "breaches": 3, "within_months": 6, "appeal_sealed": ""}
        uow.session.add(Suspension(patient_id=who.patient.id, begins_at=since, ends_at=until, **told))

    refused = booker.book(wanted(house, who), status=409)

    assert code_of(refused) == "patient_suspended"


NOT_UNDERSTOOD = [
    ({"resourceType": "Patient"}, {"resourceType": "not_an_appointment"}),
    ({"status": "fulfilled"}, {"status": "cannot_be_created"}),
    ({"status": ["booked"]}, {"status": "cannot_be_created"}),
    ({"slot": []}, {"slot": "one_needed"}),
    ({"slot": "Slot/1"}, {"slot": "one_needed"}),
    ({"slot": [{"reference": "Slot/0123456789abcdefghjkmnpqrs-1"}]}, {"slot": "not_found"}),
    ({"participant": [{"actor": "x"}, 7, {"actor": {"reference": 5}}]}, {"participant": "one_needed"}),
    ({"identifier": [{"value": "1"}]}, {"identifier": "needs_system_and_value"}),
    ({"identifier": [{"system": "s", "value": "\ud800"}]}, {"identifier": "needs_system_and_value"}),
    ({"identifier": [{"system": "s", "value": "x" * 100}]}, {"identifier": "too_long"}),
]
NO_RESOURCES = [b"", b"{", b"[]", b"null", b"\xff", b'{"resourceType":"Appointment","a":NaN}']


def test_a_booking_that_is_not_understood_is_refused_by_field(house: House, booker: Program, who: Person):
    for change, fields in NOT_UNDERSTOOD:
        refused = booker.book(wanted(house, who) | change, status=422)

        assert json.loads(refused["issue"][0]["diagnostics"])["fields"] == fields
    assert registrations(house) == []


def test_a_body_that_is_no_resource_is_refused(booker: Program):
    headers = booker.headers | {"Content-Type": "application/fhir+json"}

    for body in NO_RESOURCES:
        answer = booker.browser.post("/fhir/Appointment", data=body, headers=headers)

        assert answer.status_code in {400, 422}
        assert code_of(Program._read(answer, answer.status_code)) in {"bad_request", "bad_input"}


def test_without_the_scope_nothing_is_read_or_booked(house: House, who: Person):
    reader = program(house, "system/Patient.read")

    told = reader.get(f"/Patient/{who.patient.public_id}")
    refused = reader.get("/Slot", status=403), reader.book(wanted(house, who), status=403)

    assert told["active"] is True
    assert [code_of(each) for each in refused] == ["not_allowed", "not_allowed"]


def test_a_token_opens_for_a_quarter_of_an_hour(house: House, booker: Program):
    granted = booker.ask_token("system/Slot.read system/*.read")
    booker.get("/Slot")
    with house.units.open(reads_only=True) as uow:
        kept = {*uow.session.scalars(select(ApiClient.secret_hash)), *uow.session.scalars(select(ApiToken.token_hash))}

    house.clock.step(minutes=15)
    over = booker.get("/Slot", status=401)

    assert not {booker.secret, booker.token, granted.json["access_token"]} & kept
    assert granted.json["expires_in"] == 900
    assert granted.json["scope"] == "system/*.read"
    assert granted.headers["Cache-Control"] == "no-store"
    assert code_of(over) == "token_refused"
    assert house.audited("client.token") == 2


def test_an_ended_client_gets_nothing_more(house: House, booker: Program):
    booker.get("/Slot")
    with house.units.open() as uow:
        clients.end_client(uow, booker.client_id)

    assert code_of(booker.get("/Slot", status=401)) == "token_refused"
    assert booker.ask_token().json == {"error": "invalid_client"}


def test_whoever_does_not_know_the_secret_gets_no_token(house: House, booker: Program):
    wrong = Program(house, booker.client_id, "guess", booker.browser)
    unknown = Program(house, "nobody", "guess", booker.browser)

    answers = [wrong.ask_token(), unknown.ask_token(), booker.ask_token("system/Encounter.read")]
    in_address = booker.browser.post("/fhir/token?client_secret=x", data={"grant_type": "client_credentials"})

    assert [(answer.status_code, answer.json["error"]) for answer in answers] == [
        (401, "invalid_client"),
        (401, "invalid_client"),
        (400, "invalid_scope"),
    ]
    assert in_address.json == {"error": "invalid_request"}


def test_guessing_a_secret_is_stopped(house: House, booker: Program):
    wrong = Program(house, booker.client_id, "guess", booker.browser)

    tries = [wrong.ask_token().status_code for _ in range(31)]

    assert tries == [401] * 30 + [429]


def test_the_operator_files_lists_and_ends_programs(house: House):
    file = ["fhir", "client", "add", "院内门户", "--scope", "system/*.read"]

    with house.app.app_context():
        made, twice = typed(house, *file), typed(house, *file)
        client_id = made.output.split()[1]
        ended, listed = typed(house, "fhir", "client", "end", client_id), typed(house, "fhir", "client", "list")

    assert [each.exit_code for each in (made, twice, ended, listed)] == [0, 1, 0, 0]
    assert "client_secret" in made.output
    assert "bad_client" in twice.output
    assert f"{client_id} ended 2026-11-23" in listed.output


def typed(house: House, *words: str) -> Result:
    return house.app.test_cli_runner().invoke(args=list(words))


def test_a_program_books_a_child_by_a_standing_consent_and_the_verified_where_only_they_may(
    house: House, booker: Program, who: Person
):
    child = factories.child(house.units, who)
    with house.units.open(who.actor) as uow:
        guardians.withdraw(uow, child.patient)

    for_the_child = booker.book(wanted(house, child), status=409)
    with house.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"verified_only": True})
    unverified = booker.book(wanted(house, who), status=409)

    assert (code_of(for_the_child), code_of(unverified)) == ("guardian_consent_needed", "identity_not_verified")
    assert registrations(house) == []
