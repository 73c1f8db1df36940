"""One tap books the revisit with the same doctor near the day; what happens to the place happens to the plan."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.events import RegistrationMissed
from app.kernel.errors import NotFound, Refused
from app.kernel.uow import Units
from app.registration import by_time, rescheduling
from app.registration import service as registrations
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.revisit import service
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.states import PLAN, PLAN_MOVES, REMINDER_MOVES, PlanAction, PlanState, ReminderAction, ReminderState
from app.revisit.telling import tell_due
from app.scheduling import keeping
from app.scheduling.models import BookingChannel, Practitioner
from tests import factories
from tests.conftest import SetClock
from tests.factories_revisit import Visit, hospital, session_on, visit, with_story


@pytest.fixture
def units(units: Units) -> Units:
    return with_story(units)


def tap(units: Units, made: Visit, session_public_id: str = "") -> Registration:
    with units.open(made.who.actor) as uow:
        return service.book(uow, plan_public_id=made.plan.public_id, session_public_id=session_public_id)


def pay(units: Units, registration: Registration) -> None:
    with units.open() as uow:
        registrations.confirm(uow, uow.session.get_one(Registration, registration.id))


def state(units: Units, made: Visit) -> PlanState:
    with units.open() as uow:
        return uow.session.get_one(FollowUpPlan, made.plan.id).state


def planned(units: Units) -> int:
    with units.open() as uow:
        return len(uow.session.scalars(select(Reminder).where(Reminder.state == ReminderState.PLANNED)).all())


def test_one_tap_holds_a_place_with_the_same_doctor_nearest_the_day(units: Units) -> None:
    made = visit(units, due_in_days=14)
    near = session_on(units, made.clinic, made.plan.due_day + timedelta(days=1))
    session_on(units, made.clinic, made.plan.due_day - timedelta(days=3))
    session_on(units, made.clinic, made.plan.due_day + timedelta(days=5))

    held = tap(units, made)

    assert (held.session_id, held.state) == (near.id, RegistrationState.HELD)
    assert held.source_code == "revisit"
    assert state(units, made) == PlanState.ACTIVE
    assert tap(units, made).id == held.id


def test_another_doctor_of_the_department_takes_the_place_of_one_who_is_away(units: Units) -> None:
    made = visit(units, due_in_days=14)
    with units.open() as uow:
        other = Practitioner(code="D2", name="李娜", title="医师", department_id=made.clinic.department.id)
        uow.session.add(other)
        uow.session.flush()
    session = session_on(units, made.clinic, made.plan.due_day, practitioner_id=other.id)

    with units.open(made.who.actor) as uow:
        best = service.best_place(uow, made.plan)
        assert best is not None
        assert (best.card.session.id, best.is_same_practitioner) == (session.id, False)
    assert tap(units, made).session_id == session.id


def test_without_a_place_near_the_day_the_tap_is_refused_in_words(units: Units) -> None:
    made = visit(units, due_in_days=14)

    with pytest.raises(Refused) as refused:
        tap(units, made)

    assert refused.value.code == "no_place_near"


def test_a_full_session_gives_way_to_the_next_best(units: Units) -> None:
    made = visit(units, due_in_days=14)
    best = session_on(units, made.clinic, made.plan.due_day)
    second = session_on(units, made.clinic, made.plan.due_day + timedelta(days=1))
    for _ in range(5):
        with units.open() as uow:
            somebody = factories.person(uow)
        factories.held(units, somebody, best)

    assert tap(units, made).session_id == second.id


def test_a_paid_place_stops_the_reminders(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)

    pay(units, tap(units, made))

    assert state(units, made) == PlanState.BOOKED
    assert planned(units) == 0
    clock.at(hospital("2026-12-04", "11:00"))
    with units.open() as uow:
        assert tell_due(uow) == 0
    with pytest.raises(Refused) as refused:
        tap(units, made)
    assert refused.value.code == "revisit_closed"


def test_a_place_the_patient_booked_without_the_tap_counts_too(units: Units) -> None:
    made = visit(units, due_in_days=14)

    pay(units, factories.held(units, made.who, session_on(units, made.clinic, made.plan.due_day)))

    assert state(units, made) == PlanState.BOOKED


def test_a_visit_far_from_the_day_does_not_answer_the_plan(units: Units) -> None:
    made = visit(units, due_in_days=30)

    pay(units, factories.held(units, made.who, session_on(units, made.clinic, made.plan.due_day - timedelta(days=8))))

    assert state(units, made) == PlanState.ACTIVE


def test_a_cancelled_revisit_is_reminded_of_again(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)
    held = tap(units, made)
    pay(units, held)
    clock.at(hospital("2026-12-01", "09:00"))

    with units.open(made.who.actor) as uow:
        registrations.cancel(uow, public_id=held.public_id)

    assert state(units, made) == PlanState.ACTIVE
    assert planned(units) == 2


def test_an_expired_hold_leaves_the_plan_and_the_next_tap_holds_anew(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)
    first = tap(units, made)
    clock.step(minutes=11)
    with units.open() as uow:
        assert by_time.expire_due(uow) == 1

    assert tap(units, made).id != first.id


def test_a_missed_revisit_stands_again(units: Units) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)
    held = tap(units, made)
    pay(units, held)

    with units.open() as uow:
        uow.publish(RegistrationMissed(held.id, held.patient_id))
    assert state(units, made) == PlanState.ACTIVE


def test_a_kept_revisit_is_done(units: Units) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)
    held = tap(units, made)
    pay(units, held)

    with units.open() as uow:
        registration = uow.session.get_one(Registration, held.id)
        registrations.mark_checked_in(uow, registration)
        registrations.begin_consultation(uow, registration)
        registrations.end_consultation(uow, registration)

    assert state(units, made) == PlanState.DONE


def test_another_day_replaces_the_plan_and_the_same_day_is_quiet(units: Units) -> None:
    made = visit(units, due_in_days=14)

    with units.open() as uow:
        same = service.plan(uow, registration=made.registration, due_day=made.plan.due_day)
        assert same.id == made.plan.id
    with units.open() as uow:
        later = made.plan.due_day + timedelta(days=7)
        other = service.plan(uow, registration=made.registration, due_day=later, note_code="come_fasting")

    assert other.id != made.plan.id
    assert state(units, made) == PlanState.CANCELLED
    assert planned(units) == 3


@pytest.mark.parametrize(
    ("days", "note", "code"), [(0, "", "bad_due_day"), (731, "", "bad_due_day"), (7, "x", "bad_note")]
)
def test_a_plan_that_makes_no_sense_is_refused(units: Units, days: int, note: str, code: str) -> None:
    made = visit(units)

    with units.open() as uow, pytest.raises(Refused) as refused:
        service.plan(uow, registration=made.registration, due_day=uow.today() + timedelta(days=days), note_code=note)

    assert refused.value.code == code


def test_a_plan_nobody_booked_lapses_a_month_after_its_day(units: Units, clock: SetClock) -> None:
    made = visit(units, due_in_days=14)
    clock.step(days=44)
    with units.open() as uow:
        assert service.lapse_overdue(uow) == 0

    clock.step(days=1)
    with units.open() as uow:
        assert service.lapse_overdue(uow) == 1

    assert state(units, made) == PlanState.LAPSED


def test_a_strangers_plan_does_not_exist(units: Units) -> None:
    made = visit(units)
    with units.open() as uow:
        stranger = factories.person(uow)

    with units.open(stranger.actor) as uow:
        assert service.list_of_account(uow) == []
        for ask in (
            lambda: service.plan_of_account(uow, made.plan.public_id),
            lambda: service.opt_out(uow, public_id=made.plan.public_id),
            lambda: service.book(uow, plan_public_id=made.plan.public_id),
        ):
            with pytest.raises(NotFound):
                ask()
    with units.open(made.who.actor) as uow:
        assert [plan.id for plan, _ in service.list_of_account(uow)] == [made.plan.id]


def test_a_plan_opens_no_place_of_another_department_or_far_from_its_day(units: Units) -> None:
    made = visit(units, due_in_days=14)
    far = session_on(units, made.clinic, made.plan.due_day + timedelta(days=8))
    with units.open() as uow:
        heart = factories.clinic(uow, code="CV")
    elsewhere = session_on(units, heart, made.plan.due_day)
    for session in (far, elsewhere):
        with units.open() as uow:
            keeping.keep(uow, public_id=session.public_id, kept={BookingChannel.REVISIT: 5}, until_minutes=0)

        with pytest.raises(NotFound):
            tap(units, made, session.public_id)

    near = session_on(units, made.clinic, made.plan.due_day)
    assert tap(units, made, near.public_id).session_id == near.id


def test_every_state_is_reached_and_every_action_used() -> None:
    assert set(PLAN_MOVES.values()) == set(PlanState)
    assert {action for _, action in PLAN_MOVES} == set(PlanAction)
    assert set(REMINDER_MOVES.values()) == set(ReminderState)
    assert {action for _, action in REMINDER_MOVES} == set(ReminderAction)
    assert not any(PLAN.may(end, action) for end in (PlanState.DONE, PlanState.LAPSED) for action in PlanAction)


def test_a_place_taken_in_exchange_for_the_revisit_answers_the_plan(units: Units) -> None:
    made = visit(units, due_in_days=14)
    session_on(units, made.clinic, made.plan.due_day)
    held = tap(units, made)
    pay(units, held)
    with units.open() as uow:
        dearer = factories.another_session(uow, made.clinic.practitioner, days=15, fee_fen=5000)
    with units.open(made.who.actor) as uow:
        new = rescheduling.reschedule(uow, public_id=held.public_id, session_public_id=dearer.public_id)

    pay(units, new)

    with units.open(reads_only=True) as uow:
        plan = uow.session.get_one(FollowUpPlan, made.plan.id)
        assert uow.session.get_one(Registration, held.id).state is RegistrationState.CANCELLED
    assert (plan.state, plan.revisit_id) == (PlanState.BOOKED, new.id)
    assert planned(units) == 0
