"""A password alone is not enough for whoever needs a second step: the phone shows six digits, each of them once."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from app.identity import logins, second_step, staffing
from app.identity.errors import SecondStepStands
from app.identity.models import Staff
from app.identity.rules import CHOOSES_PASSWORD, TAKES_SECOND_STEP
from app.kernel.uow import Units
from tests.authenticator import authenticator
from tests.conftest import SetClock

PASSWORD = "long enough 1"


@pytest.fixture
def nurse(units: Units) -> int:
    with units.open() as uow:
        staff = staffing.file_staff(uow, login="nurse", name="护士", roles=["nurse"], password=PASSWORD)
        uow.session.flush()
        second_step.demand(uow, staff, is_needed=True)
        return staff.id


def log_in(units: Units) -> logins.LoggedIn:
    with units.open() as uow:
        found = logins.log_in_staff(uow, login="nurse", password=PASSWORD)
    assert found is not None
    return found


def roles(units: Units, held: logins.LoggedIn) -> frozenset[str] | None:
    with units.open(reads_only=True) as uow:
        found = logins.who_holds(uow, held.secret)
    return found.roles if found else None


def phone_of(units: Units, held: logins.LoggedIn, clock: SetClock):
    """The nurse's authenticator, after it scanned the key: the digits it shows so many seconds from now."""
    with units.open(held.actor) as uow:
        return authenticator(second_step.offer(uow, secret=held.secret, hospital="测试医院").address, clock)


def take(units: Units, held: logins.LoggedIn, digits: str) -> bool:
    with units.open(held.actor) as uow:
        return second_step.take(uow, digits=digits, secret=held.secret)


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_the_codes_are_those_of_the_standard(seconds: int, digits: str) -> None:
    """RFC 6238, appendix B, of which authenticators show the last six."""
    assert TOTP(b"12345678901234567890", 8, SHA1(), 30).generate(seconds).decode() == digits


def test_whoever_needs_a_second_step_works_after_it_only(units: Units, nurse: int, clock: SetClock) -> None:
    first, other = log_in(units), log_in(units)
    assert roles(units, first) == {TAKES_SECOND_STEP}

    shown = phone_of(units, first, clock)
    assert take(units, first, shown(0))

    assert roles(units, first) == {"nurse"}
    assert roles(units, other) == {TAKES_SECOND_STEP}
    clock.step(seconds=60)
    digits = shown(0)
    assert take(units, other, f" {digits[:3]} {digits[3:]} ")
    assert roles(units, other) == {"nurse"}


def test_a_code_counts_once_and_for_a_minute_and_a_half(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    shown = phone_of(units, held, clock)

    assert not take(units, held, shown(-60))
    assert not take(units, held, shown(60))
    assert take(units, held, shown(-30))
    assert not take(units, held, shown(-30))
    assert take(units, held, shown(30))
    assert not take(units, held, shown(0))


def test_five_wrong_codes_end_the_log_in_and_lock_the_next(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    shown = phone_of(units, held, clock)
    assert take(units, held, shown(0))
    for number in range(5):
        again = log_in(units)  # a right password between the tries must not begin the count anew
        assert roles(units, again) == {TAKES_SECOND_STEP}, number
        assert not take(units, again, "nonsense")

    assert roles(units, again) is None
    with units.open() as uow:
        assert logins.log_in_staff(uow, login="nurse", password=PASSWORD) is None
    clock.step(minutes=16)
    assert take(units, log_in(units), shown(0))


def test_a_log_in_begun_before_the_lock_guesses_no_further(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    shown = phone_of(units, held, clock)
    assert take(units, held, shown(0))
    first, second = log_in(units), log_in(units)
    for _ in range(5):
        assert not take(units, first, "nonsense")

    assert not take(units, second, shown(30)), "the right code is one of those that could be guessed"
    assert roles(units, second) is None
    assert roles(units, held) == {"nurse"}, "whoever is at work stays there"


def test_a_key_that_somebody_saw_before_is_not_put_on_file(units: Units, nurse: int, clock: SetClock) -> None:
    """A thief of the password looks at the key and waits until the owner, with a new password, binds a phone."""
    seen = phone_of(units, log_in(units), clock)
    with units.open() as uow:
        given = staffing.give_password(uow, uow.session.get_one(Staff, nurse))
        held = logins.log_in_staff(uow, login="nurse", password=given)
    assert held is not None

    assert not take(units, held, seen(0))
    own = phone_of(units, held, clock)
    assert own(30) != seen(30)
    assert take(units, held, own(0))


def test_a_wrong_code_of_a_key_that_is_told_locks_nobody_out(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    for _ in range(6):
        assert not take(units, held, "nonsense")

    assert take(units, held, phone_of(units, held, clock)(0))


def test_the_key_is_told_until_the_phone_showed_a_code(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    with units.open(held.actor) as uow:
        once, twice = (second_step.offer(uow, secret=held.secret, hospital="测试医院") for _ in range(2))
    assert once == twice
    assert once.address.startswith("otpauth://totp/")

    assert take(units, held, authenticator(once.address, clock)(0))
    with units.open(held.actor) as uow, pytest.raises(SecondStepStands):
        second_step.offer(uow, secret=held.secret, hospital="测试医院")


def test_a_lost_phone_is_taken_away_with_every_log_in(units: Units, nurse: int, clock: SetClock) -> None:
    held = log_in(units)
    old = phone_of(units, held, clock)
    assert take(units, held, old(0))

    with units.open() as uow:
        second_step.take_away(uow, uow.session.get_one(Staff, nurse))

    assert roles(units, held) is None
    again = log_in(units)
    assert roles(units, again) == {TAKES_SECOND_STEP}
    assert not take(units, again, old(30))
    assert take(units, again, phone_of(units, again, clock)(30))


def test_who_put_a_phone_on_file_by_themselves_needs_it_from_then_on(units: Units, nurse: int, clock: SetClock) -> None:
    with units.open() as uow:
        second_step.demand(uow, uow.session.get_one(Staff, nurse), is_needed=False)
    held = log_in(units)
    assert roles(units, held) == {"nurse"}

    shown = phone_of(units, held, clock)
    assert roles(units, held) == {"nurse"}, "a key that was only looked at binds nobody"
    assert take(units, held, shown(0))

    assert roles(units, held) == {"nurse"}
    assert roles(units, log_in(units)) == {TAKES_SECOND_STEP}


def test_the_phone_comes_before_the_choice_of_a_password(units: Units, nurse: int, clock: SetClock) -> None:
    with units.open() as uow:
        given = staffing.give_password(uow, uow.session.get_one(Staff, nurse))
        held = logins.log_in_staff(uow, login="nurse", password=given)
    assert held is not None
    assert held.actor.roles == {TAKES_SECOND_STEP}

    assert take(units, held, phone_of(units, held, clock)(0))

    assert roles(units, held) == {CHOOSES_PASSWORD}
