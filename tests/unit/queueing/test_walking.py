"""Whoever walks while they wait is told once, in time to come back, and anew for another choice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from app.events import ReturnDue
from app.kernel.uow import Units, Uow
from app.notifications.models import Message
from app.queueing import service, taking_back, walking
from app.queueing.errors import CannotWalk
from app.queueing.estimating import is_time_to_return
from app.queueing.models import Ticket, Walk
from app.queueing.waits import look
from app.registration.models import Registration
from tests import factories
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import waiting_room


def choose(units: Units, ticket: Ticket, minutes: int) -> None:
    with units.open() as uow:
        walking.choose(uow, uow.session.get_one(Ticket, ticket.id), minutes)


def ring(units: Units) -> int:
    with units.open() as uow:
        return walking.tell_due(uow)


def messages(units: Units) -> list[dict[str, object]]:
    with units.open() as uow:
        found = uow.session.scalars(select(Message).where(Message.template == "come_back").order_by(Message.id))
        return [message.params for message in found]


def see(units: Units, clinic: factories.Clinic, clock: SetClock, minutes: int) -> None:
    """The next patient is called and stays so long."""
    with units.open() as uow:
        called = service.call_next(uow, session=clinic.session)
        service.begin(uow, called)
    clock.step(minutes=minutes)
    with units.open() as uow:
        service.finish(uow, uow.session.get_one(Ticket, called.id))


def test_the_message_comes_once_when_the_safe_wait_is_down_to_the_walk(units: Units, clock: SetClock) -> None:
    clinic, tickets = waiting_room(units, 6)
    last = tickets[-1]
    choose(units, last, 10)

    told_after = []
    for served in range(5):
        if ring(units):
            told_after.append(served)
        assert ring(units) == 0
        with units.open() as uow:
            is_time = is_time_to_return(look(uow, clinic.session.id).wait_of(last), 10)
        assert is_time == bool(told_after)
        see(units, clinic, clock, 12)

    assert len(told_after) == 1
    assert 0 < told_after[0] < 5
    assert messages(units) == [{"number": last.number, "room": "3-05", "minutes": 10}]


def test_another_choice_is_told_anew_and_the_same_one_is_not(units: Units) -> None:
    _, tickets = waiting_room(units, 2)
    first = tickets[0]

    told = []
    for minutes in (30, 30, 20, 0, 20):
        choose(units, first, minutes)
        told.append(ring(units))

    assert told == [1, 0, 1, 0, 1]
    assert [told["minutes"] for told in messages(units)] == [30, 20, 20]


def test_whoever_checks_in_once_more_is_told_once_more(units: Units, clock: SetClock) -> None:
    _, tickets = waiting_room(units, 1)
    choose(units, tickets[0], 30)
    assert ring(units) == 1
    clock.step(minutes=1)
    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, tickets[0].id)
        taking_back.take_back(uow, ticket)
        service.check_in(uow, registration=uow.session.get_one(Registration, ticket.registration_id))

    assert ring(units) == 0
    choose(units, tickets[0], 30)

    assert ring(units) == 1
    assert [told["number"] for told in messages(units)] == ["A001", "A002"]


def test_who_is_called_is_not_told_to_come_back_and_cannot_walk(units: Units) -> None:
    clinic, tickets = waiting_room(units, 1)
    choose(units, tickets[0], 30)
    with units.open() as uow:
        service.call_next(uow, session=clinic.session)

    assert ring(units) == 0
    with pytest.raises(CannotWalk):
        choose(units, tickets[0], 20)


def test_only_the_offered_minutes_can_be_chosen(units: Units) -> None:
    _, tickets = waiting_room(units, 1)

    for minutes in (-1, 1, 7, 31, 10**9):
        with pytest.raises(CannotWalk):
            choose(units, tickets[0], minutes)


def test_a_unit_that_is_dropped_tells_nobody(units: Units) -> None:
    _, tickets = waiting_room(units, 1)
    choose(units, tickets[0], 30)

    uow = units.begin()
    assert walking.tell_due(uow) == 1
    uow.settle()
    units.drop(uow)

    assert messages(units) == []
    assert (ring(units), ring(units)) == (1, 0)


def rush(units: Units, processes: int = 4) -> list[int]:
    """So many jobs processes look at the same instant."""
    together = Barrier(processes)

    def one(_: int) -> int:
        together.wait()
        return ring(units)

    with ThreadPoolExecutor(processes) as pool:
        return sorted(pool.map(one, range(processes)))


def test_many_processes_tell_each_choice_once(units: Units) -> None:
    _, tickets = waiting_room(units, 3)
    for ticket in tickets:
        choose(units, ticket, 30)

    assert sum(rush(units)) == 3
    assert len(messages(units)) == 3


def test_without_the_condition_they_would_tell_more_often(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: look who is to be told, then write it."""

    def tell_anyway(uow: Uow, walk_id: int, choice_no: int, ticket: Ticket) -> bool:
        uow.publish(ReturnDue(ticket.registration_id, ticket.patient_id, ticket.id))
        return uow.session.get_one(Walk, walk_id).choice_no == choice_no

    monkeypatch.setattr(walking, "_tell", tell_anyway)
    _, tickets = waiting_room(units, 1)
    choose(units, tickets[0], 30)

    assert sum(rush(units)) == 4
