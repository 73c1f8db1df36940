"""What a patient is told of the wait comes from the tables alone, at one price however long the queue."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app.kernel.uow import Units
from app.queueing import service
from app.queueing.models import Ticket
from app.queueing.waits import look
from app.registration import service as registration
from app.registration.models import Registration
from tests import factories
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import waiting_room


def statements(units: Units, ticket: Ticket) -> int:
    count: list[str] = []
    with units.open(reads_only=True) as uow:
        mine = uow.session.get_one(Ticket, ticket.id)
        note = lambda *told: count.append(str(told[2]))  # noqa: E731 - SQLAlchemy's listener, taken off below
        event.listen(units.engine, "before_cursor_execute", note)
        service.position(uow, mine)
        event.remove(units.engine, "before_cursor_execute", note)
    return len(count)


def test_the_last_of_the_line_costs_no_more_questions_than_the_first(units: Units) -> None:
    _, tickets = waiting_room(units, 4)

    assert statements(units, tickets[-1]) == statements(units, tickets[0]) <= 6


@pytest.mark.parametrize(("minutes", "at_least", "at_most"), [(4, 10, 35), (40, 40, 70)])
def test_a_slow_visit_makes_the_told_wait_longer_than_a_quick_one(
    units: Units, clock: SetClock, minutes: int, at_least: int, at_most: int
) -> None:
    clinic, tickets = waiting_room(units, 4)
    with units.open() as uow:
        service.begin(uow, service.call_next(uow, session=clinic.session))
    clock.step(minutes=minutes)

    with units.open() as uow:
        service.finish(uow, uow.session.get_one(Ticket, tickets[0].id))
        told = service.position(uow, uow.session.get_one(Ticket, tickets[-1].id))

    assert at_least <= told.high_minutes <= at_most


def test_last_weeks_session_teaches_who_does_not_come_who_has_tests_and_the_pace(units: Units, clock: SetClock) -> None:
    clinic, tickets = waiting_room(units, 3)
    with units.open() as uow:
        absent, unseen = factories.person(uow), look(uow, tickets[0].line_id).habits
    missed = factories.booked(units, absent, clinic.session)
    for number, minutes in ((0, 6), (1, 8), (2, 4)):
        with units.open() as uow:
            service.begin(uow, service.call_next(uow, session=clinic.session))
        clock.step(minutes=minutes)
        with units.open() as uow:
            ticket = uow.session.get_one(Ticket, tickets[number].id)
            if number < 2:
                service.finish(uow, ticket)
            else:
                service.send_for_tests(uow, ticket)
                service.come_back(uow, ticket)
                service.begin(uow, service.call_next(uow, session=clinic.session))
                service.finish(uow, ticket)
    with units.open() as uow:
        registration.miss(uow, uow.session.get_one(Registration, missed.id))
    clock.step(days=7)

    with units.open() as uow:
        next_one = factories.another_session(uow, clinic.practitioner, days=0)
        learned = look(uow, next_one.id).habits

    assert (unseen.past_visits, learned.past_visits, learned.past_minutes) == (0, 2, 7.0)
    assert learned.no_show_share == pytest.approx((30 * unseen.no_show_share + 1) / 34)
    assert learned.return_share == pytest.approx((30 * unseen.return_share + 1) / 33)
    assert learned.late_minutes < unseen.late_minutes
