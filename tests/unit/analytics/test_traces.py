"""A phone that asks what is new is told in one question, and told of everything that happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event

from app.analytics import traces
from app.kernel.uow import Units, Uow
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration.models import Registration
from app.scheduling.models import ClinicSession
from tests import factories
from tests.conftest import SetClock


def trace(units: Units, who: factories.Person) -> tuple[object, ...]:
    with units.open(who.actor) as uow:
        return traces.of_account(uow)


@pytest.fixture
def two(units: Units) -> tuple[factories.Person, factories.Person, ClinicSession]:
    """Two who have a place with the same doctor."""
    with units.open() as uow:
        clinic = factories.clinic(uow)
        people = [factories.person(uow) for _ in range(2)]
    for who in people:
        factories.booked(units, who, clinic.session)
    return people[0], people[1], clinic.session


def check_in(uow: Uow, who: factories.Person) -> Ticket:
    found = uow.session.query(Registration).filter_by(patient_id=who.patient.id).one()
    return queueing.check_in(uow, registration=found)


def test_nothing_new_leaves_the_same_trace(units: Units, clock: SetClock, two: tuple[factories.Person, ...]) -> None:
    first, second, _ = two
    with units.open() as uow:
        check_in(uow, first)
    while any((clock.now().timestamp() + who.account.id) % traces.A_WHILE.seconds > 178 for who in (first, second)):
        clock.step(seconds=1)  # the second in which their told waits are looked at anew
    before = trace(units, first), trace(units, second)

    clock.step(seconds=1)

    assert (trace(units, first), trace(units, second)) == before
    assert before[0] != before[1]


DEEDS: dict[str, Callable[[Uow, Ticket], object]] = {
    "called": queueing.call,
    "passed": lambda uow, ticket: (queueing.call(uow, ticket), queueing.pass_over(uow, ticket)),
    "begun": lambda uow, ticket: (queueing.call(uow, ticket), queueing.begin(uow, ticket)),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_happens_to_the_one_before_is_new_to_whoever_waits(
    units: Units, two: tuple[factories.Person, factories.Person, ClinicSession], deed: str
) -> None:
    first, second, _ = two
    with units.open() as uow:
        ticket, _ = check_in(uow, first), check_in(uow, second)
    before = trace(units, second)

    with units.open() as uow:
        DEEDS[deed](uow, uow.session.get_one(Ticket, ticket.id))

    assert trace(units, second) != before


def test_somebody_else_in_the_line_is_new_only_to_whoever_stands_in_it(
    units: Units, two: tuple[factories.Person, factories.Person, ClinicSession]
) -> None:
    first, second, _ = two
    with units.open() as uow:
        check_in(uow, first)
    before = trace(units, first)
    with units.open() as uow:
        bystander = factories.person(uow)
    unmoved = trace(units, bystander)

    with units.open() as uow:
        check_in(uow, second)

    assert trace(units, first) != before
    assert trace(units, bystander) == unmoved


def test_one_s_own_deed_is_new(units: Units, two: tuple[factories.Person, factories.Person, ClinicSession]) -> None:
    first, *_ = two
    before = trace(units, first)

    with units.open(first.actor) as uow:
        check_in(uow, first)

    assert trace(units, first) != before


def test_the_told_minutes_are_looked_at_anew_though_nobody_moves(
    units: Units, clock: SetClock, two: tuple[factories.Person, ...]
) -> None:
    first, *_ = two
    before = trace(units, first)

    clock.step(minutes=3)

    assert trace(units, first) != before


def test_it_is_one_question(units: Units, two: tuple[factories.Person, ...]) -> None:
    first, *_ = two
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(units.engine, "before_cursor_execute", note)
    trace(units, first)
    event.remove(units.engine, "before_cursor_execute", note)

    assert len([one for one in asked if one.startswith("SELECT")]) == 1
