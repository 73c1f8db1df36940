"""What was done by a slip is taken back within a minute, and nobody loses their turn by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.kernel.moves import IllegalMove
from app.kernel.uow import Units, Uow
from app.queueing import handing_over, service, undoing
from app.queueing.errors import CannotHandOver, CannotUndo, FinishFirst, TicketOver
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.rulebook.terms import SHIPPED, PassedComesBack, as_body
from tests import factories
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import waiting_room

Deed = Callable[[Uow, Ticket], object]
DEEDS: dict[str, tuple[list[Deed], Deed]] = {
    "call": ([], service.call),
    "pass": ([service.call], service.pass_over),
    "begin": ([service.call], service.begin),
    "finish": ([service.call, service.begin], service.finish),
}


def do(units: Units, ticket: Ticket, *deeds: Deed) -> None:
    for deed in deeds:
        with units.open() as uow:
            deed(uow, uow.session.get_one(Ticket, ticket.id))


def seen(units: Units, ticket: Ticket) -> tuple[object, ...]:
    """All that a deed changes, of the ticket and its visit."""
    with units.open() as uow:
        row = uow.session.get_one(Ticket, ticket.id)
        visit = uow.session.get_one(Registration, row.registration_id)
        times = (row.order_at, row.called_at, row.began_at, row.done_at)
        return row.state, row.turn, row.passes, row.calls, *times, visit.state


@pytest.mark.parametrize("name", DEEDS)
def test_an_undone_deed_leaves_nothing_behind(units: Units, clock: SetClock, name: str) -> None:
    _, (ticket, _) = waiting_room(units, 2)
    before, deed = DEEDS[name]
    do(units, ticket, *before)
    stood = seen(units, ticket)

    do(units, ticket, deed)
    clock.step(seconds=59)
    do(units, ticket, undoing.undo)

    assert seen(units, ticket) == stood
    with pytest.raises(CannotUndo):
        do(units, ticket, undoing.undo)


@pytest.mark.parametrize("name", DEEDS)
def test_after_a_minute_a_deed_stands(units: Units, clock: SetClock, name: str) -> None:
    _, (ticket,) = waiting_room(units, 1)
    before, deed = DEEDS[name]
    do(units, ticket, *before, deed)
    clock.step(seconds=60)

    with pytest.raises(CannotUndo):
        do(units, ticket, undoing.undo)


def test_whoever_the_rules_put_back_into_the_line_is_called_again_by_an_undo(units: Units, clock: SetClock) -> None:
    clinic, (first, second) = waiting_room(units, 2)
    clock.step(minutes=1)
    rules = replace(SHIPPED, passed_comes_back=PassedComesBack.BY_ITSELF)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, as_body(rules), valid_from=uow.now(), note="")
    clock.step(minutes=1)
    do(units, first, service.call)
    stood = seen(units, first)

    do(units, first, service.pass_over)
    assert seen(units, first)[0] == TicketState.WAITING
    do(units, first, undoing.undo)

    assert seen(units, first) == stood
    with units.open() as uow, pytest.raises(FinishFirst):
        service.call_next(uow, session=clinic.session)
    assert seen(units, second)[0] == TicketState.WAITING


def test_nobody_is_undone_into_a_room_where_somebody_sits(units: Units) -> None:
    clinic, (first, second) = waiting_room(units, 2)
    do(units, first, service.call, service.begin, service.finish)
    with units.open() as uow:
        assert service.call_next(uow, session=clinic.session).id == second.id

    with pytest.raises(FinishFirst):
        do(units, first, undoing.undo)


@pytest.mark.parametrize("how", [service.finish, None])
def test_a_number_that_is_over_is_not_called(units: Units, clock: SetClock, how: Deed | None) -> None:
    _, (ticket,) = waiting_room(units, 1)
    if how:
        do(units, ticket, service.call, service.begin, how)
    else:
        clock.step(days=1)
        with units.open() as uow:
            service.close_past_days(uow)

    with pytest.raises(TicketOver):
        do(units, ticket, service.call)


def test_two_desks_that_call_the_same_number_are_not_both_obeyed(units: Units) -> None:
    _, (ticket,) = waiting_room(units, 1)
    with units.open() as uow:
        read_by_one = uow.session.get_one(Ticket, ticket.id)
        uow.session.expunge(read_by_one)
    do(units, ticket, service.call)

    with units.open() as uow, pytest.raises(IllegalMove) as refused:
        service.call(uow, uow.session.merge(read_by_one, load=False))

    assert refused.value.facts["state"] == "called"


def other_room(uow: Uow, clinic: factories.Clinic) -> factories.Clinic:
    """A doctor of the same department who sits next door."""
    made = factories.clinic(uow, code="GI2")
    made.practitioner.department_id = made.session.department_id = clinic.department.id
    made.session.room = "3-06"
    uow.session.flush()
    return made


def test_whoever_is_handed_over_keeps_number_and_turn(units: Units) -> None:
    clinic, (first, second) = waiting_room(units, 2)
    with units.open() as uow:
        other = other_room(uow, clinic)
        row = uow.session.get_one(Ticket, first.id)
        assert [card.session.id for card in handing_over.rooms_for(uow, row)] == [other.session.id]
        handing_over.hand_over(uow, row, other.session)
        handing_over.hand_over(uow, row, other.session)

    with units.open() as uow:
        called = service.call_next(uow, session=other.session)
        assert (called.number, called.room, called.order_at) == (first.number, "3-06", first.order_at)
        visit = uow.session.get_one(Registration, called.registration_id)
        assert (visit.session_id, visit.practitioner_id) == (other.session.id, other.practitioner.id)
        assert service.call_next(uow, session=clinic.session).id == second.id


def test_nobody_is_handed_over_to_another_department(units: Units) -> None:
    _, (ticket,) = waiting_room(units, 1)
    with units.open() as uow:
        elsewhere = factories.clinic(uow, code="ENT")

    with units.open() as uow, pytest.raises(CannotHandOver):
        handing_over.hand_over(uow, uow.session.get_one(Ticket, ticket.id), elsewhere.session)
