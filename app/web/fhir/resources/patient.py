"""A patient's record as FHIR Patient."""

from __future__ import annotations

from app.identity.exchange import PatientRecord
from app.identity.models import Sex
from app.web.fhir.resources.parts import V2_IDENTIFIER_TYPES, Here, Json, concept, without_empty

GENDERS = {Sex.MALE: "male", Sex.FEMALE: "female", Sex.UNKNOWN: "unknown"}


def patient(record: PatientRecord, here: Here) -> Json:
    """The resource; a merged record is not active and names the one that holds in its place."""
    row = record.patient
    return without_empty(
        {
            "resourceType": "Patient",
            "id": row.public_id,
            "identifier": _identifiers(record, here),
            "active": not record.merged_into,
            "name": [{"use": "official", "text": record.name}],
            "telecom": [{"system": "phone", "value": record.phone}] if record.phone else [],
            "gender": GENDERS[row.sex],
            "birthDate": row.birth_date.isoformat() if row.birth_date else "",
            "link": _link(record),
        }
    )


def _identifiers(record: PatientRecord, here: Here) -> list[Json]:
    if not record.mrn:
        return []
    kind = concept("病案号", (V2_IDENTIFIER_TYPES, "MR"))
    return [{"type": kind, "system": here.system("mrn"), "value": record.mrn}]


def _link(record: PatientRecord) -> list[Json]:
    if not record.merged_into:
        return []
    return [{"other": {"reference": f"Patient/{record.merged_into}"}, "type": "replaced-by"}]
