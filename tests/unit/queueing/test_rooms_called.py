"""Which room a patient of a shared line is called to: unknown until the call, and said by nobody before it."""

from __future__ import annotations

import pytest

from app.kernel.uow import Units
from app.queueing import service, shared_lines
from app.queueing.models import Ticket
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Department
from app.scheduling.rules import where_of
from tests.conftest import listened
from tests.unit.queueing.test_shared_lines import SHARED, Line, line


def rooms(house: Line, number: int) -> tuple[str, ...]:
    """Where the patient of the ticket may be called to, as it stands now."""
    with house.units.open() as uow:
        ticket = uow.session.get_one(Ticket, house.tickets[number].id)
        return shared_lines.rooms_of(uow, uow.session.get_one(Registration, ticket.registration_id), ticket)


def test_the_room_is_known_from_the_call_on_and_unknown_again_when_the_turn_has_passed(units: Units) -> None:
    house = line(units, 2)

    waiting = rooms(house, 0)
    called = house.call(1)
    at_the_door = rooms(house, 0)
    with units.open() as uow:
        service.pass_over(uow, uow.session.get_one(Ticket, called.id))
    passed = rooms(house, 0)

    assert (waiting, at_the_door, passed) == (("3-05", "3-11"), ("3-11",), ("3-05", "3-11"))


def test_who_is_back_from_tests_knows_the_room(units: Units) -> None:
    house = line(units, 1)
    called = house.call(1)
    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, called.id)
        service.begin(uow, ticket)
        service.send_for_tests(uow, ticket)
    away = rooms(house, 0)
    with units.open() as uow:
        service.come_back(uow, uow.session.get_one(Ticket, called.id))

    assert (away, rooms(house, 0)) == (("3-11",), ("3-11",))


def test_without_a_shared_line_the_room_is_the_doctors(units: Units) -> None:
    house = line(units, 2, shared=False)

    assert (rooms(house, 0), rooms(house, 1)) == (("3-05",), ("3-11",))


def test_a_doctor_who_has_stopped_calls_nobody_to_their_room(units: Units) -> None:
    house = line(units, 2)
    with units.open() as uow:
        scheduling.stop_session(uow, public_id=house.sessions[0].public_id, why="ill")

    assert rooms(house, 0) == ("3-11",)


def test_a_line_that_is_shared_since_the_check_in_leaves_its_own_patients_their_room(units: Units) -> None:
    house = line(units, 2, shared=False)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, SHARED)

    assert (rooms(house, 0), rooms(house, 1)) == (("3-05", "3-11"), ("3-11",))


@pytest.mark.parametrize(("doctors", "told"), [(1, 0), (2, 1), (5, 1)])
def test_which_room_it_will_be_is_one_question_however_many_doctors(units: Units, doctors: int, told: int) -> None:
    house = line(units, 1, doctors=doctors, shared=doctors > 1)
    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, house.tickets[0].id)
        registration = uow.session.get_one(Registration, ticket.registration_id)
        session = uow.session.get_one(ClinicSession, registration.session_id)
        department = uow.session.get_one(Department, session.department_id)
        rulebook.rules_for(uow, where_of(department))

        with listened(units.engine) as statements:
            shared_lines.rooms_of(uow, registration, ticket)

    assert len(statements) == told
