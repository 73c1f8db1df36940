"""What must never be found in the revisit's tables: each query counts the rows that break a promise."""

INVARIANTS = {
    "one_reminder_per_recipient_and_stage": (
        "SELECT count(*) FROM (SELECT plan_id FROM reminder GROUP BY plan_id, stage, account_id HAVING count(*) > 1) t"
    ),
    "planned_reminders_belong_to_active_plans": (
        "SELECT count(*) FROM reminder r JOIN follow_up_plan p ON p.id = r.plan_id"
        " WHERE r.state = 'planned' AND p.state <> 'active'"
    ),
    "one_active_plan_per_registration": (
        "SELECT count(*) FROM (SELECT registration_id FROM follow_up_plan WHERE state = 'active'"
        " GROUP BY registration_id HAVING count(*) > 1) t"
    ),
}
