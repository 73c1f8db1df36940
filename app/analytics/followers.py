"""Each step of the visit is counted once for the channel that brought the patient."""

from __future__ import annotations

from app.analytics.models import FunnelStep, Stage
from app.events import (
    BagCollected,
    PatientCheckedIn,
    PrescriptionIssued,
    RegistrationBooked,
    RevisitBooked,
)
from app.kernel.hot_rows import insert_unless_there, spelled_for
from app.kernel.uow import Uow
from app.prescription.models import Prescription
from app.registration.models import Registration
from app.revisit.service import plan_by_id


def count_when_booked(uow: Uow, booked: RegistrationBooked) -> None:
    """The channel's patient has paid for the place."""
    _count(uow, booked.registration_id, Stage.BOOKED)


def count_when_checked_in(uow: Uow, arrived: PatientCheckedIn) -> None:
    """The channel's patient has come."""
    _count(uow, arrived.registration_id, Stage.ARRIVED)


def count_when_prescribed(uow: Uow, issued: PrescriptionIssued) -> None:
    """Something was prescribed at the visit, so that it is complete only when it was collected."""
    _count(uow, _visit_of(uow, issued.prescription_id), Stage.PRESCRIBED)


def count_when_collected(uow: Uow, collected: BagCollected) -> None:
    """The channel's patient has collected the medicine."""
    _count(uow, _visit_of(uow, collected.prescription_id), Stage.COLLECTED)


def count_when_revisit_booked(uow: Uow, booked: RevisitBooked) -> None:
    """The patient comes again: counted for the visit at which the revisit was planned."""
    _count(uow, plan_by_id(uow, booked.plan_id).registration_id, Stage.REVISIT)


def _visit_of(uow: Uow, prescription_id: int) -> int | None:
    return uow.session.get_one(Prescription, prescription_id).registration_id


def _count(uow: Uow, registration_id: int | None, stage: Stage) -> None:
    """The registration has reached the stage; quiet the second time and for a prescription without a visit."""
    if registration_id is None:
        return
    registration = uow.session.get_one(Registration, registration_id)
    facts = {
        "registration_id": registration_id,
        "stage": stage,
        "source_code": registration.source_code,
        "reached_at": uow.now(),
    }
    spelled_for(uow, _REACH).later(uow, facts)


_REACH = insert_unless_there(FunnelStep, "source_code", "reached_at", key=("registration_id", "stage"))
