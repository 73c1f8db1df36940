"""What must hold in the prescriptions' tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "prescription_is_the_sum_of_its_lines": (
        "SELECT count(*) FROM prescription LEFT JOIN (SELECT prescription_id, sum(amount_fen) AS total"
        " FROM prescription_line GROUP BY prescription_id) lines ON lines.prescription_id = prescription.id"
        " WHERE lines.total IS NULL OR lines.total <> prescription.total_fen"
    ),
    "prescription_line_amount_is_quantity_times_price": (
        "SELECT count(*) FROM prescription_line WHERE amount_fen <> quantity * unit_price_fen"
    ),
    "one_live_prescription_per_number": (
        "SELECT count(*) FROM (SELECT issuer, number FROM prescription WHERE state NOT IN ('voided', 'expired')"
        " GROUP BY issuer, number HAVING count(*) > 1) doubled"
    ),
    "nothing_passes_without_review": (
        "SELECT count(*) FROM prescription WHERE state IN ('approved', 'billed', 'paid', 'dispensed') AND NOT EXISTS"
        " (SELECT 1 FROM review WHERE review.prescription_id = prescription.id AND review.decision = 'approved')"
    ),
    "nobody_reviews_their_own_prescription": (
        "SELECT count(*) FROM review JOIN prescription ON prescription.id = review.prescription_id"
        " WHERE review.staff_id = prescription.prescriber_staff_id"
    ),
    "prescription_is_for_the_visits_patient": (
        "SELECT count(*) FROM prescription JOIN registration ON registration.id = prescription.registration_id"
        " WHERE registration.patient_id <> prescription.patient_id"
    ),
}
