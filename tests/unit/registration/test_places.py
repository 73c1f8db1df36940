"""A place is held, paid for, kept or given back, and never sold twice."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.engine import Engine

from app.events import FeePaidTooLate, RegistrationBooked
from app.kernel.errors import NotFound, Refused, TryLater
from app.kernel.uow import Actor, Units, Uow
from app.registration import by_time, closing, service
from app.registration.errors import AlreadyRegistered, CannotCancel, TooManyHolds
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.errors import SessionClosed, SoldOut
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SlotState
from tests import factories, factories_payment
from tests.conftest import SetClock


def pay(uow: Uow, registration: Registration) -> list[object]:
    """Says that the fee's bill is paid; what registration publishes then."""
    service.confirm_when_paid(uow, factories_payment.fee_paid(uow, registration))
    return list(uow._happened)


def taken(units: Units) -> Counter[SlotState]:
    with units.open() as uow:
        return Counter(uow.session.scalars(select(Slot.state)))


def test_a_place_is_held_then_paid_then_the_patients(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow, places=3), factories.person(uow)

    held = factories.held(units, who, clinic.session)
    assert (held.state, held.place_no) == (RegistrationState.HELD, 1)
    assert taken(units)[SlotState.HELD] == 1

    with units.open() as uow:
        registration = uow.session.get_one(Registration, held.id)
        happened = pay(uow, registration)
    assert happened == [RegistrationBooked(held.id, who.patient.id)]
    assert taken(units) == {SlotState.TAKEN: 1, SlotState.FREE: 2}


def test_the_last_twenty_places_go_to_twenty_of_sixty_four(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow, places=20)
        people = [factories.person(uow) for _ in range(64)]
    start = Barrier(64)

    def try_to_hold(who: factories.Person) -> str | int:
        start.wait()
        for _ in range(200):
            try:
                return factories.held(units, who, clinic.session).place_no
            except TryLater:
                continue
            except Refused as refused:
                return refused.code
        return "gave up"

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(try_to_hold, people))

    numbers = sorted(answer for answer in answers if isinstance(answer, int))
    assert numbers == list(range(1, 21))
    assert Counter(answer for answer in answers if isinstance(answer, str)) == {"sold_out": 44}


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("waits", [True, False])
def test_the_last_place_is_waited_for_and_had_when_the_one_before_lets_go(
    units: Units, monkeypatch: pytest.MonkeyPatch, *, stands: bool, waits: bool
) -> None:
    """The control does not wait: it leaves the place to nobody, or tells to come again in vain."""
    with units.open() as uow:
        clinic, first, second = factories.clinic(uow, places=1), factories.person(uow), factories.person(uow)
    monkeypatch.setattr(scheduling, "BETWEEN_TRIES_SECONDS", (0.02,) * 1000 if waits else ())
    begun = units.begin(Actor("patient", "first", first.account.id))
    scheduling.claim_slot(begun, session_id=clinic.session.id, registration_id=1)

    def ask() -> str | int:
        try:
            return factories.held(units, second, clinic.session).place_no
        except (Refused, TryLater) as refusal:
            return refusal.code

    with ThreadPoolExecutor(1) as other:
        answer = other.submit(ask)
        wait([answer], timeout=0.1 if waits else None)
        (units.finish if stands else units.drop)(begun)

    assert answer.result() == ("places_busy" if not waits else "sold_out" if stands else 1)


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one plan")
def test_one_hold_takes_one_place_by_whatever_plan_the_database_chooses(units: Units, engine: Engine) -> None:
    """With worn statistics PostgreSQL prefers nested loops, which run a subquery of IN once per place."""
    with units.open() as uow:
        clinic, who = factories.clinic(uow, places=20), factories.person(uow)
    worst = [f"SET enable_{method} = off" for method in ("hashjoin", "mergejoin", "hashagg", "sort", "material")]
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("; ".join(worst)))

    factories.held(units, who, clinic.session)

    assert taken(units) == {SlotState.HELD: 1, SlotState.FREE: 19}


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_single_statement_the_same_race_oversells(units: Units) -> None:
    """The control: read which place is free, then write it; the race above must catch exactly this."""
    with units.open() as uow:
        clinic = factories.clinic(uow, places=5)
    sold = 0

    def read_then_write(number: int) -> int:
        with units.open() as uow:
            free = select(Slot.id).where(Slot.session_id == clinic.session.id, Slot.state == "free").order_by(Slot.seq)
            slot_id = uow.session.scalars(free.limit(1)).first()
            if slot_id is None:
                return 0
            uow.session.execute(text("SELECT pg_sleep(0.01)"))
            uow.session.execute(
                text("UPDATE slot SET state = 'held', registration_id = :r WHERE id = :s"), {"r": number, "s": slot_id}
            )
        return 1

    with ThreadPoolExecutor(16) as pool:
        sold = sum(pool.map(read_then_write, range(1, 41)))

    assert sold > 5


def test_two_taps_hold_one_place(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    start = Barrier(8)

    def tap(_: int) -> str:
        start.wait()
        try:
            factories.held(units, who, clinic.session)
        except (AlreadyRegistered, TryLater) as refused:
            return refused.code
        return "held"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(tap, range(8)))

    assert answers["held"] == 1
    assert taken(units)[SlotState.HELD] == 1


def test_an_unpaid_place_goes_back_after_ten_minutes(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, who, next_one = factories.clinic(uow, places=1), factories.person(uow), factories.person(uow)
    held = factories.held(units, who, clinic.session)
    with pytest.raises(SoldOut):
        factories.held(units, next_one, clinic.session)

    clock.step(minutes=10)
    with units.open() as uow:
        assert by_time.expire_due(uow) == 1
        assert by_time.expire_due(uow) == 0

    assert factories.held(units, next_one, clinic.session).place_no == 1
    with units.open() as uow:
        assert uow.session.get_one(Registration, held.id).state == RegistrationState.EXPIRED


@pytest.mark.parametrize(("places", "follows"), [(2, RegistrationBooked), (1, FeePaidTooLate)])
def test_a_fee_that_comes_late_finds_a_place_or_goes_back(
    units: Units, clock: SetClock, places: int, follows: type
) -> None:
    with units.open() as uow:
        clinic, late, other = factories.clinic(uow, places=places), factories.person(uow), factories.person(uow)
    held = factories.held(units, late, clinic.session)
    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)
    factories.booked(units, other, clinic.session)

    with units.open() as uow:
        happened = pay(uow, uow.session.get_one(Registration, held.id))

    assert [type(event) for event in happened] == [follows]


def test_a_cancelled_place_is_free_again_and_only_in_time(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow, places=12), factories.person(uow)
    clock.step(hours=-2)
    booked = factories.booked(units, who, clinic.session)
    with units.open(who.actor) as uow:
        service.cancel(uow, public_id=booked.public_id)
    assert taken(units) == {SlotState.FREE: 12}

    again = factories.booked(units, who, clinic.session)
    clock.step(hours=1, minutes=40)
    with units.open(who.actor) as uow, pytest.raises(CannotCancel):
        service.cancel(uow, public_id=again.public_id)


def test_one_account_keeps_at_most_three_places_unpaid(units: Units) -> None:
    with units.open() as uow:
        clinics = [factories.clinic(uow, code=f"K{number}") for number in range(4)]
        who = factories.person(uow)
    for clinic in clinics[:3]:
        factories.held(units, who, clinic.session)

    with pytest.raises(TooManyHolds):
        factories.held(units, who, clinics[3].session)


def test_nobody_registers_a_patient_they_may_not_act_for(units: Units) -> None:
    with units.open() as uow:
        clinic, who, foreign = factories.clinic(uow), factories.person(uow), factories.person(uow)

    with units.open(who.actor) as uow, pytest.raises(NotFound):
        service.hold(uow, session_public_id=clinic.session.public_id, patient_public_id=foreign.patient.public_id)


def test_a_session_that_ends_or_stops_takes_nobody_and_settles_everybody(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, stopped = factories.clinic(uow), factories.clinic(uow, code="CV")
        missing, told = factories.person(uow), factories.person(uow)
    booked, cancelled = factories.booked(units, missing, clinic.session), factories.booked(units, told, stopped.session)

    with units.open() as uow:
        assert closing.stop_session(uow, public_id=stopped.session.public_id, why="doctor ill") == 1
    clock.step(hours=6)
    with units.open() as uow:
        assert by_time.close_sessions(uow) == 1

    with units.open() as uow:
        assert uow.session.get_one(Registration, booked.id).state == RegistrationState.NO_SHOW
        assert uow.session.get_one(Registration, cancelled.id).state == RegistrationState.CANCELLED
        assert uow.session.scalar(select(func.count()).select_from(ClinicSession)) == 2
    with pytest.raises(SessionClosed):
        factories.held(units, told, clinic.session)
