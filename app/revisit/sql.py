"""The statements by which due reminders are taken, each by one process only."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, bindparam, select, update
from sqlalchemy.orm import aliased

from app.identity.models import PatientLink
from app.kernel.hot import Found
from app.kernel.moves import Move
from app.kernel.uow import Uow
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.states import REMINDER, PlanState, ReminderAction, ReminderState, Why

# The plans that a registration answers: the one it was made for, and those of its department and its days.
ANSWERED = Found(
    FollowUpPlan,
    which=lambda plans: plans.where(
        FollowUpPlan.patient_id == bindparam("p_patient_id"),
        FollowUpPlan.state == PlanState.ACTIVE,
        FollowUpPlan.registration_id != bindparam("p_registration_id"),
        (FollowUpPlan.revisit_id == bindparam("p_registration_id"))
        | (
            (FollowUpPlan.department_id == bindparam("p_department_id"))
            & FollowUpPlan.due_day.between(bindparam("p_from_day"), bindparam("p_to_day"))
        ),
    ),
)
WITH_PLACE = Found(
    FollowUpPlan, which=lambda plans: plans.where(FollowUpPlan.revisit_id == bindparam("p_registration_id"))
)


def is_overtaken(now: datetime) -> ColumnElement[bool]:
    """True for a reminder whose next stage is due as well: the patient is told once, not twice."""
    later = aliased(Reminder)
    return (
        select(later.id)
        .where(
            later.plan_id == Reminder.plan_id,
            later.account_id == Reminder.account_id,
            later.due_at > Reminder.due_at,
            later.due_at <= now,
        )
        .exists()
    )


def is_unlinked() -> ColumnElement[bool]:
    """True for a reminder to an account that no longer acts for the patient."""
    return ~(
        select(PatientLink.id)
        .join(FollowUpPlan, FollowUpPlan.patient_id == PatientLink.patient_id)
        .where(
            FollowUpPlan.id == Reminder.plan_id,
            PatientLink.account_id == Reminder.account_id,
            PatientLink.ended_at.is_(None),
        )
        .exists()
    )


def is_of_the_past(today: date) -> ColumnElement[bool]:
    """True for a reminder of a day that is over."""
    return select(FollowUpPlan.id).where(FollowUpPlan.id == Reminder.plan_id, FollowUpPlan.due_day < today).exists()


def take_due(uow: Uow, *, limit: int) -> list[int]:
    """Up to `limit` due reminders are told from now on; their keys, each given to one caller only."""
    due = (
        select(Reminder.id)
        .where(Reminder.state == ReminderState.PLANNED, Reminder.due_at <= uow.now(), ~is_overtaken(uow.now()))
        .order_by(Reminder.due_at, Reminder.id)
        .limit(limit)
    )
    return _change(uow, due, ReminderAction.TELL, told_at=uow.now())


def suppress(uow: Uow, which: ColumnElement[bool], why: Why) -> list[int]:
    """Planned reminders for which `which` holds will not be told, because of `why`; their keys."""
    planned = select(Reminder.id).where(Reminder.state == ReminderState.PLANNED, which)
    return _change(uow, planned, ReminderAction.SUPPRESS, reason=why.value)


def renew(uow: Uow, plan_id: int) -> list[int]:
    """The plan's reminders that were stopped by a booking and are still ahead are planned again; their keys."""
    stopped = select(Reminder.id).where(
        Reminder.state == ReminderState.SUPPRESSED,
        Reminder.plan_id == plan_id,
        Reminder.reason == Why.BOOKED.value,
        Reminder.due_at > uow.now(),
    )
    return _change(uow, stopped, ReminderAction.RENEW, reason="")


def _change(uow: Uow, which: Select[int], action: ReminderAction, **values: object) -> list[int]:
    """One conditional update moves all rows of `which`; rows held by another process are left to it."""
    before, after = next((state, to) for (state, doing), to in REMINDER.moves.items() if doing == action)
    uow.session.flush()
    chosen = which.with_for_update(skip_locked=True).cte("chosen")
    changed = sorted(
        uow.session.scalars(
            update(Reminder)
            .where(Reminder.id.in_(select(chosen.c.id)), Reminder.state == before)
            .values(state=after, **values)
            .returning(Reminder.id),
            execution_options={"synchronize_session": False},
        )
    )
    uow.session.add_all(
        Move(
            machine=REMINDER.name,
            subject_id=reminder_id,
            from_state=before.value,
            to_state=after.value,
            action=action.value,
            moved_at=uow.now(),
            by_kind=uow.actor.kind,
            by_ref=uow.actor.ref,
            why=str(values.get("reason", "")),
        )
        for reminder_id in changed
    )
    return changed
