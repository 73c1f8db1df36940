"""A check-in that was a mistake: the patient is not here, has the place still, and may come later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel.moves import IllegalMove
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Units
from app.queueing import service, taking_back
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from tests import factories
from tests.conftest import SetClock
from tests.unit.queueing.test_undoing import do
from tests.unit.queueing.test_waiting_room import check_in, waiting_room


def stands(units: Units, ticket: Ticket) -> tuple[TicketState, RegistrationState, str]:
    with units.open(reads_only=True) as uow:
        row = uow.session.get_one(Ticket, ticket.id)
        return row.state, uow.session.get_one(Registration, row.registration_id).state, row.number


def told(units: Units) -> list[str]:
    with units.open(reads_only=True) as uow:
        rows = uow.session.query(OutboxItem).filter(OutboxItem.key.like("%CheckIn%") | OutboxItem.key.like("%Checked%"))
        return [row.key for row in rows.order_by(OutboxItem.id)]


def test_the_number_is_void_the_place_is_booked_and_whoever_comes_later_is_last_in_the_line(
    units: Units, clock: SetClock
) -> None:
    clinic, (wrong, other) = waiting_room(units, 2)

    do(units, wrong, taking_back.take_back)
    gone = stands(units, wrong)
    with units.open() as uow:
        called = service.call_next(uow, session=clinic.session)
        visit = uow.session.get_one(Registration, wrong.registration_id)
    clock.step(minutes=20)
    again = check_in(units, visit)

    assert gone == (TicketState.VOID, RegistrationState.BOOKED, "A001")
    assert called.id == other.id
    assert (again.id, stands(units, again)) == (wrong.id, (TicketState.WAITING, RegistrationState.CHECKED_IN, "A003"))
    visit_id = wrong.registration_id
    assert [key for key in told(units) if key.split(":")[1] == str(visit_id)] == [
        f"PatientCheckedIn:{visit_id}:1",
        f"CheckInTakenBack:{visit_id}:1",
        f"PatientCheckedIn:{visit_id}:2",
    ]


def test_a_place_that_was_moved_meanwhile_gets_its_number_where_it_is_now(units: Units, clock: SetClock) -> None:
    clinic, (ticket,) = waiting_room(units, 1)
    with units.open() as uow:
        other = factories.another_session(uow, clinic.practitioner, days=1)
    do(units, ticket, taking_back.take_back)

    with units.open() as uow:
        visit = uow.session.get_one(Registration, ticket.registration_id)
        visit.session_id, visit.half_day, visit.visit_day = other.id, other.half_day, other.visit_day
        clock.at(other.starts_at - timedelta(minutes=5))
        fresh = service.check_in(uow, registration=visit)

    assert (fresh.session_id, fresh.visit_day, fresh.number, fresh.room) == (other.id, other.visit_day, "A001", "3-06")


@pytest.mark.parametrize("so_far", [[service.call], [service.call, service.begin]], ids=["called", "with the doctor"])
def test_whoever_is_called_or_seen_is_in_the_house(units: Units, so_far: list[object]) -> None:
    _, (ticket,) = waiting_room(units, 1)
    do(units, ticket, *so_far)  # type: ignore[arg-type]
    before = stands(units, ticket)

    with pytest.raises(IllegalMove):
        do(units, ticket, taking_back.take_back)

    assert stands(units, ticket) == before


def test_whoever_came_back_from_tests_was_seen_already(units: Units) -> None:
    _, (ticket,) = waiting_room(units, 1)
    do(units, ticket, service.call, service.begin, service.send_for_tests, service.come_back)

    with pytest.raises(IllegalMove):
        do(units, ticket, taking_back.take_back)

    assert stands(units, ticket)[0] is TicketState.WAITING


def test_a_check_in_is_taken_back_once(units: Units) -> None:
    _, (ticket,) = waiting_room(units, 1)
    do(units, ticket, taking_back.take_back)

    with pytest.raises(IllegalMove):
        do(units, ticket, taking_back.take_back)

    assert len([key for key in told(units) if key.startswith("CheckInTakenBack")]) == 1
