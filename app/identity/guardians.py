"""A guardian's consent (监护人同意) to handle the data of a child under fourteen: given, shown, and taken back.

个人信息保护法 art. 31 asks for it, art. 15 for a way back that is as easy as the way there. Taken back, nothing new is
booked for the child; what was booked stands, since the hospital owes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.identity.errors import (
    BadName,
    ConsentTextChanged,
    GuardianConsentNeeded,
    GuardianNameMissing,
    GuardianNotNeeded,
)
from app.identity.models import GuardianConsent, Guardianship, Patient
from app.identity.rules import CONSENT_TEXT, needs_guardian, read_name
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow


@dataclass(frozen=True)
class ConsentIn:
    """Who consents, by what they are the child's guardian, and which version of the words they were shown."""

    guardian: str
    guardianship: Guardianship
    text_version: str


def is_missing(uow: Uow, patient: Patient) -> bool:
    """True for a child for whom no consent stands."""
    return needs_guardian(patient.birth_date, uow.today()) and standing(uow, patient) is None


def refuse_without(uow: Uow, patient: Patient) -> None:
    """Quiet for whoever needs no guardian or has a consent that stands; refuses `guardian_consent_needed`."""
    if is_missing(uow, patient):
        raise GuardianConsentNeeded(patient=patient.public_id)


def standing(uow: Uow, patient: Patient) -> GuardianConsent | None:
    """The consent that stands for the patient; None without one."""
    return uow.session.scalars(
        select(GuardianConsent).where(GuardianConsent.patient_id == patient.id, GuardianConsent.withdrawn_at.is_(None))
    ).first()


def newest(uow: Uow, patient: Patient) -> GuardianConsent | None:
    """The consent given last, whether it stands or was taken back."""
    return uow.session.scalars(
        select(GuardianConsent)
        .where(GuardianConsent.patient_id == patient.id)
        .order_by(GuardianConsent.given_at.desc(), GuardianConsent.id.desc())
        .limit(1)
    ).first()


def give(uow: Uow, patient: Patient, said: ConsentIn) -> GuardianConsent:
    """The consent stands: an account gives it on the phone, the desk records one on paper; one that stands is the one.

    Refuses `guardian_name_missing`, `consent_text_changed`, and `guardian_not_needed` from fourteen on.
    """
    if not needs_guardian(patient.birth_date, uow.today()):
        raise GuardianNotNeeded
    guardian = _named(said.guardian)
    if said.text_version != CONSENT_TEXT:
        raise ConsentTextChanged(version=CONSENT_TEXT)
    known = standing(uow, patient)
    if known is not None:
        return known
    consent = GuardianConsent(
        public_id=new_public_id(),
        patient_id=patient.id,
        account_id=uow.actor.id if uow.actor.kind == "patient" else None,
        guardian_sealed="",
        guardianship=said.guardianship,
        text_version=said.text_version,
        given_at=uow.now(),
        given_by=uow.actor.ref,
    )
    consent.guardian_sealed = uow.keys.seal(guardian, f"guardian_consent.guardian:{consent.public_id}")
    return _keep(uow, patient, consent)


def _named(text: str) -> str:
    try:
        return read_name(text)
    except BadName as error:
        raise GuardianNameMissing from error


def _keep(uow: Uow, patient: Patient, consent: GuardianConsent) -> GuardianConsent:
    try:
        with uow.session.begin_nested():
            uow.session.add(consent)
    except IntegrityError:  # the same form was sent twice at this instant
        faster = standing(uow, patient)
        if faster is None:
            raise
        return faster
    facts = {"guardianship": consent.guardianship.value, "text": consent.text_version}
    audit.record(uow, "consent.give", "patient", patient.public_id, on_paper=consent.account_id is None, **facts)
    return consent


def withdraw(uow: Uow, patient: Patient) -> None:
    """No consent stands for the child: nothing new is booked, what was booked stands. Quiet without one."""
    taken_back = uow.session.execute(
        update(GuardianConsent)
        .where(GuardianConsent.patient_id == patient.id, GuardianConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=uow.now(), withdrawn_by=uow.actor.ref or uow.actor.kind)
        .execution_options(synchronize_session="fetch")
    )
    if taken_back.rowcount:  # type: ignore[attr-defined]
        audit.record(uow, "consent.withdraw", "patient", patient.public_id)


def guardian_of(uow: Uow, consent: GuardianConsent) -> str:
    """The guardian's full name; whoever of the staff shows it has written that the record was read."""
    return uow.keys.open(consent.guardian_sealed, f"guardian_consent.guardian:{consent.public_id}")


def take_over(uow: Uow, staying: Patient, going: Patient) -> None:
    """The merged record's consents are the patient's; where one stands for both, the staying record's does."""
    if standing(uow, staying) is not None:
        withdraw(uow, going)
    uow.session.execute(
        update(GuardianConsent)
        .where(GuardianConsent.patient_id == going.id)
        .values(patient_id=staying.id)
        .execution_options(synchronize_session="fetch")
    )
