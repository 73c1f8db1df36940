"""What was told of waits is laid beside what came, by department and day."""

from __future__ import annotations

from app.kernel.uow import Units
from app.queueing import own_errors, service, undoing, walking
from app.queueing.models import Ticket, ToldWait, Walk
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import waiting_room


def call(units: Units, ticket: Ticket) -> None:
    with units.open() as uow:
        service.call(uow, uow.session.get_one(Ticket, ticket.id))


def waited(units: Units) -> list[int | None]:
    with units.open() as uow:
        return [row.waited_seconds for row in uow.session.query(ToldWait).order_by(ToldWait.id)]


def test_what_is_told_at_check_in_is_kept_and_ends_with_the_first_call(units: Units, clock: SetClock) -> None:
    _, tickets = waiting_room(units, 2)
    with units.open() as uow:
        first, second = uow.session.query(ToldWait).order_by(ToldWait.id)
        assert first.low_seconds <= first.middle_seconds <= first.high_seconds < second.high_seconds

    clock.step(minutes=7)
    call(units, tickets[0])
    clock.step(minutes=2)
    call(units, tickets[0])

    assert waited(units) == [420, None]


def test_a_call_that_was_a_slip_does_not_end_the_wait(units: Units, clock: SetClock) -> None:
    _, tickets = waiting_room(units, 1)
    clock.step(minutes=3)
    call(units, tickets[0])

    with units.open() as uow:
        undoing.undo(uow, uow.session.get_one(Ticket, tickets[0].id))
    forgotten = waited(units)
    clock.step(minutes=4)
    call(units, tickets[0])

    assert (forgotten, waited(units)) == ([None], [420])


def test_a_days_errors_are_summed_up_and_counted_again_are_the_same(units: Units, clock: SetClock) -> None:
    clinic, tickets = waiting_room(units, 4)
    with units.open() as uow:
        walking.choose(uow, uow.session.get_one(Ticket, tickets[3].id), 5)
        walking.choose(uow, uow.session.get_one(Ticket, tickets[2].id), 30)
        assert walking.tell_due(uow) == 1
        rows = list(uow.session.query(ToldWait).order_by(ToldWait.id))
        rows[0].low_seconds, rows[0].middle_seconds, rows[0].high_seconds = 0, 300, 900
        rows[1].low_seconds, rows[1].middle_seconds, rows[1].high_seconds = 1200, 1500, 1800
        rows[2].low_seconds, rows[2].middle_seconds, rows[2].high_seconds = 0, 60, 120
    clock.step(minutes=10)
    for ticket in tickets[:3]:
        call(units, ticket)

    counted = []
    for _ in range(2):
        with units.open() as uow:
            assert own_errors.count_two_days(uow) == 1
            ((found, department),) = own_errors.errors_since(uow, uow.today())
            assert department.id == clinic.department.id
            counted.append((found.told, found.error_seconds, found.inside, found.earlier))
            returns = (found.returns, found.late_returns)

    assert counted == [(3, 300 + 900 + 540, 1, 1)] * 2
    assert returns == (1, 1)
    with units.open() as uow:
        spare = [row.spare_seconds for row in uow.session.query(Walk).order_by(Walk.id)]
    assert spare == [None, 600 - 1800]
