"""A simulated day of the waiting list: how much of what comes back is taken within the time of its offers."""

from __future__ import annotations

from random import Random

from sqlalchemy import select

from app.identity.models import Account
from app.kernel.uow import Actor, Units
from app.registration import waitlist
from app.registration.models import Registration, WaitlistEntry, WaitlistOffer
from app.registration.states import OfferState
from tests.conftest import SetClock
from tests.unit.registration.test_waitlist import cancel, full, join, work


def refilled(units: Units, clock: SetClock, *, is_offered: bool) -> tuple[int, int]:
    """(freed, refilled within the offers' time) of a day on which one in nine takes what is offered.

    One in nine: 6 603 of 60 660 offers were accepted in JMIR 2024 e52071.
    """
    chance = Random(20261123)
    clinic, booked, people = full(units, clock, places=16)
    for _ in range(60):
        join(units, clinic)
    leaving = chance.sample(range(16), 10)
    freed = 0
    for minute in range(0, 5 * 60, 5):
        if minute % 10 == 0 and freed < len(leaving):
            for number in leaving[freed : freed + 2]:
                cancel(units, booked[number], people[number])
            freed += 2
        if is_offered:
            work(units)
            _answer(units, chance)
        clock.step(minutes=5)
    with units.open() as uow:
        taken = uow.session.scalars(select(Registration).where(Registration.source_code == waitlist.SOURCE)).all()
    return freed, len(taken)


def _answer(units: Units, chance: Random) -> None:
    with units.open() as uow:
        asked = uow.session.scalars(
            select(WaitlistOffer).where(WaitlistOffer.state == OfferState.OPEN, WaitlistOffer.offered_at == uow.now())
        ).all()
        accounts = {offer.id: uow.session.get_one(WaitlistEntry, offer.entry_id).account_id for offer in asked}
    for offer in asked:
        draw = chance.random()
        if draw > 1 / 9 + 1 / 9:
            continue  # most never look
        with units.open(_actor(units, accounts[offer.id])) as uow:
            if draw <= 1 / 9:
                waitlist.accept(uow, public_id=offer.public_id)
            else:
                waitlist.decline(uow, public_id=offer.public_id)


def _actor(units: Units, account_id: int) -> Actor:
    with units.open() as uow:
        account = uow.session.get_one(Account, account_id)
        return Actor("patient", account.public_id, account.id)


def test_a_day_refills_three_in_ten_of_the_freed_places_within_their_offers_time(units: Units, clock: SetClock) -> None:
    freed, taken = refilled(units, clock, is_offered=True)

    assert freed == 10
    assert taken >= 0.3 * freed


def test_without_offers_nobody_who_waits_has_a_place(units: Units, clock: SetClock) -> None:
    """The control: the same day, and nobody is asked."""
    assert refilled(units, clock, is_offered=False) == (10, 0)
