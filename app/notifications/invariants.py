"""What must never be found in the messages' tables: each query counts the rows that break a promise."""

INVARIANTS = {
    "one_message_per_recipient_and_cause": (
        "SELECT count(*) FROM (SELECT dedupe_key FROM message GROUP BY dedupe_key HAVING count(*) > 1) t"
    ),
    "a_told_reminder_has_its_message": (
        "SELECT count(*) FROM reminder r WHERE r.state = 'told' AND NOT EXISTS (SELECT 1 FROM message m"
        " WHERE m.dedupe_key = 'reminded:' || r.id || ':' || r.account_id)"
    ),
    "a_queued_message_has_its_errand": (
        "SELECT count(*) FROM message m WHERE m.state = 'queued' AND NOT EXISTS (SELECT 1 FROM outbox o"
        " WHERE o.topic = 'message' AND o.key = m.public_id AND o.state IN ('waiting', 'sending'))"
    ),
    "a_templates_versions_follow_each_other": (
        "SELECT count(*) FROM (SELECT name FROM wechat_template GROUP BY name HAVING max(version) <> count(*)) t"
    ),
    "a_provider_names_a_message_once": (
        "SELECT count(*) FROM (SELECT channel FROM message WHERE provider_message_id IS NOT NULL"
        " GROUP BY channel, provider_message_id HAVING count(*) > 1) t"
    ),
}
