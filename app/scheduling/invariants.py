"""What must hold in scheduling's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "a_place_belongs_to_one_registration": (
        "SELECT count(*) FROM (SELECT registration_id FROM slot WHERE registration_id IS NOT NULL"
        " GROUP BY registration_id HAVING count(*) > 1) t"
    ),
    "places_of_a_session_do_not_overlap": (
        "SELECT count(*) FROM slot a JOIN slot b ON b.session_id = a.session_id AND b.seq = a.seq + 1"
        " WHERE b.starts_at < a.ends_at"
    ),
}
