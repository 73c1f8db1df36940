"""A pharmacy with one bag ready, whose books are right after every test."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.kernel.uow import Units
from app.pharmacy.invariants import INVARIANTS
from app.pharmacy.models import Bag
from tests import factories_pharmacy as make


@pytest.fixture
def pharmacy(units: Units) -> make.Pharmacy:
    return make.a_pharmacy(units)


@pytest.fixture
def bag(units: Units, pharmacy: make.Pharmacy) -> Bag:
    with units.open() as uow:
        return make.a_ready_bag(uow, make.a_person(uow), pharmacy)


@pytest.fixture(autouse=True)
def _the_books_are_right(request: pytest.FixtureRequest):
    units: Units | None = request.getfixturevalue("units") if "units" in request.fixturenames else None
    yield
    if units is None:
        return
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken
