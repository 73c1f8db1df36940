"""What registration does when two records of one person become one."""

from __future__ import annotations

from app.events import PatientsMerged
from app.identity.errors import MergeBusy
from app.identity.merging import repoint
from app.kernel import moves
from app.kernel.uow import Uow
from app.registration import by_hospital, service, waitlist
from app.registration.models import (
    ConductRecord,
    LostPlace,
    Registration,
    Suspension,
    WaitlistEntry,
    WaitlistOffer,
)
from app.registration.states import ENTRY, REGISTRATION, EntryAction, RegistrationAction


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """The merged record's registrations are the patient's.

    Where both have a place with one doctor in one half-day the merged record's is cancelled by the hospital, or the
    patient's when only that one still can be; what was paid goes back. Refuses `merge_busy` when both are in the house.
    """
    theirs = {_half_day(place): place for place in by_hospital.active_of(uow, merged.patient_id)}
    for going in by_hospital.active_of(uow, merged.merged_patient_id):
        staying = theirs.get(_half_day(going))
        if staying is not None:
            service.give_back(uow, _one_to_cancel(going, staying), by_hospital=True, why="merged")
    for entry in waitlist.offered_to(uow, merged.merged_patient_id):
        waitlist.withdraw_open(uow, entry)
        moves.move(uow, ENTRY, entry, EntryAction.WAIT_ON, why="merged")
    repoint(uow, merged, Registration, ConductRecord, Suspension, LostPlace, WaitlistEntry, WaitlistOffer)


def _half_day(place: Registration) -> tuple[object, ...]:
    return place.practitioner_id, place.visit_day, place.half_day


def _one_to_cancel(going: Registration, staying: Registration) -> Registration:
    for place in (going, staying):
        if REGISTRATION.may(place.state, RegistrationAction.CANCEL):
            return place
    raise MergeBusy
