"""Who is who for those who work in the house; whoever shows a patient's record writes that down."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.events import PatientChanged, PatientFiled
from app.identity.models import Account, Patient, PatientLink, Relation, Sex, Staff
from app.identity.rules import mask_phone, read_id_card, read_name, read_phone
from app.identity.service import (
    file_person,
    patient_by_id_number,
    phone_of,
    phone_of_account,
    set_id_number,
    set_phone,
)
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow


def colleague(uow: Uow) -> Staff | None:
    """The staff member who asks; None when nobody of the staff does."""
    return uow.session.get(Staff, uow.actor.id) if uow.actor.kind == "staff" else None


def names(uow: Uow, ids: Collection[int]) -> dict[int, str]:
    """The names of the staff members with these keys."""
    return dict(uow.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids))).all())


def names_by_ref(uow: Uow, refs: Collection[str]) -> dict[str, str]:
    """The names of the staff members whom the audit trail knows by these words."""
    return dict(uow.session.execute(select(Staff.public_id, Staff.name).where(Staff.public_id.in_(refs))).all())


def ref_of_login(uow: Uow, login: str) -> str:
    """The word by which the audit trail knows the staff member who logs in as `login`; '' for nobody."""
    return uow.session.scalars(select(Staff.public_id).where(Staff.login == login)).first() or ""


def patient_by_id(uow: Uow, patient_id: int) -> Patient:
    """The patient with this key, of a thing that the caller may see."""
    return uow.session.get_one(Patient, patient_id)


def patient_by_public_id(uow: Uow, public_id: str) -> Patient:
    """The patient named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Patient).where(Patient.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def person_with_card(uow: Uow, *, id_number: str, name: str, phone: str = "") -> Patient | None:
    """The patient with this identity card, who is filed with `name` when nobody is; None without a name to file.

    For a desk that has the card in hand. Refuses `bad_id_number`, `bad_name`, `bad_phone`.
    """
    card = read_id_card(id_number, uow.today())
    known = patient_by_id_number(uow, card.number)
    if known is not None:
        return patient_by_id(uow, known.merged_into_id or known.id)
    if not name:
        return None
    filed = file_person(uow, name=read_name(name), sex=Sex(card.sex), birth_date=card.birth_date)
    set_id_number(uow, filed, card.number)
    set_phone(uow, filed, read_phone(phone) if phone else "")
    audit.record(uow, "patient.file", "patient", filed.public_id)
    uow.publish(PatientFiled(filed.id))
    return filed


def change_phone(uow: Uow, *, public_id: str, phone: str) -> Patient:
    """The patient's phone is `phone` from now on, '' for none; the same one again changes nothing.

    For a desk that has the person in front of it. Refuses `bad_phone`, NotFound.
    """
    patient = patient_by_public_id(uow, public_id)
    number = read_phone(phone) if phone else ""
    if number != phone_of(uow, patient):
        set_phone(uow, patient, number)
        audit.record(uow, "patient.phone", "patient", public_id)
        uow.publish(PatientChanged(patient.id))
    return patient


def masked_phones(uow: Uow, account_ids: Collection[int]) -> dict[int, str]:
    """The accounts' phones with their middle hidden."""
    accounts = uow.session.scalars(select(Account).where(Account.id.in_(account_ids)))
    return {account.id: mask_phone(phone_of_account(uow, account)) for account in accounts}


def locale_of(uow: Uow, patient_id: int) -> str:
    """The language that the patient reads by an account of their own; '' when none is known."""
    wanted = (
        select(Account.locale)
        .join(PatientLink, PatientLink.account_id == Account.id)
        .where(PatientLink.patient_id == patient_id, PatientLink.relation == Relation.SELF)
        .where(PatientLink.ended_at.is_(None))
        .order_by(PatientLink.id.desc())
        .limit(1)
    )
    return uow.session.scalar(wanted) or ""
