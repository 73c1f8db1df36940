"""The clinic's side of an appointment: what the hospital system books, moves, cancels, blocks and opens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import ORMExecuteState

from app.identity import service as identity
from app.identity.models import PatientIdentifier
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer
from app.kernel.unit_session import UnitSession
from app.kernel.uow import Units
from app.notifications.models import Message as Told
from app.payment.models import Bill
from app.queueing.models import Ticket
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SessionState, SlotState
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.mapping import decided
from hl7_adapter.mapping.outbound import write
from tests import factories
from tests.conftest import SetClock, is_postgres
from tests.hl7.files import visit
from tests.hl7.test_merging import person_called, send

OURS = Hl7Settings(his_host="127.0.0.1", his_port=0, answer_timeout_seconds=10)


def only_visit(units: Units) -> Registration:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Registration)).one()


def known_on_the_phone(units: Units, number: str = "P1") -> factories.Person:
    with units.open() as uow:
        who = factories.person(uow)
        uow.session.add(PatientIdentifier(patient_id=who.patient.id, system="his", value=number))
    return who


def session_of(units: Units) -> ClinicSession:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(ClinicSession).order_by(ClinicSession.id)).first()  # type: ignore[return-value]


def told(units: Units) -> list[str]:
    with units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Told.template).order_by(Told.id)))


def test_a_place_booked_at_the_hospitals_desk_is_booked_and_nothing_is_to_be_paid(hospital: Units) -> None:
    receive(hospital, visit("s12_book"))

    made = only_visit(hospital)
    with hospital.open(reads_only=True) as uow:
        slot = registration.slot_of(uow, made)
        assert slot is not None
        assert (made.state, made.fee_fen, slot.state) == (RegistrationState.BOOKED, 0, SlotState.TAKEN)
        assert slot.starts_at.astimezone(uow.zone).strftime("%H:%M") == "10:00"
        assert uow.session.scalars(select(Bill)).all() == []
        booked = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == f"RegistrationBooked:{made.id}")).one()
        assert write(uow, OURS, booked.payload, "MZ1") is None


@pytest.mark.skipif(not is_postgres(), reason="SQLite is asked for keys by the session")
def test_a_feed_of_bookings_and_cancellations_goes_around_the_orm(hospital: Units) -> None:
    """At hundreds a second each row that somebody who follows asks the session for costs as much as four hot ones."""

    def booked_and_cancelled(number: int) -> None:
        schedule, patient = f"SCH||F{number}", f"PID|1||P{number}^^^HIS^PI"
        person_called(hospital, f"P{number}")
        assert send(hospital, "SIU^S12", f"S{number}", schedule, patient, "AIP|1|A|DGI||| 20261123100000") == "AA"
        assert send(hospital, "SIU^S15", f"C{number}", schedule) == "AA"

    booked_and_cancelled(1)
    asked: list[str] = []

    def note(state: ORMExecuteState) -> None:
        asked.append(str(state.statement))

    event.listen(UnitSession, "do_orm_execute", note)
    try:
        booked_and_cancelled(2)
    finally:
        event.remove(UnitSession, "do_orm_execute", note)
    assert asked == []


def test_the_same_appointment_told_again_is_one_place(hospital: Units) -> None:
    receive(hospital, visit("s12_book"))

    receive(hospital, visit("s12_book").replace(b"S12_BOOK", b"AGAIN"))

    assert only_visit(hospital).state is RegistrationState.BOOKED


def test_the_place_that_the_phone_booked_is_the_hospitals_appointment(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    mine = factories.booked(hospital, who, session_of(hospital))

    first = send(
        hospital, "SIU^S12", "S1", f"SCH|{mine.visit_number}|F7", "PID|1||P1^^^HIS^PI", "AIP|1|A|DGI||| 20261123100000"
    )
    second = send(hospital, "SIU^S15", "S2", "SCH||F7")

    assert (first, second) == ("AA", "AA")
    assert only_visit(hospital).state is RegistrationState.CANCELLED


def test_a_place_that_waits_for_its_payment_is_not_taken_for_a_booked_one(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    factories.held(hospital, who, session_of(hospital))

    answer = send(hospital, "SIU^S12", "S1", "SCH||F7", "PID|1||P1^^^HIS^PI", "AIP|1|A|DGI||| 20261123100000")

    assert answer == "AE already_registered"


def test_a_moved_appointment_has_its_new_place_and_the_patient_is_told(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    mine = factories.booked(hospital, who, session_of(hospital))
    before = mine.slot_id
    receive(hospital, visit("s24_one_more"))

    answer = send(hospital, "SIU^S13", "S1", f"SCH|{mine.visit_number}", "AIP|1|A|DGI||| 20261130090000")

    moved = only_visit(hospital)
    with hospital.open(reads_only=True) as uow:
        slot = registration.slot_of(uow, moved)
        assert (answer, slot and slot.state, moved.visit_day.isoformat()) == ("AA", SlotState.TAKEN, "2026-11-30")
        assert uow.session.get_one(Slot, before).state is SlotState.FREE
    assert told(hospital)[-1] == "moved"


def test_a_place_cannot_move_into_a_full_session_and_stays(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    mine = factories.booked(hospital, who, session_of(hospital))

    answer = send(hospital, "SIU^S13", "S1", f"SCH|{mine.visit_number}", "AIP|1|A|DGI||| 20261123142900")

    assert answer == "AE sold_out"
    assert only_visit(hospital).slot_id == mine.slot_id


def test_who_arrives_at_the_desk_has_a_number_in_the_queue(hospital: Units) -> None:
    receive(hospital, visit("s12_book"))

    receive(hospital, visit("s14_arrived"))

    with hospital.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Ticket.number)).one().startswith("A")
    assert only_visit(hospital).state is RegistrationState.CHECKED_IN


def test_arriving_too_early_is_refused_at_the_status(hospital: Units, clock: SetClock) -> None:
    clock.at(clock.now() - timedelta(hours=2))
    receive(hospital, visit("s12_book"))

    answer = send(hospital, "SIU^S14", "S1", f"SCH||F1{'|' * 23}Arrived")

    assert answer == "AE check_in_too_early"


def test_what_the_hospital_cancels_frees_the_place_and_is_not_told_back(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    mine = factories.booked(hospital, who, session_of(hospital))

    answer = send(hospital, "SIU^S15", "S1", f"SCH|{mine.visit_number}")

    with hospital.open(reads_only=True) as uow:
        key = f"RegistrationCancelled:{mine.id}"
        row = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == key)).one()
        assert (answer, write(uow, OURS, row.payload, "MZ1")) == ("AA", None)
        assert scheduling.card_by_id(uow, mine.session_id).free_places == 20
    assert told(hospital)[-1] == "stopped"


def test_a_cancelled_appointment_can_be_booked_again_under_its_number(hospital: Units) -> None:
    receive(hospital, visit("s12_book"))
    send(hospital, "SIU^S17", "S1", "SCH||F1")

    receive(hospital, visit("s12_book").replace(b"S12_BOOK", b"ONCE_MORE"))
    moved = send(hospital, "SIU^S13", "S2", "SCH||F1", "AIP|1|A|DGI||| 20261123113000")

    with hospital.open(reads_only=True) as uow:
        states = list(uow.session.scalars(select(Registration.state).order_by(Registration.id)))
    assert (moved, states) == ("AA", [RegistrationState.CANCELLED, RegistrationState.BOOKED])


def test_a_blocked_session_is_stopped_and_opens_again(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    factories.booked(hospital, who, session_of(hospital))
    whole = ("SCH||B1", "AIS|1|A|GI|20261123093000|||5|h", "AIP|1|A|DGI")

    blocked, again = send(hospital, "SIU^S23", "S1", *whole), send(hospital, "SIU^S23", "S2", *whole)
    stopped = session_of(hospital).state
    opened, twice = send(hospital, "SIU^S24", "S3", *whole), send(hospital, "SIU^S24", "S4", *whole)

    assert (blocked, again, opened, twice) == ("AA",) * 4
    assert (stopped, session_of(hospital).state) == (SessionState.STOPPED, SessionState.OPEN)
    assert only_visit(hospital).state is RegistrationState.CANCELLED


def test_a_new_session_has_the_places_and_the_fee_of_the_doctors_shift(hospital: Units) -> None:
    receive(hospital, visit("s24_one_more"))

    with hospital.open(reads_only=True) as uow:
        (card,) = scheduling.cards(uow, from_day=uow.today() + timedelta(days=1))
        assert (card.session.room, card.session.fee_fen, card.free_places) == ("3-09", 2500, 8)
        assert card.session.half_day.value == "am"


def test_a_missed_appointment_is_missed_once(hospital: Units) -> None:
    receive(hospital, visit("s12_book"))

    answers = [send(hospital, "SIU^S26", f"S{number}", "SCH||F1") for number in (1, 2)]

    assert answers == ["AA", "AA"]
    assert only_visit(hospital).state is RegistrationState.NO_SHOW


def test_the_number_that_the_hospital_answered_to_our_booking_finds_it(hospital: Units) -> None:
    who = known_on_the_phone(hospital)
    mine = factories.booked(hospital, who, session_of(hospital))
    with hospital.open() as uow:
        answer = b"MSH|^~\\&|HIS|H|M|H|2026||SRR^S01|1|P|2.5.1\rMSA|AA|MZ1\rSCH||F55\r"
        his = Peer(application="HIS", facility="HOSPITAL")
        decided.accepted(uow, his, {"registration_id": mine.id}, parse(answer))
        assert identity.identifier_of(uow, who.patient.id, "his") == "P1"

    assert send(hospital, "SIU^S15", "S1", "SCH||F55", "PID|1||P1^^^HIS^PI") == "AA"
    assert only_visit(hospital).state is RegistrationState.CANCELLED
