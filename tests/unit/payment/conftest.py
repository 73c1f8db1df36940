"""Payment by itself: what it says to the later steps is only heard, and its invariants are counted after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine

from app import events
from app.kernel.crypto import Keyring
from app.kernel.uow import Units, Uow
from app.payment.asking import start
from app.payment.invariants import INVARIANTS
from app.payment.models import PayMethod
from tests.conftest import SHANGHAI, SetClock
from tests.factories import Person, person
from tests.factories_payment import Till, bill

SAID = (events.BillOpened, events.BillPaid, events.RefundRequested, events.RefundSucceeded)


@pytest.fixture
def heard() -> list[object]:
    """Every event of payment that was committed or is about to be."""
    return []


@pytest.fixture
def units(engine: Engine, clock: SetClock, keys: Keyring, heard: list[object]) -> Iterator[Units]:
    def listen(_uow: Uow, event: object) -> None:
        heard.append(event)

    yield Units(engine, clock, keys, SHANGHAI, dict.fromkeys(SAID, (listen,)))
    with engine.connect() as connection:
        counts = {name: connection.execute(text(sql)).scalar() for name, sql in INVARIANTS.items()}
    assert {name: count for name, count in counts.items() if count} == {}


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def who(units: Units) -> Person:
    with units.open() as uow:
        return person(uow)


class Asker:
    """Opens bills and asks for their money."""

    def __init__(self, units: Units, till: Till, who: Person) -> None:
        self.units, self.till, self.who = units, till, who

    def bill(self, **amounts: int) -> str:
        with self.units.open() as uow:
            return bill(uow, self.who, **amounts).public_id

    def order(self, bill_public_id: str = "") -> str:
        """The out_trade_no of an order that was asked for."""
        bill_public_id = bill_public_id or self.bill()
        return start(self.units, self.till, self.who.actor, bill_public_id, PayMethod.NATIVE).out_trade_no


@pytest.fixture
def asker(units: Units, till: Till, who: Person) -> Asker:
    return Asker(units, till, who)
