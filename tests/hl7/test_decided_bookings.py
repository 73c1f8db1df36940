"""Where the hospital system decides on appointments: its yes, its no, its silence, and what it says much later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel import peers
from app.kernel.moves import Move
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peers import Peer, RefusedBooking
from app.kernel.uow import Actor
from app.notifications.models import Message
from app.payment.models import Refund
from app.queueing import service as queueing
from app.registration import by_hospital, deciding, rescheduling
from app.registration import service as registrations
from app.registration.models import LostPlace, Registration
from app.registration.states import RegistrationAction, RegistrationState
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SlotState
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.sender import Sender
from sandbox.his import messages
from sandbox.switches import set_switch
from tests import factories
from tests.factories import Person
from tests.processes.hl7_outward import HOST, Books, simulated_his
from tests.web.work_fixtures import House, house

__all__ = ["house"]
HIS = "HIS|HOSPITAL"


@dataclass
class Deciding:
    """A house whose hospital system, the sandbox's, decides on appointments."""

    house: House
    books: Books

    def order(self, mode: str, scope: str = "next") -> None:
        """A misfortune strikes what is asked next."""
        set_switch(self.books.store, "his", mode, scope, 0)

    def booked(self) -> tuple[Person, Registration]:
        """Somebody whom the hospital system was told of has a paid place, which is not told yet."""
        with self.house.units.open() as uow:
            who = factories.person(uow)
        self.tell()
        return self.house.booked(who=who)

    def tell(self) -> None:
        """The sender tells what is due, and notes what it is answered; what failed is due at the next call."""
        settings = Hl7Settings(his_host=HOST, his_port=self.books.port, answer_timeout_seconds=1)
        asyncio.run(Sender(self.house.units, settings).round())
        self.house.clock.step(seconds=90)

    def hear(self, kind: str, **said: object) -> str:
        """The hospital system says something: what it is answered."""
        answer = receive(self.house.units, messages.write(kind, said, f"H{kind}{len(said)}"))
        return parse(answer or b"").get("MSA-1")

    def appointments(self) -> list[tuple[str, str]]:
        """Placer and state of each appointment in the hospital system's books."""
        rows = self.books.store.rows("SELECT placer, state FROM his_appointment ORDER BY rowid")
        return [(row["placer"], row["state"]) for row in rows]

    def heard(self, event: str) -> list[tuple[str, int]]:
        """MSH-10 and repeats of what came for the SRM event."""
        rows = self.books.store.rows("SELECT * FROM his_received WHERE message_type = ? ORDER BY id", f"SRM^{event}")
        return [(row["control_id"], row["repeats"]) for row in rows]

    def kinds(self) -> list[str]:
        """What came, in order."""
        return [row["message_type"] for row in self.books.store.rows("SELECT * FROM his_received ORDER BY id")]

    def row(self, visit: Registration) -> Registration:
        """The visit as it stands now."""
        with self.house.units.open(reads_only=True) as uow:
            return uow.session.get_one(Registration, visit.id)

    def number(self, visit: Registration) -> str:
        """The hospital system's number of the appointment."""
        with self.house.units.open(reads_only=True) as uow:
            return by_hospital.number_at(uow, visit, system=HIS)

    def messages(self, visit: Registration) -> list[str]:
        """What the patient was told of the place, in order."""
        with self.house.units.open(reads_only=True) as uow:
            told = uow.session.scalars(select(Message).order_by(Message.id))
            return [each.template for each in told if visit.public_id in each.link]

    def refunded(self) -> int:
        """How much is on its way back."""
        with self.house.units.open(reads_only=True) as uow:
            return uow.session.scalar(select(func.coalesce(func.sum(Refund.amount_fen), 0))) or 0

    def cancel(self, who: Person, visit: Registration) -> None:
        """The patient gives the place back."""
        with self.house.units.open(who.actor) as uow:
            registrations.cancel(uow, public_id=visit.public_id)


@pytest.fixture
def his(house: House, tmp_path: Path) -> Iterator[Deciding]:
    agreed(house, decides_bookings=True)
    house.clock.step(hours=-3)
    with simulated_his(tmp_path) as books:
        yield Deciding(house, books)


def agreed(house: House, **terms: object) -> None:
    with house.units.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", **terms))  # type: ignore[arg-type]


def test_a_yes_confirms_the_place_under_the_hospital_s_number(his: Deciding) -> None:
    _, visit = his.booked()
    asked = his.row(visit).asked_at, his.messages(visit)

    his.tell()

    assert asked == (visit.held_at, [])
    assert (his.row(visit).asked_at, his.row(visit).state) == (None, RegistrationState.BOOKED)
    assert his.messages(visit) == ["booked"]
    assert his.number(visit).startswith("HIS")
    assert his.appointments() == [(visit.visit_number, "Booked")]
    assert his.kinds()[-2:] == ["SRM^S01", "DFT^P03"], "the place was told behind its bill"
    with his.house.units.open(reads_only=True) as uow:
        found = by_hospital.registration_known_as(uow, system=HIS, value=his.number(visit))
    assert found is not None
    assert found.id == visit.id


def test_a_no_gives_the_place_and_the_money_back_and_nothing_is_cancelled_there(his: Deciding) -> None:
    _, visit = his.booked()
    his.order("refuse")

    his.tell()
    his.tell()

    assert his.row(visit).state is RegistrationState.CANCELLED
    assert his.messages(visit) == ["stopped"]
    assert his.refunded() == visit.fee_fen
    assert (his.heard("S04"), his.appointments()) == ([], [])
    with his.house.units.open(reads_only=True) as uow:
        assert uow.session.get_one(Slot, visit.slot_id).state is SlotState.FREE
        assert uow.session.scalars(select(LostPlace.registration_id)).all() == [visit.id]
        assert set(uow.session.scalars(select(OutboxItem.state).where(OutboxItem.key.like("Registration%")))) == {
            OutboxState.SENT
        }


def test_after_a_silence_the_same_question_gets_its_answer_once(his: Deciding) -> None:
    _, visit = his.booked()
    his.order("booking_silent")

    his.tell()
    waiting = his.row(visit).asked_at, his.messages(visit)
    his.tell()

    assert waiting == (visit.held_at, [])
    assert his.messages(visit) == ["booked"]
    assert [repeats for _, repeats in his.heard("S01")] == [1]
    assert his.appointments() == [(visit.visit_number, "Booked")]


def test_a_no_that_comes_late_gives_the_place_back_all_the_same(his: Deciding) -> None:
    _, visit = his.booked()
    his.order("booking_silent")
    his.order("refuse", "all")

    his.tell()
    his.tell()

    assert (his.row(visit).state, his.refunded()) == (RegistrationState.CANCELLED, visit.fee_fen)
    assert [repeats for _, repeats in his.heard("S01")] == [1]


@pytest.mark.parametrize(
    ("order", "events", "left"), [("booking_silent", ["S01", "S04"], "Cancelled"), ("refuse", ["S01"], "")]
)
def test_whoever_cancels_before_the_answer_has_no_appointment_there_in_the_end(
    his: Deciding, order: str, events: list[str], left: str
) -> None:
    who, visit = his.booked()
    his.order(order)
    if order == "booking_silent":
        his.tell()
    his.cancel(who, visit)

    for _ in range(3):
        his.tell()

    assert [event for event in ("S01", "S02", "S04") if his.heard(event)] == events
    assert [state for _, state in his.appointments()] == ([left] if left else [])
    assert "booked" not in his.messages(visit)
    assert his.refunded() == visit.fee_fen


def another_session(his: Deciding) -> ClinicSession:
    with his.house.units.open() as uow:
        return factories.another_session(uow, his.house.clinic.practitioner, days=1)


def moved(his: Deciding, who: Person, visit: Registration) -> None:
    session = another_session(his)
    with his.house.units.open(who.actor) as uow:
        rescheduling.reschedule(uow, public_id=visit.public_id, session_public_id=session.public_id)


def test_a_new_time_is_confirmed_when_the_hospital_has_it(his: Deciding) -> None:
    who, visit = his.booked()
    his.tell()
    moved(his, who, visit)
    asked = his.row(visit).asked_nth

    his.tell()

    assert (asked, his.row(visit).asked_nth) == (1, None)
    assert his.messages(visit) == ["booked", "rescheduled"]
    (starts,) = [row["starts"] for row in his.books.store.rows("SELECT starts FROM his_appointment")]
    assert starts.startswith("20261124140000")


def test_a_new_time_that_is_refused_ends_the_visit_on_both_sides(his: Deciding) -> None:
    who, visit = his.booked()
    his.tell()
    moved(his, who, visit)
    his.order("refuse")

    his.tell()
    his.tell()

    assert (his.row(visit).state, his.refunded()) == (RegistrationState.CANCELLED, visit.fee_fen)
    assert his.appointments() == [(visit.visit_number, "Cancelled")]


def test_an_answer_to_the_booking_does_not_confirm_the_new_time(his: Deciding) -> None:
    who, visit = his.booked()
    moved(his, who, visit)

    with his.house.units.open() as uow:
        deciding.accepted(uow, uow.session.get_one(Registration, visit.id), nth=0)

    assert (his.row(visit).asked_nth, his.messages(visit)) == (1, [])


def test_what_is_pending_there_waits_for_the_hospital_s_own_word(his: Deciding) -> None:
    _, visit = his.booked()
    his.order("undecided")
    his.tell()
    pending = his.row(visit).asked_at, his.number(visit).startswith("HIS")
    with his.house.units.open() as uow:
        patient = {"appointment": his.number(visit), "patient_id": "P1", "name": "张秀英"}
        card = identity.id_number_of(uow, uow.session.get_one(Patient, visit.patient_id))
        identity.file_patient_from_his(uow, identity.PatientFromHis(mrn="P1", id_number=card))

    answered = his.hear("siu_s14", **patient, status="Booked")

    assert pending == (visit.held_at, True)
    assert (answered, his.row(visit).asked_at) == ("AA", None)
    assert his.messages(visit) == ["booked"]


def test_whoever_is_in_the_house_is_not_sent_away_by_a_late_no(his: Deciding) -> None:
    his.house.clock.step(hours=3)
    _, visit = his.booked()
    his.order("refuse", "all")
    with his.house.units.open() as uow:
        queueing.check_in(uow, registration=uow.session.get_one(Registration, visit.id))

    his.tell()

    assert (his.row(visit).state, his.refunded()) == (RegistrationState.CHECKED_IN, 0)
    with his.house.units.open(reads_only=True) as uow:
        dead = select(OutboxItem.key).where(OutboxItem.state == OutboxState.DEAD)
        assert uow.session.scalars(dead).all() == [f"RegistrationBooked:{visit.id}"]


@pytest.mark.parametrize("terms", [{}, {"refused_booking": RefusedBooking.GIVE_BACK}])
def test_where_the_hospital_does_not_decide_a_place_is_the_patient_s_at_once(
    house: House, tmp_path: Path, terms: dict[str, object]
) -> None:
    agreed(house, **terms)
    with simulated_his(tmp_path) as books:
        his = Deciding(house, books)
        _, visit = his.booked()
        at_once = his.row(visit).asked_at, his.messages(visit)
        his.tell()

    assert at_once == (None, ["booked"])
    assert his.number(visit).startswith("HIS")
    with house.units.open(reads_only=True) as uow:
        asked = select(func.count()).where(Move.action == RegistrationAction.ASK_HOSPITAL.value)
        assert uow.session.scalar(asked) == 0
