"""How the visit's no becomes an answer in HL7: which code of table 0357, at which place, in which words."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.errors import NotFound, TryLater, VisitError
from hl7_adapter.ack import ErrorAt


class MessageRefused(Exception):
    """The message cannot have its effect: `code` is stable, `fault` says where and why in the standard's terms."""

    def __init__(self, code: str, fault: ErrorAt) -> None:
        """Holds the refusal; neither part names a person."""
        super().__init__(code)
        self.code = code
        self.fault = fault


def refuse(code: str, number: int, place: str, words: str) -> MessageRefused:
    """The refusal `code`, to be raised: `number` of table 0357 at `place`, with `words` for the hospital's IT."""
    return MessageRefused(code, ErrorAt(number, place, f"{code}: {words}"))


# The visit's codes: (HL7 table 0357, place). 206 asks the sender to try again; 207 stands for the rules of the
# hospital, for which the table has no code of its own. `drug` is RXO or RXE, whichever the message carries.
REFUSED_AS: dict[str, tuple[int, str]] = {
    "bad_name": (102, "PID-5"),
    "bad_id_number": (102, "PID-3"),
    "bad_phone": (102, "PID-13"),
    "identity_conflict": (205, "PID-3"),
    "merge_circular": (207, "MRG-1"),
    "merge_busy": (206, "MRG-1"),
    "already_registered": (205, "PID-3"),
    "sold_out": (207, "AIS-4"),
    "kept_for_others": (207, "AIS-4"),
    "session_closed": (207, "AIS-4"),
    "slots_overlap": (207, "AIS-4"),
    "places_busy": (206, "AIS-4"),
    "cannot_cancel": (207, "SCH-1"),
    "check_in_too_early": (207, "SCH-25"),
    "check_in_too_late": (207, "SCH-25"),
    "cannot_check_in": (207, "SCH-25"),
    "order_unknown": (204, "ORC-4"),
    "order_cancelled": (205, "ORC-4"),
    "order_of_another_patient": (205, "ORC-4"),
    "order_busy": (206, "ORC-4"),
    "order_action_unknown": (103, "ORC-1"),
    "prescription_paid": (207, "ORC-1"),
    "prescription_expired": (207, "ORC-9"),
    "issued_in_future": (102, "ORC-9"),
    "diagnosis_required": (101, "DG1-3"),
    "no_lines": (101, "drug-1"),
    "drug_unknown": (204, "drug-1"),
    "quantity_not_valid": (102, "FT1-10"),
    "price_not_valid": (102, "FT1-12"),
    "amount_mismatch": (102, "FT1-11"),
    "days_not_valid": (102, "TQ1-6"),
    "too_many_days": (207, "TQ1-6"),
    "drug_not_for_long_course": (207, "TQ1-6"),
    "text_not_valid": (102, "ORC-1"),
    "too_many_drugs": (207, "ORC-1"),
    "herbal_mixed": (207, "drug-1"),
    "not_found": (204, "PID-3"),
    "report_superseded": (207, "OBR-25"),
    "report_busy": (206, "OBR-3"),
    "report_of_another_patient": (205, "OBR-3"),
}


def from_visit(refusal: VisitError, places: Mapping[int, Mapping[str, int]] | None = None) -> MessageRefused:
    """The visit's refusal in HL7's terms.

    `places` maps a line's number to the place of its segments in the message (`{2: {"FT1": 3}}`); with it a refusal
    that names its line points at that line.
    """
    number, place = REFUSED_AS.get(refusal.code, (_number_of(refusal), ""))
    line_no = refusal.facts.get("line_no", 1)
    occurrences = (places or {}).get(line_no, {}) if isinstance(line_no, int) else {}
    if place:
        name, _, field = place.partition("-")
        if name == "drug":
            name = "RXE" if "RXE" in occurrences else "RXO"
        place = at(name, occurrences.get(name, 1), field)
    return refuse(refusal.code, number, place, _words(refusal))


def at(segment: str, occurrence: int, field: str) -> str:
    """A place as it is written: `FT1-11`, `FT1[2]-11`."""
    return f"{segment}-{field}" if occurrence == 1 else f"{segment}[{occurrence}]-{field}"


def _number_of(refusal: VisitError) -> int:
    if isinstance(refusal, NotFound):
        return 204
    return 206 if isinstance(refusal, TryLater) else 207


def _words(refusal: VisitError) -> str:
    """What the refusal's class says of itself, without the list of its facts."""
    return (type(refusal).__doc__ or "").partition(" (facts")[0].strip().rstrip(".")
