"""A session is stopped or another doctor stands in: nobody is forgotten, everybody may have another place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from app.events import DoctorSubstituted, RegistrationCancelled
from app.kernel.errors import NotFound
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Units, Uow
from app.registration import another_place, by_time, closing, service
from app.registration.errors import PlaceFound
from app.registration.models import ConductRecord, LostPlace, Registration
from app.registration.states import RegistrationState
from app.rulebook import service as rulebook
from app.scheduling.errors import SessionClosed, SlotsOverlap
from app.scheduling.models import ClinicSession, Practitioner
from app.scheduling.plans import open_ahead
from app.scheduling.states import SessionState
from tests import factories
from tests.conftest import SetClock

only_postgres = pytest.mark.skipif(
    os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time"
)


@pytest.fixture
def clinic(units: Units) -> factories.Clinic:
    with units.open() as uow:
        return factories.clinic(uow)


@pytest.fixture
def who(units: Units) -> factories.Person:
    with units.open() as uow:
        return factories.person(uow)


@pytest.fixture
def standin(units: Units, clinic: factories.Clinic) -> Practitioner:
    with units.open() as uow:
        return factories.another_doctor(uow, clinic.department)


def stop(units: Units, session: ClinicSession) -> int:
    with units.open() as uow:
        return closing.stop_session(uow, public_id=session.public_id, why="test")


def offered(units: Units, who: factories.Person, lost: Registration) -> list[str]:
    with units.open(who.actor) as uow:
        owed = another_place.lost_place_of(uow, service.of_account(uow, lost.public_id))
        return [card.session.public_id for card in another_place.places(uow, owed)] if owed else []


def take(units: Units, who: factories.Person, lost: Registration, session: ClinicSession) -> Registration:
    with units.open(who.actor) as uow:
        return another_place.book(uow, public_id=lost.public_id, session_public_id=session.public_id)


def test_the_next_places_are_offered_and_the_chosen_doctors_come_first(
    units: Units, clinic: factories.Clinic, who: factories.Person, standin: Practitioner
) -> None:
    with units.open() as uow:
        theirs = factories.another_session(uow, standin, days=0).public_id
        own = [factories.another_session(uow, clinic.practitioner, days=days).public_id for days in (2, 1)]
    lost = factories.booked(units, who, clinic.session)

    assert stop(units, clinic.session) == 1

    assert offered(units, who, lost) == [own[1], own[0], theirs]


def test_one_tap_books_another_place_though_the_rules_would_not_allow_one(
    units: Units, clinic: factories.Clinic, who: factories.Person
) -> None:
    with units.open() as uow:
        later = factories.another_session(uow, clinic.practitioner, kept_window=6, kept_until_minutes=0)
        rulebook.write(uow, rulebook.HOUSE, {"patient_bookings_at_most": 1, "unpaid_holds_at_most": 1})
    lost = factories.booked(units, who, clinic.session)
    stop(units, clinic.session)

    found = take(units, who, lost, later)

    assert (found.state, found.fee_fen, found.source_code) == (RegistrationState.HELD, 2500, "another_place")
    with pytest.raises(PlaceFound) as refused:
        take(units, who, lost, later)
    assert refused.value.facts["registration"] == found.public_id
    assert offered(units, who, lost) == []


def test_whoever_could_not_pay_in_time_may_choose_once_more(
    units: Units, clinic: factories.Clinic, who: factories.Person, clock: SetClock
) -> None:
    with units.open() as uow:
        later = factories.another_session(uow, clinic.practitioner)
    lost = factories.booked(units, who, clinic.session)
    stop(units, clinic.session)
    first = take(units, who, lost, later)

    clock.step(minutes=11)
    with units.open() as uow:
        by_time.expire_due(uow)

    assert take(units, who, lost, later).id != first.id


def test_nobody_takes_a_place_that_is_owed_to_another_or_of_another_department(
    units: Units, clinic: factories.Clinic, who: factories.Person
) -> None:
    with units.open() as uow:
        stranger, elsewhere = factories.person(uow), factories.clinic(uow, code="CV")
        later = factories.another_session(uow, clinic.practitioner)
    lost = factories.booked(units, who, clinic.session)
    kept = factories.booked(units, who, elsewhere.session)
    stop(units, clinic.session)

    for asks, which, where in ((stranger, lost, later), (who, lost, elsewhere.session), (who, kept, later)):
        with pytest.raises(NotFound):
            take(units, asks, which, where)


def test_an_unreleased_day_is_not_offered(units: Units, clinic: factories.Clinic, who: factories.Person) -> None:
    with units.open() as uow:
        factories.another_session(uow, clinic.practitioner, days=9)
        rulebook.write(uow, rulebook.HOUSE, {"window_days": 7})
    lost = factories.booked(units, who, clinic.session)
    stop(units, clinic.session)

    assert offered(units, who, lost) == []


def test_everybody_keeps_their_place_with_the_doctor_who_stands_in(
    units: Units, clinic: factories.Clinic, who: factories.Person, standin: Practitioner
) -> None:
    booked = factories.booked(units, who, clinic.session)

    with units.open() as uow:
        assert closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=standin.code) == 1
        assert DoctorSubstituted(booked.id, who.patient.id) in uow._happened

    with units.open() as uow:
        kept, session = (
            uow.session.get_one(Registration, booked.id),
            uow.session.get_one(ClinicSession, clinic.session.id),
        )
    assert (kept.practitioner_id, kept.place_no) == (standin.id, booked.place_no)
    assert (session.practitioner_id, session.planned_practitioner_id) == (standin.id, clinic.practitioner.id)


def test_a_doctors_half_day_that_another_took_over_does_not_open_again(
    units: Units, clinic: factories.Clinic, standin: Practitioner
) -> None:
    with units.open() as uow:
        closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=standin.code)

    with units.open() as uow:
        assert open_ahead(uow, days=0) == 0


def test_who_had_booked_the_other_doctor_cancels_late_for_nothing_and_is_offered_that_doctor(
    units: Units, clinic: factories.Clinic, who: factories.Person, standin: Practitioner, clock: SetClock
) -> None:
    with units.open() as uow:
        late_comer = factories.person(uow)
        later = factories.another_session(uow, clinic.practitioner)
        counted = {"breach": "cancel", "breaches": 5, "within_months": 1, "suspend_months": 1}
        rules = {"cancel_minutes_before": 120, "breach_limits": [counted]}
        rulebook.write(uow, rulebook.HOUSE, rules)
    before = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=standin.code)
    clock.step(minutes=1)
    after = factories.booked(units, late_comer, clinic.session)

    with units.open(late_comer.actor) as uow, pytest.raises(service.CancelTooLate):
        service.cancel(uow, public_id=after.public_id)
    with units.open(who.actor) as uow:
        cancelled = service.cancel(uow, public_id=before.public_id)
        happened = [event for event in uow._happened if isinstance(event, RegistrationCancelled)]

    assert cancelled.state == RegistrationState.CANCELLED
    assert [event.was_paid for event in happened] == [True]
    assert offered(units, who, before) == [later.public_id]
    with units.open() as uow:
        assert uow.session.scalars(select(ConductRecord)).all() == []


@pytest.mark.parametrize("starts_hour", [9, 14])
def test_nobody_stands_in_who_sits_already(
    units: Units, clinic: factories.Clinic, standin: Practitioner, starts_hour: int
) -> None:
    """In the same half-day, or at the same time by another name of it."""
    from datetime import time as clock_time

    from app.scheduling.models import HalfDay

    half_day = HalfDay.AM if starts_hour == 14 else HalfDay.PM
    with units.open() as uow:
        factories.another_session(uow, standin, days=0, half_day=half_day, starts=clock_time(starts_hour, 45))

    with units.open() as uow, pytest.raises(SlotsOverlap):
        closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=standin.code)


def test_nobody_stands_in_where_nobody_sits_any_more(
    units: Units, clinic: factories.Clinic, standin: Practitioner
) -> None:
    stop(units, clinic.session)

    with units.open() as uow, pytest.raises(SessionClosed):
        closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=standin.code)


def _stop_without_waiting(uow: Uow, session: ClinicSession) -> None:
    """The control: what is booked at this instant is not waited for."""
    uow.session.execute(
        text("UPDATE clinic_session SET state = 'stopped' WHERE id = :id AND state = 'open'"), {"id": session.id}
    )
    for left in uow.session.scalars(select(Registration).where(Registration.session_id == session.id)):
        service.give_back(uow, left, by_hospital=True, why="session_stopped")


def _stop(uow: Uow, session: ClinicSession) -> None:
    closing.stop_session(uow, public_id=session.public_id, why="test")


@only_postgres
@pytest.mark.parametrize(("stops", "left"), [(_stop, 0), (_stop_without_waiting, 1)])
def test_whoever_books_while_the_session_is_stopped_is_not_left_in_it(
    units: Units,
    clinic: factories.Clinic,
    who: factories.Person,
    stops: Callable[[Uow, ClinicSession], None],
    left: int,
) -> None:
    def stopping() -> None:
        with units.open() as uow:
            stops(uow, clinic.session)

    with ThreadPoolExecutor(1) as pool:
        with units.open(who.actor) as uow:
            held = service.hold(
                uow, session_public_id=clinic.session.public_id, patient_public_id=who.patient.public_id
            )
            stopped = pool.submit(stopping)
            time.sleep(0.4)
        stopped.result(timeout=30)

    with units.open() as uow:
        state = uow.session.get_one(Registration, held.id).state
        assert uow.session.get_one(ClinicSession, clinic.session.id).state == SessionState.STOPPED
        if state == RegistrationState.HELD:  # the control leaves its patient behind; the table's promises are mended
            service.give_back(uow, uow.session.get_one(Registration, held.id), by_hospital=True, why="mended")

    assert (state == RegistrationState.HELD) == bool(left)


@only_postgres
def test_a_session_that_was_stopped_since_it_was_looked_at_gives_no_place(
    units: Units, clinic: factories.Clinic, who: factories.Person
) -> None:
    with units.open(who.actor) as uow:
        looked_at = uow.session.get_one(ClinicSession, clinic.session.id)
        stop(units, clinic.session)
        with pytest.raises(service.PlacesBusy):
            service.hold(uow, session_public_id=looked_at.public_id, patient_public_id=who.patient.public_id)
        uow.session.rollback()
    with pytest.raises(SessionClosed):
        factories.held(units, who, clinic.session)


def test_what_the_hospital_owes_is_the_merged_persons_as_well(units: Units, clinic: factories.Clinic) -> None:
    from app.events import PatientsMerged
    from app.registration.followers import follow_when_merged

    with units.open() as uow:
        who, same = factories.person(uow), factories.person(uow)
    factories.booked(units, who, clinic.session)
    stop(units, clinic.session)

    with units.open() as uow:
        follow_when_merged(uow, PatientsMerged(same.patient.id, who.patient.id))
        assert uow.session.scalars(select(LostPlace.patient_id)).all() == [same.patient.id]


def test_the_hospital_system_is_told_of_every_doctor_who_stands_in(
    units: Units, clock: SetClock, clinic: factories.Clinic, who: factories.Person, standin: Practitioner
) -> None:
    booked = factories.booked(units, who, clinic.session)
    for code in (standin.code, clinic.practitioner.code, standin.code):
        clock.step(minutes=1)
        with units.open() as uow:
            closing.substitute(uow, public_id=clinic.session.public_id, practitioner_code=code)

    with units.open(reads_only=True) as uow:
        posted = uow.session.scalars(select(OutboxItem).where(OutboxItem.topic == "hospital")).all()
    told = [row.payload for row in posted if row.payload["event"] == "DoctorSubstituted"]
    assert [(payload["registration_id"], payload["patient_id"]) for payload in told] == [
        (booked.id, who.patient.id)
    ] * 3
    assert {row.lane for row in posted} == {f"patient-{who.patient.id}"}
