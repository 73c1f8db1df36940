"""What a patient on the phone waits for: told first, asked before, and undone when the hospital system says no."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.identity import service as identity
from app.identity.models import IdentityProof, Patient
from app.kernel import message_health, outbox, peers
from app.kernel.outbox import OutboxState
from app.kernel.peers import Peer, RefusedBooking
from app.kernel.uow import Actor
from app.registration.models import Registration
from app.registration.states import RegistrationState
from config import Hl7Settings
from hl7_adapter.ack import ErrorAt, build_ack, read_header
from hl7_adapter.er7 import Message, build, parse, segment
from hl7_adapter.mllp import serve
from hl7_adapter.sender import Sender
from hl7_adapter.sender.desk import Desk
from sandbox.his import messages
from sandbox.store import insert
from tests.conftest import MORNING, SetClock
from tests.hl7.test_mllp import HOST, free_port
from tests.hl7.test_outbound import Visit, told, visit
from tests.hl7.test_sender import post, rows
from tests.processes.hl7_outward import simulated_his

__all__ = ["visit"]
HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL")


class Hospital:
    """A hospital system that answers a question with `found`, a booking with `code`, and takes everything else."""

    def __init__(self, *found: list[object], code: str = "AA 0") -> None:
        self.heard: list[Message] = []
        self._found, self._code = found, code

    async def handle(self, raw: bytes, _peer: str) -> bytes:
        message = parse(raw)
        self.heard.append(message)
        code, number = (self._code if message.get("MSH-9.1") in ("SRM", "QBP") else "AA 0").split()
        if message.get("MSH-9.1") == "QBP" and code == "AA":
            status = "OK" if self._found else "NF"
            head = segment("MSH", {9: ("RSP", "K22", "RSP_K21"), 10: "R1", 11: "P", 12: "2.5.1"})
            msa, qak = segment("MSA", {1: "AA", 2: message.get("MSH-10")}), segment("QAK", {1: "Q", 2: status})
            return build([head, msa, qak, *self._found])
        faults = (ErrorAt(int(number), "", "as told"),) if int(number) else ()
        return build_ack(read_header(raw), code, faults, control_id="H1", now=MORNING)

    @property
    def kinds(self) -> list[str]:
        return [message.get("MSH-9.1") + "^" + message.get("MSH-9.2") for message in self.heard]


def agreed(visit: Visit, **terms: object) -> None:
    with visit.units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, replace(HIS, **terms))


def sent(visit: Visit, hospital: Hospital, clock: SetClock) -> None:
    async def run() -> None:
        port = free_port()
        server = await serve(HOST, port, hospital.handle)
        sender = Sender(visit.units, Hl7Settings(his_host=HOST, his_port=port, answer_timeout_seconds=10))
        for _ in range(3):
            await sender.round()
            clock.step(minutes=1)
        sender.stopping.set()
        await sender.run()
        await server.close(0)

    asyncio.run(run())


def state_of(visit: Visit) -> RegistrationState:
    with visit.units.open(reads_only=True) as uow:
        return uow.session.get_one(Registration, visit.registration.id).state


def test_what_somebody_waits_for_goes_before_what_only_has_to_arrive(visit: Visit) -> None:
    with visit.units.open() as uow:
        payload = {"event": "PatientFiled", "patient_id": visit.person.patient.id}
        for number in range(5):
            outbox.post(uow, "hospital", f"x{number}", payload, lane=f"patient-{number}")
        outbox.post(uow, "hospital", "now", payload, lane="patient-9", is_urgent=True)

    letters = Desk(visit.units, Hl7Settings()).turn([], 1).letters

    assert [letter.item_id for letter in letters] == [row.id for row in rows(visit) if row.key == "now"]


def test_an_urgent_message_that_is_not_answered_in_time_is_counted(visit: Visit, clock: SetClock) -> None:
    sought(visit)
    counts = []

    for seconds in (0, 6):
        clock.step(seconds=seconds)
        with visit.units.open(reads_only=True) as uow:
            counts.append(message_health.overdue(uow, 5))
    sent(visit, Hospital(), clock)
    with visit.units.open(reads_only=True) as uow:
        counts.append(message_health.overdue(uow, 5))

    assert counts == [0, 2, 0]


@pytest.mark.parametrize(
    ("policy", "code", "state", "letter"),
    [
        (RefusedBooking.GIVE_BACK, "AR 204", RegistrationState.CANCELLED, OutboxState.SENT),
        (RefusedBooking.GIVE_BACK, "AE 205", RegistrationState.CANCELLED, OutboxState.SENT),
        (RefusedBooking.GIVE_BACK, "AE 206", RegistrationState.BOOKED, OutboxState.WAITING),
        (RefusedBooking.PERSON, "AE 205", RegistrationState.BOOKED, OutboxState.DEAD),
    ],
)
def test_a_place_that_is_refused_for_good_is_given_back_where_that_was_agreed(
    visit: Visit, clock: SetClock, policy: RefusedBooking, code: str, state: RegistrationState, letter: OutboxState
) -> None:
    agreed(visit, refused_booking=policy)
    post(visit, "RegistrationBooked")

    sent(visit, Hospital(code=code), clock)

    assert (state_of(visit), rows(visit)[0].state) == (state, letter)
    if state is RegistrationState.CANCELLED:
        gone = {"registration_id": visit.registration.id, "was_paid": True, "by_hospital": True}
        assert told(visit.units, "RegistrationCancelled", **gone) is None


def sought(visit: Visit) -> str:
    """The patient is to be asked for and told of; gives the identity card."""
    patient = visit.person.patient
    with visit.units.open() as uow:
        for event in ("PatientSought", "PatientFiled"):
            payload = {"event": event, "patient_id": patient.id}
            outbox.post(uow, "hospital", f"{event}:{patient.id}", payload, lane="patient-1", is_urgent=True)
        return identity.id_number_of(uow, patient)


def a_person(number: str, card: str, name: str = "张秀英") -> list[object]:
    return segment("PID", {3: [(number, "", "", "HIS", "PI"), (card, "", "", "", "NNCHN")], 5: name})


def number_of(visit: Visit) -> str:
    with visit.units.open(reads_only=True) as uow:
        return identity.identifier_of(uow, visit.person.patient.id, "his")


def test_a_patient_whom_the_hospital_knows_is_not_told_of(visit: Visit, clock: SetClock) -> None:
    agreed(visit, is_asked_first=True)
    card = sought(visit)
    hospital = Hospital(a_person("P77", card))

    sent(visit, hospital, clock)

    assert hospital.kinds == ["QBP^Q22"]
    assert hospital.heard[0].get("QPD-3") == f"@PID.3.1^{card}"
    assert number_of(visit) == "P77"


@pytest.mark.parametrize(("name", "proof"), [("张秀英", IdentityProof.HOSPITAL), ("章秀英", IdentityProof.UNVERIFIED)])
def test_a_patient_whom_the_hospital_knows_by_the_same_name_is_verified(
    visit: Visit, clock: SetClock, name: str, proof: IdentityProof
) -> None:
    agreed(visit, is_asked_first=True)
    hospital = Hospital(a_person("P77", sought(visit), name))

    sent(visit, hospital, clock)

    assert number_of(visit) == "P77"
    with visit.units.open(reads_only=True) as uow:
        assert uow.session.get_one(Patient, visit.person.patient.id).proof == proof


@pytest.mark.parametrize(
    "hospital",
    [
        Hospital(),
        Hospital(a_person("P78", "110101195001019999")),
        Hospital(code="AR 200"),
        Hospital(code="AE 207"),
    ],
    ids=["nobody", "somebody else", "no such question", "not now"],
)
def test_without_the_patient_s_number_the_hospital_is_told_of_the_patient(
    visit: Visit, clock: SetClock, hospital: Hospital
) -> None:
    agreed(visit, is_asked_first=True, retry_codes=())
    sought(visit)

    sent(visit, hospital, clock)

    assert hospital.kinds == ["QBP^Q22", "ADT^A04"]
    assert number_of(visit) == ""


def test_two_records_with_one_card_are_nobody_s_number(visit: Visit, clock: SetClock) -> None:
    agreed(visit, is_asked_first=True)
    card = sought(visit)
    hospital = Hospital(a_person("P77", card), a_person("P79", card))

    sent(visit, hospital, clock)

    assert (hospital.kinds, number_of(visit)) == (["QBP^Q22", "ADT^A04"], "")


def test_nobody_is_asked_where_that_was_not_agreed(visit: Visit, clock: SetClock) -> None:
    sought(visit)
    hospital = Hospital()

    sent(visit, hospital, clock)

    assert hospital.kinds == ["ADT^A04"]


def test_the_question_is_valid_by_the_standard_s_tables(visit: Visit) -> None:
    message = told(visit.units, "PatientSought", patient_id=visit.person.patient.id)

    assert message is not None
    assert (message.get("MSH-9"), message.get("RCP-1")) == ("QBP^Q22^QBP_Q21", "I")


@pytest.mark.parametrize(("is_known", "kinds"), [(True, ["QBP^Q22"]), (False, ["QBP^Q22", "ADT^A04"])])
def test_the_simulated_hospital_names_whom_it_told_of_itself(
    visit: Visit, clock: SetClock, tmp_path: Path, is_known: bool, kinds: list[str]
) -> None:
    agreed(visit, is_asked_first=True)
    card = sought(visit)
    with simulated_his(tmp_path) as books:
        if is_known:
            raw = messages.write("a04", {"patient_id": "P77", "id_number": card, "name": "张秀英"}, "OWN")
            said = {"control_id": "OWN", "kind": "a04", "raw": raw, "ack": b"", "ack_code": "AA", "sent_at": 0}
            with books.store.write() as db:
                insert(db, "his_sent", **said)
        settings = Hl7Settings(his_host=HOST, his_port=books.port, answer_timeout_seconds=10)
        asyncio.run(Sender(visit.units, settings).round())
        heard = [row["message_type"] for row in books.store.rows("SELECT message_type FROM his_received ORDER BY id")]

    assert (heard, number_of(visit)) == (kinds, "P77" if is_known else "")
