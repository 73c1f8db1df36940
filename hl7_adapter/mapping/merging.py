"""Two records of one person: ADT^A40 says which number stays (PID-3) and which one is part of it (MRG-1)."""

from __future__ import annotations

from app.identity import merging
from app.identity import service as identity
from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from hl7_adapter.er7 import Message
from hl7_adapter.mapping.patients import file_person, number_in, number_told
from hl7_adapter.mapping.reading import Reader, readers
from hl7_adapter.mapping.refusals import from_visit, refuse

MOST_PAIRS = 500


def merge_patients(uow: Uow, message: Message, _peer: str) -> str:
    """ADT^A40 (ADT_A39): each PID with the MRG after it is merged and then on file as PID tells; gives the public ids.

    Two numbers that are both unknown are one new patient, who is found by either.
    """
    pairs = readers(message, "PID")
    if not pairs:
        raise refuse("field_missing", 101, "PID-3", "the number that stays is required")
    if len(pairs) > MOST_PAIRS:
        raise refuse(
            "too_many_pairs", 102, f"PID[{MOST_PAIRS + 1}]-3", f"more than {MOST_PAIRS}; send several messages"
        )
    return " ".join(_merge(uow, pair) for pair in pairs)


def _merge(uow: Uow, pair: Reader) -> str:
    staying, going = number_told(pair), number_in(pair, "MRG-1")
    if not going:
        raise refuse("field_missing", 101, pair.place("MRG-1"), "the number that is merged is required")
    try:
        if not any(identity.patient_by_identifier(uow, "his", number) for number in (staying, going)):
            file_person(uow, pair)
        merging.merge_patients(uow, surviving_mrn=staying, merged_mrn=going)
        return file_person(uow, pair).public_id
    except VisitError as refusal:
        raise from_visit(refusal, {1: pair.occurrences}) from refusal
