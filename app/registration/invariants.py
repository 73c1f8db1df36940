"""What must hold in registration's table at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "an_active_registration_has_its_place": (
        "SELECT count(*) FROM registration r LEFT JOIN slot s ON s.id = r.slot_id AND s.registration_id = r.id"
        " WHERE r.state IN ('held', 'booked', 'checked_in', 'in_consultation') AND s.id IS NULL"
    ),
    "a_place_in_use_has_an_active_or_used_registration": (
        "SELECT count(*) FROM slot s JOIN registration r ON r.id = s.registration_id"
        " WHERE r.state IN ('expired', 'cancelled')"
    ),
    "a_held_place_is_held_and_a_booked_one_taken": (
        "SELECT count(*) FROM slot s JOIN registration r ON r.id = s.registration_id"
        " WHERE (s.state = 'held') <> (r.state = 'held')"
    ),
    "one_active_registration_per_patient_doctor_and_half_day": (
        "SELECT count(*) FROM (SELECT patient_id FROM registration"
        " WHERE state IN ('held', 'booked', 'checked_in', 'in_consultation')"
        " GROUP BY patient_id, practitioner_id, visit_day, half_day HAVING count(*) > 1) t"
    ),
    "an_open_offer_has_its_set_aside_place": (
        "SELECT count(*) FROM waitlist_offer o JOIN slot s ON s.id = o.slot_id"
        " WHERE o.state = 'open' AND s.state <> 'set_aside'"
    ),
    "an_offered_entry_has_one_open_offer": (
        "SELECT count(*) FROM waitlist_entry e WHERE (e.state = 'offered') <> (1 = (SELECT count(*)"
        " FROM waitlist_offer o WHERE o.entry_id = e.id AND o.state = 'open'))"
    ),
    "nobody_is_offered_two_places": (
        "SELECT count(*) FROM (SELECT patient_id FROM waitlist_offer WHERE state = 'open'"
        " GROUP BY patient_id HAVING count(*) > 1) t"
    ),
    "of_two_places_in_exchange_one_stands": (
        "SELECT count(*) FROM registration r JOIN registration f ON f.id = r.replaces_id"
        " WHERE r.state IN ('booked', 'checked_in', 'in_consultation') AND r.asked_at IS NULL AND f.state = 'booked'"
    ),
    "every_state_has_its_move": (
        "SELECT count(*) FROM registration r WHERE r.state <> 'held' AND NOT EXISTS (SELECT 1 FROM move m"
        " WHERE m.machine = 'registration' AND m.subject_id = r.id AND m.to_state = r.state)"
    ),
    "another_place_is_the_same_patients": (
        "SELECT count(*) FROM lost_place l JOIN registration r ON r.id = l.registration_id"
        " LEFT JOIN registration f ON f.id = l.found_id"
        " WHERE l.patient_id <> r.patient_id OR f.patient_id <> l.patient_id OR r.state <> 'cancelled'"
    ),
    "nobody_is_left_in_a_stopped_session": (
        "SELECT count(*) FROM registration r JOIN clinic_session c ON c.id = r.session_id"
        " WHERE c.state = 'stopped' AND r.state IN ('held', 'booked')"
    ),
    "a_registration_is_with_whoever_sits": (
        "SELECT count(*) FROM registration r JOIN clinic_session c ON c.id = r.session_id"
        " WHERE r.state IN ('held', 'booked', 'checked_in', 'in_consultation')"
        " AND r.practitioner_id <> c.practitioner_id"
    ),
}
