"""Where somebody goes in the line who was passed, comes back from tests, has priority or is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.kernel.uow import Units
from app.queueing import service
from app.queueing.errors import CameTooLate, PriorityUnknown
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.queueing.turns import (
    TurnKind,
    class_by_age,
    order_in,
    place_of_passed,
    place_of_priority,
    place_of_returned,
)
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.rulebook import service as rulebook
from app.rulebook.terms import SHIPPED, PriorityClass
from tests import factories
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import check_in, waiting_room

KINDS = {"N": TurnKind.FIRST, "R": TurnKind.RETURNED, "P": TurnKind.PASSED, "O": TurnKind.PRIORITY}


def line(kinds: str) -> list[TurnKind]:
    return [KINDS[kind] for kind in kinds]


@pytest.mark.parametrize(
    ("waiting", "place"), [("", 0), ("N", 1), ("NNNN", 2), ("NNRNNN", 5), ("NNRN", 4), ("NNPRNNN", 6)]
)
def test_two_new_then_one_back_from_tests(waiting: str, place: int) -> None:
    assert place_of_returned(SHIPPED, line(waiting)) == place


@pytest.mark.parametrize(("waiting", "place"), [("NNNN", 2), ("NRRN", 4), ("RNN", 3), ("RRNN", 3)])
def test_one_new_then_one_back_when_those_who_are_back_outnumber_the_new(waiting: str, place: int) -> None:
    rules = replace(SHIPPED, new_per_returned_when_outnumbered=1)

    assert place_of_returned(rules, line(waiting)) == place


@pytest.mark.parametrize(("waiting", "place"), [("NNNN", 2), ("NNRNNR", 3), ("NNRPNNRN", 7), ("", 0)])
def test_two_new_one_back_and_one_passed(waiting: str, place: int) -> None:
    rules = replace(SHIPPED, passed_steps=("between",), new_per_passed=2)

    assert place_of_passed(rules, line(waiting), 1) == place


@pytest.mark.parametrize(("passes", "place"), [(1, 5), (2, 5), (3, 8), (4, 8)])
def test_five_places_back_twice_then_to_the_end(passes: int, place: int) -> None:
    rules = replace(SHIPPED, passed_steps=("5", "5", "end"))

    assert place_of_passed(rules, line("NNNNNNNN"), passes) == place


def test_two_new_then_one_with_priority() -> None:
    assert place_of_priority(replace(SHIPPED, new_per_priority=2), line("NNNON")) == 5
    assert place_of_priority(replace(SHIPPED, new_per_priority=2), line("NNN")) == 2
    assert place_of_priority(SHIPPED, line("NNN")) == 0


def test_a_place_between_two_is_a_moment_between_theirs() -> None:
    at = [datetime(2026, 11, 23, 9, minute, tzinfo=UTC) for minute in (0, 10, 20)]
    now = at[0] + timedelta(hours=1)

    assert at[0] < order_in(at, 1, now) < at[1]
    assert order_in(at, 0, now) < at[0]
    assert order_in(at, 3, now) == now
    assert order_in([], 0, now) == now


def test_the_oldest_class_that_fits_an_age_counts() -> None:
    classes = (PriorityClass("old", "七十", "身份证", 70), PriorityClass("older", "八十", "身份证", 80))
    rules = replace(SHIPPED, priority_classes=(*classes, PriorityClass("army", "军人", "军官证")))

    assert [getattr(class_by_age(rules, age), "code", None) for age in (None, 69, 75, 85)] == [
        None,
        None,
        "old",
        "older",
    ]


def write(units: Units, body: dict[str, object]) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, body)


def numbers_in_turn(units: Units, clinic: factories.Clinic) -> list[str]:
    """The numbers in the order in which they would be called now."""
    with units.open() as uow:
        rows = service.queue(uow, clinic.session)
        return [ticket.number for ticket, _ in rows if ticket.state == TicketState.WAITING]


def pass_first(units: Units, clinic: factories.Clinic) -> Ticket:
    with units.open() as uow:
        ticket = service.call_next(uow, session=clinic.session)
        service.pass_over(uow, ticket)
        return ticket


def test_a_passed_patient_is_back_one_place_behind_by_themself(units: Units) -> None:
    write(units, {"passed_steps": ["1", "end"], "passed_comes_back": "by_itself"})
    clinic, _ = waiting_room(units, 3)

    seen = []
    for _ in range(2):
        pass_first(units, clinic)
        seen.append(numbers_in_turn(units, clinic))

    assert seen == [["A002", "A001", "A003"], ["A001", "A002", "A003"]]


def test_a_patient_passed_too_often_has_missed_the_visit(units: Units) -> None:
    write(units, {"passed_steps": ["void"]})
    clinic, _ = waiting_room(units, 1)

    ticket = pass_first(units, clinic)

    with units.open() as uow:
        assert uow.session.get_one(Ticket, ticket.id).state == TicketState.VOID
        assert uow.session.get_one(Registration, ticket.registration_id).state == RegistrationState.NO_SHOW


def test_whoever_was_sent_for_tests_comes_back_behind_two_new_ones(units: Units) -> None:
    clinic, _ = waiting_room(units, 5)
    with units.open() as uow:
        ticket = service.call_next(uow, session=clinic.session)
        service.begin(uow, ticket)
        service.send_for_tests(uow, ticket)
        second = service.call_next(uow, session=clinic.session)
    assert second.number == "A002"

    with units.open() as uow:
        service.queue_again(uow, service.ticket_by_public_id(uow, ticket.public_id))

    assert numbers_in_turn(units, clinic) == ["A003", "A004", "A001", "A005"]
    with units.open() as uow:
        service.begin(uow, service.ticket_by_public_id(uow, second.public_id))
        service.finish(uow, service.ticket_by_public_id(uow, second.public_id))
        again = service.ticket_by_public_id(uow, ticket.public_id)
        service.come_back(uow, again)
        assert uow.session.get_one(Registration, again.registration_id).state == RegistrationState.IN_CONSULTATION


def test_whoever_was_sent_for_tests_and_never_came_back_was_seen(units: Units, clock: SetClock) -> None:
    clinic, _ = waiting_room(units, 1)
    with units.open() as uow:
        ticket = service.call_next(uow, session=clinic.session)
        service.begin(uow, ticket)
        service.send_for_tests(uow, ticket)
    clock.step(days=1)

    with units.open() as uow:
        assert service.close_past_days(uow) == 1
        assert uow.session.get_one(Registration, ticket.registration_id).state == RegistrationState.COMPLETED


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ({}, ["A001", "A002", "A003"]),  # late: behind whom they found, before whom comes later for a later time
        ({"late_rule": "session_end"}, ["A001", "A003", "A002"]),
    ],
)
def test_whoever_is_late_queues_where_the_rules_say(
    units: Units, clock: SetClock, body: dict[str, object], order: list[str]
) -> None:
    if body:
        write(units, body)
    with units.open() as uow:
        clinic = factories.clinic(uow)
        people = [factories.person(uow) for _ in range(6)]
    booked = [factories.booked(units, who, clinic.session) for who in people]
    clock.step(minutes=20)

    for late_or_not in (booked[1], booked[0], booked[5]):
        check_in(units, late_or_not)

    assert numbers_in_turn(units, clinic) == order


def test_by_the_rules_somebody_can_come_too_late_to_be_seen(units: Units, clock: SetClock) -> None:
    write(units, {"late_rule": "re_register", "late_after_minutes": 15})
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    registration = factories.booked(units, who, clinic.session)
    clock.step(minutes=31)

    with pytest.raises(CameTooLate):
        check_in(units, registration)


def test_a_class_that_goes_before_others_needs_to_be_one_of_the_rules(units: Units) -> None:
    army = {"code": "army", "name": "军人", "proof": "军官证"}
    write(units, {"priority_classes": [army], "new_per_priority": 2})
    clinic, _ = waiting_room(units, 3)
    with units.open() as uow:
        who = factories.person(uow)
    registration = factories.booked(units, who, clinic.session)

    with pytest.raises(PriorityUnknown), units.open() as uow:
        service.check_in(uow, registration=uow.session.get_one(Registration, registration.id), priority_code="navy")
    with units.open() as uow:
        service.check_in(uow, registration=uow.session.get_one(Registration, registration.id), priority_code="army")

    assert numbers_in_turn(units, clinic) == ["A001", "A002", "A004", "A003"]
