"""The waiting list (候补) at the registration desk: for whoever has no phone, who is told there or called up."""

from __future__ import annotations

from sqlalchemy import select

from app.identity import for_staff as identity
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.registration import waiting_code, waitlist
from app.registration.models import Registration, WaitlistEntry, WaitlistOffer
from app.registration.states import EntryState
from app.registration.waitlist import Waiting, Wish
from app.scheduling.models import BookingChannel


def join(uow: Uow, *, patient_public_id: str, wish: Wish) -> WaitlistEntry:
    """The patient waits for such a place; asked for the same again, the entry that stands is the one.

    Suspensions are for the phone and do not hold here. Refuses `bad_input` and what waitlist.enter does.
    """
    patient = identity.patient_by_public_id(uow, patient_public_id)
    entry = waitlist.entry_for(uow, patient, wish)
    known = waitlist.same_as(uow, entry)
    return known or waitlist.enter(uow, patient, wish, entry, channel=BookingChannel.WINDOW)


def entry_named(uow: Uow, public_id: str) -> Waiting:
    """The standing entry named `public_id`, whoever joined it; else NotFound."""
    found = waitlist.listed(uow, WaitlistEntry.public_id == public_id)
    if not found:
        raise NotFound
    return found[0]


def entry_of_slip(uow: Uow, scanned: str) -> WaitlistEntry | None:
    """The entry whose slip was scanned, also one that is over; None for anything that is no slip of ours."""
    return uow.session.scalars(
        select(WaitlistEntry).where(WaitlistEntry.public_id == waiting_code.read_digits(scanned))
    ).first()


def of_patient(uow: Uow, patient_id: int) -> list[Waiting]:
    """What the patient waits for, open offers first."""
    return waitlist.listed(uow, WaitlistEntry.patient_id == patient_id)


def to_be_told(uow: Uow) -> list[Waiting]:
    """Whoever waits without an account and has a place on offer that nobody has told them of by message."""
    return waitlist.listed(uow, WaitlistEntry.account_id.is_(None), WaitlistEntry.state == EntryState.OFFERED)


def leave(uow: Uow, *, public_id: str) -> WaitlistEntry:
    """The patient waits no longer; quiet when they left already. NotFound for an entry that is none."""
    entry = uow.session.scalars(select(WaitlistEntry).where(WaitlistEntry.public_id == public_id)).first()
    if entry is None:
        raise NotFound
    waitlist.take_off(uow, entry)
    return entry


def accept(uow: Uow, *, public_id: str) -> Registration:
    """The offered place is held, its fee to be paid at the cashier's; refuses what waitlist.take does."""
    return waitlist.take(uow, waitlist.offer_named(uow, public_id))


def decline(uow: Uow, *, public_id: str) -> WaitlistOffer:
    """The place goes to the next, and the patient waits on; refuses `offer_over`."""
    offer = waitlist.offer_named(uow, public_id)
    waitlist.pass_on(uow, offer)
    return offer
