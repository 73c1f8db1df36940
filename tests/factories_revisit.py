"""A visit that ended with a plan for a revisit, and the story of these steps alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app import events
from app.kernel.uow import Story, Units
from app.notifications import followers as notifications
from app.registration import deciding
from app.registration.models import Registration
from app.revisit import followers as revisit
from app.revisit import service
from app.revisit.models import FollowUpPlan
from app.scheduling import opening
from app.scheduling.models import ClinicSession, HalfDay, Shift
from tests import factories

SHANGHAI = ZoneInfo("Asia/Shanghai")
STORY: Story = {
    events.PatientBound: (revisit.remind_when_bound,),
    events.RegistrationBooked: (revisit.stop_when_booked, deciding.ask_when_booked),
    events.PlaceConfirmed: (notifications.tell_when_confirmed,),
    events.RegistrationCancelled: (revisit.reopen_when_given_back, notifications.tell_when_cancelled),
    events.RegistrationExpired: (revisit.reopen_when_given_back, notifications.tell_when_expired),
    events.RegistrationMissed: (revisit.reopen_when_given_back,),
    events.ConsultationEnded: (revisit.finish_when_seen,),
    events.ReminderDue: (notifications.tell_when_reminded,),
}


@dataclass(frozen=True)
class Visit:
    """Who was seen, by whom, and what was planned."""

    clinic: factories.Clinic
    who: factories.Person
    registration: Registration
    plan: FollowUpPlan


def with_story(units: Units) -> Units:
    return replace(units, story=STORY)


def hospital(day: str, hour_minute: str) -> datetime:
    """The instant at which the hospital's wall shows this."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour_minute), tzinfo=SHANGHAI)


def session_on(units: Units, clinic: factories.Clinic, day: date, *, practitioner_id: int = 0) -> ClinicSession:
    """The clinic's doctor (or another one) sits that morning too."""
    with units.open() as uow:
        shift = Shift(
            practitioner_id=practitioner_id or clinic.practitioner.id,
            weekday=day.weekday(),
            half_day=HalfDay.AM,
            starts=time(9, 0),
            places=5,
            slot_minutes=10,
            room="3-05",
            fee_fen=2500,
        )
        session = opening.open_session(uow, shift, day)
        assert session is not None
        return session


def visit(units: Units, *, due_in_days: int = 14) -> Visit:
    """A booked visit of today with a plan for a revisit."""
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
    registration = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        plan = service.plan(uow, registration=registration, due_day=uow.today() + timedelta(days=due_in_days))
    return Visit(clinic, who, registration, plan)
