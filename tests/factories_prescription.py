"""The simplest valid prescription, and a hospital that stocks the demo drugs; a test states only what matters to it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime

from sqlalchemy import insert, select

from app.insurance.models import CatalogueItem, Policy
from app.insurance.policies import CATALOGUE, POLICIES, PolicyIn
from app.kernel.uow import Actor, Units, Uow
from app.prescription import service as prescriptions
from app.prescription.demo_drugs import DRUGS
from app.prescription.models import Drug, Prescription, ReviewCheck
from app.prescription.orders import OrderIn, OrderLineIn, PrescriptionKind
from tests import factories
from tests.factories import Person

PEER = "HIS"
PRICES = {drug.code: drug.unit_price_fen for drug in DRUGS}
ISSUED = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)  # ten minutes before the tests' morning


def stocked(uow: Uow) -> None:
    """The demo drugs are in the formulary and the catalogue, the five policies on file, as the seed files them.

    The rows are given to the database at once: a thousand tests begin so. A house that has them keeps them.
    """
    if uow.session.scalar(select(Drug.id).limit(1)):
        return
    uow.session.execute(insert(Drug), [vars(drug) for drug in DRUGS])
    uow.session.execute(insert(Policy), [_row_of(policy) for policy in POLICIES])
    first_day = uow.today().replace(month=1, day=1)
    uow.session.execute(insert(CatalogueItem), [vars(item) | {"valid_from": first_day} for item in CATALOGUE])


def _row_of(policy: PolicyIn) -> dict[str, object]:
    return {name: value for name, value in vars(policy).items() if name != "terms"} | asdict(policy.terms)


def line(code: str = "IBU300", quantity: int = 1, **changes: object) -> OrderLineIn:
    drug = next((drug for drug in DRUGS if drug.code == code), None)
    price = PRICES.get(code, 100)
    made = OrderLineIn(
        drug_code=code,
        drug_name=drug.name if drug else code,
        spec=drug.spec if drug else "",
        dose="1",
        route="口服",
        frequency="bid",
        days=3,
        quantity=quantity,
        unit=drug.unit if drug else "盒",
        unit_price_fen=price,
        amount_fen=price * quantity,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def order(patient_id: int, *lines: OrderLineIn, **changes: object) -> OrderIn:
    made = OrderIn(
        action="NW",
        number="RX1",
        patient_id=patient_id,
        visit_number=None,
        prescriber_code="DGI",
        prescriber_name="张伟",
        department_name="消化内科",
        diagnosis_code="K29.7",
        diagnosis_text="慢性胃炎",
        issued_at=ISSUED,
        kind=PrescriptionKind.ORDINARY,
        lines=lines or (line(),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def received(units: Units, order: OrderIn, peer: str = PEER) -> Prescription:
    with units.open(Actor("peer", peer)) as uow:
        return prescriptions.receive_from_his(uow, order=order, peer=peer)


def a_reviewer(units: Units) -> Actor:
    with units.open() as uow:
        return factories.staff(uow, "reviewer")


def approved(units: Units, reviewer: Actor, prescription: Prescription) -> Prescription:
    """The prescription after its review, with what follows from it."""
    with units.open(reviewer) as uow:
        prescriptions.approve(uow, public_id=prescription.public_id, checks=list(ReviewCheck))
    with units.open(reads_only=True) as uow:
        return uow.session.get_one(Prescription, prescription.id)


def a_patient(units: Units) -> Person:
    with units.open() as uow:
        return factories.person(uow)
