"""What must never be found in the figures' tables: each query counts the rows that break a promise."""

INVARIANTS = {
    "a_registration_reaches_a_stage_once": (
        "SELECT count(*) FROM (SELECT registration_id FROM funnel_step GROUP BY registration_id, stage"
        " HAVING count(*) > 1) t"
    ),
    "a_step_belongs_to_its_registrations_channel": (
        "SELECT count(*) FROM funnel_step s JOIN registration r ON r.id = s.registration_id"
        " WHERE s.source_code <> r.source_code"
    ),
    "nothing_is_counted_before_the_place_is_held": (
        "SELECT count(*) FROM funnel_step s JOIN registration r ON r.id = s.registration_id"
        " WHERE s.reached_at < r.held_at"
    ),
}
