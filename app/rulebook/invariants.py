"""What must hold in the rulebook's table at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "a_version_never_began_before_it_was_written": "SELECT count(*) FROM rule_set WHERE valid_from < made_at",
    "versions_count_without_gaps": (
        "SELECT count(*) FROM (SELECT scope FROM rule_set GROUP BY scope, scope_code HAVING count(*) <> max(version)) t"
    ),
}
