"""A place with another fee instead of the booked one, where the hospital system decides: one of both stands always."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel.errors import Refused
from app.payment.models import Refund
from app.registration import by_time, closing, rescheduling
from app.registration import service as registrations
from app.registration.models import LostPlace, Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SlotState
from tests import factories
from tests.factories import Person
from tests.hl7.test_decided_bookings import Deciding, his
from tests.web.work_fixtures import house

__all__ = ["his", "house"]
S = RegistrationState
DEADLINE = timedelta(seconds=5)


@dataclass
class Exchange:
    """Somebody's agreed place of this morning, and the dearer one of tomorrow that is paid and asked for."""

    his: Deciding
    who: Person
    former: Registration
    new: Registration
    session: ClinicSession

    def states(self) -> tuple[RegistrationState, RegistrationState]:
        """The former place's and the new one's."""
        return self.his.row(self.former).state, self.his.row(self.new).state

    def gives_up(self, *, deadline: timedelta = DEADLINE) -> int:
        """The job has looked for exchanges of which nothing is heard."""
        with self.his.house.units.open() as uow:
            return by_time.give_up_exchanges(uow, deadline=deadline)

    def refunds(self) -> list[int]:
        """What goes back, sum by sum."""
        with self.his.house.units.open(reads_only=True) as uow:
            return list(uow.session.scalars(select(Refund.amount_fen).order_by(Refund.amount_fen)))

    def is_owed(self) -> bool:
        """True when the patient may have another place whatever the limits say."""
        with self.his.house.units.open(reads_only=True) as uow:
            return uow.session.scalars(select(LostPlace)).first() is not None

    def check_in(self, visit: Registration) -> None:
        """The patient is in the house."""
        with self.his.house.units.open() as uow:
            registrations.mark_checked_in(uow, uow.session.get_one(Registration, visit.id))


@pytest.fixture
def exchange(his: Deciding) -> Exchange:
    who, former = his.booked()
    his.tell()
    with his.house.units.open() as uow:
        session = factories.another_session(uow, his.house.clinic.practitioner, days=1, fee_fen=5000)
    with his.house.units.open(who.actor) as uow:
        ids = {"public_id": former.public_id, "session_public_id": session.public_id}
        new = rescheduling.reschedule(uow, **ids)
    his.house.pay(who)
    return Exchange(his, who, former, new, session)


def test_the_former_place_goes_back_with_the_yes_and_not_before(exchange: Exchange) -> None:
    his = exchange.his
    asked = exchange.states(), exchange.refunds(), his.messages(exchange.new)

    his.tell()
    his.tell()

    assert asked == ((S.BOOKED, S.BOOKED), [], [])
    assert exchange.states() == (S.CANCELLED, S.BOOKED)
    assert exchange.refunds() == [2500]
    assert (his.messages(exchange.former)[-1], his.messages(exchange.new)) == ("cancelled", ["booked"])
    assert his.appointments() == [(exchange.former.visit_number, "Cancelled"), (exchange.new.visit_number, "Booked")]


def test_a_no_leaves_the_patient_with_the_former_place_and_says_so(exchange: Exchange) -> None:
    his = exchange.his
    his.order("refuse")

    his.tell()
    his.tell()

    assert exchange.states() == (S.BOOKED, S.CANCELLED)
    assert exchange.refunds() == [5000]
    assert (his.messages(exchange.former), his.messages(exchange.new)) == (["booked", "not_exchanged"], [])
    assert (his.appointments(), his.heard("S04")) == ([(exchange.former.visit_number, "Booked")], [])
    assert not exchange.is_owed()
    with his.house.units.open(reads_only=True) as uow:
        assert uow.session.get_one(Slot, exchange.new.slot_id).state is SlotState.FREE


def test_a_yes_after_the_deadline_exchanges_the_places(exchange: Exchange) -> None:
    his = exchange.his
    his.order("booking_silent")

    his.tell()
    overdue = exchange.gives_up(), exchange.states(), exchange.refunds()
    his.tell()
    his.tell()

    assert overdue == (0, (S.BOOKED, S.BOOKED), [])
    assert exchange.states() == (S.CANCELLED, S.BOOKED)
    assert exchange.refunds() == [2500]
    assert [state for _, state in his.appointments()] == ["Cancelled", "Booked"]


def test_without_a_word_until_the_visit_is_near_the_former_place_stays_and_a_yes_is_taken_back(
    exchange: Exchange,
) -> None:
    his = exchange.his
    his.order("booking_silent")
    his.tell()
    early = exchange.gives_up()
    his.house.clock.step(minutes=60)

    given_up = exchange.gives_up(), exchange.gives_up()
    for _ in range(3):
        his.tell()

    assert (early, given_up) == (0, (1, 0))
    assert exchange.states() == (S.BOOKED, S.CANCELLED)
    assert exchange.refunds() == [5000]
    assert his.messages(exchange.former) == ["booked", "not_exchanged"]
    assert not exchange.is_owed()
    assert his.appointments() == [(exchange.former.visit_number, "Booked"), (exchange.new.visit_number, "Cancelled")]


def test_what_is_asked_for_when_the_visit_is_near_has_until_the_deadline(exchange: Exchange) -> None:
    exchange.his.house.clock.at(exchange.his.row(exchange.new).asked_at + timedelta(hours=2))

    at_once = exchange.gives_up(deadline=timedelta(hours=2, seconds=1))

    assert (at_once, exchange.gives_up(deadline=timedelta(hours=2))) == (0, 1)


def come_to_the_former(exchange: Exchange) -> None:
    exchange.check_in(exchange.former)


def come_to_the_new(exchange: Exchange) -> None:
    exchange.check_in(exchange.new)


def lose_the_new_session(exchange: Exchange) -> None:
    with exchange.his.house.units.open() as uow:
        closing.stop_session(uow, public_id=exchange.session.public_id, why="test")


def give_the_new_place_back(exchange: Exchange) -> None:
    exchange.his.cancel(exchange.who, exchange.new)


@pytest.mark.parametrize(
    ("happens", "states", "refunds", "there"),
    [
        (come_to_the_former, (S.CHECKED_IN, S.CANCELLED), [5000], ["Booked", "Cancelled"]),
        (come_to_the_new, (S.CANCELLED, S.CHECKED_IN), [2500], ["Cancelled", "Booked"]),
        (lose_the_new_session, (S.BOOKED, S.CANCELLED), [5000], ["Booked", "Cancelled"]),
        (give_the_new_place_back, (S.BOOKED, S.CANCELLED), [5000], ["Booked", "Cancelled"]),
    ],
)
def test_what_happens_while_the_answer_is_out_leaves_one_place_on_both_sides(
    exchange: Exchange,
    happens: Callable[[Exchange], None],
    states: tuple[RegistrationState, RegistrationState],
    refunds: list[int],
    there: list[str],
) -> None:
    happens(exchange)
    for _ in range(3):
        exchange.his.tell()

    assert exchange.states() == states
    assert exchange.refunds() == refunds
    assert [state for _, state in exchange.his.appointments()] == there
    assert not exchange.is_owed()


def test_neither_place_can_be_moved_until_the_word_is_there(exchange: Exchange) -> None:
    his, codes = exchange.his, []
    with his.house.units.open() as uow:
        third = factories.another_session(uow, his.house.clinic.practitioner, days=2)

    for visit in (exchange.former, exchange.new):
        with pytest.raises(Refused) as refused, his.house.units.open(exchange.who.actor) as uow:
            rescheduling.reschedule(uow, public_id=visit.public_id, session_public_id=third.public_id)
        codes.append(refused.value.code)
    with his.house.units.open(exchange.who.actor) as uow:
        may = [rescheduling.may_move(uow, his.row(each)) for each in (exchange.former, exchange.new)]
    his.tell()
    with his.house.units.open(exchange.who.actor) as uow:
        settled = rescheduling.may_move(uow, his.row(exchange.new))

    assert codes == ["exchange_waits", "cannot_reschedule"]
    assert (may, settled) == ([False, False], True)
