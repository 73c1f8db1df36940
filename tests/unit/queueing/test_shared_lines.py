"""Several doctors call from one line: each patient is called once, to the room of whoever was free first."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Barrier

import pytest

from app.kernel.errors import VisitError
from app.kernel.uow import Units
from app.queueing import boards, handing_over, service, shared_lines, undoing
from app.queueing.day import Happening, SessionPlan, play
from app.queueing.errors import NobodyWaits
from app.queueing.estimating import Estimate, Habits, estimate
from app.queueing.models import Ticket
from app.queueing.simulated import simulated_day
from app.queueing.states import TicketState
from app.queueing.waits import look
from app.queueing.watching import Watched
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, HalfDay
from tests import factories
from tests.conftest import SetClock, is_postgres
from tests.unit.queueing.test_waiting_room import check_in

SHARED = {"doctors_share_a_line": True}


@dataclass
class Line:
    """A department with two doctors who share a line, and the tickets of those who wait."""

    units: Units
    clinic: factories.Clinic
    sessions: list[ClinicSession]
    tickets: list[Ticket]

    def call(self, doctor: int) -> Ticket:
        with self.units.open() as uow:
            return service.call_next(uow, session=uow.session.get_one(ClinicSession, self.sessions[doctor].id))

    def finish(self, ticket: Ticket) -> None:
        with self.units.open() as uow:
            fresh = uow.session.get_one(Ticket, ticket.id)
            service.begin(uow, fresh)
            service.finish(uow, fresh)

    def ticket(self, number: int) -> Ticket:
        with self.units.open() as uow:
            return uow.session.get_one(Ticket, self.tickets[number].id)


def line(units: Units, waiting: int, *, doctors: int = 2, fee_fen: int = 2500, shared: bool = True) -> Line:
    """So many wait, in turn one for each doctor."""
    with units.open() as uow:
        if shared:
            rulebook.write(uow, rulebook.HOUSE, SHARED)
        clinic = factories.clinic(uow)
        sessions = [clinic.session]
        for number in range(1, doctors):
            other = factories.another_doctor(uow, clinic.department, code=f"DX{number}")
            pattern = {"half_day": HalfDay.AM, "starts": clinic.session.starts_at.astimezone(uow.zone).time()}
            made = factories.another_session(
                uow, other, days=0, room=f"3-1{number}", places=20, slot_minutes=15, fee_fen=fee_fen, **pattern
            )
            sessions.append(made)
        people = [factories.person(uow) for _ in range(waiting)]
    chosen = [sessions[number % doctors] for number in range(waiting)]
    booked = [factories.booked(units, who, session) for who, session in zip(people, chosen, strict=True)]
    return Line(units, clinic, sessions, [check_in(units, one) for one in booked])


def test_whoever_is_free_calls_the_first_of_the_line_to_their_own_room(units: Units) -> None:
    house = line(units, 4)

    first, second = house.call(1), house.call(0)
    house.finish(first)
    third = house.call(1)

    assert [first.number, second.number, third.number] == [ticket.number for ticket in house.tickets[:3]]
    assert [first.room, second.room, third.room] == ["3-11", "3-05", "3-11"]
    with units.open() as uow:
        seen = uow.session.get_one(Registration, first.registration_id)
        assert (seen.session_id, seen.practitioner_id) == (house.sessions[1].id, house.sessions[1].practitioner_id)


def test_without_the_rule_each_doctor_has_their_own_line(units: Units) -> None:
    house = line(units, 2, shared=False)

    assert house.call(1).number == house.tickets[1].number
    house.finish(house.ticket(1))
    with pytest.raises(NobodyWaits):
        house.call(1)


def test_whoever_paid_for_an_expert_is_called_by_nobody_else(units: Units) -> None:
    house = line(units, 1, fee_fen=5000)

    with pytest.raises(NobodyWaits):
        house.call(1)
    assert house.call(0).number == house.tickets[0].number


def test_who_is_back_from_tests_waits_for_the_doctor_who_sent_them(units: Units) -> None:
    house = line(units, 1)
    called = house.call(1)
    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, called.id)
        service.begin(uow, ticket)
        service.send_for_tests(uow, ticket)
        service.come_back(uow, ticket)

    with pytest.raises(NobodyWaits):
        house.call(0)
    assert house.call(1).number == called.number


def test_whoever_has_a_place_with_that_doctor_too_is_left_to_the_other(units: Units) -> None:
    house = line(units, 0)
    with units.open() as uow:
        who, next_one = factories.person(uow), factories.person(uow)
    first = check_in(units, factories.booked(units, who, house.sessions[0]))
    factories.booked(units, who, house.sessions[1])
    second = check_in(units, factories.booked(units, next_one, house.sessions[0]))

    assert house.call(1).number == second.number
    assert house.call(0).number == first.number


def test_nobody_is_left_behind_when_the_rule_changes_during_the_day(units: Units, clock: SetClock) -> None:
    house = line(units, 3, shared=False)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, SHARED)
        newcomer = factories.person(uow)
    house.tickets.append(check_in(units, factories.booked(units, newcomer, house.sessions[1])))
    clock.step(minutes=1)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": False})

    called = []
    for doctor in (0, 0, 1, 1):
        called.append(house.call(doctor).number)
        house.finish(next(ticket for ticket in house.tickets if ticket.number == called[-1]))

    assert sorted(called) == [ticket.number for ticket in house.tickets]


def test_sent_to_another_department_line_by_the_nurse_the_patient_stands_in_that_line(units: Units) -> None:
    house = line(units, 1)
    with units.open() as uow:
        expert = factories.another_doctor(uow, house.clinic.department, code="DE")
        pattern = {"half_day": HalfDay.AM, "starts": house.clinic.session.starts_at.astimezone(uow.zone).time()}
        dear = factories.another_session(uow, expert, days=0, room="3-99", places=5, fee_fen=9900, **pattern)
        ticket = uow.session.get_one(Ticket, house.tickets[0].id)
        handing_over.hand_over(uow, ticket, dear)
        assert ticket.line_id == dear.id

    with pytest.raises(NobodyWaits):
        house.call(0)


def test_nobody_is_sent_to_a_doctor_who_may_call_them_anyway(units: Units) -> None:
    house = line(units, 1)

    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, house.tickets[0].id)
        assert handing_over.rooms_for(uow, ticket) == []
        handing_over.hand_over(uow, ticket, uow.session.get_one(ClinicSession, house.sessions[1].id))
        assert ticket.session_id == house.sessions[0].id
    called = house.call(1)
    with units.open() as uow:
        ticket = uow.session.get_one(Ticket, called.id)
        assert [card.session.id for card in handing_over.rooms_for(uow, ticket)] == [house.sessions[0].id]
        handing_over.hand_over(uow, ticket, uow.session.get_one(ClinicSession, house.sessions[0].id))

    assert house.call(0).number == called.number


def test_desks_that_call_at_once_never_get_the_same_patient(units: Units) -> None:
    house = line(units, 8, doctors=4)
    called: list[str] = []

    for _ in range(2):
        together = Barrier(4)

        def one(doctor: int, together: Barrier = together) -> Ticket | None:
            together.wait()
            with suppress(VisitError):
                return house.call(doctor)
            return None

        with ThreadPoolExecutor(4) as pool:
            got = [ticket for ticket in pool.map(one, range(4)) if ticket]
        called += [ticket.number for ticket in got]
        for ticket in got:
            house.finish(ticket)

    assert len(called) == len(set(called))
    assert set(called) <= {ticket.number for ticket in house.tickets}


@pytest.mark.skipif(not is_postgres(), reason="SQLite has one writer at a time")
def test_without_the_lock_desks_get_in_each_others_way(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: who is first is read without a lock, so that all desks look at the same patient."""
    house = line(units, 4, doctors=4)
    together = Barrier(4)
    own_way = service.call

    def call_at_once(uow: object, ticket: Ticket, **to: object) -> Ticket:
        together.wait(10)
        return own_way(uow, ticket, **to)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "call", call_at_once)
    monkeypatch.setattr("sqlalchemy.sql.selectable.Select.with_for_update", lambda self, **_: self)

    def one(doctor: int) -> bool:
        with suppress(VisitError):
            house.call(doctor)
            return True
        return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1


def test_a_call_that_was_a_slip_puts_the_patient_back_at_the_head_of_the_line(units: Units) -> None:
    house = line(units, 2)
    called = house.call(1)

    with units.open() as uow:
        undoing.undo(uow, uow.session.get_one(Ticket, called.id))

    assert [house.call(0).number, house.call(1).number] == [ticket.number for ticket in house.tickets]


def test_the_boards_show_one_line_at_every_door(units: Units) -> None:
    house = line(units, 3)
    house.call(1)

    with units.open() as uow:
        board = boards.board(uow, house.clinic.department.code)
        first, second = board.rows
        door = board.at_door("3-11", uow.now())

    assert [row.waiting for row in (first, second)] == [2, 2]
    assert first.next == second.next
    assert (first.called, second.called) == (None, (house.tickets[0].number, "张*英"))
    assert door == second


def test_by_rule_the_boards_show_numbers_only(units: Units) -> None:
    house = line(units, 2)
    house.call(0)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, SHARED | {"boards_show_names": False})

    with units.open() as uow:
        first, _ = boards.board(uow, house.clinic.department.code).rows

    assert first.called == (house.tickets[0].number, "")
    assert first.next == ((house.tickets[1].number, ""),)


def test_the_position_is_in_the_whole_line_and_more_doctors_shorten_the_wait(units: Units) -> None:
    house = line(units, 6)

    with units.open() as uow:
        mine = uow.session.get_one(Ticket, house.tickets[5].id)
        place, seen = service.position(uow, mine), look(uow, mine.line_id)
        alone = replace(seen, doctors=1).wait_of(mine)

    assert (place.ahead, seen.doctors) == (5, 2)
    assert place.told.middle_minutes < 0.7 * alone.middle_minutes


def test_a_doctor_who_does_not_come_is_not_counted_on(units: Units, clock: SetClock) -> None:
    house = line(units, 3)
    house.call(0)

    clock.step(minutes=21)
    with units.open() as uow:
        assert look(uow, house.tickets[0].line_id).doctors == 1


def test_a_line_keeps_its_name_when_its_first_doctor_stops(units: Units) -> None:
    house = line(units, 4)
    with units.open() as uow:
        scheduling.stop_session(uow, public_id=house.sessions[0].public_id, why="ill")

    with units.open() as uow:
        other = uow.session.get_one(ClinicSession, house.sessions[1].id)
        assert shared_lines.line_of(uow, other) == house.sessions[0].id
    assert house.call(1).number == house.tickets[0].number
    assert house.ticket(1).state == TicketState.WAITING


def together(seed: int, doctors: int) -> SessionPlan:
    """So many simulated doctors' patients in one line."""
    plans = simulated_day(seed, sessions=doctors)
    lengths = plans[0].slot_minutes
    everybody = tuple(
        replace(one, place_no=number * 100 + one.place_no, slot_at=(one.place_no - 1) * lengths)
        for number, plan in enumerate(plans)
        for one in plan.expected
    )
    return SessionPlan(lengths, plans[0].begins_at, everybody, doctors=doctors)


def asked(doctors: int) -> Iterator[tuple[float, Estimate, Estimate]]:
    """Everybody's wait as it came, as told at check-in, and as told by who counts on one doctor only."""
    for seed in range(12):
        plan = together(seed, doctors)
        events = play(plan)
        called: dict[int, float] = {}
        for event in events:
            if event.happening == Happening.CALLED:
                called.setdefault(event.place_no, event.at)
        watched = Watched(plan)
        for event in events:
            watched.see(event)
            if event.happening == Happening.ARRIVED:
                facts = watched.facts(event.place_no, event.at)
                habits = Habits(plan.slot_minutes)
                told, alone = estimate(facts, habits), estimate(replace(facts, doctors=1), habits)
                yield called[event.place_no] - event.at, told, alone


@pytest.mark.parametrize("doctors", [2, 3])
def test_the_told_wait_holds_for_a_line_of_several_doctors(doctors: int) -> None:
    said = list(asked(doctors))

    inside = statistics.fmean(told.low_minutes <= wait <= told.high_minutes for wait, told, _ in said)
    error = statistics.fmean(abs(told.middle_minutes - wait) for wait, told, _ in said)
    error_of_one = statistics.fmean(abs(alone.middle_minutes - wait) for wait, _, alone in said)

    assert len(said) > 400
    assert 0.55 <= inside <= 0.75
    assert statistics.fmean(wait < told.safe_minutes for wait, told, _ in said) < 0.05
    assert error < 0.4 * error_of_one
