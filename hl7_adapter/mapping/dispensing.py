"""Drugs in the patient's hands: RDS^O13 tells what was dispensed, line by line."""

from __future__ import annotations

from app.identity.models import Patient, Staff
from app.kernel.uow import Uow
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Dispense, DispenseLine
from app.prescription import service as prescriptions
from app.prescription.models import Prescription, PrescriptionSource
from app.registration.models import Registration
from config import Hl7Settings
from hl7_adapter.er7 import Part, segment
from hl7_adapter.mapping.writing import Rows, pid, pv1, stamp


def dispensed(uow: Uow, settings: Hl7Settings, dispense: Dispense) -> Rows:
    """PID, PV1, and ORC (RE), RXD and RXR for each drug that was in the bag; ORC-4 is the prescription's number."""
    written = uow.session.get_one(Prescription, dispense.prescription_id)
    visit = uow.session.get(Registration, written.registration_id) if written.registration_id else None
    patient = uow.session.get_one(Patient, dispense.patient_id)
    staff = uow.session.get_one(Staff, dispense.staff_id)
    routes = {line.line_no: line.route for line in prescriptions.lines_of(uow, written.id)}
    is_theirs = written.source == PrescriptionSource.HIS
    number = (written.number, settings.his_application if is_theirs else settings.our_application)
    rows: Rows = [pid(uow, settings, patient), pv1(uow, settings, visit)]
    for line in pharmacy.lines_of(uow, dispense.id):
        filler = (f"{dispense.public_id}-{line.line_no}", settings.our_application)
        rows.append(segment("ORC", {1: "RE", 3: filler, 4: number, 5: "CM"}))
        rows += _drug(uow, dispense, line, (number[0], (staff.login, staff.name)), routes.get(line.line_no, ""))
    return rows


def _drug(uow: Uow, dispense: Dispense, line: DispenseLine, who: tuple[str, tuple[str, str]], route: str) -> Rows:
    number, pharmacist = who
    drug: Part = (line.drug_code, f"{line.drug_name} {line.spec}".strip(), "99MENZHEN")
    return [
        segment(
            "RXD",
            {
                1: line.line_no,
                2: drug,
                3: stamp(dispense.handed_over_at, uow.zone),
                4: line.quantity,
                5: line.unit,
                7: number,
                9: dispense.window_code,
                10: pharmacist,
            },
        ),
        segment("RXR", {1: (None, route or "unknown")}),
    ]
