"""What the waiting room does when other steps of the visit have happened."""

from __future__ import annotations

from app.events import PatientsMerged
from app.identity.merging import repoint
from app.kernel.uow import Uow
from app.queueing.models import Ticket


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's tickets are the patient's."""
    repoint(uow, merged, Ticket)
