"""Writes the segments that our messages share: who sends, who the patient is, which visit, and how money is written."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.identity import service as identity
from app.identity.models import Patient, Sex
from app.kernel.money import yuan_text
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.scheduling import service as scheduling
from config import Hl7Settings
from hl7_adapter.er7 import Field, Part, segment

Rows = list[list[Field]]
VERSION = "2.5.1"
_SEXES = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.UNKNOWN: "U"}


def stamp(instant: datetime, zone: ZoneInfo) -> str:
    """The instant on the hospital's clock, with its offset (HL7 TS)."""
    return instant.astimezone(zone).strftime("%Y%m%d%H%M%S%z")


def price(amount_fen: int) -> Part:
    """An amount as a composite price (CP): `25.60&CNY`."""
    return ((yuan_text(amount_fen), "CNY"),)


def msh(uow: Uow, settings: Hl7Settings, kind: tuple[str, str, str], control_id: str) -> list[Field]:
    """MSH of our message `kind` (type, event, structure)."""
    return segment(
        "MSH",
        {
            3: settings.our_application,
            4: settings.our_facility,
            5: settings.his_application,
            6: settings.his_facility,
            7: stamp(uow.now(), uow.zone),
            9: kind,
            10: control_id,
            11: "P",
            12: VERSION,
            17: "CHN",
        },
    )


def evn(uow: Uow, event: str) -> list[Field]:
    """EVN of an ADT or DFT message."""
    return segment("EVN", {1: event, 2: stamp(uow.now(), uow.zone)})


def pid(uow: Uow, settings: Hl7Settings, patient: Patient) -> list[Field]:
    """PID: the hospital's number (before it is known, ours), identity card, insurance card, name, birth, sex, phone."""
    number = identity.identifier_of(uow, patient.id, "his")
    authority = settings.his_application if number else settings.our_application
    ids: list[Part] = [(number or patient.public_id, None, None, authority, "PI")]
    card, insured = identity.id_number_of(uow, patient), identity.identifier_of(uow, patient.id, "insurance")
    if card:
        ids.append((card, None, None, "MPS", "NNCHN"))
    if insured:
        ids.append((insured, None, None, "NHSA", "HC"))
    phone = identity.phone_of(uow, patient).removeprefix("+86")
    return segment(
        "PID",
        {
            1: 1,
            3: ids,
            5: identity.name_of(uow, patient),
            7: patient.birth_date.strftime("%Y%m%d") if patient.birth_date else None,
            8: _SEXES[patient.sex],
            13: (phone, "PRN", "CP", *[None] * 8, phone) if phone else None,
        },
    )


def pv1(uow: Uow, settings: Hl7Settings, visit: Registration | None) -> list[Field]:
    """PV1 of an outpatient: department and room, doctor, visit number; only the class without a visit of ours."""
    if visit is None:
        return segment("PV1", {1: 1, 2: "O"})
    card = scheduling.card_by_id(uow, visit.session_id)
    return segment(
        "PV1",
        {
            1: 1,
            2: "O",
            3: (card.department.code, card.session.room, *[None] * 6, card.department.name),
            7: (card.practitioner.code, card.practitioner.name),
            19: (visit.visit_number, None, None, settings.our_application, "VN"),
        },
    )
