"""The days after the morning: who has a place in them, and may move it."""

from __future__ import annotations

from datetime import timedelta

from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession
from tests import factories
from tests.browser.hospital import Hospital
from tests.factories import Clinic


def book_ahead(hospital: Hospital) -> None:
    """林一 has a paid place with the morning's doctor on his next day, and could move it to the one after."""
    house, ids = hospital.house, hospital.ids
    first, second, *_ = _coming(hospital)
    with house.units.open() as uow:
        hospital.people["lin"] = factories.person(uow, name="林一")
    this_morning = house.clinic
    house.clinic = Clinic(this_morning.department, this_morning.practitioner, first)
    _, booked = house.booked(who=hospital.people["lin"])
    house.clinic = this_morning
    ids["visit.booked"], ids["session.coming"], ids["session.after"] = (
        booked.public_id,
        first.public_id,
        second.public_id,
    )


def _coming(hospital: Hospital) -> list[ClinicSession]:
    """The morning's doctor's sessions from tomorrow on."""
    with hospital.units.open() as uow:
        tomorrow = uow.today() + timedelta(days=1)
        doctor = hospital.house.clinic.practitioner.id
        return [card.session for card in scheduling.cards(uow, practitioner_id=doctor, from_day=tomorrow)]
