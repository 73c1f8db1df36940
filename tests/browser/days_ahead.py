"""The days after the morning: who has a place in them, and may move it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.registration import offering, waitlist
from app.registration.waitlist import Wish
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
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
    _wait_for_a_place(hospital)
    ids["visit.booked"], ids["session.coming"], ids["session.after"] = (
        booked.public_id,
        first.public_id,
        second.public_id,
    )


def _wait_for_a_place(hospital: Hospital) -> None:
    """何香 waits for a place that 张秀英 has just been offered."""
    house, ids = hospital.house, hospital.ids
    session = _coming(hospital)[-1]
    he, zhang = hospital.people["he"], hospital.people["zhang"]
    with house.units.open() as uow:
        wish = Wish("GI", session.visit_day, session.visit_day, house.clinic.practitioner.code, session.half_day)
        places = uow.session.scalars(select(Slot).where(Slot.session_id == session.id)).all()
        for place in places:
            scheduling.set_aside(uow, slot_id=place.id)
    for who in (zhang, he):
        with house.units.open(who.actor) as uow:
            ids["entry"] = waitlist.join(uow, patient_public_id=who.patient.public_id, wish=wish).public_id
            ids.setdefault("entry.offered", ids["entry"])
    with house.units.open() as uow:
        offering.work_through(uow, limit=1)
    with house.units.open(zhang.actor) as uow:
        offer = waitlist.of_account(uow)[0].offer
        assert offer is not None
        ids["offer"] = offer.public_id
    ids["session.full"] = session.public_id


def _coming(hospital: Hospital) -> list[ClinicSession]:
    """The morning's doctor's sessions from tomorrow on."""
    with hospital.units.open() as uow:
        tomorrow = uow.today() + timedelta(days=1)
        doctor = hospital.house.clinic.practitioner.id
        return [card.session for card in scheduling.cards(uow, practitioner_id=doctor, from_day=tomorrow)]
