"""What insurance does when the prescription moves on."""

from __future__ import annotations

from app.events import PrescriptionApproved, PrescriptionVoided
from app.insurance import service
from app.kernel.uow import Uow
from app.prescription.models import Prescription


def split_when_approved(uow: Uow, event: PrescriptionApproved) -> None:
    """The approved prescription is divided between insurance and patient."""
    service.make_split(uow, uow.session.get_one(Prescription, event.prescription_id))


def void_when_voided(uow: Uow, event: PrescriptionVoided) -> None:
    """The prescription's split falls with it, and what it had used of the coverage is given back."""
    service.let_go(uow, event.prescription_id)
