"""What each message does here: its type and event find the command of the application."""

from __future__ import annotations

from collections.abc import Callable

from app.kernel.uow import Uow
from hl7_adapter.ack import Header
from hl7_adapter.er7 import Message
from hl7_adapter.mapping import agenda
from hl7_adapter.mapping.documents import receive_document
from hl7_adapter.mapping.merging import merge_patients
from hl7_adapter.mapping.orders import receive_prescriptions
from hl7_adapter.mapping.patients import file_patient
from hl7_adapter.mapping.results import receive_reports

Effect = Callable[[Uow, Message, str], str | None]
"""`effect(uow, message, peer)`: done to the open unit; gives a reference to what it touched, None for no effect.

Raises MessageRefused, or a VisitError of the application.
"""

EFFECTS: dict[tuple[str, str], Effect] = {
    ("ADT", "A04"): file_patient,
    ("ADT", "A08"): file_patient,
    ("ADT", "A28"): file_patient,
    ("ADT", "A31"): file_patient,
    ("ADT", "A40"): merge_patients,
    ("OMP", "O09"): receive_prescriptions,
    ("RDE", "O11"): receive_prescriptions,
    ("ORM", "O01"): receive_prescriptions,
    ("ORU", "R01"): receive_reports,
    ("OUL", "R22"): receive_reports,
    ("OUL", "R24"): receive_reports,
    ("MDM", "T02"): receive_document,
    ("MDM", "T06"): receive_document,
    ("MDM", "T08"): receive_document,
    ("MDM", "T11"): receive_document,
    ("SIU", "S12"): agenda.book,
    ("SIU", "S13"): agenda.move,
    ("SIU", "S14"): agenda.change,
    ("SIU", "S15"): agenda.take_back,
    ("SIU", "S17"): agenda.take_back,
    ("SIU", "S23"): agenda.block,
    ("SIU", "S24"): agenda.open_time,
    ("SIU", "S26"): agenda.miss,
}


def effect_of(header: Header) -> Effect | None:
    """What the message does; None for one that is known and does nothing here. EVN-1 serves when MSH-9 has no event."""
    event = header.event or header.message.get("EVN-1").strip().upper()
    return EFFECTS.get((header.message_type, event))
