"""Whoever works in the hospital is let in by an administrator, once, with a password worth the name."""

from __future__ import annotations

import pytest

from app.identity import logins
from app.identity.errors import BadStaff, LoginTaken
from app.kernel.uow import Units


def test_the_first_administrator_is_filed_and_logs_in(units: Units) -> None:
    with units.open() as uow:
        logins.file_staff(uow, login="admin", name="管理员", roles=["admin", "it"], password="long enough")

    with units.open() as uow:
        found = logins.log_in_staff(uow, login="admin", password="long enough")
        assert found is not None
        assert found.actor.roles == {"admin", "it"}
    with units.open() as uow, pytest.raises(LoginTaken):
        logins.file_staff(uow, login="admin", name="另一人", roles=["it"], password="long enough")


@pytest.mark.parametrize(
    "wrong", [{"login": " "}, {"roles": ["king"]}, {"password": "short"}], ids=["login", "role", "password"]
)
def test_what_is_no_staff_member_is_refused(units: Units, wrong: dict[str, object]) -> None:
    told: dict[str, object] = {"login": "a", "name": "甲", "roles": ["it"], "password": "long enough"} | wrong

    with units.open() as uow, pytest.raises(BadStaff):
        logins.file_staff(uow, **told)  # type: ignore[arg-type]
