"""What must hold in the waiting room's table at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "a_number_is_given_once_a_day": (
        "SELECT count(*) FROM (SELECT number FROM ticket GROUP BY department_id, visit_day, number"
        " HAVING count(*) > 1) t"
    ),
    "one_patient_at_a_time_with_the_doctor": (
        "SELECT count(*) FROM (SELECT session_id FROM ticket WHERE state = 'serving' GROUP BY session_id"
        " HAVING count(*) > 1) t"
    ),
    "whoever_has_a_number_came": (
        "SELECT count(*) FROM ticket t JOIN registration r ON r.id = t.registration_id"
        " WHERE r.state IN ('held', 'booked', 'expired', 'cancelled', 'no_show') AND t.state <> 'void'"
    ),
}
