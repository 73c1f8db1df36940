"""A day's signature: given once however many ask together, for all that moved, and never to be changed unseen."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, text, update

from app.cli import invariants
from app.identity.models import Staff
from app.kernel.errors import Refused
from app.kernel.uow import Actor, Units
from app.payment.states import RefundState
from app.reconciliation import signing, totals
from app.reconciliation.models import DaySignature, Run
from app.reconciliation.states import RunState, Source
from tests import factories
from tests import factories_prescription as written
from tests.conftest import SetClock
from tests.unit.ledger.week import Week
from tests.unit.reconciliation.planted import begun


@pytest.fixture
def finance(units: Units) -> Actor:
    with units.open() as uow:
        member = Staff(login="finance", name="王会计", password_hash=factories.PASSWORD_HASH, roles=["finance"])
        uow.session.add(member)
        uow.session.flush()
        return Actor("staff", member.public_id, member.id, frozenset({"finance"}))


def yesterday(units: Units) -> date:
    with units.open(reads_only=True) as uow:
        return uow.today() - timedelta(days=1)


def sign(units: Units, who: Actor, day: date) -> str:
    """How it ended: '' when the day is signed."""
    try:
        with units.open(who) as uow:
            signing.sign(uow, day=day)
    except Refused as refused:
        return refused.code
    return ""


def test_of_many_who_sign_a_day_at_once_one_does(units: Units, finance: Actor) -> None:
    day, together = yesterday(units), Barrier(8)

    def tap(_: int) -> str:
        together.wait()
        return sign(units, finance, day)

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(tap, range(8)))

    assert answers == {"": 1, "day_signed": 7}
    with units.open(reads_only=True) as uow:
        assert uow.session.scalar(select(func.count()).select_from(DaySignature)) == 1


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_days_key_the_same_race_signs_it_twice(units: Units, finance: Actor) -> None:
    """The control: whoever looked and found no signature writes one; only the key keeps the second one out."""
    day, together = yesterday(units), Barrier(2)
    with units.open() as uow:
        uow.session.execute(text("CREATE TABLE unguarded AS SELECT * FROM day_signature"))

    def look_then_write(_: int) -> None:
        with units.open(finance) as uow:
            found = uow.session.scalar(text("SELECT count(*) FROM unguarded"))
            together.wait()
            if not found:
                uow.session.execute(text("INSERT INTO unguarded (day) VALUES (:day)"), {"day": day})

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(look_then_write, range(2)))
        with units.open(reads_only=True) as uow:
            assert uow.session.scalar(text("SELECT count(*) FROM unguarded")) == 2
    finally:
        with units.open() as uow:
            uow.session.execute(text("DROP TABLE unguarded"))


def test_a_signature_that_was_edited_shows(units: Units, finance: Actor) -> None:
    day = yesterday(units)
    assert sign(units, finance, day) == ""
    with units.open(reads_only=True) as uow:
        assert signing.is_as_signed(signing.signed(uow, day))
        assert invariants.broken(uow, within="reconciliation") == {}

    uow = units.begin()
    uow.session.execute(update(DaySignature).values(totals={"taken.cash": [1, 1]}))
    was_edited = not signing.is_as_signed(signing.signed(uow, day))
    uow.session.execute(update(DaySignature).values(digest="0" * 64))
    found = invariants.broken(uow, within="reconciliation")
    units.drop(uow)

    assert was_edited
    assert found == {"reconciliation.a_signature_is_as_it_was_given": 1}


@pytest.mark.parametrize("state", [RunState.DUE, RunState.LOADED, RunState.REFUSED])
def test_a_day_of_which_a_side_has_not_told_is_not_signed(units: Units, finance: Actor, state: RunState) -> None:
    day = yesterday(units)
    with units.open() as uow:
        run = Run(source=Source.WECHAT, day=day, state=state, due_at=uow.now())
        uow.session.add(run)

    answer = sign(units, finance, day)
    of_the_day_before = sign(units, finance, day - timedelta(days=1))

    assert answer == "day_not_compared"
    assert of_the_day_before == "day_not_compared", "nobody was asked about it, though there is somebody to ask"


def test_the_totals_say_all_that_moved_and_how(units: Units) -> None:
    day = begun(units)
    noon = day.begins + timedelta(hours=12)
    day.order(noon)
    day.order(noon, provider="alipay")
    day.order(day.ends)
    day.order(None)
    day.refund(RefundState.SUCCEEDED, noon, fen=700)
    day.refund(RefundState.SENT, None)

    with units.open(reads_only=True) as uow:
        found = totals.of_day(uow, yesterday(units))

    assert found == {
        "borne.cash": (2, 5000),
        "taken.wechat": (1, 2500),
        "taken.alipay": (1, 2500),
        "returned.wechat": (1, 700),
    }


def test_a_whole_day_at_the_till_adds_up(units: Units, clock: SetClock) -> None:
    """Fees, insured drugs, cancellations, late and double money, failures and pieces that come back."""
    with units.open() as uow:
        written.stocked(uow)
    week = Week(units, clock, written.a_reviewer(units))
    with units.open(reads_only=True) as uow:
        day = uow.today()

    week.play(days=1, happenings=9)

    with units.open(reads_only=True) as uow:
        found = totals.of_day(uow, day)
    borne = {payer: found.get(f"borne.{payer}", (0, 0))[1] for payer in totals.PAYERS}
    assert min(borne["fund"], borne["account"], borne["cash"]) > 0
    assert found["invoiced.blue"][1] > 0
    assert found["invoiced.red"][1] < 0
    assert totals.in_sums(found, "taken")[1] > borne["cash"], "money that settled nothing came in, too"
