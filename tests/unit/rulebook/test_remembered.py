"""Rules that a process remembers hold exactly as long as they would if it asked each time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, literal, select

from app.kernel.db import Instant
from app.kernel.uow import Units
from app.rulebook import remembered, service
from app.rulebook.remembered import mark, rules_marked
from app.rulebook.service import HOUSE, Where
from tests.conftest import SetClock

GI = Where("GI", "south")


def hold_minutes(units: Units) -> int:
    with units.open() as uow:
        asked = select(remembered.mark(bindparam("p_now", type_=Instant())))
        marked = uow.session.scalar(asked, {"p_now": uow.now()})
        return rules_marked(uow, GI, marked or 0, at=uow.now()).hold_minutes


def write(units: Units, where: Where, minutes: int, *, in_hours: int = 0) -> None:
    with units.open() as uow:
        service.write(uow, where, {"hold_minutes": minutes}, valid_from=uow.now() + timedelta(hours=in_hours))


def test_what_is_written_holds_for_the_next_who_asks(units: Units) -> None:
    seen = [hold_minutes(units)]
    for where, minutes in ((HOUSE, 20), (Where("", "south"), 7), (GI, 5), (GI, 6)):
        write(units, where, minutes)
        seen.append(hold_minutes(units))

    assert seen == [10, 20, 7, 5, 6]


def test_a_version_holds_from_its_instant_on(units: Units, clock: SetClock) -> None:
    write(units, HOUSE, 20, in_hours=1)
    before = hold_minutes(units)
    clock.step(seconds=3599)
    just_before = hold_minutes(units)
    clock.step(seconds=1)

    assert (before, just_before, hold_minutes(units)) == (10, 10, 20)


def test_without_the_mark_old_rules_would_hold_on(units: Units, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(remembered, "mark", lambda _instant: literal(1))
    hold_minutes(units)
    write(units, HOUSE, 20)

    assert hold_minutes(units) == 10


def test_a_unit_goes_on_with_the_rules_it_began_with(units: Units) -> None:
    with units.open() as uow:
        marked = uow.session.scalar(select(mark(bindparam("p_now", type_=Instant()))), {"p_now": uow.now()}) or 0
        rules = rules_marked(uow, GI, marked, at=uow.now())

        assert service.rules_for(uow, GI) is rules
