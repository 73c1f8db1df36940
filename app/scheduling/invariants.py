"""What must hold in scheduling's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "a_place_belongs_to_one_registration": (
        "SELECT count(*) FROM (SELECT registration_id FROM slot WHERE registration_id IS NOT NULL"
        " GROUP BY registration_id HAVING count(*) > 1) t"
    ),
    "places_of_a_session_do_not_overlap": (
        "SELECT count(*) FROM slot a JOIN slot b ON b.session_id = a.session_id AND b.seq = a.seq + 1"
        " WHERE b.starts_at < a.ends_at AND b.starts_at <> a.starts_at"
    ),
    "places_of_a_session_lie_within_it": (
        "SELECT count(*) FROM slot p JOIN clinic_session c ON c.id = p.session_id"
        " WHERE p.starts_at < c.starts_at OR p.ends_at > c.ends_at"
    ),
    "nothing_is_kept_longer_than_the_session": (
        "SELECT count(*) FROM slot p JOIN clinic_session c ON c.id = p.session_id WHERE p.kept_until > c.ends_at"
    ),
    "no_more_are_let_in_than_turns_were_given": (
        "SELECT count(*) FROM release_token t JOIN release_gate g ON g.id = t.gate_id"
        " WHERE t.turn IS NOT NULL AND (g.next_turn IS NULL OR t.turn >= g.next_turn)"
    ),
}
