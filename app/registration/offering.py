"""Offering places to the waiting list (候补): each set-aside place to the first who fits, then to the next."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from app import events
from app.identity import guardians
from app.identity.models import Patient
from app.kernel import audit, moves
from app.kernel.clock import hospital_day
from app.kernel.errors import Refused
from app.kernel.uow import Uow
from app.registration import awaited, limits, service
from app.registration.models import WaitlistEntry, WaitlistOffer
from app.registration.sql import fits
from app.registration.states import ENTRY, OFFER, EntryAction, EntryState, OfferAction, OfferState
from app.rulebook.terms import Rules
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.rules import wall
from app.scheduling.states import SessionState, SlotState

MOST_ASKED = 20


def work_through(uow: Uow, *, limit: int = 50) -> int:
    """Offers that ran out are over, places that came back are offered; returns how much was done.

    Two jobs at once offer each place once.
    """
    return expire_due(uow, limit=limit) + lapse_overdue(uow, limit=limit) + offer_free(uow, limit=limit)


def expire_due(uow: Uow, *, limit: int = 50) -> int:
    """Offers that nobody answered in time are over; their places stay set aside, for the next."""
    due = uow.session.scalars(
        select(WaitlistOffer)
        .where(WaitlistOffer.state == OfferState.OPEN, WaitlistOffer.ends_at <= uow.now())
        .order_by(WaitlistOffer.ends_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for offer in due:
        moves.move(uow, OFFER, offer, OfferAction.EXPIRE)
        _miss(uow, offer)
    return len(due)


def _miss(uow: Uow, offer: WaitlistOffer) -> None:
    entry = uow.session.get_one(WaitlistEntry, offer.entry_id)
    rules = limits.rules_of_session(uow, uow.session.get_one(ClinicSession, offer.session_id))
    missed = entry.missed + 1
    if 0 < rules.waitlist_missed_at_most <= missed:
        moves.move(uow, ENTRY, entry, EntryAction.LAPSE, why="missed", missed=missed)
        uow.publish(events.WaitlistLapsed(entry.id, entry.patient_id))
    else:
        moves.move(uow, ENTRY, entry, EntryAction.WAIT_ON, why="missed", missed=missed)


def withdraw_of_session(uow: Uow, session: ClinicSession) -> None:
    """What is on offer in the session is withdrawn, and whoever was offered it waits on."""
    offers = uow.session.scalars(
        select(WaitlistOffer)
        .where(WaitlistOffer.session_id == session.id, WaitlistOffer.state == OfferState.OPEN)
        .with_for_update()
    ).all()
    for offer in offers:
        moves.move(uow, OFFER, offer, OfferAction.WITHDRAW, why="session_stopped")
        entry = uow.session.get_one(WaitlistEntry, offer.entry_id)
        moves.move(uow, ENTRY, entry, EntryAction.WAIT_ON, why="session_stopped")


def lapse_overdue(uow: Uow, *, limit: int = 50) -> int:
    """Whoever waited for days that are over waits no longer."""
    over = uow.session.scalars(
        select(WaitlistEntry)
        .where(WaitlistEntry.state == EntryState.WAITING, WaitlistEntry.to_day < uow.today())
        .order_by(WaitlistEntry.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for entry in over:
        moves.move(uow, ENTRY, entry, EntryAction.LAPSE, why="days_over")
        uow.publish(events.WaitlistLapsed(entry.id, entry.patient_id))
    return len(over)


def offer_free(uow: Uow, *, limit: int = 50) -> int:
    """Places that can be had and are waited for are offered; those that nobody takes are everybody's again."""
    done = _offer_set_aside(uow, limit)
    _set_aside_what_is_awaited(uow, limit)
    return done + _offer_set_aside(uow, limit)


def _offer_set_aside(uow: Uow, limit: int) -> int:
    places = uow.session.scalars(
        select(Slot)
        .where(Slot.state == SlotState.SET_ASIDE, ~awaited.is_on_offer())
        .order_by(Slot.starts_at, Slot.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_offer(uow, place) for place in places)


def _set_aside_what_is_awaited(uow: Uow, limit: int) -> None:
    """Free places of sessions for which somebody waits: released today, or given back before anybody waited."""
    sessions = uow.session.scalars(
        select(ClinicSession)
        .where(
            ClinicSession.state == SessionState.OPEN,
            ClinicSession.ends_at > uow.now(),
            select(Slot.id).where(Slot.session_id == ClinicSession.id, scheduling.is_to_be_had(uow)).exists(),
            select(WaitlistEntry.id).where(fits(), WaitlistEntry.state == EntryState.WAITING).exists(),
        )
        .order_by(ClinicSession.starts_at)
        .limit(limit)
    ).all()
    for session in sessions:
        rules = limits.rules_of_session(uow, session)
        wanted = awaited.wanted_in(uow, session)
        if wanted <= 0 or not limits.is_released(uow, rules, session):
            continue
        free = uow.session.scalars(
            select(Slot.id)
            .where(
                Slot.session_id == session.id,
                scheduling.is_to_be_had(uow),
                Slot.starts_at > _soonest(uow, rules),
                _is_new_to_somebody(session),
            )
            .order_by(Slot.seq)
            .limit(wanted)
            .with_for_update(skip_locked=True)
        ).all()
        for slot_id in free:
            scheduling.set_aside(uow, slot_id=slot_id)


def _is_new_to_somebody(session: ClinicSession) -> ColumnElement[bool]:
    """Somebody waits for the place to whom this very one was not offered yet."""
    had_this = select(WaitlistOffer.id).where(
        WaitlistOffer.entry_id == WaitlistEntry.id, WaitlistOffer.slot_id == Slot.id
    )
    return (
        select(WaitlistEntry.id)
        .join(ClinicSession, fits())
        .where(
            ClinicSession.id == session.id,
            WaitlistEntry.state == EntryState.WAITING,
            ~had_this.correlate(WaitlistEntry, Slot).exists(),
        )
        .correlate(Slot)
        .exists()
    )


def _soonest(uow: Uow, rules: Rules) -> datetime:
    return uow.now() + timedelta(minutes=rules.waitlist_stops_minutes_before)


def _offer(uow: Uow, place: Slot) -> int:
    """1 when the place is offered or is everybody's again, 0 while it rests or nobody is to be woken for it."""
    session = uow.session.get_one(ClinicSession, place.session_id)
    rules = limits.rules_of_session(uow, session)
    if session.state != SessionState.OPEN or place.starts_at <= _soonest(uow, rules):
        return int(scheduling.let_go(uow, slot_id=place.id))
    rests = place.free_from is not None and place.free_from > uow.now()
    if rests or not _is_waking_hour(uow, rules):
        return 0
    for entry in _who_fits(uow, session, place):
        if _may_have(uow, rules, entry, session) and _open_offer(uow, rules, entry, place):
            return 1
    return int(scheduling.let_go(uow, slot_id=place.id))


def _is_waking_hour(uow: Uow, rules: Rules) -> bool:
    today = hospital_day(uow.now(), uow.zone)
    begins, ends = wall(today, rules.waitlist_from_clock, uow.zone), wall(today, rules.waitlist_until_clock, uow.zone)
    return begins <= uow.now() < ends


def _who_fits(uow: Uow, session: ClinicSession, place: Slot) -> list[WaitlistEntry]:
    """Who waits for it, the longest first; not who was offered this very place before, or has another offer open."""
    offered = select(WaitlistOffer.id)
    had_this = offered.where(WaitlistOffer.entry_id == WaitlistEntry.id, WaitlistOffer.slot_id == place.id)
    has_another = offered.where(
        WaitlistOffer.patient_id == WaitlistEntry.patient_id, WaitlistOffer.state == OfferState.OPEN
    )
    return list(
        uow.session.scalars(
            select(WaitlistEntry)
            .join(ClinicSession, fits())
            .where(
                ClinicSession.id == session.id,
                WaitlistEntry.state == EntryState.WAITING,
                ~had_this.exists(),
                ~has_another.exists(),
            )
            .order_by(WaitlistEntry.id)
            .limit(MOST_ASKED)
            .with_for_update(skip_locked=True, of=WaitlistEntry)
        )
    )


def _may_have(uow: Uow, rules: Rules, entry: WaitlistEntry, session: ClinicSession) -> bool:
    patient = uow.session.get_one(Patient, entry.patient_id)
    if service.standing_with(uow, patient, session) is not None:
        return False
    try:
        if entry.account_id is None:  # who waits at the desk is bound by no limit of the phone
            limits.refuse_outside_the_window(uow, rules, session)
            guardians.refuse_without(uow, patient)
        else:
            limits.refuse_against_the_rules(uow, rules, patient, session)
    except Refused:
        return False
    return True


def _open_offer(uow: Uow, rules: Rules, entry: WaitlistEntry, place: Slot) -> bool:
    """False when another process offered the patient something at this instant."""
    offer = WaitlistOffer(
        entry_id=entry.id,
        patient_id=entry.patient_id,
        session_id=place.session_id,
        slot_id=place.id,
        offered_at=uow.now(),
        ends_at=uow.now() + timedelta(minutes=rules.waitlist_offer_minutes),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(offer)
            uow.session.flush()
    except IntegrityError:
        return False
    moves.move(uow, ENTRY, entry, EntryAction.OFFER)
    audit.record(uow, "waitlist.offer", "waitlist_offer", offer.public_id, place_no=place.seq)
    uow.publish(events.WaitlistOffered(offer.id, entry.patient_id))
    return True
