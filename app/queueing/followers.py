"""What the waiting room does when other steps of the visit have happened."""

from __future__ import annotations

from app.events import PatientCalled, PatientCheckedIn, PatientsMerged
from app.identity.merging import repoint
from app.kernel.uow import Uow
from app.queueing import own_errors
from app.queueing.models import Ticket


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's tickets are the patient's."""
    repoint(uow, merged, Ticket)


def note_told_when_checked_in(uow: Uow, arrived: PatientCheckedIn) -> None:
    """What the patient is told of the wait is kept, so that our own errors can be counted."""
    own_errors.note_told(uow, uow.session.get_one(Ticket, arrived.ticket_id))


def note_wait_when_called(uow: Uow, called: PatientCalled) -> None:
    """How long the patient really waited stands beside what they were told."""
    own_errors.note_wait(uow, uow.session.get_one(Ticket, called.ticket_id))
