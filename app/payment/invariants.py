"""What must always be true of bills and money: each statement counts the rows that break it."""

from __future__ import annotations

_PARTS = "fund_fen + other_fen + account_fen + cash_fen"
# Table and column names of our own, put together here and nowhere else.
_LINE_SUMS = " OR ".join(
    f"b.{part} <> (SELECT coalesce(sum(l.{amount}), 0) FROM bill_line l WHERE l.bill_id = b.id)"  # noqa: S608 - see above
    for part, amount in (
        ("total_fen", "amount_fen"),
        ("fund_fen", "fund_fen"),
        ("other_fen", "other_fen"),
        ("account_fen", "account_fen"),
        ("cash_fen", "cash_fen"),
    )
)

INVARIANTS = {
    "bill_parts_add_up": f"SELECT count(*) FROM bill WHERE total_fen <> {_PARTS}",  # noqa: S608 - see above
    "bill_line_parts_add_up": f"SELECT count(*) FROM bill_line WHERE amount_fen <> {_PARTS}",  # noqa: S608 - see above
    "bill_lines_add_up_to_the_bill": f"SELECT count(*) FROM bill b WHERE {_LINE_SUMS}",  # noqa: S608 - see above
    "bill_is_settled_by_exactly_its_cash": (
        "SELECT count(*) FROM bill b"
        " WHERE b.state IN ('settling', 'paid', 'partly_refunded', 'refunding', 'refunded') AND b.cash_fen <>"
        " (SELECT coalesce(sum(o.paid_fen), 0) FROM payment_order o WHERE o.bill_id = b.id AND o.settles_bill)"
    ),
    "bill_unpaid_is_settled_by_nothing": (
        "SELECT count(*) FROM bill b JOIN payment_order o ON o.bill_id = b.id"
        " WHERE o.settles_bill AND b.state IN ('open', 'void')"
    ),
    "refunds_never_exceed_what_was_paid": (
        "SELECT count(*) FROM payment_order o WHERE o.refunded_fen > o.paid_fen OR o.refunded_fen <>"
        " (SELECT coalesce(sum(r.amount_fen), 0) FROM refund r WHERE r.payment_order_id = o.id)"
    ),
    "provider_transaction_pays_one_order": (
        "SELECT count(*) FROM (SELECT transaction_id FROM payment_order WHERE transaction_id IS NOT NULL"
        " GROUP BY transaction_id HAVING count(*) > 1) AS shared"
    ),
    "late_money_goes_back": (
        "SELECT count(*) FROM payment_order o JOIN bill b ON b.id = o.bill_id WHERE o.paid_fen > 0"
        " AND NOT o.settles_bill AND b.state <> 'open'"
        " AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.payment_order_id = o.id)"
    ),
    "bill_going_back_has_its_refund": (
        "SELECT count(*) FROM bill b WHERE b.state IN ('refunding', 'refunded')"
        " AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_id = b.id)"
    ),
    "bill_waits_for_a_settlement_under_way": (
        "SELECT count(*) FROM bill b WHERE b.state = 'settling' AND NOT EXISTS (SELECT 1 FROM settlement s"
        " WHERE s.split_id = b.split_id AND s.state IN ('due', 'settling', 'unknown'))"
    ),
    "insured_bill_is_paid_by_a_settlement": (
        "SELECT count(*) FROM bill b JOIN split p ON p.id = b.split_id WHERE b.state = 'paid' AND p.source = 'insurer'"
        " AND NOT EXISTS (SELECT 1 FROM settlement s WHERE s.split_id = p.id AND s.state = 'settled')"
    ),
    "partly_refunded_bill_is_settled_for_the_rest": (
        "SELECT count(*) FROM bill b JOIN split p ON p.id = b.split_id WHERE b.state = 'partly_refunded'"
        " AND p.source = 'insurer' AND NOT EXISTS (SELECT 1 FROM settlement s WHERE s.state = 'settled'"
        " AND (s.split_id = p.id OR s.root_split_id = p.id)) AND NOT EXISTS (SELECT 1 FROM refund r"
        " WHERE r.bill_id = b.id AND r.state IN ('reversing', 'resettling'))"
    ),
    "cash_goes_after_the_insurers_answer": (
        "SELECT count(*) FROM refund r JOIN bill b ON b.id = r.bill_id JOIN settlement s"
        " ON (s.split_id = b.split_id OR s.root_split_id = b.split_id) WHERE r.ends_bill AND r.state IN"
        " ('sent', 'succeeded') AND s.state IN ('settling', 'unknown', 'settled', 'reversing', 'taking_back',"
        " 'doubtful', 'stuck')"
    ),
    "no_payer_gets_back_less_than_nothing": (
        "SELECT count(*) FROM refund WHERE fund_fen < 0 OR other_fen < 0 OR account_fen < 0 OR amount_fen < 0"
    ),
    "one_refund_at_the_insurer_per_bill": (
        "SELECT count(*) FROM (SELECT bill_id FROM refund WHERE state IN ('reversing', 'resettling')"
        " GROUP BY bill_id HAVING count(*) > 1) doubled"
    ),
    "lines_give_back_what_their_refunds_say": (
        "SELECT count(*) FROM bill_line l LEFT JOIN (SELECT r.bill_id, p.line_no, sum(p.quantity) AS quantity,"
        " sum(p.fund_fen) AS fund, sum(p.other_fen) AS other, sum(p.account_fen) AS account, sum(p.cash_fen) AS cash"
        " FROM refund_line p JOIN refund r ON r.id = p.refund_id GROUP BY r.bill_id, p.line_no) back"
        " ON back.bill_id = l.bill_id AND back.line_no = l.line_no"
        " WHERE l.refunded_quantity <> coalesce(back.quantity, 0) OR l.refunded_fund_fen <> coalesce(back.fund, 0)"
        " OR l.refunded_other_fen <> coalesce(back.other, 0) OR l.refunded_account_fen <> coalesce(back.account, 0)"
        " OR l.refunded_cash_fen <> coalesce(back.cash, 0)"
    ),
    "refund_is_the_sum_of_its_lines": (
        "SELECT count(*) FROM refund r JOIN (SELECT refund_id, sum(fund_fen) AS fund, sum(other_fen) AS other,"
        " sum(account_fen) AS account, sum(cash_fen) AS cash FROM refund_line GROUP BY refund_id) p"
        " ON p.refund_id = r.id WHERE r.amount_fen <> p.cash OR r.fund_fen <> p.fund OR r.other_fen <> p.other"
        " OR r.account_fen <> p.account"
    ),
    "refund_claim_is_decided_by_another": (
        "SELECT count(*) FROM refund_claim"
        " WHERE decided_by = asked_by OR (state = 'granted') <> (refund_id IS NOT NULL)"
    ),
    "one_open_bill_for_one_thing": (
        "SELECT count(*) FROM (SELECT purpose, subject_id FROM bill WHERE state IN ('open', 'settling')"
        " GROUP BY purpose, subject_id HAVING count(*) > 1) AS doubled"
    ),
    "window_order_has_its_entry": (
        "SELECT count(*) FROM payment_order o WHERE o.provider = 'window' AND o.paid_fen <>"
        " (SELECT coalesce(sum(e.amount_fen), 0) FROM cashier_entry e"
        " WHERE e.payment_order_id = o.id AND e.refund_id IS NULL)"
    ),
    "window_refund_is_handed_back_as_it_is_told": (
        "SELECT count(*) FROM refund r JOIN payment_order o ON o.id = r.payment_order_id WHERE o.provider = 'window'"
        " AND (CASE WHEN r.state = 'succeeded' THEN r.amount_fen ELSE 0 END) <>"
        " (SELECT coalesce(sum(-e.amount_fen), 0) FROM cashier_entry e WHERE e.refund_id = r.id)"
    ),
    "closed_drawer_is_worked_out_from_its_entries": (
        "SELECT count(*) FROM cashier_shift s WHERE s.state = 'closed' AND s.expected_fen <> s.float_fen +"
        " (SELECT coalesce(sum(e.amount_fen), 0) FROM cashier_entry e WHERE e.shift_id = s.id AND e.method = 'cash')"
    ),
}
