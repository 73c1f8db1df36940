"""Planning a revisit, showing it to the patient, and booking it with one tap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select

from app.events import FollowUpPlanned
from app.identity.models import Account, Patient
from app.identity.service import accounts_of_patient, linked_patient_ids
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.registration import service as registration_service
from app.registration.errors import AlreadyRegistered
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.revisit import sql
from app.revisit.errors import BadDueDay, BadNote, NoPlaceNear, RevisitClosed
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.rules import LAPSE_AFTER_DAYS, PLAN_AT_MOST_DAYS, ladder, search_days
from app.revisit.states import PLAN, Note, PlanAction, PlanState, ReminderState, Why
from app.scheduling import service as scheduling
from app.scheduling.errors import PlacesBusy, SessionClosed, SoldOut
from app.scheduling.models import BookingChannel, ClinicSession
from app.scheduling.service import SessionCard
from app.scheduling.states import SessionState

REVISIT_SOURCE = "revisit"
TRY_PLACES = 5


@dataclass(frozen=True)
class Place:
    """A session that suits the revisit; `is_same_practitioner` when the patient would see the doctor who planned it."""

    card: SessionCard
    is_same_practitioner: bool


def plan(uow: Uow, *, registration: Registration, due_day: date, note_code: str = "") -> FollowUpPlan:
    """The patient of `registration` is to come again about `due_day` and every account acting for them is reminded.

    Called by the doctor's desk or the hospital system. The same day again is quiet; another day replaces the plan.
    Refuses `bad_due_day` (not from tomorrow to two years ahead) and `bad_note`.
    """
    if not uow.today() < due_day <= uow.today() + timedelta(days=PLAN_AT_MOST_DAYS):
        raise BadDueDay(due_day=due_day.isoformat())
    if note_code not in set(Note):
        raise BadNote(note_code=note_code)
    uow.session.get_one(Registration, registration.id, with_for_update=True)  # two taps of the doctor follow each other
    standing = uow.session.scalars(
        select(FollowUpPlan).where(
            FollowUpPlan.registration_id == registration.id, FollowUpPlan.state == PlanState.ACTIVE
        )
    ).first()
    if standing is not None:
        if standing.due_day == due_day:
            standing.note_code = Note(note_code)
            return standing
        close(uow, standing, PlanAction.CANCEL, Why.CANCELLED)
    return _file(uow, registration, due_day, Note(note_code))


def withdraw(uow: Uow, *, registration: Registration) -> bool:
    """The doctor's plan was a mistake: nobody is reminded of it; False when none stands, or its place is booked."""
    standing = uow.session.scalars(
        select(FollowUpPlan)
        .where(FollowUpPlan.registration_id == registration.id, FollowUpPlan.state == PlanState.ACTIVE)
        .with_for_update()
    ).first()
    if standing is None:
        return False
    close(uow, standing, PlanAction.CANCEL, Why.CANCELLED)
    audit.record(uow, "revisit.withdraw", "follow_up_plan", standing.public_id)
    return True


def _file(uow: Uow, registration: Registration, due_day: date, note: Note) -> FollowUpPlan:
    session = uow.session.get_one(ClinicSession, registration.session_id)
    made = FollowUpPlan(
        patient_id=registration.patient_id,
        registration_id=registration.id,
        practitioner_id=registration.practitioner_id,
        department_id=session.department_id,
        planned_day=uow.today(),
        due_day=due_day,
        note_code=note,
    )
    uow.session.add(made)
    uow.session.flush()
    for account in accounts_of_patient(uow, registration.patient_id):
        remind(uow, made, account)
    audit.record(uow, "revisit.plan", "follow_up_plan", made.public_id, due_day=due_day.isoformat())
    uow.publish(FollowUpPlanned(made.id, made.patient_id))
    return made


def remind(uow: Uow, made: FollowUpPlan, account: Account) -> None:
    """The account is reminded of the plan at each stage from now on; quiet for stages that stand already."""
    known = set(
        uow.session.scalars(
            select(Reminder.stage).where(Reminder.plan_id == made.id, Reminder.account_id == account.id)
        )
    )
    uow.session.add_all(
        Reminder(plan_id=made.id, account_id=account.id, stage=stage, due_at=due_at)
        for stage, due_at in ladder(made.due_day, uow.now(), uow.zone)
        if stage not in known
    )
    uow.session.flush()


def close(uow: Uow, made: FollowUpPlan, action: PlanAction, why: Why, **changes: object) -> None:
    """The plan leaves `active` by `action` and what is still planned of its reminders is not told."""
    move(uow, PLAN, made, action, why=why.value, **changes)
    sql.suppress(uow, Reminder.plan_id == made.id, why)


def plan_of_account(uow: Uow, public_id: str) -> FollowUpPlan:
    """The plan named `public_id` of a patient the asking account may act for; else NotFound."""
    return _one(uow, FollowUpPlan.public_id == public_id)


def list_of_account(uow: Uow, *, limit: int = 20) -> list[tuple[FollowUpPlan, Patient]]:
    """The plans of the patients the asking account may act for, the next one due first."""
    rows = uow.session.execute(
        select(FollowUpPlan, Patient)
        .join(Patient, Patient.id == FollowUpPlan.patient_id)
        .where(FollowUpPlan.patient_id.in_(linked_patient_ids(uow)))
        .order_by(FollowUpPlan.state != PlanState.ACTIVE, FollowUpPlan.due_day, FollowUpPlan.id)
        .limit(limit)
    )
    return [(made, patient) for made, patient in rows]


def plans_of_registration(uow: Uow, registration_id: int) -> list[FollowUpPlan]:
    """What was planned at this visit, newest first; for the doctor's desk and the timeline."""
    return list(
        uow.session.scalars(
            select(FollowUpPlan).where(FollowUpPlan.registration_id == registration_id).order_by(FollowUpPlan.id.desc())
        )
    )


def visit_before(uow: Uow, registration_id: int) -> Registration | None:
    """The visit at which this one was planned, when it is a revisit."""
    planned = select(FollowUpPlan.registration_id).where(FollowUpPlan.revisit_id == registration_id)
    first = uow.session.scalars(planned.order_by(FollowUpPlan.id)).first()
    return uow.session.get(Registration, first) if first else None


def plan_by_id(uow: Uow, plan_id: int) -> FollowUpPlan:
    """The plan with this key, for the steps that follow."""
    return uow.session.get_one(FollowUpPlan, plan_id)


def reminder_by_id(uow: Uow, reminder_id: int) -> Reminder:
    """The reminder with this key, for the steps that follow."""
    return uow.session.get_one(Reminder, reminder_id)


def places(uow: Uow, made: FollowUpPlan) -> list[Place]:
    """Sessions with a free place around the due day, best first: the same doctor before the same department.

    Within each, the day nearest to the wished one comes first, then the earlier hour.
    """
    first, last = search_days(made.due_day, uow.today())
    near = [
        Place(card, card.practitioner.id == made.practitioner_id)
        for card in scheduling.cards(
            uow, department_id=made.department_id, from_day=first, to_day=last, channel=BookingChannel.REVISIT
        )
        if card.free_places and card.session.state == SessionState.OPEN and card.session.ends_at > uow.now()
    ]
    return sorted(
        near,
        key=lambda place: (
            not place.is_same_practitioner,
            abs((place.card.session.visit_day - made.due_day).days),
            place.card.session.starts_at,
        ),
    )


def best_place(uow: Uow, made: FollowUpPlan) -> Place | None:
    """The place one tap would book, None when nothing near is free."""
    return next(iter(places(uow, made)), None)


def book(uow: Uow, *, plan_public_id: str, session_public_id: str = "") -> Registration:
    """One tap: a place for the revisit is held, in the session asked for or the best one; its fee is to be paid.

    A second tap gets the same place. Refuses `revisit_closed`, `no_place_near`, and what holding a place refuses
    (`sold_out`, `too_many_holds` …); NotFound for another patient's plan, and for a session that does not suit it.
    """
    made = _one(uow, FollowUpPlan.public_id == plan_public_id, is_locked=True)
    if made.state != PlanState.ACTIVE:
        raise RevisitClosed(state=made.state.value)
    held = uow.session.get(Registration, made.revisit_id) if made.revisit_id else None
    if held is not None and held.state == RegistrationState.HELD:
        return held
    patient = uow.session.get_one(Patient, made.patient_id)
    registration = _hold_first(uow, _wanted(uow, made, session_public_id)[:TRY_PLACES], patient.public_id)
    made.revisit_id = registration.id
    audit.record(uow, "revisit.book", "follow_up_plan", made.public_id)
    return registration


def _wanted(uow: Uow, made: FollowUpPlan, session_public_id: str) -> list[str]:
    """The sessions to try: the one asked for, or all that suit, best first.

    What is kept for revisits is this plan's near its day and in its department only, whatever a form says.
    """
    if not session_public_id:
        return [place.card.session.public_id for place in places(uow, made)]
    session = scheduling.card(uow, session_public_id).session
    first, last = search_days(made.due_day, uow.today())
    if session.department_id != made.department_id or not first <= session.visit_day <= last:
        raise NotFound
    return [session_public_id]


def _hold_first(uow: Uow, sessions: list[str], patient_public_id: str) -> Registration:
    """The first of the sessions that still has a place gives it; somebody else may be as quick as we are."""
    for session_public_id in sessions:
        try:
            with uow.session.begin_nested():
                return registration_service.hold(
                    uow,
                    session_public_id=session_public_id,
                    patient_public_id=patient_public_id,
                    source_code=REVISIT_SOURCE,
                    channel=BookingChannel.REVISIT,
                )
        except (SoldOut, SessionClosed, PlacesBusy):
            if len(sessions) == 1:
                raise
        except AlreadyRegistered as standing:
            if standing.facts.get("state") != RegistrationState.HELD.value:
                raise
            return registration_service.of_account(uow, str(standing.facts["registration"]))
    raise NoPlaceNear


def opt_out(uow: Uow, *, public_id: str) -> None:
    """The asking account is not reminded of this plan any more; other accounts still are. Quiet when called twice."""
    made = plan_of_account(uow, public_id)
    sql.suppress(uow, (Reminder.plan_id == made.id) & (Reminder.account_id == uow.actor.id), Why.OPTED_OUT)
    audit.record(uow, "revisit.opt_out", "follow_up_plan", public_id)


def is_reminding(uow: Uow, made: FollowUpPlan) -> bool:
    """True while the asking account will still be reminded of the plan."""
    return (
        uow.session.scalars(
            select(Reminder.id).where(
                Reminder.plan_id == made.id,
                Reminder.account_id == uow.actor.id,
                Reminder.state == ReminderState.PLANNED,
            )
        ).first()
        is not None
    )


def lapse_overdue(uow: Uow, *, limit: int = 100) -> int:
    """Plans nobody booked within thirty days after their day have lapsed; how many. Called by a job."""
    overdue = uow.session.scalars(
        select(FollowUpPlan)
        .where(
            FollowUpPlan.state == PlanState.ACTIVE,
            FollowUpPlan.due_day < uow.today() - timedelta(days=LAPSE_AFTER_DAYS),
        )
        .order_by(FollowUpPlan.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for made in overdue:
        close(uow, made, PlanAction.LAPSE, Why.LAPSED)
    return len(overdue)


def _one(uow: Uow, which: ColumnElement[bool], *, is_locked: bool = False) -> FollowUpPlan:
    asked = select(FollowUpPlan).where(which, FollowUpPlan.patient_id.in_(linked_patient_ids(uow)))
    found = uow.session.scalars(asked.with_for_update() if is_locked else asked).first()
    if found is None:
        raise NotFound
    return found
