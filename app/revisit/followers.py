"""What the revisit does when other steps of the visit have happened."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.events import (
    ConsultationEnded,
    PatientBound,
    PatientsMerged,
    RegistrationBooked,
    RegistrationCancelled,
    RegistrationExpired,
    RegistrationMissed,
    RevisitBooked,
)
from app.identity.merging import repoint
from app.identity.models import Account
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.registration import exchanges
from app.registration.models import Registration
from app.revisit import sql
from app.revisit.models import FollowUpPlan
from app.revisit.rules import ANSWERS_DAYS
from app.revisit.service import close, remind
from app.revisit.states import PLAN, PlanAction, PlanState, Why
from app.scheduling.models import ClinicSession


def remind_when_bound(uow: Uow, bound: PatientBound) -> None:
    """An account that now acts for the patient is reminded of the plans that stand."""
    standing = uow.session.scalars(
        select(FollowUpPlan).where(
            FollowUpPlan.patient_id == bound.patient_id,
            FollowUpPlan.state == PlanState.ACTIVE,
            FollowUpPlan.due_day >= uow.today(),
        )
    ).all()
    for made in standing:
        remind(uow, made, uow.session.get_one(Account, bound.account_id))


def stop_when_booked(uow: Uow, booked: RegistrationBooked) -> None:
    """The plans this registration answers are booked, by the one tap or on the patient's own way; reminders stop.

    A registration answers a plan of the same patient and department within a week of the wished day.
    """
    registration = uow.session.get_one(Registration, booked.registration_id)
    session = uow.session.get_one(ClinicSession, registration.session_id)
    week = timedelta(days=ANSWERS_DAYS)
    facts = {
        "p_patient_id": booked.patient_id,
        "p_registration_id": registration.id,
        "p_department_id": session.department_id,
        "p_from_day": registration.visit_day - week,
        "p_to_day": registration.visit_day + week,
    }
    for (made,) in sql.ANSWERED.all(uow, facts):
        close(uow, made, PlanAction.BOOK, Why.BOOKED, revisit_id=registration.id)
        uow.publish(RevisitBooked(made.id, registration.id, made.patient_id))


def reopen_when_given_back(uow: Uow, gone: RegistrationCancelled | RegistrationExpired | RegistrationMissed) -> None:
    """The revisit's place is gone: the plan stands again and what is still ahead of its reminders comes.

    Unless another of the patient's places took its place and answers the plan.
    """
    for made in _plans_with(uow, gone.registration_id):
        if made.state == PlanState.BOOKED:
            move(uow, PLAN, made, PlanAction.REOPEN, revisit_id=None)
            sql.renew(uow, made.id)
        elif made.state == PlanState.ACTIVE:
            made.revisit_id = None
    taker = exchanges.taker_of(uow, gone.registration_id)
    if taker is not None:
        stop_when_booked(uow, RegistrationBooked(taker.id, taker.patient_id))


def finish_when_seen(uow: Uow, ended: ConsultationEnded) -> None:
    """The doctor has seen the patient again: the plan is done."""
    for made in _plans_with(uow, ended.registration_id):
        if made.state == PlanState.BOOKED:
            move(uow, PLAN, made, PlanAction.FINISH)


def _plans_with(uow: Uow, registration_id: int) -> list[FollowUpPlan]:
    return [plan for (plan,) in sql.WITH_PLACE.all(uow, {"p_registration_id": registration_id})]


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's plans are the patient's."""
    repoint(uow, merged, FollowUpPlan)
