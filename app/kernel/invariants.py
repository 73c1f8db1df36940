"""What must hold in the kernel's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "what_is_sent_has_its_time": "SELECT count(*) FROM outbox WHERE (state = 'sent') <> (sent_at IS NOT NULL)",
    "what_is_done_has_its_time": "SELECT count(*) FROM inbox WHERE (state = 'received') <> (done_at IS NULL)",
    "only_settled_messages_are_emptied_and_known_again": (
        "SELECT count(*) FROM inbox WHERE emptied_at IS NOT NULL"
        " AND (state IN ('received', 'refused') OR digest IS NULL OR length(body) > 0 OR answer IS NOT NULL)"
    ),
    "a_lane_is_told_in_order": (
        "SELECT count(*) FROM outbox later JOIN outbox earlier ON earlier.topic = later.topic"
        " AND earlier.lane = later.lane AND earlier.id < later.id"
        " WHERE later.state = 'sent' AND earlier.state IN ('waiting', 'sending') AND earlier.tries = 0"
    ),
}
