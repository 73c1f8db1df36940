"""What each message does here: its type and event find the command of the application."""

from __future__ import annotations

from app.kernel.peers import Peer
from hl7_adapter.ack import Header
from hl7_adapter.mapping import agenda
from hl7_adapter.mapping.agreed import kind_of
from hl7_adapter.mapping.documents import receive_document
from hl7_adapter.mapping.effect import Answered, Effect
from hl7_adapter.mapping.masterfiles import file_doctors, file_places, file_prices
from hl7_adapter.mapping.merging import merge_patients
from hl7_adapter.mapping.orders import receive_prescriptions
from hl7_adapter.mapping.patients import file_patient
from hl7_adapter.mapping.queries import find_patients
from hl7_adapter.mapping.results import receive_reports

__all__ = ["EFFECTS", "Answered", "Effect", "effect_of"]

EFFECTS: dict[tuple[str, str], Effect] = {
    ("ADT", "A04"): file_patient,
    ("ADT", "A08"): file_patient,
    ("ADT", "A28"): file_patient,
    ("ADT", "A31"): file_patient,
    ("ADT", "A40"): merge_patients,
    ("MFN", "M02"): file_doctors,
    ("MFN", "M04"): file_prices,
    ("MFN", "M05"): file_places,
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
    ("QBP", "Q22"): find_patients,
    ("SIU", "S12"): agenda.book,
    ("SIU", "S13"): agenda.move,
    ("SIU", "S14"): agenda.change,
    ("SIU", "S15"): agenda.take_back,
    ("SIU", "S17"): agenda.take_back,
    ("SIU", "S23"): agenda.block,
    ("SIU", "S24"): agenda.open_time,
    ("SIU", "S26"): agenda.miss,
}


def effect_of(header: Header, peer: Peer | None = None) -> Effect | None:
    """What the message does, as its sender means it; None for one that is known and does nothing here."""
    return EFFECTS.get(kind_of(header, peer))
