"""Another place for whoever lost theirs through the hospital: the next ones, and one tap that books one of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.identity.models import Patient
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.registration import limits, service
from app.registration.errors import AlreadyRegistered, PlaceFound
from app.registration.models import LostPlace, Registration
from app.registration.states import RegistrationState
from app.rulebook.terms import LONGEST_WINDOW_DAYS
from app.scheduling import release
from app.scheduling import service as scheduling
from app.scheduling.service import SessionCard, Wanted
from app.scheduling.states import SessionState

SOURCE = "another_place"
OFFERED = 3
_CAME_TO_NOTHING = {RegistrationState.EXPIRED, RegistrationState.CANCELLED}


def lost_place_of(uow: Uow, registration: Registration) -> LostPlace | None:
    """What the hospital owes for the registration; None when it owes nothing, or another place was found."""
    lost = uow.session.scalars(select(LostPlace).where(LostPlace.registration_id == registration.id)).first()
    return None if lost is None or _found(uow, lost) else lost


def places(uow: Uow, lost: LostPlace) -> list[SessionCard]:
    """The next sessions with a free place that can be booked: the doctor's whom the patient had chosen come first."""
    cards = scheduling.cards(
        uow,
        department_id=lost.department_id,
        from_day=uow.today(),
        to_day=uow.today() + timedelta(days=LONGEST_WINDOW_DAYS),
        channel=None,
    )
    left = uow.session.get_one(Registration, lost.registration_id).session_id
    free = [card for card in cards if card.free_places and card.session.id != left and _may_be_had(uow, card)]
    return sorted(free, key=lambda card: card.practitioner.id != lost.practitioner_id)[:OFFERED]


def _may_be_had(uow: Uow, card: SessionCard) -> bool:
    sits, rules = card.session, limits.rules_of_session(uow, card.session)
    is_open = sits.state == SessionState.OPEN and sits.ends_at > uow.now()
    return is_open and limits.is_released(uow, rules, sits)


def book(uow: Uow, *, public_id: str, session_public_id: str) -> Registration:
    """One tap: the patient of the lost place holds one in the session; without a fee it is booked at once.

    No limit counts and it does not matter for whom a place is kept, since the hospital is why it is needed. Refuses
    `place_found` when another was taken already, `already_registered`, `wait_your_turn`, `sold_out`,
    `session_closed`, `places_busy`; NotFound for a foreign registration, one that owes nothing, or a session of
    another department.
    """
    registration = service.of_account(uow, public_id)
    lost = uow.session.scalars(
        select(LostPlace).where(LostPlace.registration_id == registration.id).with_for_update()
    ).first()
    session = scheduling.card(uow, session_public_id).session
    if lost is None or session.department_id != lost.department_id:
        raise NotFound
    found = _found(uow, lost)
    if found is not None:
        raise PlaceFound(registration=found.public_id)
    patient = uow.session.get_one(Patient, lost.patient_id)
    standing = service.standing_with(uow, patient, session)
    if standing is not None:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    rules = limits.rules_of_session(uow, session)
    limits.refuse_outside_the_window(uow, rules, session)
    release.refuse_out_of_turn(uow, session, rules)
    fee_fen = limits.fee_fen(uow, rules, patient, session)
    made = service.place(uow, session, patient, fee_fen=fee_fen, source_code=SOURCE, wanted=Wanted(channel=None))
    lost.found_id = made.id
    audit.record(uow, "registration.another_place", "registration", public_id)
    return made


def _found(uow: Uow, lost: LostPlace) -> Registration | None:
    """The registration that came of it, unless that was not paid for or given back."""
    found = uow.session.get(Registration, lost.found_id) if lost.found_id else None
    return None if found is None or found.state in _CAME_TO_NOTHING else found
