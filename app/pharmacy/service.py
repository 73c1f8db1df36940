"""The pharmacy's doings in one place, and what others may know of a bag: the patient, the window that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.identity import service as identity
from app.identity.models import Patient
from app.identity.rules import age_on
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.pharmacy.contents import Content, contents_of
from app.pharmacy.handing import hand_over, just_handed_over, let_go, release_forgotten, undo_hand_over
from app.pharmacy.models import Bag, Dispense, DispenseLine
from app.pharmacy.picking import (
    bag_by_public_id,
    mark_ready,
    masked_name_of,
    open_window,
    queue,
    start_picking,
    uncollected,
    window_by_code,
    windows,
)
from app.pharmacy.rules import pickup_code
from app.pharmacy.scanning import ScanResult, Terminal, bag_for_code, is_held_by, match_bag, redeem, scan_of
from app.pharmacy.states import DispenseState
from app.prescription import service as prescription
from app.prescription.models import Prescription

__all__ = [
    "BagCard",
    "ScanResult",
    "Terminal",
    "bag_by_public_id",
    "bag_for_code",
    "bag_of_account",
    "bag_of_prescription",
    "bag_of_prescription_of_account",
    "card",
    "contents_of",
    "dispense_of_bag",
    "hand_over",
    "just_handed_over",
    "let_go",
    "lines_of",
    "mark_ready",
    "masked_name_of",
    "match_bag",
    "open_window",
    "pickup_digits",
    "queue",
    "redeem",
    "release_forgotten",
    "scan_of",
    "start_picking",
    "uncollected",
    "undo_hand_over",
    "window_by_code",
    "windows",
]


@dataclass(frozen=True)
class BagCard:
    """All that the serving pharmacist compares before the bag leaves; full name: for this screen only.

    `age_years` is None when no birth date is known; `phone_tail` are the phone's last four digits, '' without one.
    """

    bag: Bag
    name: str
    sex: str
    birth_date: date | None
    age_years: int | None
    phone_tail: str
    department_name: str
    prescriber_name: str
    prescription_number: str
    diagnosis: prescription.Diagnosis
    contents: tuple[Content, ...]
    is_matched: bool


def bag_of_account(uow: Uow, public_id: str) -> Bag:
    """The bag named `public_id` of a patient the asking account may act for; else NotFound."""
    bag = uow.session.scalars(
        select(Bag).where(Bag.public_id == public_id, Bag.patient_id.in_(identity.linked_patient_ids(uow)))
    ).first()
    if bag is None:
        raise NotFound
    return bag


def bag_of_prescription_of_account(uow: Uow, prescription_id: int) -> Bag | None:
    """The prescription's bag, if the asking account may act for its patient; None before there is a bill."""
    return uow.session.scalars(
        select(Bag).where(Bag.prescription_id == prescription_id, Bag.patient_id.in_(identity.linked_patient_ids(uow)))
    ).first()


def pickup_digits(uow: Uow, bag: Bag, key: bytes) -> str:
    """The 22 digits that open the bag now; new ones every 30 seconds. `key` is the setting `pickup_key`."""
    return pickup_code(key, bag.pickup_no12, uow.now())


def bag_of_prescription(uow: Uow, prescription_id: int) -> Bag | None:
    """The prescription's bag for another step of the visit; None before there is a bill."""
    return uow.session.scalars(select(Bag).where(Bag.prescription_id == prescription_id)).first()


def card(uow: Uow, *, bag_public_id: str, terminal: Terminal) -> BagCard:
    """What the pharmacist at the serving terminal sees; on record as a read of the patient's data.

    NotFound for any terminal that does not hold the bag.
    """
    bag = bag_by_public_id(uow, bag_public_id)
    if not is_held_by(uow, bag, terminal):
        raise NotFound
    patient = uow.session.get_one(Patient, bag.patient_id)
    written = uow.session.get_one(Prescription, bag.prescription_id)
    audit.record(uow, "bag.read", "patient", patient.public_id, terminal=terminal.code)
    return BagCard(
        bag=bag,
        name=identity.name_of(uow, patient),
        sex=patient.sex.value,
        birth_date=patient.birth_date,
        age_years=age_on(patient.birth_date, uow.today()) if patient.birth_date else None,
        phone_tail=identity.phone_of(uow, patient)[-4:],
        department_name=written.department_name,
        prescriber_name=written.prescriber_name,
        prescription_number=written.number,
        diagnosis=prescription.diagnosis_of(uow, written),
        contents=contents_of(uow, bag),
        is_matched=bag.matched_at is not None,
    )


def dispense_of_bag(uow: Uow, bag_id: int) -> Dispense | None:
    """The hand-over of the bag that stands; None before it, and after it was undone."""
    return uow.session.scalars(
        select(Dispense).where(Dispense.bag_id == bag_id, Dispense.state == DispenseState.COMPLETED)
    ).first()


def lines_of(uow: Uow, dispense_id: int) -> list[DispenseLine]:
    """The drugs that were in the bag, in the prescription's order."""
    return list(
        uow.session.scalars(
            select(DispenseLine).where(DispenseLine.dispense_id == dispense_id).order_by(DispenseLine.line_no)
        )
    )
