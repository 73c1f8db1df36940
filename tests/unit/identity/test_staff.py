"""Whoever works in the hospital is let in by an administrator, once, with a password worth the name."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from app.identity import logins, staffing
from app.identity.errors import BadStaff, LastAdmin, LoginTaken, PasswordTooWeak, PasswordWrong
from app.identity.rules import CHOOSES_PASSWORD
from app.kernel.uow import Actor, Units


def test_the_first_administrator_is_filed_and_logs_in(units: Units) -> None:
    with units.open() as uow:
        staffing.file_staff(uow, login="admin", name="管理员", roles=["admin", "it"], password="long enough")

    with units.open() as uow:
        found = logins.log_in_staff(uow, login="admin", password="long enough")
        assert found is not None
        assert found.actor.roles == {"admin", "it"}
    with units.open() as uow, pytest.raises(LoginTaken):
        staffing.file_staff(uow, login="admin", name="另一人", roles=["it"], password="long enough")


def test_to_guess_is_dear_and_an_unknown_login_as_dear_as_a_wrong_password(dear_hasher: PasswordHasher) -> None:
    kept = extract_parameters(dear_hasher.hash("long enough"))

    assert (kept.memory_cost >= 19 * 1024, kept.time_cost >= 2) == (True, True)
    assert extract_parameters(logins._NOBODYS_HASH) == kept


@pytest.mark.parametrize(
    "wrong", [{"login": " "}, {"roles": ["king"]}, {"password": "short"}], ids=["login", "role", "password"]
)
def test_what_is_no_staff_member_is_refused(units: Units, wrong: dict[str, object]) -> None:
    told: dict[str, object] = {"login": "a", "name": "甲", "roles": ["it"], "password": "long enough"} | wrong

    with units.open() as uow, pytest.raises(BadStaff):
        staffing.file_staff(uow, **told)  # type: ignore[arg-type]


def admin_and(units: Units, login: str = "new.nurse") -> tuple[Actor, str]:
    """An administrator who acts, and the password given to somebody just taken on."""
    with units.open() as uow:
        boss = staffing.file_staff(uow, login="boss", name="管理员", roles=["admin"], password="long enough")
        uow.session.flush()
        actor = logins.staff_actor(boss)
    with units.open(actor) as uow:
        _, password = staffing.take_on(uow, login=login, name="新人", roles=["nurse"], practitioner_code="")
    return actor, password


def test_whoever_is_taken_on_may_only_choose_a_password_first(units: Units) -> None:
    _, given = admin_and(units)

    with units.open() as uow:
        first = logins.log_in_staff(uow, login="new.nurse", password=given)
        other = logins.log_in_staff(uow, login="new.nurse", password=given)
    assert first is not None
    assert other is not None
    assert first.actor.roles == {CHOOSES_PASSWORD}
    with units.open(first.actor) as uow:
        staffing.choose_password(uow, present=given, wanted="own words 2026", secret=first.secret)

    with units.open() as uow:
        same = logins.who_holds(uow, first.secret)
        assert same is not None
        assert same.roles == {"nurse"}
        assert logins.who_holds(uow, other.secret) is None
        assert logins.log_in_staff(uow, login="new.nurse", password=given) is None
        assert logins.log_in_staff(uow, login="new.nurse", password="own words 2026") is not None


@pytest.mark.parametrize(
    ("present", "wanted", "refusal"),
    [
        ("wrong words 1", "own words 2026", PasswordWrong),
        (None, "short", PasswordTooWeak),
        (None, "new.nurse.login", PasswordTooWeak),
        (None, "aaaaaaaaaaaa", PasswordTooWeak),
        (None, None, PasswordTooWeak),
    ],
    ids=["wrong", "short", "login", "one letter", "the same"],
)
def test_a_password_that_does_not_do_is_refused_and_the_old_one_stays(
    units: Units, present: str | None, wanted: str | None, refusal: type[Exception]
) -> None:
    _, given = admin_and(units, login="new.nurse.login")
    with units.open() as uow:
        found = logins.log_in_staff(uow, login="new.nurse.login", password=given)
    assert found is not None

    with units.open(found.actor) as uow, pytest.raises(refusal):
        staffing.choose_password(uow, present=present or given, wanted=wanted or given, secret=found.secret)

    with units.open() as uow:
        assert logins.log_in_staff(uow, login="new.nurse.login", password=given) is not None


def test_whoever_is_locked_out_is_out_at_once_and_comes_back_with_the_same_password(units: Units) -> None:
    admin, given = admin_and(units)
    with units.open() as uow:
        found = logins.log_in_staff(uow, login="new.nurse", password=given)
    assert found is not None

    with units.open(admin) as uow:
        staffing.lock_out(uow, staffing.member(uow, found.actor.ref))
    with units.open() as uow:
        assert logins.who_holds(uow, found.secret) is None
        assert logins.log_in_staff(uow, login="new.nurse", password=given) is None
    with units.open(admin) as uow:
        staffing.let_in(uow, staffing.member(uow, found.actor.ref))

    with units.open() as uow:
        assert logins.log_in_staff(uow, login="new.nurse", password=given) is not None


def test_a_new_password_ends_the_old_one(units: Units) -> None:
    admin, given = admin_and(units)
    with units.open(admin) as uow:
        (nurse,) = [row for row in staffing.members(uow) if row.login == "new.nurse"]
        newer = staffing.give_password(uow, nurse)

    with units.open() as uow:
        assert logins.log_in_staff(uow, login="new.nurse", password=given) is None
        assert logins.log_in_staff(uow, login="new.nurse", password=newer) is not None


def test_the_last_administrator_stays_one(units: Units) -> None:
    admin, _ = admin_and(units)

    with units.open(admin) as uow, pytest.raises(LastAdmin):
        staffing.lock_out(uow, staffing.member(uow, admin.ref))
    with units.open(admin) as uow, pytest.raises(LastAdmin):
        staffing.change(uow, staffing.member(uow, admin.ref), name="管理员", roles=["it"], practitioner_code="")
    with units.open(admin) as uow:
        staffing.take_on(uow, login="second", name="另一人", roles=["admin"], practitioner_code="")
    with units.open(admin) as uow:
        staffing.lock_out(uow, staffing.member(uow, admin.ref))
        assert not staffing.member(uow, admin.ref).is_active
