"""Whoever comes gets a number once, is called in turn, and is told honestly how long it takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from app.kernel.errors import VisitError
from app.kernel.moves import IllegalMove
from app.kernel.uow import Units
from app.queueing import boards, service
from app.queueing.errors import CannotCheckIn, CheckInTooEarly, CheckInTooLate, FinishFirst, NobodyWaits
from app.queueing.models import Ticket
from app.queueing.states import MOVES, TICKET, TicketAction, TicketState
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession
from tests import factories
from tests.conftest import SetClock, is_postgres


def waiting_room(units: Units, count: int) -> tuple[factories.Clinic, list[Ticket]]:
    """A clinic with `count` patients checked in, in the order of their places."""
    with units.open() as uow:
        clinic = factories.clinic(uow)
        people = [factories.person(uow) for _ in range(count)]
    return clinic, [check_in(units, factories.booked(units, who, clinic.session)) for who in people]


def check_in(units: Units, registration: Registration) -> Ticket:
    with units.open() as uow:
        return service.check_in(uow, registration=uow.session.get_one(Registration, registration.id))


def test_checking_in_twice_gives_the_same_number(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    registration = factories.booked(units, who, clinic.session)

    assert [check_in(units, registration).number for _ in range(2)] == ["A001", "A001"]


def taps_at_once(units: Units, registration: Registration) -> list[str]:
    """Four taps at the same instant: the number each is shown, or how it is refused."""
    together = Barrier(4)

    def tap(_: int) -> str:
        together.wait()
        try:
            return check_in(units, registration).number
        except VisitError as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(tap, range(4)))


def test_taps_at_once_are_shown_one_number(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)

    assert set(taps_at_once(units, factories.booked(units, who, clinic.session))) == {"A001"}


@pytest.mark.skipif(not is_postgres(), reason="SQLite has one writer at a time")
def test_without_waiting_for_each_other_some_taps_are_refused(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: each reads the registration as it was before the first tap."""
    have_read = Barrier(4)
    monkeypatch.setattr(service, "_one_at_a_time", lambda _uow, _registration: have_read.wait(10))
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)

    assert "illegal_move" in taps_at_once(units, factories.booked(units, who, clinic.session))


def test_numbers_given_at_once_are_all_different(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
        people = [factories.person(uow) for _ in range(12)]
    booked = [factories.booked(units, who, clinic.session) for who in people]

    with ThreadPoolExecutor(12) as pool:
        numbers = list(pool.map(lambda registration: check_in(units, registration).number, booked))

    assert sorted(numbers) == [f"A{number:03d}" for number in range(1, 13)]


@pytest.mark.parametrize(
    ("step", "refusal"), [({"hours": -3}, CheckInTooEarly), ({"hours": 6}, CheckInTooLate), ({"minutes": 0}, None)]
)
def test_check_in_has_its_hours(
    units: Units, clock: SetClock, step: dict[str, float], refusal: type[VisitError] | None
) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    registration = factories.booked(units, who, clinic.session)
    clock.step(**step)

    if refusal is None:
        assert check_in(units, registration).state == TicketState.WAITING
    else:
        with pytest.raises(refusal):
            check_in(units, registration)


def test_an_unpaid_place_cannot_check_in(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    held = factories.held(units, who, clinic.session)

    with pytest.raises(CannotCheckIn):
        check_in(units, held)


def test_patients_are_called_in_turn_one_at_a_time(units: Units) -> None:
    clinic, tickets = waiting_room(units, 3)

    for expected in tickets:
        with units.open() as uow:
            called = service.call_next(uow, session=clinic.session)
            assert called.number == expected.number
        with units.open() as uow, pytest.raises(FinishFirst):
            service.call_next(uow, session=clinic.session)
        with units.open() as uow:
            ticket = uow.session.get_one(Ticket, called.id)
            service.begin(uow, ticket)
            service.finish(uow, ticket)
            seen = uow.session.get_one(Registration, ticket.registration_id)
            assert seen.state == RegistrationState.COMPLETED
    with units.open() as uow, pytest.raises(NobodyWaits):
        service.call_next(uow, session=clinic.session)


def test_a_passed_patient_comes_back_behind_those_who_waited(units: Units) -> None:
    clinic, (first, second) = waiting_room(units, 2)
    with units.open() as uow:
        ticket = service.call_next(uow, session=clinic.session)
        service.pass_over(uow, ticket)
        assert ticket.number == first.number
        service.rejoin(uow, ticket)
    with units.open() as uow:
        assert service.call_next(uow, session=clinic.session).number == second.number


def test_the_position_counts_who_is_really_ahead(units: Units) -> None:
    clinic, tickets = waiting_room(units, 4)
    with units.open() as uow:
        service.call_next(uow, session=clinic.session)

    with units.open() as uow:
        places = [service.position(uow, uow.session.get_one(Ticket, ticket.id)) for ticket in tickets[1:]]

    assert [place.ahead for place in places] == [1, 2, 3]
    assert {place.called_number for place in places} == {tickets[0].number}
    assert all(place.low_minutes < place.high_minutes for place in places)


def test_yesterdays_queue_is_closed_in_the_morning(units: Units, clock: SetClock) -> None:
    _, (ticket,) = waiting_room(units, 1)
    clock.step(days=1)

    with units.open() as uow:
        assert service.close_past_days(uow) == 1
        assert uow.session.get_one(Ticket, ticket.id).state == TicketState.VOID


@pytest.mark.parametrize("state", TicketState)
@pytest.mark.parametrize("action", TicketAction)
def test_a_ticket_moves_only_as_the_table_says(units: Units, state: TicketState, action: TicketAction) -> None:
    from app.kernel import moves

    _, (ticket,) = waiting_room(units, 1)
    with units.open() as uow:
        row = uow.session.get_one(Ticket, ticket.id)
        row.state = state
        uow.session.flush()
        if (state, action) in MOVES:
            assert moves.move(uow, TICKET, row, action) == MOVES[(state, action)]
        else:
            with pytest.raises(IllegalMove):
                moves.move(uow, TICKET, row, action)


def test_the_board_shows_each_room_with_masked_names(units: Units) -> None:
    clinic, tickets = waiting_room(units, 4)
    with units.open() as uow:
        service.call_next(uow, session=clinic.session)

    with units.open() as uow:
        (row,) = boards.board(uow, clinic.department.code).rows

    assert row.called == (tickets[0].number, "张*英")
    assert row.next == tuple((ticket.number, "张*英") for ticket in tickets[1:])
    assert row.waiting == 3


def test_sessions_that_overlap_are_refused(units: Units) -> None:
    from datetime import time

    from app.scheduling import opening
    from app.scheduling.errors import SlotsOverlap
    from app.scheduling.models import HalfDay, Shift

    with units.open() as uow:
        clinic = factories.clinic(uow)
        shift = Shift(
            practitioner_id=clinic.practitioner.id,
            weekday=0,
            half_day=HalfDay.PM,
            starts=time(10, 0),
            places=5,
            slot_minutes=10,
            room="1",
            fee_fen=0,
        )
        with pytest.raises(SlotsOverlap):
            opening.open_session(uow, shift, uow.today())
        assert uow.session.get_one(ClinicSession, clinic.session.id).ends_at - clinic.session.starts_at == timedelta(
            minutes=300
        )
