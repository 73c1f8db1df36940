"""Documents as other systems write them: MDM^T02, T06, T08 and T11 put a document among the patient's reports."""

from __future__ import annotations

from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from app.reports import service as reports
from app.reports.rules import ReportIn
from hl7_adapter.er7 import Message
from hl7_adapter.mapping.findings import code_in, findings, name_in, refused
from hl7_adapter.mapping.patients import patient_of
from hl7_adapter.mapping.reading import Reader

# HL7 table 0271, TXA-17: documents that nobody has answered for yet may still change.
_UNFINISHED = frozenset({"DI", "IN", "IP", "PA"})
_WITHDRAWN = frozenset({"CA", "OB"})  # HL7 table 0273, TXA-19: deleted, obsolete
_OF_EVENT = {"T08": "C", "T11": "X"}
_PLACES = {"status": "TXA-17", "filler_number": "TXA-12", "reported_at": "TXA-6"}


def receive_document(uow: Uow, message: Message, peer: str) -> str:
    """The document TXA-12 is on file as told, its OBX as what can be read; gives the public id.

    T02 and T06 bring one, T08 its changed text, T11 takes it back.
    """
    reader = Reader(message)
    told = findings(reader)
    report = ReportIn(
        filler_number=reader.needed("TXA-12.1", "TXA-12.3", at_most=64),
        patient_id=patient_of(uow, message).id,
        visit_number=reader.visit_number(),
        code=code_in(reader.text("TXA-2.1", at_most=1000)),
        name=name_in(reader.needed("TXA-2.2", "OBX-3.2", "TXA-2.1", at_most=1000)),
        status=_status(reader),
        reported_at=reader.past_instant(uow, "TXA-6", "TXA-4", "MSH-7.1"),
        observations=tuple(finding.told for finding in told),
    )
    try:
        return reports.receive_from_his(uow, report=report, peer=peer).public_id
    except VisitError as refusal:
        raise refused(refusal, reader, told, _PLACES, "TXA-2") from refusal


def _status(reader: Reader) -> str:
    if reader.text("TXA-19").upper() in _WITHDRAWN:
        return "X"
    event = reader.first_text("MSH-9.2", "EVN-1").upper()
    return _OF_EVENT.get(event) or ("P" if reader.text("TXA-17").upper() in _UNFINISHED else "F")
