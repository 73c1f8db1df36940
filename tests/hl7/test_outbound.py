"""What the hospital system is told: the right message for each event, valid by the standard's own tables."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hl7apy.parser import parse_message
from hl7apy.validation import Validator
from sqlalchemy.engine import Engine

from app.identity import service as identity
from app.kernel.crypto import Keyring
from app.kernel.uow import Units
from app.payment.models import Refund
from app.payment.states import BillState, RefundState
from app.pharmacy.models import Bag
from app.pharmacy.states import BagState
from app.queueing import service as queueing
from app.registration import by_hospital
from app.registration import service as registration
from app.registration.models import Registration
from config import Hl7Settings
from hl7_adapter.er7 import Message, parse
from hl7_adapter.mapping.outbound import WRITERS, write
from tests import factories, factories_pharmacy
from tests.conftest import MORNING, SHANGHAI, SetClock
from tests.factories import Clinic, Person
from tests.hl7 import profiled

OURS = Hl7Settings(his_host="127.0.0.1", his_port=0, answer_timeout_seconds=10)


@dataclass
class Visit:
    """Somebody with a place in this morning's session."""

    units: Units
    clinic: Clinic
    person: Person
    registration: Registration


@pytest.fixture
def visit(engine: Engine, clock: SetClock, keys: Keyring) -> Visit:
    """Nothing follows any event here: bills, bags and what is to be told are put there by the test."""
    quiet = Units(engine, clock, keys, SHANGHAI, {})
    with quiet.open() as uow:
        clinic, person = factories.clinic(uow), factories.person(uow)
    return Visit(quiet, clinic, person, factories.booked(quiet, person, clinic.session))


def told(units: Units, event: str, **ids: object) -> Message | None:
    with units.open(reads_only=True) as uow:
        raw = write(uow, OURS, {"event": event, **ids}, "MZ0000000001")
    if raw is None:
        return None
    assert_valid(raw)
    return parse(raw)


def assert_valid(raw: bytes) -> None:
    """hl7apy's tables of v2.5.1, which lack our segment ZQN, and our own profile find nothing wrong."""
    text = "\r".join(line for line in raw.decode().split("\r") if not line.startswith("ZQN"))
    Validator.validate(parse_message(text, find_groups=True))
    assert profiled.departures(parse(raw)) == []


def test_a_patient_from_the_phone_is_told_until_the_hospital_knows_them(visit: Visit) -> None:
    patient = visit.person.patient

    message = told(visit.units, "PatientFiled", patient_id=patient.id)
    with visit.units.open() as uow:
        identity.file_patient_from_his(
            uow, identity.PatientFromHis(mrn="P1", id_number=identity.id_number_of(uow, patient))
        )
    after = told(visit.units, "PatientFiled", patient_id=patient.id)

    assert message is not None
    assert message.get("MSH-9") == "ADT^A04^ADT_A01"
    assert (message.get("PID-3.1"), message.get("PID-3.4")) == (patient.public_id, "MENZHEN")
    assert message.get("PID-3[2].5") == "NNCHN"
    with visit.units.open(reads_only=True) as uow:
        card = identity.id_number_of(uow, patient)
    told_of = ("张秀英", card[6:14], "M" if int(card[16]) % 2 else "F")
    assert (message.get("PID-5"), message.get("PID-7"), message.get("PID-8")) == told_of
    assert after is None


def test_a_booked_place_is_asked_for_with_doctor_room_and_time(visit: Visit) -> None:
    message = told(visit.units, "RegistrationBooked", registration_id=visit.registration.id, patient_id=1)

    assert message is not None
    assert message.get("MSH-9") == "SRM^S01^SRM_S01"
    assert (message.get("MSH-10"), message.get("MSH-18")) == ("MZ0000000001", "UNICODE UTF-8")
    assert message.get("ARQ-1.1") == message.get("PV1-19.1") == visit.registration.visit_number
    assert message.get("ARQ-11") == "20261123093000+0800^20261123094500+0800"
    assert message.get("ARQ-7") == message.get("ARQ-22") == ""
    assert (message.get("AIS-3.1"), message.get("AIS-7")) == ("GI", "15")
    assert (message.get("AIP-3"), message.get("AIL-3.2")) == ("DGI^张伟", "3-05")


def test_a_moved_visit_is_told_with_its_new_time_until_it_is_given_back(visit: Visit) -> None:
    ids = {"registration_id": visit.registration.id, "patient_id": 1, "nth": 1}

    message = told(visit.units, "RegistrationRescheduled", **ids)
    with visit.units.open() as uow:
        going = uow.session.get_one(Registration, visit.registration.id)
        registration.give_back(uow, going, by_hospital=True, why="session_stopped")

    assert message is not None
    assert message.get("MSH-9") == "SRM^S02^SRM_S01"
    assert (message.get("ARQ-1.1"), message.get("ARQ-6.1")) == (visit.registration.visit_number, "MOVED")
    assert message.get("ARQ-11") == "20261123093000+0800^20261123094500+0800"
    assert told(visit.units, "RegistrationRescheduled", **ids) is None


def test_a_cancelled_place_is_told_under_the_number_the_hospital_gave(visit: Visit) -> None:
    with visit.units.open() as uow:
        by_hospital.known_as(uow, visit.registration, system="HIS|HOSPITAL", value="HIS7")

    message = told(
        visit.units, "RegistrationCancelled", registration_id=visit.registration.id, was_paid=True, by_hospital=True
    )

    assert message is not None
    assert message.get("MSH-9") == "SRM^S04^SRM_S01"
    assert (message.get("ARQ-2.1"), message.get("ARQ-6.1")) == ("HIS7", "HOSPITAL")


def test_a_place_that_was_only_held_is_not_told_of(visit: Visit) -> None:
    with visit.units.open() as uow:
        other = factories.person(uow)
    held = factories.held(visit.units, other, visit.clinic.session)
    with visit.units.open(other.actor) as uow:
        registration.cancel(uow, public_id=held.public_id)

    assert told(visit.units, "RegistrationCancelled", registration_id=held.id, by_hospital=False) is None


def test_a_check_in_is_told_with_number_and_room(visit: Visit) -> None:
    with visit.units.open() as uow:
        ticket = queueing.check_in(uow, registration=uow.session.get_one(Registration, visit.registration.id))

    message = told(visit.units, "PatientCheckedIn", registration_id=visit.registration.id, ticket_id=ticket.id)

    assert message is not None
    assert message.get("MSH-9") == "ADT^A10^ADT_A09"
    assert message.get("PV1-19.1") == visit.registration.visit_number
    assert (message.get("ZQN-1"), message.get("ZQN-2")) == ("A001", "3-05")


def test_a_check_in_that_was_a_mistake_is_told_without_a_number(visit: Visit) -> None:
    message = told(visit.units, "CheckInTakenBack", registration_id=visit.registration.id, ticket_id=1)

    assert message is not None
    assert message.get("MSH-9") == "ADT^A11^ADT_A09"
    assert (message.get("PV1-19.1"), "ZQN" in message) == (visit.registration.visit_number, False)


def paid_bill(visit: Visit) -> int:
    with visit.units.open() as uow:
        written = factories_pharmacy.a_prescription(uow, visit.person.patient.id, registration_id=visit.registration.id)
        bill = factories_pharmacy.a_bill(uow, visit.person.patient.id, written.id)
        factories_pharmacy.pay(uow, bill)
        return bill.id


def test_a_payment_is_told_line_by_line_with_what_insurance_bears(visit: Visit) -> None:
    message = told(visit.units, "BillPaid", bill_id=paid_bill(visit), purpose="prescription")

    assert message is not None
    assert message.get("MSH-9") == "DFT^P03^DFT_P03"
    charge, payment = message.segments("FT1")
    assert (charge.get("6"), payment.get("6")) == ("CG", "PY")
    assert (payment.get("7.1"), payment.get("10")) == ("D1", "2")
    assert (payment.written(11), payment.written(15)) == ("38.60&CNY", "20.00&CNY")
    assert payment.get("23.1").startswith("RX")
    assert message.get("PV1-19.1") == visit.registration.visit_number


def test_a_refund_is_told_as_credit_and_money_that_came_twice_is_not(visit: Visit) -> None:
    bill_id = paid_bill(visit)
    with visit.units.open() as uow:
        refund = Refund(
            bill_id=bill_id,
            payment_order_id=None,
            out_refund_no="rf1",
            amount_fen=0,
            reason="voided",
            state=RefundState.SUCCEEDED,
            requested_at=MORNING,
            query_due_at=MORNING,
        )
        uow.session.add(refund)
    while_paid = told(visit.units, "RefundSucceeded", refund_id=refund.id, bill_id=bill_id)
    with visit.units.open() as uow:
        uow.session.get_one(factories_pharmacy.Bill, bill_id).state = BillState.REFUNDED

    message = told(visit.units, "RefundSucceeded", refund_id=refund.id, bill_id=bill_id)

    assert while_paid is None
    assert message is not None
    assert [line.get("6") for line in message.segments("FT1")] == ["CD"]
    assert message.get("FT1-30.1") == "rf1"


def test_a_collected_bag_is_told_drug_by_drug(visit: Visit) -> None:
    units = visit.units
    pharmacy = factories_pharmacy.a_pharmacy(units)
    with units.open() as uow:
        bag = factories_pharmacy.a_ready_bag(uow, factories_pharmacy.a_person(uow), pharmacy)
    hand_over(units, bag, pharmacy)

    message = told(units, "BagCollected", bag_id=bag.id)

    assert message is not None
    assert message.get("MSH-9") == "RDS^O13^RDS_O13"
    assert (message.get("ORC-1"), message.get("RXD-2.1"), message.get("RXD-4")) == ("RE", "D1", "2")
    assert (message.get("RXD-10.2"), message.get("RXR-1.2")) == ("checker", "口服")
    assert message.get("ORC-4.1") == message.get("RXD-7")


def hand_over(units: Units, bag: Bag, pharmacy: factories_pharmacy.Pharmacy) -> None:
    from app.pharmacy.models import Dispense, DispenseLine
    from app.pharmacy.states import IdentityFact

    with units.open() as uow:
        found = uow.session.get_one(Bag, bag.id)
        found.state, found.collected_at = BagState.COLLECTED, MORNING
        made = Dispense(
            bag_id=bag.id,
            prescription_id=bag.prescription_id,
            patient_id=bag.patient_id,
            handed_over_at=MORNING,
            window_code="W1",
            terminal_code="T1",
            staff_id=pharmacy.checker_id,
            identity_fact=next(iter(IdentityFact)),
        )
        uow.session.add(made)
        uow.session.flush()
        uow.session.add(
            DispenseLine(
                dispense_id=made.id,
                line_no=1,
                drug_code="D1",
                drug_name="阿莫西林胶囊",
                spec="0.25g*24粒",
                quantity=2,
                unit="盒",
            )
        )


def test_every_event_that_is_told_has_a_message() -> None:
    from app.story import (
        STORY,
        tell_hospital,
        tell_hospital_each_time,
        tell_hospital_of_change,
        tell_hospital_of_new_doctor,
    )

    telling = {tell_hospital, tell_hospital_each_time, tell_hospital_of_change, tell_hospital_of_new_doctor}
    posted = {event.__name__ for event, followers in STORY.items() if telling & set(followers)}

    assert posted | {"PatientSought", "BillPaid", "SlotsAsked"} == set(WRITERS)
