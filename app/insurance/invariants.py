"""What must hold in insurance's tables at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "split_payers_add_up": (
        "SELECT count(*) FROM split WHERE total_fen <> fund_fen + other_fen + account_fen + cash_fen"
    ),
    "split_scopes_add_up": (
        "SELECT count(*) FROM split WHERE total_fen <> full_self_fen + over_limit_fen + pre_self_fen + in_scope_fen"
    ),
    "split_line_payers_add_up": (
        "SELECT count(*) FROM split_line WHERE amount_fen <> fund_fen + other_fen + account_fen + cash_fen"
    ),
    "split_is_the_sum_of_its_lines": (
        "SELECT count(*) FROM split LEFT JOIN (SELECT split_id, sum(amount_fen) AS total, sum(fund_fen) AS fund,"
        " sum(other_fen) AS other, sum(account_fen) AS account, sum(cash_fen) AS cash, sum(in_scope_fen) AS in_scope,"
        " sum(deductible_fen) AS deductible FROM split_line GROUP BY split_id) lines ON lines.split_id = split.id"
        " WHERE lines.split_id IS NULL OR total <> total_fen OR fund <> fund_fen OR other <> other_fen"
        " OR account <> account_fen OR cash <> cash_fen OR in_scope <> in_scope_fen OR deductible <> deductible_fen"
    ),
    "split_is_its_prescriptions_amount": (
        "SELECT count(*) FROM split JOIN prescription ON prescription.id = split.prescription_id"
        " WHERE (CASE WHEN split.root_id IS NULL THEN split.total_fen <> prescription.total_fen"
        " ELSE split.total_fen > prescription.total_fen END) OR split.patient_id <> prescription.patient_id"
    ),
    "split_is_its_registrations_fee": (
        "SELECT count(*) FROM split JOIN registration ON registration.id = split.registration_id"
        " WHERE split.total_fen <> registration.fee_fen OR split.patient_id <> registration.patient_id"
    ),
    "one_live_split_per_registration": (
        "SELECT count(*) FROM (SELECT registration_id FROM split WHERE state IN ('made', 'settled')"
        " AND registration_id IS NOT NULL GROUP BY registration_id HAVING count(*) > 1) doubled"
    ),
    "no_live_split_of_a_place_that_ran_out": (
        "SELECT count(*) FROM split JOIN registration ON registration.id = split.registration_id"
        " WHERE split.state IN ('made', 'settled') AND registration.state = 'expired'"
    ),
    "no_unsettled_split_of_a_place_in_use": (
        "SELECT count(*) FROM split JOIN registration ON registration.id = split.registration_id"
        " WHERE split.state = 'made' AND registration.state <> 'held'"
    ),
    "one_live_split_per_prescription": (
        "SELECT count(*) FROM (SELECT prescription_id FROM split WHERE state IN ('made', 'settled')"
        " AND prescription_id IS NOT NULL GROUP BY prescription_id HAVING count(*) > 1) doubled"
    ),
    "no_live_split_of_a_dead_prescription": (
        "SELECT count(*) FROM split JOIN prescription ON prescription.id = split.prescription_id"
        " WHERE split.state IN ('made', 'settled') AND prescription.state IN ('voided', 'expired', 'returned')"
    ),
    # What went back, whole or in part, was settled before; payment's promises say what is left of it.
    "paid_prescription_was_settled": (
        "SELECT count(*) FROM prescription WHERE state IN ('paid', 'dispensed') AND NOT EXISTS (SELECT 1 FROM split"
        " WHERE split.prescription_id = prescription.id AND split.state IN ('settled', 'reversed'))"
    ),
    "remainder_is_within_what_was_settled": (
        "SELECT count(*) FROM split rest JOIN split whole ON whole.id = rest.root_id"
        " WHERE rest.fund_fen > whole.fund_fen OR rest.other_fen > whole.other_fen"
        " OR rest.account_fen > whole.account_fen OR rest.cash_fen > whole.cash_fen"
    ),
    "nothing_is_settled_twice_of_one_bill": (
        "SELECT count(*) FROM (SELECT coalesce(root_id, id) FROM split WHERE state = 'settled'"
        " GROUP BY coalesce(root_id, id) HAVING count(*) > 1) doubled"
    ),
    "one_live_settlement_per_prescription": (
        "SELECT count(*) FROM (SELECT prescription_id FROM settlement"
        " WHERE state IN ('wanted', 'presettled', 'due', 'settling', 'unknown', 'settled')"
        " AND prescription_id IS NOT NULL GROUP BY prescription_id HAVING count(*) > 1) doubled"
    ),
    "one_live_settlement_per_registration": (
        "SELECT count(*) FROM (SELECT registration_id FROM settlement"
        " WHERE state IN ('wanted', 'presettled', 'due', 'settling', 'unknown', 'settled')"
        " AND registration_id IS NOT NULL GROUP BY registration_id HAVING count(*) > 1) doubled"
    ),
    "no_settlement_under_way_for_a_place_given_back": (
        "SELECT count(*) FROM settlement JOIN registration ON registration.id = settlement.registration_id"
        " WHERE settlement.state IN ('wanted', 'presettled', 'due') AND registration.state <> 'held'"
    ),
    "insurers_split_is_settled_by_a_settlement": (
        "SELECT count(*) FROM split WHERE source = 'insurer' AND state = 'settled' AND NOT EXISTS"
        " (SELECT 1 FROM settlement WHERE settlement.split_id = split.id AND settlement.state = 'settled')"
    ),
    "settlement_names_its_2207_or_pay_order": (
        "SELECT count(*) FROM settlement WHERE (message_id IS NULL AND state IN ('settling', 'unknown', 'undoing'))"
        " OR (message_id IS NULL AND pay_order_id = ''"
        " AND state IN ('settled', 'reversing', 'taking_back', 'doubtful'))"
        " OR (setl_id IS NULL AND state IN ('settled', 'reversing', 'taking_back', 'doubtful'))"
        " OR (cancel_message_id IS NULL AND pay_order_id = '' AND state IN ('taking_back', 'doubtful'))"
    ),
    "one_2208_at_a_time": (
        "SELECT count(*) FROM (SELECT subject_id, sum(CASE action WHEN 'begin_reverse' THEN 1"
        " WHEN 'reverse_again' THEN -1 ELSE 0 END) AS sent FROM move WHERE machine = 'settlement'"
        " GROUP BY subject_id) asked WHERE sent > 1"
    ),
    "no_2207_twice_for_a_batch": (
        "SELECT count(*) FROM (SELECT subject_id FROM move WHERE machine = 'settlement' AND action = 'begin'"
        " GROUP BY subject_id HAVING count(*) > 1) doubled"
    ),
    # The latest move on record is the hospital's time, as far as the tables know it.
    "nothing_half_settled_for_long": (
        "SELECT count(*) FROM settlement WHERE state IN ('due', 'settling', 'unknown')"
        " AND half_until < (SELECT max(moved_at) FROM move)"
    ),
    "coverage_not_overdrawn": (
        "SELECT count(*) FROM coverage WHERE deductible_used_fen < 0 OR cap_used_fen < 0 OR account_balance_fen < 0"
    ),
}
