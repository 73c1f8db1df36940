"""A stocked hospital in which nothing follows a prescription yet."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from app.kernel.crypto import Keyring
from app.kernel.uow import Actor, Units
from tests import factories_prescription as factories
from tests.conftest import SHANGHAI, SetClock
from tests.factories import Person


class Told(list[object]):
    """What happened, in order."""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def units(engine: Engine, clock: SetClock, keys: Keyring, told: Told) -> Units:
    from app import events

    kinds = (
        events.PrescriptionIssued,
        events.PrescriptionApproved,
        events.PrescriptionReturned,
        events.PrescriptionVoided,
    )
    units = Units(engine, clock, keys, SHANGHAI, {kind: (lambda uow, event: told.append(event),) for kind in kinds})
    with units.open() as uow:
        factories.stocked(uow)
    return units


@pytest.fixture
def who(units: Units) -> Person:
    return factories.a_patient(units)


@pytest.fixture
def reviewer(units: Units) -> Actor:
    return factories.a_reviewer(units)
