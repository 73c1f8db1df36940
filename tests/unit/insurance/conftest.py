"""A stocked hospital in which a prescription is split as soon as its review is done."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from app import events
from app.insurance.followers import split_when_approved, void_when_voided
from app.kernel.crypto import Keyring
from app.kernel.uow import Actor, Units, Uow
from app.prescription.followers import mark_billed_when_split
from tests import factories_prescription as factories
from tests.conftest import SHANGHAI, SetClock
from tests.factories import Person


@pytest.fixture
def told() -> list[object]:
    """The splits that were made, in order."""
    return []


@pytest.fixture
def units(engine: Engine, clock: SetClock, keys: Keyring, told: list[object]) -> Units:
    def hear(uow: Uow, event: object) -> None:
        told.append(event)

    story = {
        events.PrescriptionApproved: (split_when_approved,),
        events.SplitMade: (mark_billed_when_split, hear),
        events.PrescriptionVoided: (void_when_voided,),
    }
    units = Units(engine, clock, keys, SHANGHAI, story)
    with units.open() as uow:
        factories.stocked(uow)
    return units


@pytest.fixture
def who(units: Units) -> Person:
    return factories.a_patient(units)


@pytest.fixture
def reviewer(units: Units) -> Actor:
    return factories.a_reviewer(units)
