"""The waiting list (候补) as patients use it: joining, leaving, and answering an offer with one tap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select

from app.events import RegistrationBooked
from app.identity import service as identity
from app.identity.models import Patient
from app.kernel import audit, moves
from app.kernel.errors import BadInput, NotFound
from app.kernel.uow import Uow
from app.registration import conduct, limits, service, sql
from app.registration.errors import OfferOver, PlacesLeft, WaitlistFull
from app.registration.models import Registration, WaitlistEntry, WaitlistOffer
from app.registration.states import ENTRY, OFFER, EntryAction, EntryState, OfferAction, OfferState
from app.rulebook.service import rules_for
from app.rulebook.terms import LONGEST_WINDOW_DAYS, Rules
from app.scheduling import service as scheduling
from app.scheduling.models import BookingChannel, ClinicSession, Department, HalfDay, Practitioner, Slot
from app.scheduling.rules import where_of
from app.scheduling.service import Wanted
from app.scheduling.states import SessionState

SOURCE = "waitlist"
STANDS = (EntryState.WAITING, EntryState.OFFERED)


@dataclass(frozen=True)
class Wish:
    """What would do: a place in the department, with one doctor or any (''), on some days, in one half-day or any."""

    department_code: str
    from_day: date
    to_day: date
    practitioner_code: str = ""
    half_day: HalfDay | None = None


@dataclass(frozen=True)
class Waiting:
    """An entry with who waits for whom, and the offer that is open for it."""

    entry: WaitlistEntry
    patient: Patient
    department: Department
    practitioner: Practitioner | None
    offer: WaitlistOffer | None
    session: ClinicSession | None
    slot: Slot | None


def join(uow: Uow, *, patient_public_id: str, wish: Wish) -> WaitlistEntry:
    """The patient waits for such a place; asked for the same again, the entry that stands is the one.

    Asked by an account for a patient it may act for (else NotFound). Refuses `bad_input`, `patient_suspended`, and
    what `enter` does.
    """
    patient = identity.patient_of_account(uow, patient_public_id)
    entry = entry_for(uow, patient, wish)
    known = same_as(uow, entry)
    if known is not None:
        return known
    conduct.refuse_suspended(uow, patient)
    return enter(uow, patient, wish, entry, channel=BookingChannel.ONLINE)


def enter(uow: Uow, patient: Patient, wish: Wish, entry: WaitlistEntry, *, channel: BookingChannel) -> WaitlistEntry:
    """The new entry stands.

    Refuses `guardian_consent_needed`, `identity_not_verified`, `places_left` with the session that has one for the
    `channel`, and `waitlist_full`.
    """
    rules = rules_for(uow, where_of(scheduling.department_by_code(uow, wish.department_code)))
    limits.refuse_by_person(uow, rules, patient)
    _refuse_while_places_are_left(uow, rules, wish, channel)
    if len(_standing(uow, patient.id)) >= rules.waitlist_entries_at_most:
        raise WaitlistFull(at_most=rules.waitlist_entries_at_most)
    uow.session.add(entry)
    uow.session.flush()
    audit.record(uow, "waitlist.join", "waitlist_entry", entry.public_id)
    return entry


def entry_for(uow: Uow, patient: Patient, wish: Wish) -> WaitlistEntry:
    """What the patient would wait for, not kept yet; refuses `bad_input` for days that are over or out of order."""
    last = uow.today().toordinal() + LONGEST_WINDOW_DAYS
    if not uow.today() <= wish.from_day <= wish.to_day or wish.to_day.toordinal() > last:
        raise BadInput(fields={"from_day": "not_valid"})
    doctor = scheduling.practitioner_by_code(uow, wish.practitioner_code) if wish.practitioner_code else None
    return WaitlistEntry(
        account_id=uow.actor.id if uow.actor.kind == "patient" else None,
        patient_id=patient.id,
        department_id=scheduling.department_by_code(uow, wish.department_code).id,
        practitioner_id=doctor.id if doctor else None,
        from_day=wish.from_day,
        to_day=wish.to_day,
        half_day=wish.half_day,
        joined_at=uow.now(),
    )


def same_as(uow: Uow, entry: WaitlistEntry) -> WaitlistEntry | None:
    """The patient's standing entry for the same places."""
    standing = _standing(uow, entry.patient_id)
    return next((other for other in standing if _asks_for(other) == _asks_for(entry)), None)


def _asks_for(entry: WaitlistEntry) -> tuple[object, ...]:
    return entry.department_id, entry.practitioner_id, entry.from_day, entry.to_day, entry.half_day


def _standing(uow: Uow, patient_id: int) -> list[WaitlistEntry]:
    """What the patient waits for; the patient's row is held, so that two taps count each other."""
    uow.session.execute(select(Patient.id).where(Patient.id == patient_id).with_for_update())
    return list(
        uow.session.scalars(
            select(WaitlistEntry).where(WaitlistEntry.patient_id == patient_id, WaitlistEntry.state.in_(STANDS))
        )
    )


def _refuse_while_places_are_left(uow: Uow, rules: Rules, wish: Wish, channel: BookingChannel) -> None:
    cards = scheduling.cards(
        uow,
        department_id=scheduling.department_by_code(uow, wish.department_code).id,
        practitioner_id=(
            scheduling.practitioner_by_code(uow, wish.practitioner_code).id if wish.practitioner_code else None
        ),
        from_day=wish.from_day,
        to_day=wish.to_day,
        channel=channel,
    )
    for card in cards:
        sits = card.session
        is_open = sits.state == SessionState.OPEN and sits.ends_at > uow.now()
        is_wanted = wish.half_day in {None, sits.half_day}
        if card.free_places and is_open and is_wanted and limits.is_released(uow, rules, sits):
            raise PlacesLeft(session=sits.public_id)


def of_account(uow: Uow) -> list[Waiting]:
    """What the patients of the asking account wait for, open offers first."""
    return listed(uow, WaitlistEntry.patient_id.in_(identity.linked_patient_ids(uow)))


def listed(uow: Uow, *which: ColumnElement[bool]) -> list[Waiting]:
    """The standing entries that fit, open offers first."""
    rows = uow.session.execute(
        select(WaitlistEntry, Patient, Department, Practitioner, WaitlistOffer, ClinicSession, Slot)
        .join(Patient, Patient.id == WaitlistEntry.patient_id)
        .join(Department, Department.id == WaitlistEntry.department_id)
        .outerjoin(Practitioner, Practitioner.id == WaitlistEntry.practitioner_id)
        .outerjoin(
            WaitlistOffer,
            (WaitlistOffer.entry_id == WaitlistEntry.id) & (WaitlistOffer.state == OfferState.OPEN),
        )
        .outerjoin(ClinicSession, ClinicSession.id == WaitlistOffer.session_id)
        .outerjoin(Slot, Slot.id == WaitlistOffer.slot_id)
        .where(WaitlistEntry.state.in_(STANDS), *which)
        .order_by(WaitlistOffer.ends_at.is_(None), WaitlistEntry.id)
    )
    return [Waiting(*row) for row in rows]


def ahead_of(uow: Uow, entry: WaitlistEntry) -> int:
    """How many wait in the same department and joined before; not all of them wait for the same places."""
    return (
        uow.session.scalar(
            select(func.count()).where(
                WaitlistEntry.department_id == entry.department_id,
                WaitlistEntry.state.in_(STANDS),
                WaitlistEntry.from_day <= entry.to_day,
                WaitlistEntry.to_day >= entry.from_day,
                WaitlistEntry.id < entry.id,
            )
        )
        or 0
    )


def leave(uow: Uow, *, public_id: str) -> None:
    """The patient waits no longer; a place that was offered goes to the next. Quiet when they left already."""
    entry = uow.session.scalars(
        select(WaitlistEntry).where(
            WaitlistEntry.public_id == public_id, WaitlistEntry.patient_id.in_(identity.linked_patient_ids(uow))
        )
    ).first()
    if entry is None:
        raise NotFound
    take_off(uow, entry)


def take_off(uow: Uow, entry: WaitlistEntry) -> None:
    """The entry stands no longer; a place that was offered goes to the next. Quiet when it does not."""
    if entry.state == EntryState.LEFT:
        return
    withdraw_open(uow, entry)
    moves.move(uow, ENTRY, entry, EntryAction.LEAVE)


def offered_to(uow: Uow, patient_id: int) -> list[WaitlistEntry]:
    """The patient's entries for which an offer is open."""
    return list(
        uow.session.scalars(
            select(WaitlistEntry).where(
                WaitlistEntry.patient_id == patient_id, WaitlistEntry.state == EntryState.OFFERED
            )
        )
    )


def withdraw_open(uow: Uow, entry: WaitlistEntry) -> None:
    """The entry's open offer is withdrawn; its place stays set aside, for the next."""
    for offer in uow.session.scalars(
        select(WaitlistOffer).where(WaitlistOffer.entry_id == entry.id, WaitlistOffer.state == OfferState.OPEN)
    ).all():
        moves.move(uow, OFFER, offer, OfferAction.WITHDRAW)


def accept(uow: Uow, *, public_id: str) -> Registration:
    """One tap: the offered place is held for the patient, to be paid as any other; tapped twice, the same one.

    Refuses `offer_over`, `already_registered`, whatever limits.refuse_against_the_rules does, `session_closed`.
    """
    offer = _own_offer(uow, public_id)
    if offer.state == OfferState.OPEN and offer.ends_at > uow.now():
        session = uow.session.get_one(ClinicSession, offer.session_id)
        patient = uow.session.get_one(Patient, offer.patient_id)
        limits.refuse_against_the_rules(uow, limits.rules_of_session(uow, session), patient, session)
    return take(uow, offer)


def take(uow: Uow, offer: WaitlistOffer) -> Registration:
    """The offered place is held for its patient; asked again, the same one. Refuses as `accept`, but for the rules."""
    if offer.state == OfferState.ACCEPTED and offer.registration_id is not None:
        return uow.session.get_one(Registration, offer.registration_id)
    if offer.state != OfferState.OPEN or offer.ends_at <= uow.now():
        raise OfferOver
    session = uow.session.get_one(ClinicSession, offer.session_id)
    patient = uow.session.get_one(Patient, offer.patient_id)
    seq = uow.session.get_one(Slot, offer.slot_id).seq
    made = service.place(
        uow,
        session,
        patient,
        fee_fen=limits.fee_fen(uow, limits.rules_of_session(uow, session), patient, session),
        source_code=SOURCE,
        wanted=Wanted(None, seq=seq, also_resting=True, is_set_aside=True),
    )
    moves.move(uow, OFFER, offer, OfferAction.ACCEPT, registration_id=made.id)
    moves.move(uow, ENTRY, uow.session.get_one(WaitlistEntry, offer.entry_id), EntryAction.SERVE)
    return made


def decline(uow: Uow, *, public_id: str) -> None:
    """The patient does not want this place and waits on; it goes to the next. Refuses `offer_over`."""
    pass_on(uow, _own_offer(uow, public_id))


def pass_on(uow: Uow, offer: WaitlistOffer) -> None:
    """The offered place goes to the next, and who does not want it waits on. Refuses `offer_over`."""
    if offer.state == OfferState.DECLINED:
        return
    if offer.state != OfferState.OPEN:
        raise OfferOver
    moves.move(uow, OFFER, offer, OfferAction.DECLINE)
    moves.move(uow, ENTRY, uow.session.get_one(WaitlistEntry, offer.entry_id), EntryAction.WAIT_ON, why="declined")


def _own_offer(uow: Uow, public_id: str) -> WaitlistOffer:
    return offer_named(uow, public_id, WaitlistOffer.patient_id.in_(identity.linked_patient_ids(uow)))


def offer_named(uow: Uow, public_id: str, *which: ColumnElement[bool]) -> WaitlistOffer:
    """The offer named `public_id`, locked, if it is one of those that fit; else NotFound."""
    offer = uow.session.scalars(
        select(WaitlistOffer).where(WaitlistOffer.public_id == public_id, *which).with_for_update()
    ).first()
    if offer is None:
        raise NotFound
    return offer


def serve_when_booked(uow: Uow, booked: RegistrationBooked) -> None:
    """Whoever found such a place by themself waits for it no longer."""
    session_id = uow.session.get_one(Registration, booked.registration_id).session_id
    for (entry,) in sql.ANSWERED.all(uow, {"p_session_id": session_id, "p_patient_id": booked.patient_id}):
        withdraw_open(uow, entry)
        moves.move(uow, ENTRY, entry, EntryAction.SERVE, why="found_one")
