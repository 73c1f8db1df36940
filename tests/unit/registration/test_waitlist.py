"""A place that comes back goes to whoever waits longest, for a quarter of an hour, and to nobody else meanwhile."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, text

from app.kernel.errors import NotFound, Refused
from app.kernel.uow import Units
from app.notifications.models import Message
from app.registration import by_time, closing, offering, service, waitlist
from app.registration.models import Registration, WaitlistEntry, WaitlistOffer
from app.registration.states import EntryState, OfferState, RegistrationState
from app.registration.waitlist import Wish
from app.rulebook import service as rulebook
from app.scheduling import service as scheduling
from app.scheduling.models import Slot
from app.scheduling.states import SlotState
from tests import factories, factories_payment
from tests.conftest import SetClock
from tests.factories import Clinic, Person


def full(units: Units, clock: SetClock, *, places: int = 1) -> tuple[Clinic, list[Registration], list[Person]]:
    """A session that is booked out, four hours before it begins; whose registrations, and who has them."""
    with units.open() as uow:
        clinic = factories.clinic(uow, places=places)
        people = [factories.person(uow) for _ in range(places)]
    clock.step(hours=-2)
    return clinic, [factories.booked(units, who, clinic.session) for who in people], people


def wish(units: Units, clinic: Clinic, **other: object) -> Wish:
    with units.open() as uow:
        today = uow.today()
    return Wish(**{"department_code": clinic.department.code, "from_day": today, "to_day": today, **other})  # type: ignore[arg-type]


def join(units: Units, clinic: Clinic, who: Person | None = None, **other: object) -> tuple[Person, WaitlistEntry]:
    if who is None:
        with units.open() as uow:
            who = factories.person(uow)
    wanted = wish(units, clinic, **other)
    with units.open(who.actor) as uow:
        return who, waitlist.join(uow, patient_public_id=who.patient.public_id, wish=wanted)


def cancel(units: Units, registration: Registration, who: Person) -> None:
    with units.open(who.actor) as uow:
        service.cancel(uow, public_id=registration.public_id)


def work(units: Units) -> int:
    with units.open() as uow:
        return offering.work_through(uow)


def offers(units: Units) -> list[tuple[int, OfferState]]:
    """(entry, state) of every offer, in the order in which they were made."""
    with units.open() as uow:
        rows = uow.session.execute(select(WaitlistOffer.entry_id, WaitlistOffer.state).order_by(WaitlistOffer.id)).all()
        return [(row[0], row[1]) for row in rows]


def open_offer(units: Units, who: Person) -> WaitlistOffer:
    with units.open(who.actor) as uow:
        found = waitlist.of_account(uow)[0].offer
        assert found is not None
        return found


def entry_state(units: Units, entry: WaitlistEntry) -> EntryState:
    with units.open() as uow:
        return uow.session.get_one(WaitlistEntry, entry.id).state


def rules(units: Units, clock: SetClock, **body: object) -> None:
    now = clock.now()
    clock.step(hours=-8)
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, body)
    clock.at(now)


def test_who_waits_longest_is_offered_the_place_and_one_tap_holds_it(units: Units, clock: SetClock) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    (first, entry), _ = join(units, clinic), join(units, clinic)

    cancel(units, booked, leaving)
    work(units)
    offer = open_offer(units, first)
    with units.open(first.actor) as uow:
        held = waitlist.accept(uow, public_id=offer.public_id)
    with units.open(first.actor) as uow:
        again = waitlist.accept(uow, public_id=offer.public_id)

    assert (held.state, held.place_no, held.id) == (RegistrationState.HELD, 1, again.id)
    assert offers(units) == [(entry.id, OfferState.ACCEPTED)]
    assert entry_state(units, entry) == EntryState.SERVED
    with units.open() as uow:
        service.confirm_when_paid(uow, factories_payment.fee_paid(uow, held))


def test_an_offered_place_is_to_be_had_by_nobody_else(units: Units, clock: SetClock) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    join(units, clinic)
    with units.open() as uow:
        passer_by = factories.person(uow)

    cancel(units, booked, leaving)
    with pytest.raises(Refused) as before:
        factories.held(units, passer_by, clinic.session)
    work(units)
    with pytest.raises(Refused) as after:
        factories.held(units, passer_by, clinic.session)

    assert (before.value.code, after.value.code) == ("sold_out", "sold_out")
    with units.open() as uow:
        assert scheduling.card(uow, clinic.session.public_id).free_places == 0


@pytest.mark.parametrize("how", ["declined", "expired", "left"])
def test_what_one_does_not_take_goes_to_the_next(units: Units, clock: SetClock, how: str) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    (first, entry), (_, next_entry) = join(units, clinic), join(units, clinic)
    cancel(units, booked, leaving)
    work(units)

    if how == "declined":
        with units.open(first.actor) as uow:
            waitlist.decline(uow, public_id=waitlist.of_account(uow)[0].offer.public_id)  # type: ignore[union-attr]
    elif how == "left":
        with units.open(first.actor) as uow:
            waitlist.leave(uow, public_id=entry.public_id)
    else:
        clock.step(minutes=15)
    work(units)

    assert [entry_id for entry_id, _ in offers(units)] == [entry.id, next_entry.id]
    assert offers(units)[1][1] == OfferState.OPEN
    expected = {"declined": EntryState.WAITING, "expired": EntryState.WAITING, "left": EntryState.LEFT}[how]
    assert entry_state(units, entry) == expected


def test_a_place_that_nobody_takes_is_everybodys_again(units: Units, clock: SetClock) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    join(units, clinic)
    with units.open() as uow:
        passer_by = factories.person(uow)
    cancel(units, booked, leaving)
    work(units)

    clock.step(minutes=15)
    work(units)

    assert factories.held(units, passer_by, clinic.session).place_no == 1


def test_whoever_answers_nothing_three_times_waits_no_longer_and_is_told(units: Units, clock: SetClock) -> None:
    clinic, booked, people = full(units, clock, places=3)
    who, entry = join(units, clinic)

    for registration, leaving in zip(booked, people, strict=True):
        cancel(units, registration, leaving)
        work(units)
        clock.step(minutes=15)
    work(units)

    assert entry_state(units, entry) == EntryState.LAPSED
    with units.open() as uow:
        told = uow.session.scalars(select(Message.template).where(Message.account_id == who.account.id)).all()
    assert Counter(told) == {"place_offered": 3, "waitlist_over": 1}


def test_the_offer_waits_until_the_place_has_rested(units: Units, clock: SetClock) -> None:
    rules(units, clock, returned_place_minutes_at_least=5, returned_place_minutes_at_most=6)
    clinic, (booked,), (leaving,) = full(units, clock)
    join(units, clinic)
    cancel(units, booked, leaving)

    work(units)
    at_once = offers(units)
    clock.step(minutes=7)
    work(units)

    assert (at_once, len(offers(units))) == ([], 1)


def test_nobody_is_woken_and_nobody_is_offered_what_begins_at_once(units: Units, clock: SetClock) -> None:
    rules(units, clock, waitlist_from_clock="08:00", waitlist_stops_minutes_before=60)
    clinic, booked, people = full(units, clock, places=2)
    join(units, clinic)

    cancel(units, booked[1], people[1])
    work(units)  # 07:30
    asleep = offers(units)
    clock.step(minutes=80)  # 08:50, forty minutes before the session
    work(units)

    assert (asleep, offers(units)) == ([], [])
    with units.open() as uow:
        assert scheduling.card(uow, clinic.session.public_id).free_places == 1


def test_a_place_that_was_free_before_anybody_waited_is_offered_too(units: Units, clock: SetClock) -> None:
    """A hold that ran out gives its place back while the only one who waits has not joined yet."""
    clinic, (booked,), (leaving,) = full(units, clock)
    who, entry = join(units, clinic)
    with units.open() as uow:
        uow.session.get_one(WaitlistEntry, entry.id).state = EntryState.LEFT
    cancel(units, booked, leaving)
    with units.open() as uow:
        uow.session.get_one(WaitlistEntry, entry.id).state = EntryState.WAITING

    work(units)

    assert open_offer(units, who).entry_id == entry.id


def test_an_expired_hold_is_offered(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic, holder = factories.clinic(uow, places=1), factories.person(uow)
    clock.step(hours=-2)
    factories.held(units, holder, clinic.session)
    who, _ = join(units, clinic)

    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)
    work(units)

    assert open_offer(units, who).state == OfferState.OPEN


def test_whoever_found_a_place_by_themself_waits_no_longer(units: Units, clock: SetClock) -> None:
    clinic, (booked, _), (leaving, _) = full(units, clock, places=2)
    who, entry = join(units, clinic)
    cancel(units, booked, leaving)
    with units.open() as uow:  # the desk lets everybody have it
        slot = uow.session.scalars(select(Slot).where(Slot.state == SlotState.SET_ASIDE)).one()
        scheduling.let_go(uow, slot_id=slot.id)

    factories.booked(units, who, clinic.session)

    assert entry_state(units, entry) == EntryState.SERVED


def test_a_stopped_session_withdraws_its_offers(units: Units, clock: SetClock) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    who, entry = join(units, clinic)
    cancel(units, booked, leaving)
    work(units)
    offer = open_offer(units, who)

    with units.open() as uow:
        closing.stop_session(uow, public_id=clinic.session.public_id, why="ill")
    with pytest.raises(Refused) as refused, units.open(who.actor) as uow:
        waitlist.accept(uow, public_id=offer.public_id)

    assert refused.value.code == "offer_over"
    assert entry_state(units, entry) == EntryState.WAITING


def test_joining_is_refused_in_words(units: Units, clock: SetClock) -> None:
    clinic, (booked,), (leaving,) = full(units, clock)
    who, entry = join(units, clinic)
    _, same = join(units, clinic, who)
    tomorrow = entry.to_day + timedelta(days=1)
    join(units, clinic, who, to_day=tomorrow)
    join(units, clinic, who, from_day=tomorrow, to_day=tomorrow)

    with pytest.raises(Refused) as too_many:
        join(units, clinic, who, to_day=tomorrow + timedelta(days=1))
    with pytest.raises(Refused) as turned:
        join(units, clinic, from_day=tomorrow)
    with units.open(who.actor) as uow:
        waitlist.leave(uow, public_id=entry.public_id)
    cancel(units, booked, leaving)
    with units.open() as uow:
        for aside in uow.session.scalars(select(Slot).where(Slot.state == SlotState.SET_ASIDE)):
            scheduling.let_go(uow, slot_id=aside.id)
    with pytest.raises(Refused) as needless:
        join(units, clinic)
    with pytest.raises(NotFound), units.open(leaving.actor) as uow:
        waitlist.leave(uow, public_id=entry.public_id)

    assert same.id == entry.id
    assert (too_many.value.code, too_many.value.facts) == ("waitlist_full", {"at_most": 3})
    assert (turned.value.code, needless.value.code) == ("bad_input", "places_left")


def race(units: Units, clock: SetClock) -> None:
    """Four places come back for two who wait with two wishes each, and four jobs offer them at the same instant."""
    clinic, booked, people = full(units, clock, places=4)
    for _ in range(2):
        who, entry = join(units, clinic)
        join(units, clinic, who, to_day=entry.to_day + timedelta(days=1))
    for registration, leaving in zip(booked, people, strict=True):
        cancel(units, registration, leaving)


def test_four_jobs_at_once_offer_nobody_two_places_and_no_place_to_two(units: Units, clock: SetClock) -> None:
    race(units, clock)
    start = Barrier(4)

    def job(_: int) -> None:
        start.wait()
        work(units)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(job, range(4)))

    with units.open() as uow:
        opened = uow.session.scalars(select(WaitlistOffer).where(WaitlistOffer.state == OfferState.OPEN)).all()
    assert len({offer.patient_id for offer in opened}) == len({offer.slot_id for offer in opened}) == len(opened) == 2


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_index_and_the_locks_two_jobs_offer_somebody_two_places(units: Units, clock: SetClock) -> None:
    """The control: look who has no offer, then write one."""
    race(units, clock)
    start = Barrier(2)

    def naive(number: int) -> int:
        with units.open() as uow:
            entry = uow.session.scalars(
                select(WaitlistEntry).where(WaitlistEntry.state == EntryState.WAITING).order_by(WaitlistEntry.id)
            ).first()
            assert entry is not None
            start.wait()
            made = uow.session.execute(
                text("SELECT count(*) FROM waitlist_offer WHERE patient_id = :p"), {"p": entry.patient_id}
            ).scalar()
            return entry.patient_id if not made else -number

    with ThreadPoolExecutor(2) as pool:
        offered = list(pool.map(naive, (1, 2)))

    assert len(set(offered)) == 1
