"""Reminders whose time has come are told: once per account and stage, and only while people are awake."""

from __future__ import annotations

from sqlalchemy import select

from app.events import ReminderDue
from app.kernel.uow import Uow
from app.revisit import sql
from app.revisit.models import FollowUpPlan, Reminder
from app.revisit.rules import is_waking
from app.revisit.states import Why


def tell_due(uow: Uow, limit: int = 200) -> int:
    """Up to `limit` due reminders are told and published as ReminderDue in this unit; how many. Called by jobs.

    At night nothing is told. Many processes may call it at once: a reminder is taken by one, and stands as told only
    together with the message that its follower wrote. A reminder whose next stage is due as well, whose day is over,
    or whose account no longer acts for the patient is not told but suppressed with the reason.
    """
    if not is_waking(uow.now(), uow.zone):
        return 0
    is_due = Reminder.due_at <= uow.now()
    for why, which in (
        (Why.LAPSED, sql.is_of_the_past(uow.today())),
        (Why.OVERTAKEN, sql.is_overtaken(uow.now())),
        (Why.UNLINKED, sql.is_unlinked()),
    ):
        sql.suppress(uow, is_due & which, why)
    taken = sql.take_due(uow, limit=limit)
    rows = uow.session.execute(
        select(Reminder.id, Reminder.plan_id, FollowUpPlan.patient_id)
        .join(FollowUpPlan, FollowUpPlan.id == Reminder.plan_id)
        .where(Reminder.id.in_(taken))
        .order_by(Reminder.id)
    )
    for reminder_id, plan_id, patient_id in rows:
        uow.publish(ReminderDue(reminder_id, plan_id, patient_id))
    return len(taken)
