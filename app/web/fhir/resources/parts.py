"""What several resources are made of: references, codes, money, instants, and our own addresses in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

Json = dict[str, object]
# GB/T 2261's identity card as the national health information standards register it.
IDENTITY_CARD = "urn:oid:2.16.156.10011.1.3"
V2_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


@dataclass(frozen=True)
class Here:
    """Where this hospital's FHIR is served (`base`, without a slash at its end) and the zone of its clocks."""

    base: str
    zone: ZoneInfo

    def system(self, name: str) -> str:
        """The address that stands for our own numbers or codes of this name: mrn, visit, prescription, report."""
        return f"{self.base}/ids/{name}"

    def instant(self, moment: datetime) -> str:
        """The moment with the hospital's offset, to the second."""
        return moment.astimezone(self.zone).isoformat(timespec="seconds")


def to_patient(public_id: str, masked_name: str = "") -> Json:
    """A reference to the patient; the name beside it is masked."""
    made: Json = {"reference": f"Patient/{public_id}", "type": "Patient"}
    return made | ({"display": masked_name} if masked_name else {})


def by_code(here: Here, kind: str, system: str, code: str, display: str) -> Json:
    """A reference to what has no resource here, by the hospital's code for it."""
    return {"type": kind, "identifier": {"system": here.system(system), "value": code}, "display": display}


def concept(text: str, *codings: tuple[str, str]) -> Json:
    """A concept in words, with its (system, code) pairs."""
    made: Json = {"coding": [{"system": system, "code": code} for system, code in codings]} if codings else {}
    return made | {"text": text}


def yuan(amount_fen: int) -> Json:
    """Fen as FHIR's Money."""
    return {"value": amount_fen / 100, "currency": "CNY"}


def without_empty(made: Json, *, keep: Collection[str] = ()) -> Json:
    """The resource without what is empty, which FHIR does not allow."""
    return {name: value for name, value in made.items() if value not in ("", None, [], {}) or name in keep}
