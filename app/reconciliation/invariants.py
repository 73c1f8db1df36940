"""What must hold of runs and cases at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "a_loaded_run_has_all_of_its_rows": (
        "SELECT count(*) FROM reconciliation_run r WHERE r.state IN ('loaded', 'matched') AND r.rows_there <>"
        " (SELECT count(*) FROM reconciliation_row s WHERE s.run_id = r.id)"
    ),
    "only_payments_open_here_are_mended": (
        "SELECT count(*) FROM reconciliation_case WHERE state = 'repaired'"
        " AND (kind <> 'open_here' OR subject <> 'payment')"
    ),
    "what_was_mended_is_paid": (
        "SELECT count(*) FROM reconciliation_case c WHERE c.state = 'repaired' AND NOT EXISTS"
        " (SELECT 1 FROM payment_order o WHERE o.out_trade_no = c.number AND o.paid_fen = c.there_fen)"
    ),
    # The audit trail is chained by the minute: whoever edits a signature would have to edit both.
    "a_signature_is_as_it_was_given": (
        "SELECT count(*) FROM day_signature s WHERE NOT EXISTS (SELECT 1 FROM audit_event a"
        " WHERE a.subject_kind = 'day_signature' AND a.subject_ref = s.public_id AND a.action = 'reconciliation.sign'"
        " AND CAST(a.detail AS TEXT) LIKE '%' || s.digest || '%')"
    ),
    "no_case_of_a_signed_day_stood_open_without_a_reason": (
        "SELECT count(*) FROM reconciliation_case c JOIN reconciliation_run r ON r.id = c.run_id"
        " JOIN day_signature s ON s.day = r.day"
        " WHERE c.state IN ('open', 'waiting') AND c.note = '' AND c.found_at < s.signed_at"
    ),
    "a_closed_case_says_why": "SELECT count(*) FROM reconciliation_case WHERE state = 'closed' AND note = ''",
}
