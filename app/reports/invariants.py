"""What must hold of reports at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "report_is_its_visits_patients": (
        "SELECT count(*) FROM report JOIN registration ON registration.id = report.registration_id"
        " WHERE registration.patient_id <> report.patient_id"
    ),
    "observation_is_of_a_version_that_was": (
        "SELECT count(*) FROM observation JOIN report ON report.id = observation.report_id"
        " WHERE observation.version < 1 OR observation.version > report.version"
    ),
    "one_report_per_number_and_sender": (
        "SELECT count(*) FROM (SELECT source, filler_number FROM report GROUP BY source, filler_number"
        " HAVING count(*) > 1) doubled"
    ),
}
