"""A revisit is asked for as one, so that the hospital system sees two visits as one course."""

from __future__ import annotations

from datetime import timedelta

from app.registration import by_hospital
from app.revisit.models import FollowUpPlan
from app.revisit.states import PlanState
from tests import factories
from tests.hl7.test_outbound import Visit, told, visit

__all__ = ["visit"]


def test_a_revisit_is_asked_for_as_one_with_the_visit_before_it(visit: Visit) -> None:
    with visit.units.open() as uow:
        someone = factories.person(uow)
    before = factories.booked(visit.units, someone, visit.clinic.session)
    with visit.units.open() as uow:
        by_hospital.known_as(uow, before, system="HIS|HOSPITAL", value="HIS6")
        uow.session.add(
            FollowUpPlan(
                patient_id=before.patient_id,
                registration_id=before.id,
                practitioner_id=before.practitioner_id,
                department_id=visit.clinic.session.department_id,
                planned_day=uow.today() - timedelta(days=7),
                due_day=uow.today(),
                state=PlanState.BOOKED,
                revisit_id=visit.registration.id,
            )
        )

    message = told(visit.units, "RegistrationBooked", registration_id=visit.registration.id, patient_id=1)

    assert message is not None
    assert message.get("ARQ-7.1") == "FOLLOWUP"
    assert (message.get("ARQ-22.1"), message.get("ARQ-23.1")) == (before.visit_number, "HIS6")
