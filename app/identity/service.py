"""Patients and who may act for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select

from app.events import PatientBound, PatientFiled
from app.identity import guardians, proofs, sql
from app.identity.errors import CannotBind, GuardianConsentNeeded, IdentityConflict, TooManyPatients
from app.identity.guardians import ConsentIn
from app.identity.models import Account, AccountChannel, Patient, PatientIdentifier, PatientLink, Relation, Sex
from app.identity.rules import (
    MAX_PATIENTS_PER_ACCOUNT,
    mask_name,
    needs_guardian,
    read_id_card,
    read_name,
    read_phone,
)
from app.kernel import audit, hot
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow


@dataclass(frozen=True)
class PatientFromHis:
    """What the hospital system says of a patient: None leaves a field as it is, '' empties it (IHE ITI TF-2, C)."""

    mrn: str
    name: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    id_number: str | None = None
    phone: str | None = None
    insurance_no: str | None = None


def linked_patient_ids(uow: Uow) -> Select[int]:
    """A select of the patients' keys for whom the asking account may act; the one scope of every patient page."""
    return select(PatientLink.patient_id).where(
        PatientLink.account_id == (uow.actor.id if uow.actor.kind == "patient" else None),
        PatientLink.ended_at.is_(None),
    )


def patients_of(uow: Uow) -> list[tuple[Patient, Relation]]:
    """The patients the asking account may act for, oneself first."""
    rows = uow.session.execute(
        select(Patient, PatientLink.relation)
        .join(PatientLink, PatientLink.patient_id == Patient.id)
        .where(PatientLink.account_id == uow.actor.id, PatientLink.ended_at.is_(None))
        .order_by(PatientLink.id)
    ).all()
    return sorted(((patient, relation) for patient, relation in rows), key=lambda row: row[1] != Relation.SELF)


def patient_of_account(uow: Uow, public_id: str) -> Patient:
    """The patient named `public_id`, if the asking account may act for them; else NotFound."""
    patient = uow.session.scalars(
        select(Patient).where(Patient.public_id == public_id, Patient.id.in_(linked_patient_ids(uow)))
    ).first()
    if patient is None:
        raise NotFound
    return patient


def bind_patient(
    uow: Uow, *, name: str, id_number: str, relation: Relation, consent: ConsentIn | None = None
) -> Patient:
    """The asking account acts for the person with this identity card, who is filed if the hospital has no record.

    A person on record is bound only when the name agrees and the record's phone is the account's own; anything else
    gets the same `cannot_bind`, so that nobody learns whose record exists. A child is bound with a guardian's
    `consent` only (`guardian_consent_needed`). Refuses also `bad_id_number`, `bad_name`, `too_many_patients`, and what
    guardians.give does. Called twice, the link is there once.
    """
    account = uow.session.get_one(Account, uow.actor.id)
    card = read_id_card(id_number, uow.today())
    clean_name = read_name(name)
    if consent is None and needs_guardian(card.birth_date, uow.today()):
        raise GuardianConsentNeeded
    bound = uow.session.scalar(select(func.count()).select_from(linked_patient_ids(uow).subquery())) or 0
    if bound >= MAX_PATIENTS_PER_ACCOUNT:
        raise TooManyPatients(at_most=MAX_PATIENTS_PER_ACCOUNT)
    patient = patient_by_id_number(uow, card.number)
    if patient is None:
        patient = file_person(uow, name=clean_name, sex=Sex(card.sex), birth_date=card.birth_date)
        set_id_number(uow, patient, card.number)
        set_phone(uow, patient, phone_of_account(uow, account))
        uow.publish(PatientFiled(patient.id))
    elif name_of(uow, patient) != clean_name or patient.phone_index != account.phone_index:
        raise CannotBind
    _link(uow, account, patient, relation)
    if consent is not None and needs_guardian(card.birth_date, uow.today()):
        guardians.give(uow, patient, consent)
    return patient


def _link(uow: Uow, account: Account, patient: Patient, relation: Relation) -> None:
    link = uow.session.scalars(
        select(PatientLink).where(PatientLink.account_id == account.id, PatientLink.patient_id == patient.id)
    ).first()
    if link is None:
        link = PatientLink(account_id=account.id, patient_id=patient.id, relation=relation, created_at=uow.now())
        uow.session.add(link)
    link.relation, link.ended_at = relation, None
    audit.record(uow, "patient.bind", "patient", patient.public_id, relation=relation.value)
    uow.publish(PatientBound(account.id, patient.id))


def unbind_patient(uow: Uow, public_id: str) -> None:
    """The asking account no longer acts for the patient; NotFound when it did not."""
    patient = patient_of_account(uow, public_id)
    link = uow.session.scalars(
        select(PatientLink).where(PatientLink.account_id == uow.actor.id, PatientLink.patient_id == patient.id)
    ).one()
    link.ended_at = uow.now()
    audit.record(uow, "patient.unbind", "patient", public_id)


def file_patient_from_his(uow: Uow, said: PatientFromHis) -> Patient:
    """The patient with the hospital's number `mrn` is on file as the hospital system says; called twice, once.

    A person already filed from the phone is found by the identity number and given the hospital's number. Told with
    name and card, they are verified. Refuses `bad_id_number`, `bad_name`, `bad_phone`, and `identity_conflict` when the
    identity number is another patient's.
    """
    card = read_id_card(said.id_number, uow.today()) if said.id_number else None
    known = patient_by_identifier(uow, "his", said.mrn)
    same_person = patient_by_id_number(uow, card.number) if card else None
    if known and same_person and known.id != same_person.id:
        raise IdentityConflict(mrn=said.mrn)
    patient = known or same_person
    if patient is None:
        patient = file_person(
            uow, name=read_name(said.name or ""), sex=said.sex or Sex.UNKNOWN, birth_date=said.birth_date
        )
        uow.publish(PatientFiled(patient.id))
    if known is None:
        hot.put_later(uow, PatientIdentifier(patient_id=patient.id, system="his", value=said.mrn))
    _amend(uow, patient, said)
    if card:
        set_id_number(uow, patient, card.number)
        patient.birth_date, patient.sex = card.birth_date, Sex(card.sex)
    if card and said.name:
        proofs.prove_by_hospital(uow, patient)
    audit.record(uow, "patient.file", "patient", patient.public_id)
    return patient


def _amend(uow: Uow, patient: Patient, said: PatientFromHis) -> None:
    if said.name:
        _set_name(uow, patient, read_name(said.name))
    if said.sex not in {None, patient.sex}:
        patient.sex = said.sex
    if said.birth_date not in {None, patient.birth_date}:
        patient.birth_date = said.birth_date
    if said.phone is not None:
        set_phone(uow, patient, read_phone(said.phone) if said.phone else "")
    if said.insurance_no:
        _identify(uow, patient, "insurance", said.insurance_no)


def patient_by_identifier(uow: Uow, system: str, value: str) -> Patient | None:
    """The patient whom `system` (his, insurance) knows as `value`."""
    found: Patient | None = sql.KNOWN_AS.row(uow, {"p_system": system, "p_value": value})
    return found


def patient_by_id_number(uow: Uow, id_number: str) -> Patient | None:
    """The patient with this identity number, found by its blind index."""
    found: Patient | None = sql.WITH_ID_NUMBER.row(uow, {"p_index": uow.keys.index(id_number, "id_number")})
    return found


def identifier_of(uow: Uow, patient_id: int, system: str) -> str:
    """The patient's number in `system`, '' when there is none; a former number only when it is the last one left."""
    found = sql.NUMBER_IN.first(uow, {"p_patient_id": patient_id, "p_system": system})
    return found[0] if found else ""


def name_of(uow: Uow, patient: Patient) -> str:
    """The patient's full name; a page for staff that shows it writes an audit row."""
    return uow.keys.open(patient.name_sealed, f"patient.name:{patient.public_id}")


def id_number_of(uow: Uow, patient: Patient) -> str:
    """The patient's full identity number, '' when none is on file; mask it on every screen."""
    return uow.keys.open(patient.id_number_sealed, f"patient.id_number:{patient.public_id}")


def phone_of(uow: Uow, patient: Patient) -> str:
    """The patient's phone in E.164 form, '' when none is on file."""
    return uow.keys.open(patient.phone_sealed, f"patient.phone:{patient.public_id}")


def phone_of_account(uow: Uow, account: Account) -> str:
    """The account's phone in E.164 form."""
    return uow.keys.open(account.phone_sealed, f"account.phone:{account.public_id}")


def openid_of_account(uow: Uow, account_id: int) -> str:
    """The account's WeChat openid, '' when it was never authorized."""
    return (
        uow.session.scalars(
            select(AccountChannel.value).where(
                AccountChannel.account_id == account_id, AccountChannel.system == "wechat"
            )
        ).first()
        or ""
    )


def accounts_of_patient(uow: Uow, patient_id: int) -> list[Account]:
    """Whom to tell of what happens to the patient: every account that acts for them."""
    return [account for (account,) in sql.ACCOUNTS_OF.all(uow, {"p_patient_id": patient_id})]


def file_person(uow: Uow, *, name: str, sex: Sex, birth_date: date | None) -> Patient:
    """A new record with a clean name and no number yet."""
    patient = Patient(
        public_id=new_public_id(), name_sealed="", name_masked="", sex=sex, birth_date=birth_date, created_at=uow.now()
    )
    _set_name(uow, patient, name)
    hot.put_later(uow, patient)
    return patient


def _set_name(uow: Uow, patient: Patient, name: str) -> None:
    if patient.name_sealed and name_of(uow, patient) == name:
        return
    patient.name_sealed = uow.keys.seal(name, f"patient.name:{patient.public_id}")
    patient.name_masked = mask_name(name)


def set_id_number(uow: Uow, patient: Patient, number: str) -> None:
    """The patient's identity number is on file, sealed, and found by its blind index."""
    index = uow.keys.index(number, "id_number")
    if patient.id_number_index != index:
        patient.id_number_sealed = uow.keys.seal(number, f"patient.id_number:{patient.public_id}")
        patient.id_number_index = index


def set_phone(uow: Uow, patient: Patient, phone: str) -> None:
    """The patient's phone in E.164 form is on file, sealed; '' for none."""
    index = uow.keys.index(phone, "phone") if phone else ""
    if patient.phone_index != index:
        patient.phone_sealed = uow.keys.seal(phone, f"patient.phone:{patient.public_id}")
        patient.phone_index = index


def _identify(uow: Uow, patient: Patient, system: str, value: str) -> None:
    holder = patient_by_identifier(uow, system, value)
    if holder is not None and holder.id != patient.id:
        raise IdentityConflict(system=system)
    if holder is None:
        hot.put_later(uow, PatientIdentifier(patient_id=patient.id, system=system, value=value))
