"""The hospital's drugs 药品目录: what can be prescribed, in which strength and at what price."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from app.kernel import audit
from app.kernel.uow import Uow
from app.prescription.models import Drug
from app.prescription.orders import DrugCategory


@dataclass(frozen=True)
class DrugIn:
    """A drug to file; `unit_price_fen` is for one `unit` (box, bottle, gram of herbal pieces)."""

    code: str
    name: str
    name_en: str
    spec: str
    dosage_form: str
    unit: str
    unit_price_fen: int
    category: DrugCategory = DrugCategory.WESTERN
    is_excluded_from_long: bool = False
    is_active: bool = True


def file_drug(uow: Uow, drug: DrugIn) -> Drug:
    """The formulary holds `drug` as given; filed again under the same code it is overwritten.

    Prescriptions already signed keep the price they were signed with.
    """
    row = uow.session.scalars(select(Drug).where(Drug.code == drug.code)).first() or Drug(code=drug.code)
    row.name, row.name_en, row.spec, row.dosage_form = drug.name, drug.name_en, drug.spec, drug.dosage_form
    row.unit, row.unit_price_fen, row.category = drug.unit, drug.unit_price_fen, drug.category
    row.is_excluded_from_long, row.is_active = drug.is_excluded_from_long, drug.is_active
    uow.session.add(row)
    uow.session.flush()
    return row


def drugs(uow: Uow) -> list[Drug]:
    """The drugs that can be prescribed today, by name."""
    return list(uow.session.scalars(select(Drug).where(Drug.is_active).order_by(Drug.name, Drug.spec)))


def drugs_by_code(uow: Uow, codes: Collection[str]) -> dict[str, Drug]:
    """Those of `codes` that can be prescribed today."""
    rows = uow.session.scalars(select(Drug).where(Drug.code.in_(set(codes)), Drug.is_active))
    return {drug.code: drug for drug in rows}


def price(uow: Uow, *, code: str, unit_price_fen: int | None, is_active: bool) -> bool:
    """The drug has this price from now on (None leaves it), and can be prescribed or not; False for no drug of ours.

    Prescriptions already signed keep the price they were signed with.
    """
    drug = uow.session.scalars(select(Drug).where(Drug.code == code)).first()
    if drug is None:
        return False
    if unit_price_fen is not None:
        drug.unit_price_fen = unit_price_fen
    drug.is_active = is_active
    uow.session.flush()
    audit.record(uow, "drug.price", "drug", code, unit_price_fen=drug.unit_price_fen, is_active=is_active)
    return True
