"""Programs book the very place they name, once, also when many ask at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from app.kernel.errors import VisitError
from app.kernel.uow import Actor, Units
from app.registration import by_client
from app.registration.models import Registration
from app.scheduling import exchange
from tests import factories
from tests.factories import Clinic, Person

PROGRAM = Actor("client", "portal", 1, frozenset())


@pytest.fixture
def clinic(units: Units) -> Clinic:
    with units.open() as uow:
        return factories.clinic(uow)


def people(units: Units, count: int) -> list[Person]:
    with units.open() as uow:
        return [factories.person(uow) for _ in range(count)]


def at_once(count: int, deed: Callable[[int], str]) -> list[str]:
    """What each of `count` threads heard that began together: the place's answer or a refusal's code."""
    together = Barrier(count)

    def one(number: int) -> str:
        together.wait()
        try:
            return deed(number)
        except VisitError as error:
            return error.code

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def book(units: Units, clinic: Clinic, who: Person, number: str = "") -> str:
    with units.open(PROGRAM) as uow:
        place = exchange.place_numbered(uow, clinic.session.public_id, 3)
        return "new" if by_client.book(uow, place=place, patient=who.patient, number=number).is_new else "known"


def booked(units: Units) -> list[Registration]:
    with units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(Registration)))


def test_one_of_many_patients_has_the_place(units: Units, clinic: Clinic) -> None:
    everybody = people(units, 8)

    heard = at_once(8, lambda number: book(units, clinic, everybody[number]))

    assert heard.count("new") == 1
    assert set(heard) <= {"new", "sold_out", "places_busy"}
    assert [registration.place_no for registration in booked(units)] == [3]


def test_a_number_sent_many_times_at_once_books_once(units: Units, clinic: Clinic) -> None:
    (who,) = people(units, 1)

    heard = at_once(8, lambda _: book(units, clinic, who, number="urn:portal|A-1"))
    later = book(units, clinic, who, number="urn:portal|A-1")

    assert heard.count("new") == 1
    assert set(heard) <= {"new", "known", "places_busy"}
    assert later == "known"
    assert len(booked(units)) == 1
