"""A prescribed drug as FHIR MedicationRequest, a drug handed over as FHIR MedicationDispense."""

from __future__ import annotations

from app.pharmacy.exchange import DispensedDrug
from app.pharmacy.states import DispenseState
from app.prescription.exchange import PrescribedDrug
from app.prescription.states import PrescriptionState
from app.web.fhir.resources.parts import Here, Json, by_code, concept, to_patient

S = PrescriptionState
REQUEST_STATUS = {
    S.ISSUED: "active",
    S.APPROVED: "active",
    S.RETURNED: "on-hold",
    S.BILLED: "active",
    S.PAID: "active",
    S.DISPENSED: "completed",
    S.VOIDED: "cancelled",
    S.EXPIRED: "stopped",
}
DISPENSE_STATUS = {DispenseState.COMPLETED: "completed", DispenseState.ENTERED_IN_ERROR: "entered-in-error"}


def medication_request(drug: PrescribedDrug, here: Here) -> Json:
    """The resource, one for each line of a prescription; `groupIdentifier` is the prescription's number."""
    line, row = drug.line, drug.prescription
    return {
        "resourceType": "MedicationRequest",
        "id": f"{row.public_id}-{line.line_no}",
        "status": REQUEST_STATUS[row.state],
        "intent": "order",
        "medicationCodeableConcept": concept(
            f"{line.drug_name} {line.spec}".strip(), (here.system("drug"), line.drug_code)
        ),
        "subject": to_patient(drug.patient.public_id, drug.patient.name_masked),
        "authoredOn": here.instant(row.issued_at),
        "requester": by_code(here, "Practitioner", "practitioner", row.prescriber_code, row.prescriber_name),
        "groupIdentifier": {"system": here.system("prescription"), "value": row.number},
        "dosageInstruction": [{"text": f"{line.dose} {line.route} {line.frequency}"}],
        "dispenseRequest": {
            "validityPeriod": {"start": here.instant(row.issued_at), "end": here.instant(row.valid_until)},
            "quantity": {"value": line.quantity, "unit": line.unit},
            "expectedSupplyDuration": {
                "value": line.days,
                "unit": "d",
                "system": "http://unitsofmeasure.org",
                "code": "d",
            },
        },
    }


def medication_dispense(drug: DispensedDrug, here: Here) -> Json:
    """The resource, one for each drug of a bag; one that was taken back at the window is entered in error."""
    line, row = drug.line, drug.dispense
    return {
        "resourceType": "MedicationDispense",
        "id": f"{row.public_id}-{line.line_no}",
        "status": DISPENSE_STATUS[row.state],
        "medicationCodeableConcept": concept(
            f"{line.drug_name} {line.spec}".strip(), (here.system("drug"), line.drug_code)
        ),
        "subject": to_patient(drug.patient.public_id, drug.patient.name_masked),
        "authorizingPrescription": [
            {"reference": f"MedicationRequest/{drug.prescription.public_id}-{line.line_no}"},
        ],
        "quantity": {"value": line.quantity, "unit": line.unit},
        "whenHandedOver": here.instant(row.handed_over_at),
    }
