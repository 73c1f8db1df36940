"""A place booked by a program of another system, for a patient it names: the very place, once, by its own number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.identity.models import Patient
from app.kernel.errors import BadInput
from app.kernel.once import OnceKeyReused
from app.kernel.uow import Uow
from app.registration import limits, service
from app.registration.by_hospital import registration_known_as
from app.registration.errors import AlreadyRegistered
from app.registration.models import Registration, RegistrationNumber
from app.scheduling.errors import PlacesBusy, SoldOut
from app.scheduling.exchange import Place
from app.scheduling.service import Wanted

LONGEST_NUMBER = 80
SOURCE = "fhir"


@dataclass(frozen=True)
class Booking:
    """The registration, and whether this call made it (False: it stood already under the client's number)."""

    registration: Registration
    is_new: bool


def book(uow: Uow, *, place: Place, patient: Patient, number: str = "") -> Booking:
    """The patient has this very place, held until its fee is paid; without a fee it is booked at once.

    `number` is the client's own for the appointment: asked again with it, the first answer holds. Refuses
    `already_registered`, whatever limits.refuse_against_the_rules does, `sold_out` when the place is another's,
    `session_closed`, `places_busy`, `once_key_reused` when the number stands for another patient or session, and
    `bad_input` for a long one.
    """
    if len(number) > LONGEST_NUMBER:
        raise BadInput(fields={"identifier": "too_long"})
    known = _booked_before(uow, place, patient, number)
    if known is not None:
        return known
    standing = service.standing_with(uow, patient, place.clinic_session)
    if standing is not None:
        known = _booked_before(uow, place, patient, number)  # by the same request, between the first look and this one
        if known is not None:
            return known
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    rules = limits.rules_of_session(uow, place.clinic_session)
    limits.refuse_against_the_rules(uow, rules, patient, place.clinic_session)
    fee_fen = limits.fee_fen(uow, rules, patient, place.clinic_session)
    made = _claim(uow, place, patient, fee_fen)
    if number:
        _keep_number(uow, made, number)
    return Booking(made, is_new=True)


def _booked_before(uow: Uow, place: Place, patient: Patient, number: str) -> Booking | None:
    known = numbered(uow, number)
    if known is not None and (known.patient_id != patient.id or known.session_id != place.clinic_session.id):
        raise OnceKeyReused
    return None if known is None else Booking(known, is_new=False)


def _claim(uow: Uow, place: Place, patient: Patient, fee_fen: int) -> Registration:
    try:
        made = service.place(
            uow, place.clinic_session, patient, fee_fen=fee_fen, source_code=SOURCE, wanted=Wanted(seq=place.slot.seq)
        )
        uow.session.write_the_rest()  # whether the patient has a place already is known when it is written
    except AlreadyRegistered as error:  # somebody was faster at this instant; the next try hears who it was
        raise PlacesBusy(retry_seconds=1) from error
    except SoldOut as error:  # perhaps to this very patient, by the same request sent twice
        if service.standing_with(uow, patient, place.clinic_session) is not None:
            raise PlacesBusy(retry_seconds=1) from error
        raise
    return made


def numbered(uow: Uow, number: str) -> Registration | None:
    """The registration to which the asking client gave this number of its own; None for ''."""
    return registration_known_as(uow, system=_system(uow), value=number) if number else None


def numbers_of(uow: Uow, registration: Registration) -> list[str]:
    """The asking client's own numbers for the appointment."""
    return list(
        uow.session.scalars(
            select(RegistrationNumber.value)
            .where(
                RegistrationNumber.registration_id == registration.id,
                RegistrationNumber.system == _system(uow),
            )
            .order_by(RegistrationNumber.id)
        )
    )


def _system(uow: Uow) -> str:
    return f"client:{uow.actor.ref}"


def _keep_number(uow: Uow, registration: Registration, number: str) -> None:
    uow.session.add(RegistrationNumber(registration_id=registration.id, system=_system(uow), value=number))
    try:
        uow.session.flush()
    except IntegrityError as error:  # the same request came twice at once; the next try finds the first one's answer
        raise PlacesBusy(retry_seconds=1) from error
