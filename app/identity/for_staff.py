"""Who is who for those who work in the house; whoever shows a patient's record writes that down."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.identity.models import Account, Patient, Staff
from app.identity.rules import mask_phone
from app.identity.service import phone_of_account
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


def masked_phones(uow: Uow, account_ids: Collection[int]) -> dict[int, str]:
    """The accounts' phones with their middle hidden."""
    accounts = uow.session.scalars(select(Account).where(Account.id.in_(account_ids)))
    return {account.id: mask_phone(phone_of_account(uow, account)) for account in accounts}
