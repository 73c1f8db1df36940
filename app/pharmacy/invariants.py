"""What must hold in the pharmacy's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "one_standing_dispense_per_bag": (
        "SELECT count(*) FROM (SELECT bag_id FROM dispense WHERE state = 'completed'"
        " GROUP BY bag_id HAVING count(*) > 1) doubled"
    ),
    "collected_bag_has_its_dispense": (
        "SELECT count(*) FROM bag WHERE state = 'collected' AND NOT EXISTS"
        " (SELECT 1 FROM dispense WHERE dispense.bag_id = bag.id AND dispense.state = 'completed')"
    ),
    "dispense_has_its_collected_bag": (
        "SELECT count(*) FROM dispense JOIN bag ON bag.id = dispense.bag_id"
        " WHERE dispense.state = 'completed' AND bag.state <> 'collected'"
    ),
    "dispense_has_four_checks": (
        "SELECT count(*) FROM dispense WHERE"
        " (SELECT count(*) FROM dispense_check WHERE dispense_check.dispense_id = dispense.id) <> 4"
    ),
    # Less only where the money of pieces went back before; drugs that came back after are money alone here.
    "dispensed_what_was_prescribed": (
        "SELECT count(*) FROM dispense JOIN bag ON bag.id = dispense.bag_id JOIN prescription_line"
        " ON prescription_line.prescription_id = dispense.prescription_id"
        " LEFT JOIN dispense_line ON dispense_line.dispense_id = dispense.id"
        " AND dispense_line.line_no = prescription_line.line_no"
        " AND dispense_line.drug_code = prescription_line.drug_code"
        " LEFT JOIN bill_line ON bill_line.bill_id = bag.bill_id AND bill_line.line_no = prescription_line.line_no"
        " WHERE coalesce(dispense_line.quantity, 0) > prescription_line.quantity"
        " OR coalesce(dispense_line.quantity, 0) + coalesce(bill_line.refunded_quantity, 0)"
        " < prescription_line.quantity"
    ),
    "bag_in_hand_was_paid": (
        "SELECT count(*) FROM bag JOIN bill ON bill.id = bag.bill_id"
        " WHERE bag.state IN ('queued', 'picking', 'ready', 'being_served', 'collected')"
        " AND bill.state IN ('open', 'void')"
    ),
    "bag_is_its_prescriptions_patients": (
        "SELECT count(*) FROM bag JOIN prescription ON prescription.id = bag.prescription_id"
        " WHERE prescription.patient_id <> bag.patient_id"
    ),
    "checked_by_a_second_person": (
        "SELECT count(*) FROM bag WHERE state IN ('ready', 'being_served', 'collected')"
        " AND (picker_id IS NULL OR checker_id IS NULL OR picker_id = checker_id)"
    ),
    "granted_scan_names_its_bag": "SELECT count(*) FROM scan WHERE verdict = 'granted' AND bag_id IS NULL",
}
