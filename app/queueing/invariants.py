"""What must hold in the waiting room's tables at all times: each statement counts the rows that break it."""

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
    "a_line_is_of_one_department_and_day": (
        "SELECT count(*) FROM ticket t JOIN clinic_session s ON s.id = t.line_id"
        " WHERE s.department_id <> t.department_id OR s.visit_day <> t.visit_day"
    ),
    "a_wait_is_over_only_by_a_call": (
        "SELECT count(*) FROM told_wait w JOIN ticket t ON t.id = w.ticket_id"
        " WHERE w.waited_seconds IS NOT NULL AND t.calls = 0"
    ),
    "who_stays_is_not_called_back": "SELECT count(*) FROM walk WHERE walk_minutes = 0 AND told_at IS NOT NULL",
}
