"""A state moves once however many push, the second tap is answered as the first, and too many tries are refused."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from app.kernel import once, rates
from app.kernel.errors import TooMany
from app.kernel.moves import IllegalMove, Move, move
from app.kernel.uow import Actor, Units, Uow
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction
from tests import factories
from tests.conftest import SetClock


def led(uow: Uow, key: str, body: str) -> str | None:
    """Where the deed's answer led when it was done before; None when it is to be done now."""
    try:
        once.begin(uow, key, body)
        uow.session.hear_riders()
    except once.DoneBefore as done:
        return done.location
    return None


def test_of_many_that_move_one_thing_at_once_one_does(units: Units) -> None:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    booked = factories.booked(units, who, clinic.session)
    start = Barrier(8)

    def push(_: int) -> str:
        start.wait()
        try:
            with units.open() as uow:
                row = uow.session.get_one(Registration, booked.id)
                move(uow, REGISTRATION, row, RegistrationAction.CHECK_IN)
        except IllegalMove as refused:
            return refused.code
        return "moved"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(push, range(8)))

    assert answers == {"moved": 1, "illegal_move": 7}
    with units.open() as uow:
        checked_in = select(func.count()).select_from(Move).where(Move.action == "check_in")
        assert uow.session.scalar(checked_in) == 1


def test_the_second_tap_is_led_where_the_first_one_was(units: Units) -> None:
    who = Actor("patient", "a", 1)
    with units.open(who) as uow:
        assert led(uow, "key", "body") is None
        once.remember(uow, "key", "/registrations/1")

    with units.open(who) as uow:
        assert led(uow, "key", "body") == "/registrations/1"
        with pytest.raises(once.OnceKeyReused):
            led(uow, "key", "another body")
    with units.open(Actor("patient", "b", 2)) as uow:
        assert led(uow, "key", "body") is None, "another person's key is another key"


def test_two_taps_at_once_do_one_deed(units: Units) -> None:
    start = Barrier(2)

    def tap(_: int) -> str | None:
        start.wait()
        with units.open(Actor("patient", "a", 1)) as uow:
            led_to = led(uow, "key", "body")
            if led_to is None:
                once.remember(uow, "key", "/done")
            return led_to

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(tap, range(2)), key=str) == ["/done", None]


def test_forgotten_keys_can_be_used_again(units: Units, clock: SetClock) -> None:
    with units.open(Actor("patient", "a", 1)) as uow:
        led(uow, "key", "body")
    clock.step(days=3)

    with units.open(Actor("patient", "a", 1)) as uow:
        once.sweep(uow)
        assert led(uow, "key", "body") is None


def test_tries_are_counted_also_when_they_are_refused(units: Units, clock: SetClock) -> None:
    waits: list[int] = []

    def use() -> bool:
        try:
            with units.open() as uow:
                rates.use(uow, "login:x", at_most=3, window_seconds=60)
        except TooMany as refused:
            waits.append(int(str(refused.facts["retry_seconds"])))
            return False
        return True

    assert [use() for _ in range(5)] == [True, True, True, False, False]
    assert all(0 < seconds <= 60 for seconds in waits)
    clock.step(seconds=60)
    assert use()
