"""A booked visit is moved: the new place is had first, the old one goes back only then, and nothing is ever lost."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.events import FeePaidTooLate
from app.kernel.errors import NotFound, Refused, TryLater
from app.kernel.moves import Move
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Actor, Units
from app.registration import by_hospital, by_time, conduct, rescheduling, service
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.rulebook import service as rulebook
from app.scheduling import opening
from app.scheduling.models import ClinicSession, HalfDay, Shift, Slot
from app.scheduling.states import SlotState
from tests import factories, factories_payment
from tests.conftest import SetClock
from tests.factories import Clinic, Person


def another(units: Units, clinic: Clinic, *, days: int = 1, places: int = 2, fee_fen: int = 2500) -> ClinicSession:
    """The same doctor sits once more, so many days later."""
    with units.open() as uow:
        day = uow.today() + timedelta(days=days)
        shift = Shift(
            practitioner_id=clinic.practitioner.id,
            weekday=day.weekday(),
            half_day=HalfDay.AM,
            starts=time(9, 30),
            places=places,
            slot_minutes=15,
            room="3-05",
            fee_fen=fee_fen,
        )
        uow.session.add(shift)
        uow.session.flush()
        made = opening.open_session(uow, shift, day)
        assert made is not None
        return made


def setup(units: Units, clock: SetClock, **later: int) -> tuple[Clinic, Person, Registration, ClinicSession]:
    """Somebody with a paid place in a morning to come, and another session to move to."""
    with units.open() as uow:
        clinic, who = factories.clinic(uow, places=2), factories.person(uow)
    clock.step(hours=-1)
    booked = factories.booked(units, who, clinic.session)
    return clinic, who, booked, another(units, clinic, **later)


def move(units: Units, who: Person, booked: Registration, session: ClinicSession) -> Registration:
    with units.open(who.actor) as uow:
        return rescheduling.reschedule(uow, public_id=booked.public_id, session_public_id=session.public_id)


def pay(units: Units, registration: Registration) -> list[object]:
    with units.open() as uow:
        service.confirm_when_paid(uow, factories_payment.fee_paid(uow, registration))
        return list(uow._happened)


def told(units: Units, key: str) -> dict[str, Any]:
    """What the hospital system is told under the key."""
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(OutboxItem.payload).where(OutboxItem.key == key)).one()


def states(units: Units, session: ClinicSession) -> Counter[SlotState]:
    with units.open() as uow:
        return Counter(uow.session.scalars(select(Slot.state).where(Slot.session_id == session.id)))


def rules(units: Units, clock: SetClock, **body: object) -> None:
    """The house's rules since before dawn."""
    now = clock.now()
    clock.step(hours=-5)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, body)
    clock.at(now)


def test_for_the_same_fee_the_visit_itself_moves_and_the_old_place_is_free(units: Units, clock: SetClock) -> None:
    clinic, who, booked, later = setup(units, clock)

    moved = move(units, who, booked, later)

    assert (moved.id, moved.visit_number, moved.state) == (booked.id, booked.visit_number, RegistrationState.BOOKED)
    assert (moved.session_id, moved.visit_day, moved.times_moved) == (later.id, later.visit_day, 1)
    assert states(units, clinic.session) == {SlotState.FREE: 2}
    assert states(units, later) == {SlotState.TAKEN: 1, SlotState.FREE: 1}


def test_the_hospital_system_and_the_patient_hear_of_every_new_time(units: Units, clock: SetClock) -> None:
    clinic, who, booked, later = setup(units, clock)

    move(units, who, booked, later)
    move(units, who, booked, clinic.session)

    with units.open() as uow:
        keyed = select(OutboxItem.key).where(OutboxItem.topic == "hospital").order_by(OutboxItem.id)
        keys = uow.session.scalars(keyed).all()
    assert [key for key in keys if "Rescheduled" in key] == [
        f"RegistrationRescheduled:{booked.id}:1",
        f"RegistrationRescheduled:{booked.id}:2",
    ]


def test_what_was_moved_counts_nowhere_as_cancelled(units: Units, clock: SetClock) -> None:
    rules(units, clock, breach_limits=[{"breach": "cancel", "breaches": 1, "within_months": 1, "suspend_months": 1}])
    _, who, booked, later = setup(units, clock)

    move(units, who, booked, later)

    with units.open() as uow:
        assert conduct.in_force(uow, who.patient.id) is None


def test_for_another_fee_the_new_place_is_held_and_the_old_one_stays_until_it_is_paid(
    units: Units, clock: SetClock
) -> None:
    clinic, who, booked, dearer = setup(units, clock, fee_fen=5000)

    held = move(units, who, booked, dearer)

    assert (held.state, held.fee_fen, held.replaces_id) == (RegistrationState.HELD, 5000, booked.id)
    assert states(units, clinic.session)[SlotState.TAKEN] == 1
    pay(units, held)
    assert told(units, f"RegistrationCancelled:{booked.id}")["was_paid"] is True
    assert states(units, clinic.session) == {SlotState.FREE: 2}
    assert states(units, dearer)[SlotState.TAKEN] == 1


def test_a_new_place_without_a_fee_is_had_at_once_and_the_old_fee_comes_back(units: Units, clock: SetClock) -> None:
    clinic, who, booked, free = setup(units, clock, fee_fen=0)

    moved = move(units, who, booked, free)

    assert moved.state == RegistrationState.BOOKED
    with units.open() as uow:
        assert uow.session.get_one(Registration, booked.id).state == RegistrationState.CANCELLED
    assert states(units, clinic.session) == {SlotState.FREE: 2}


def test_an_exchange_that_is_not_paid_for_leaves_the_old_place_as_it_was(units: Units, clock: SetClock) -> None:
    clinic, who, booked, dearer = setup(units, clock, fee_fen=5000)
    move(units, who, booked, dearer)

    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)

    with units.open() as uow:
        assert uow.session.get_one(Registration, booked.id).state == RegistrationState.BOOKED
    assert (states(units, clinic.session)[SlotState.TAKEN], states(units, dearer)) == (1, {SlotState.FREE: 2})


def test_a_fee_that_comes_late_still_exchanges_the_places(units: Units, clock: SetClock) -> None:
    _, who, booked, dearer = setup(units, clock, fee_fen=5000)
    held = move(units, who, booked, dearer)
    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)

    pay(units, held)

    with units.open() as uow:
        found = [uow.session.get_one(Registration, each.id).state for each in (booked, held)]
    assert found == [RegistrationState.CANCELLED, RegistrationState.BOOKED]


def test_whoever_came_to_the_old_place_gives_up_the_exchange_and_is_not_charged(units: Units, clock: SetClock) -> None:
    _, who, booked, dearer = setup(units, clock, fee_fen=5000)
    held = move(units, who, booked, dearer)

    with units.open(who.actor) as uow:
        service.mark_checked_in(uow, service.of_account(uow, booked.public_id))
    happened = pay(units, held)

    assert [type(fact) for fact in happened] == [FeePaidTooLate]
    assert states(units, dearer) == {SlotState.FREE: 2}


def test_a_late_fee_for_an_exchange_goes_back_once_the_old_place_is_used(units: Units, clock: SetClock) -> None:
    _, who, booked, dearer = setup(units, clock, fee_fen=5000)
    held = move(units, who, booked, dearer)
    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)
    with units.open(who.actor) as uow:
        service.mark_checked_in(uow, service.of_account(uow, booked.public_id))

    assert [type(fact) for fact in pay(units, held)] == [FeePaidTooLate]


def test_a_full_session_changes_nothing(units: Units, clock: SetClock) -> None:
    clinic, who, booked, later = setup(units, clock, places=1)
    with units.open() as uow:
        other = factories.person(uow)
    factories.held(units, other, later)

    with pytest.raises(Refused) as refused:
        move(units, who, booked, later)

    assert refused.value.code == "sold_out"
    assert states(units, clinic.session)[SlotState.TAKEN] == 1
    with units.open() as uow:
        assert uow.session.get_one(Registration, booked.id).session_id == clinic.session.id


def test_moving_twice_to_the_same_session_moves_once(units: Units, clock: SetClock) -> None:
    _, who, booked, later = setup(units, clock)

    first, second = move(units, who, booked, later), move(units, who, booked, later)

    assert (first.id, second.id, second.times_moved) == (booked.id, booked.id, 1)


def test_a_second_exchange_waits_for_the_first(units: Units, clock: SetClock) -> None:
    clinic, who, booked, dearer = setup(units, clock, fee_fen=5000)
    third = another(units, clinic, days=2, fee_fen=7000)
    held = move(units, who, booked, dearer)

    with pytest.raises(Refused) as to_third:
        move(units, who, booked, third)
    with pytest.raises(Refused) as again:
        move(units, who, booked, dearer)

    assert (to_third.value.code, to_third.value.facts["registration"]) == ("exchange_waits", held.public_id)
    assert (again.value.code, again.value.facts["registration"]) == ("already_registered", held.public_id)


@pytest.mark.parametrize(
    ("body", "at_hour", "code"),
    [
        ({"cancel_minutes_before": 60, "expert_cancel_minutes_before": 60}, 9, "reschedule_too_late"),
        ({"cancel_until": "clock", "cancel_days_before": 1, "cancel_clock": "17:00"}, 7, "reschedule_too_late"),
        ({"late_cancel_minutes": 120}, 8, "reschedule_too_late"),
        ({"window_days": 0}, 7, "not_released_yet"),
    ],
)
def test_the_rules_say_until_when(
    units: Units, clock: SetClock, body: dict[str, object], at_hour: int, code: str
) -> None:
    _, who, booked, later = setup(units, clock)
    rules(units, clock, **body)
    clock.at(datetime.fromisoformat(f"2026-11-23T{at_hour:02d}:00:00+08:00"))

    with pytest.raises(Refused) as refused:
        move(units, who, booked, later)

    assert refused.value.code == code


def test_the_rules_say_how_often(units: Units, clock: SetClock) -> None:
    rules(units, clock, reschedules_at_most=1)
    clinic, who, booked, later = setup(units, clock)
    move(units, who, booked, later)

    with pytest.raises(Refused) as refused:
        move(units, who, booked, clinic.session)

    assert (refused.value.code, refused.value.facts) == ("moved_too_often", {"at_most": 1})


def test_a_move_takes_up_no_more_of_the_limits(units: Units, clock: SetClock) -> None:
    rules(
        units, clock, patient_bookings_at_most=1, account_bookings_per_day_at_most=1, patient_department_day_at_most=1
    )
    _, who, booked, later = setup(units, clock)

    assert move(units, who, booked, later).session_id == later.id


def test_the_given_back_place_rests_like_any_other(units: Units, clock: SetClock) -> None:
    rules(units, clock, returned_place_minutes_at_least=5, returned_place_minutes_at_most=30)
    clinic, who, booked, later = setup(units, clock)

    move(units, who, booked, later)

    with units.open() as uow:
        rests = uow.session.scalar(
            select(func.count()).where(Slot.session_id == clinic.session.id, Slot.free_from > uow.now())
        )
    assert rests == 1


def test_only_the_own_booked_visit_can_be_moved(units: Units, clock: SetClock) -> None:
    clinic, who, _, later = setup(units, clock)
    with units.open() as uow:
        stranger, waiting = factories.person(uow), factories.person(uow)
    held = factories.held(units, waiting, clinic.session)
    with units.open(who.actor) as uow:
        mine = service.list_of_account(uow)[0]

    with pytest.raises(NotFound):
        move(units, stranger, mine, later)
    with pytest.raises(Refused) as unpaid:
        move(units, waiting, held, later)

    assert unpaid.value.code == "cannot_reschedule"


def test_what_the_hospital_system_booked_is_moved_there(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow, fee_fen=0), factories.person(uow)
    later = another(units, clinic, fee_fen=0)
    clock.step(hours=-1)
    with units.open(Actor("peer", "his")) as uow:
        session = uow.session.get_one(ClinicSession, clinic.session.id)
        theirs = by_hospital.book(uow, session=session, patient=who.patient, not_before=session.starts_at)

    with pytest.raises(Refused) as refused:
        move(units, who, theirs, later)

    assert refused.value.code == "cannot_reschedule"


def test_eight_taps_move_once_and_the_last_place_goes_to_one(units: Units, clock: SetClock) -> None:
    clinic, who, booked, later = setup(units, clock, places=1)
    with units.open() as uow:
        other = factories.person(uow)
    others = factories.booked(units, other, clinic.session)
    start = Barrier(8)

    def tap(number: int) -> str:
        person, mine = ((who, booked), (other, others))[number % 2]
        start.wait()
        for _ in range(100):
            try:
                move(units, person, mine, later)
            except TryLater:
                continue
            except Refused as refused:
                return refused.code
            return person.account.public_id
        return "gave up"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(tap, range(8)))

    assert answers["sold_out"] == 4
    assert set(answers) - {"sold_out"} < {who.account.public_id, other.account.public_id}
    assert (states(units, later), states(units, clinic.session)) == (
        {SlotState.TAKEN: 1},
        {SlotState.TAKEN: 1, SlotState.FREE: 1},
    )
    with units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Move).where(Move.action == "reschedule")) == 1


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_lock_and_the_claim_the_same_taps_sell_the_place_twice(units: Units, clock: SetClock) -> None:
    """The control: look whether a place is free, then write who has it."""
    clinic, _, booked, later = setup(units, clock, places=1)
    with units.open() as uow:
        other = factories.person(uow)
    people = [booked.id, factories.booked(units, other, clinic.session).id]
    start = Barrier(2)

    def naive(registration_id: int) -> int:
        with units.open() as uow:
            free = select(Slot.id).where(Slot.session_id == later.id, Slot.state == "free").limit(1)
            slot_id = uow.session.scalar(free)
            start.wait()
            if slot_id is None:
                return 0
            taking = text("UPDATE slot SET state = 'taken', registration_id = :r WHERE id = :s")
            uow.session.execute(taking, {"r": registration_id, "s": slot_id})
            uow.session.rollback()  # what was seen is enough; the tables stay whole
            return 1

    with ThreadPoolExecutor(2) as pool:
        sold = sum(pool.map(naive, people))

    assert sold > 1
