"""The hospital system is told who sits when another doctor stands in (替诊)."""

from __future__ import annotations

from app.registration import closing
from app.registration import service as registration
from app.registration.models import Registration
from tests import factories
from tests.hl7.test_outbound import Visit, told, visit

__all__ = ["visit"]


def test_another_doctor_is_told_as_long_as_the_place_stands(visit: Visit) -> None:
    ids = {"registration_id": visit.registration.id, "patient_id": 1}
    with visit.units.open() as uow:
        factories.another_doctor(uow, visit.clinic.department)
        closing.substitute(uow, public_id=visit.clinic.session.public_id, practitioner_code="DX")

    message = told(visit.units, "DoctorSubstituted", **ids)
    with visit.units.open() as uow:
        going = uow.session.get_one(Registration, visit.registration.id)
        registration.give_back(uow, going, by_hospital=False, why="doctor_substituted")

    assert message is not None
    assert message.get("MSH-9") == "SRM^S03^SRM_S01"
    assert (message.get("ARQ-1.1"), message.get("ARQ-6.1")) == (visit.registration.visit_number, "SUBSTITUTED")
    assert message.get("AIP-3") == "DX^刘洋"
    assert message.get("PV1-7.1") == "DX"
    assert told(visit.units, "DoctorSubstituted", **ids) is None
