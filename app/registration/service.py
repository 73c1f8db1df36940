"""Holding, confirming, cancelling and closing a patient's place in a session."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from app import events
from app.identity import service as identity
from app.identity.models import Patient
from app.kernel import audit, hot, moves
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.registration import asking, awaited, conduct, exchanges, limits, sql
from app.registration.errors import AlreadyRegistered, CancelTooLate, CannotCancel
from app.registration.models import LostPlace, Registration
from app.registration.rules import COVERS, breaches_of_cancelling, cancel_closes_at, refund_percent
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.rulebook.terms import Breach, BreachLimit, Rules
from app.scheduling import service as scheduling
from app.scheduling.errors import PlacesBusy, SessionClosed, SoldOut
from app.scheduling.models import BookingChannel, ClinicSession, Practitioner, Slot
from app.scheduling.service import Wanted

EXCHANGED = "exchanged"
_NOT_USED = (RegistrationState.BOOKED, RegistrationState.CANCELLED, RegistrationState.NO_SHOW)


def hold(
    uow: Uow,
    *,
    session_public_id: str,
    patient_public_id: str,
    source_code: str = "",
    channel: BookingChannel = BookingChannel.ONLINE,
) -> Registration:
    """A place of the session is kept for the patient as long as the rules say; the fee is to be paid meanwhile.

    Asked by an account for a patient it may act for (else NotFound). Refuses `sold_out`, `kept_for_others`,
    `session_closed`, `places_busy`, whatever limits.refuse_against_the_rules does, and `already_registered` with the
    registration that stands in the way, which is also what a second tap meets. A fee of 0 is confirmed at once.
    """
    asked = asking.asked(uow, patient_public_id, session_public_id)
    if asked is None:  # one of them is not to be had: say which
        identity.patient_of_account(uow, patient_public_id)
        scheduling.card(uow, session_public_id)
        raise NotFound
    patient, session = asked.patient, asked.session
    standing = standing_with(uow, patient, session) if asked.has_standing else None
    if standing is not None:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    rules = asked.rules
    if asked.has_suspension or asked.unpaid_holds >= rules.unpaid_holds_at_most:
        limits.refuse_against_the_rules(uow, rules, patient, session)
    limits.refuse_by_day_and_number(uow, rules, patient, session)
    fee_fen = limits.fee_fen(uow, rules, patient, session)
    wanted = Wanted(channel)
    return place(uow, session, patient, fee_fen=fee_fen, source_code=source_code, wanted=wanted, put=hot.put_later)


def standing_with(uow: Uow, patient: Patient, session: ClinicSession) -> Registration | None:
    """The patient's active registration with the session's doctor in its half-day, of which there is one at most."""
    facts = {
        "p_patient_id": patient.id,
        "p_practitioner_id": session.practitioner_id,
        "p_visit_day": session.visit_day,
        "p_half_day": session.half_day,
    }
    found: Registration | None = sql.STANDING.row(uow, facts)
    return found


def place(  # noqa: PLR0913 - a place is had on these terms
    uow: Uow,
    session: ClinicSession,
    patient: Patient,
    *,
    fee_fen: int,
    source_code: str = "",
    wanted: Wanted,
    replaces: Registration | None = None,
    put: hot.Put = hot.put,
) -> Registration:
    """A place of the session is held; without a fee it is booked at once.

    The booked place that it `replaces` goes back when this one is confirmed. `put` says whether the registration stands
    at once or with the unit's end, at which then `already_registered` is refused.
    Refuses `sold_out`, `kept_for_others`, `session_closed`, `places_busy`, `already_registered`.
    """
    now, key = uow.now(), hot.new_key(uow, Registration)
    slot_id, place_no = scheduling.claim_slot(uow, session_id=session.id, registration_id=key, wanted=wanted)
    registration = hot.made(
        Registration,
        id=key,
        public_id=new_public_id(),
        visit_number=_visit_number(uow),
        account_id=uow.actor.id if uow.actor.kind == "patient" else None,
        patient_id=patient.id,
        session_id=session.id,
        slot_id=slot_id,
        practitioner_id=session.practitioner_id,
        visit_day=session.visit_day,
        half_day=session.half_day,
        place_no=place_no,
        fee_fen=fee_fen,
        held_at=now,
        held_until=now + timedelta(minutes=limits.rules_of_session(uow, session).hold_minutes),
        source_code=source_code[:32],
        replaces_id=replaces.id if replaces else None,
        times_moved=replaces.times_moved + 1 if replaces else 0,
    )
    put(uow, registration, refused_as=AlreadyRegistered)  # when the other tap of the same finger was faster
    audit.record(uow, "registration.hold", "registration", registration.public_id, place_no=place_no)
    uow.publish(events.RegistrationHeld(registration.id, patient.id, registration.fee_fen))
    if registration.fee_fen == 0:
        confirm(uow, registration)
    return registration


def _visit_number(uow: Uow) -> str:
    """Random within the day: a counter would make every phone wait for the one before it."""
    return f"V{uow.today():%y%m%d}{new_public_id()[:8].upper()}"


def confirm(uow: Uow, registration: Registration) -> None:
    """The held place is the patient's."""
    moves.move(uow, REGISTRATION, registration, RegistrationAction.CONFIRM)
    if registration.slot_id is None or not scheduling.take_slot(
        uow, slot_id=registration.slot_id, registration_id=registration.id
    ):
        raise RuntimeError("a held registration has lost its place")
    uow.publish(events.RegistrationBooked(registration.id, registration.patient_id))


def give_back_former(uow: Uow, registration: Registration) -> None:
    """The booked place which this one takes goes back, its fee in full; quiet when it went already."""
    former = exchanges.former_locked(uow, registration)
    if former is not None and former.state == RegistrationState.BOOKED:
        give_back(uow, former, by_hospital=False, why=EXCHANGED)


def confirm_when_paid(uow: Uow, paid: events.BillPaid) -> None:
    """The fee is paid: the place is the patient's. A fee that came late finds another place or is to be given back."""
    if paid.purpose != "registration":
        return
    registration = uow.session.get_one(Registration, paid.subject_id, with_for_update=True, populate_existing=True)
    if registration.state == RegistrationState.HELD:
        confirm(uow, registration)
    elif registration.state != RegistrationState.EXPIRED or not _seat_again(uow, registration):
        uow.publish(events.FeePaidTooLate(registration.id, paid.bill_id))


def _seat_again(uow: Uow, registration: Registration) -> bool:
    session = uow.session.get_one(ClinicSession, registration.session_id)
    patient = uow.session.get_one(Patient, registration.patient_id)
    former = exchanges.former_locked(uow, registration)
    is_needless = former is not None and former.state not in _NOT_USED
    if is_needless or standing_with(uow, patient, session) is not None:
        return False
    scheduling.let_stand(uow, session)
    try:
        slot_id, place_no = scheduling.claim_slot(
            uow, session_id=session.id, registration_id=registration.id, wanted=_like_the_lost_one(uow, registration)
        )
    except (SoldOut, SessionClosed, PlacesBusy):
        return False
    scheduling.take_slot(uow, slot_id=slot_id, registration_id=registration.id)
    moves.move(uow, REGISTRATION, registration, RegistrationAction.SEAT_AGAIN, slot_id=slot_id, place_no=place_no)
    uow.publish(events.RegistrationBooked(registration.id, registration.patient_id))
    return True


def _like_the_lost_one(uow: Uow, registration: Registration) -> Wanted:
    """Whoever lost a place that was kept for a channel may have another one of those."""
    lost = slot_of(uow, registration)
    return Wanted((lost.kept_for if lost else None) or BookingChannel.ONLINE, also_resting=True)


def of_account(uow: Uow, public_id: str) -> Registration:
    """The registration named `public_id` of a patient the asking account may act for; else NotFound."""
    found = uow.session.scalars(
        select(Registration).where(
            Registration.public_id == public_id, Registration.patient_id.in_(identity.linked_patient_ids(uow))
        )
    ).first()
    if found is None:
        raise NotFound
    return found


def list_of_account(uow: Uow, *, limit: int = 20) -> list[Registration]:
    """The newest registrations of the patients the asking account may act for."""
    return list(
        uow.session.scalars(
            select(Registration)
            .where(Registration.patient_id.in_(identity.linked_patient_ids(uow)))
            .order_by(Registration.visit_day.desc(), Registration.id.desc())
            .limit(limit)
        )
    )


def registration_by_visit_number(uow: Uow, visit_number: str) -> Registration | None:
    """The registration the hospital system knows by this visit number (PV1-19)."""
    return uow.session.scalars(select(Registration).where(Registration.visit_number == visit_number)).first()


def slot_of(uow: Uow, registration: Registration) -> Slot | None:
    """The place's row, None after it went back."""
    return None if registration.slot_id is None else uow.session.get(Slot, registration.slot_id)


def cancel_closes(uow: Uow, registration: Registration) -> datetime | None:
    """Until when the booked place can be given back by the rules that hold now; None without a place.

    Whoever had booked with a doctor for whom another stands in may give it back as long as the session lasts.
    """
    slot = slot_of(uow, registration)
    if slot is None:
        return None
    if is_substituted(uow, registration):
        return uow.session.get_one(ClinicSession, registration.session_id).ends_at
    title = uow.session.get_one(Practitioner, registration.practitioner_id).title
    return cancel_closes_at(rules_of(uow, registration), slot.starts_at, title=title, zone=uow.zone)


def refund_percent_now(uow: Uow, registration: Registration) -> int:
    """How much of the fee comes back to whoever cancels now."""
    slot = slot_of(uow, registration)
    if slot is None or is_substituted(uow, registration):
        return 100
    return refund_percent(rules_of(uow, registration), slot.starts_at, uow.now())


def is_substituted(uow: Uow, registration: Registration) -> bool:
    """True for a place that was taken before another doctor stood in (替诊)."""
    since = uow.session.get_one(ClinicSession, registration.session_id).substituted_at
    return since is not None and registration.held_at <= since


def rules_of(uow: Uow, registration: Registration) -> Rules:
    """The rules that hold now where the registration is."""
    return limits.rules_of_session(uow, uow.session.get_one(ClinicSession, registration.session_id))


def cancel(uow: Uow, *, public_id: str) -> Registration:
    """The asking account gives the place back; a paid fee is refunded as far as the rules say, by who follows.

    It counts on the patient's record, but for one whose doctor was replaced, who also gets all back. Refuses
    `cancel_too_late`, and `cannot_cancel` after check-in.
    """
    registration = of_account(uow, public_id)
    if not REGISTRATION.may(registration.state, RegistrationAction.CANCEL):
        raise CannotCancel(state=registration.state.value)
    slot, closes_at = slot_of(uow, registration), cancel_closes(uow, registration)
    if registration.state == RegistrationState.HELD or slot is None or closes_at is None:
        give_back(uow, registration, by_hospital=False, why="patient")
        return registration
    if closes_at < uow.now():
        raise CancelTooLate(closes_at=closes_at.isoformat())
    if is_substituted(uow, registration):
        give_back(uow, registration, by_hospital=False, why="doctor_substituted")
        remember_lost(uow, registration)
        return registration
    rules = rules_of(uow, registration)
    share, breaches = refund_percent(rules, slot.starts_at, uow.now()), _breaches(uow, rules, registration, slot)
    give_back(uow, registration, by_hospital=False, why="patient", share=share)
    conduct.note(uow, rules, registration, *breaches)
    return registration


def _breaches(uow: Uow, rules: Rules, registration: Registration, slot: Slot) -> tuple[Breach, ...]:
    """What it counts as on the patient's record to cancel the booked place now."""
    was_paid = registration.fee_fen > 0 and refund_percent(rules, slot.starts_at, uow.now()) > 0
    return breaches_of_cancelling(rules, starts_at=slot.starts_at, now=uow.now(), was_paid=was_paid, zone=uow.zone)


def limit_of_cancelling(uow: Uow, registration: Registration) -> BreachLimit | None:
    """The first limit towards which it counts to cancel the place now; None when it counts towards none."""
    slot = slot_of(uow, registration)
    if registration.state != RegistrationState.BOOKED or slot is None or is_substituted(uow, registration):
        return None
    rules = rules_of(uow, registration)
    found = set(_breaches(uow, rules, registration, slot))
    towards = [limit for limit in rules.breach_limits if found & set(COVERS[limit.breach])]
    return min(towards, key=lambda limit: limit.breaches, default=None)


def give_back(uow: Uow, registration: Registration, *, by_hospital: bool, why: str, share: int = 100) -> None:
    """The registration is cancelled and its place is free; what was paid goes back unless the `share` (%) is 0."""
    was_paid = registration.state == RegistrationState.BOOKED and registration.fee_fen > 0 and share > 0
    moves.move(uow, REGISTRATION, registration, RegistrationAction.CANCEL, why=why)
    free_place(uow, registration, rests=not by_hospital)
    audit.record(uow, "registration.cancel", "registration", registration.public_id, why=why)
    uow.publish(
        events.RegistrationCancelled(
            registration.id, registration.patient_id, was_paid=was_paid, by_hospital=by_hospital
        )
    )


def remember_lost(uow: Uow, registration: Registration) -> None:
    """The hospital is why the patient has this place no longer, so they may have another whatever the limits say.

    Quiet for one that was to take another place's which they have still.
    """
    if exchanges.former_of(uow, registration) is not None:
        return
    session = uow.session.get_one(ClinicSession, registration.session_id)
    uow.session.add(
        LostPlace(
            registration_id=registration.id,
            patient_id=registration.patient_id,
            practitioner_id=session.planned_practitioner_id or session.practitioner_id,
            department_id=session.department_id,
            lost_at=uow.now(),
        )
    )


def free_place(uow: Uow, registration: Registration, *, rests: bool = False) -> None:
    """The registration's place can be taken by others, when it `rests` after a random while; quiet without one."""
    if registration.slot_id is None:
        return
    free_from = rested_at(uow, rules_of(uow, registration)) if rests else None
    awaited.give_back(uow, slot_id=registration.slot_id, registration_id=registration.id, free_from=free_from)


def rested_at(uow: Uow, rules: Rules) -> datetime | None:
    """From when on a returned place can be had: a random moment, so that nobody hands it to a named person (防黄牛)."""
    least, most = rules.returned_place_minutes_at_least, rules.returned_place_minutes_at_most
    if not most:
        return None
    return uow.now() + timedelta(seconds=least * 60 + secrets.randbelow((most - least) * 60 + 1))


def mark_checked_in(uow: Uow, registration: Registration) -> int:
    """The patient is in the house, for the how manyth time; of an exchange the place they did not come to goes back."""
    moves.move(uow, REGISTRATION, registration, RegistrationAction.CHECK_IN)
    for waiting in exchanges.open_for(uow, registration):
        give_back(uow, waiting, by_hospital=False, why="came_to_the_former")
    give_back_former(uow, registration)
    return moves.times_to(uow, REGISTRATION, registration.id, RegistrationState.CHECKED_IN)


def begin_consultation(uow: Uow, registration: Registration) -> None:
    """The patient is with the doctor; quiet when already there."""
    if registration.state != RegistrationState.IN_CONSULTATION:
        moves.move(uow, REGISTRATION, registration, RegistrationAction.BEGIN)


def end_consultation(uow: Uow, registration: Registration) -> None:
    """The doctor is done with the patient."""
    moves.move(uow, REGISTRATION, registration, RegistrationAction.COMPLETE)
    uow.publish(events.ConsultationEnded(registration.id, registration.patient_id))


def leave_unseen(uow: Uow, registration: Registration) -> None:
    """The day is over and the patient, who had come, was not seen, or was sent for tests and did not return."""
    if registration.state == RegistrationState.IN_CONSULTATION:
        end_consultation(uow, registration)
    elif REGISTRATION.may(registration.state, RegistrationAction.LEAVE):
        moves.move(uow, REGISTRATION, registration, RegistrationAction.LEAVE, why="day_over")


def end_unmet(uow: Uow, registration: Registration) -> None:
    """The patient was called too often and never came: a visit missed, or over when the doctor had seen them before."""
    if REGISTRATION.may(registration.state, RegistrationAction.FORFEIT):
        _end_as_no_show(uow, registration, RegistrationAction.FORFEIT)
    else:
        end_consultation(uow, registration)


def miss(uow: Uow, registration: Registration) -> None:
    """The patient had a place and did not come, which counts on their record.

    Refuses `illegal_move` for one who is in the house: only the waiting room's rules end such a visit (`end_unmet`).
    """
    _end_as_no_show(uow, registration, RegistrationAction.MISS)


def _end_as_no_show(uow: Uow, registration: Registration, action: RegistrationAction) -> None:
    moves.move(uow, REGISTRATION, registration, action)
    conduct.note(uow, rules_of(uow, registration), registration, Breach.NO_SHOW)
    uow.publish(events.RegistrationMissed(registration.id, registration.patient_id))
