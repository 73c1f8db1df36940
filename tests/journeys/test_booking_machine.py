"""Whatever happens to places, money and time in whatever order, nothing is sold twice and no fen is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.engine import Engine

from app.kernel.db import Base
from app.kernel.uow import Units, Uow
from app.registration import service
from app.registration.models import Registration
from tests.conftest import SetClock
from tests.journeys.booking_machine import BookingMachine, DecidedMachine, machine

FEW = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class Hospital:
    """The database between two examples: what the last one wrote is gone."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with engine.begin() as connection:
            tables = Base.metadata.sorted_tables
            self.kept = {table.name for table in tables if connection.scalar(text(f'SELECT 1 FROM "{table.name}"'))}

    def wash(self) -> None:
        """Every table that is not as it was at the beginning is emptied, the referring ones first."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in self.kept:
                    connection.execute(text(f'DELETE FROM "{table.name}"'))


def test_no_order_of_events_breaks_a_promise(units: Units, engine: Engine, clock: SetClock) -> None:
    run_state_machine_as_test(machine(units, clock, Hospital(engine).wash), settings=FEW)


@pytest.mark.long
def test_no_order_of_two_thousand_breaks_a_promise(units: Units, engine: Engine, clock: SetClock) -> None:
    many = settings(FEW, max_examples=2000, derandomize=False, print_blob=True)

    run_state_machine_as_test(machine(units, clock, Hospital(engine).wash), settings=many)


@pytest.mark.parametrize("examples", [6, pytest.param(1000, marks=pytest.mark.long)])
def test_nor_does_a_hospital_system_that_decides_late_or_never(
    units: Units, engine: Engine, clock: SetClock, examples: int
) -> None:
    decided = machine(units, clock, Hospital(engine).wash, DecidedMachine)

    run_state_machine_as_test(decided, settings=settings(FEW, max_examples=examples))


def test_a_place_that_is_given_up_before_the_word_is_found(units: Units, engine: Engine, clock: SetClock) -> None:
    """The control: the same machine in a hospital that gives the former place back as soon as the new one is booked."""
    from app import events

    def give_back(uow: Uow, booked: events.RegistrationBooked) -> None:
        service.give_back_former(uow, uow.session.get_one(Registration, booked.registration_id))

    story = dict(units.story)
    story[events.RegistrationBooked] = (give_back, *story[events.RegistrationBooked])
    hasty = Units(units.engine, units.clock, units.keys, units.zone, story)
    hospital = Hospital(engine)
    walk: Any = machine(hasty, clock, hospital.wash, DecidedMachine)()
    walk.open_the_hospital()
    walk.a_swap_is_asked_for(is_yes=False)
    with pytest.raises(AssertionError, match="no_place_is_given_up_for_one_that_was_not_agreed"):
        walk.one_place_or_the_other()
    hospital.wash()


def test_a_fee_that_is_kept_for_a_place_that_went_back_is_found(units: Units, engine: Engine, clock: SetClock) -> None:
    """The control: the same machine in a hospital in which nobody follows a cancellation with the money."""
    from app import events

    story = dict(units.story) | {events.RegistrationCancelled: ()}
    careless = Units(units.engine, units.clock, units.keys, units.zone, story)
    hospital = Hospital(engine)

    class Leaving(machine(careless, clock, hospital.wash)):  # type: ignore[misc]
        """Somebody books, pays and cancels."""

    walk: BookingMachine = Leaving()
    walk.open_the_hospital()
    walk.hold(0, 1)
    walk.pay(0)
    walk.cancel(0, 0)
    with pytest.raises(AssertionError, match="nobody_pays_for_a_place_that_is_gone"):
        walk.every_promise_holds()
    hospital.wash()
